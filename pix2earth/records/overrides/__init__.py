"""What an experiment states about the fields of its dataset instead of the manifest."""

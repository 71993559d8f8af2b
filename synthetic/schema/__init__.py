"""What may stand in the files that configure synthetic data."""

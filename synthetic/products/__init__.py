"""Products on disk: generated, derived, verified and drawn."""

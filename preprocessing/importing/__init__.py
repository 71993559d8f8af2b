"""Datasets from a user's own files in any format: found by patterns, matched, looked at, split, tiled and written."""

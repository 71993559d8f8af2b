"""Samples on disk: the manifest of a dataset and the format of its records."""

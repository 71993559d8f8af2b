"""Datasets on disk: manifest, record format, index, splits, leaks, and the writer of datasets."""

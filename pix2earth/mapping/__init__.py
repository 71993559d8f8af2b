"""Georeferenced inference: a network predicts a scene in overlapping windows, which are blended into one raster."""

"""Distances of the distributions of targets and predictions: no image is compared with the target of its own place."""

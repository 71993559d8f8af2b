"""Scores of samples, of regions of samples, and of runs; statistics over them."""

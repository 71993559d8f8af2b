"""Scores of samples, regions and runs."""

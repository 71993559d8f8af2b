"""Baselines: predictions that cost no training."""

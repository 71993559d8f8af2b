"""Baselines: predictions that cost no training, for scores, tables and comparison."""

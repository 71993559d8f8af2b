"""Splits of a dataset into train, val and test, and the check that they share no ground."""

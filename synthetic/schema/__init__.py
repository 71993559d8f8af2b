"""Schemas of the configuration files of synthetic data."""

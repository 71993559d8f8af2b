"""Synthetic products on disk."""

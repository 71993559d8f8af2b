"""Masks that users draw: polygons in vector files."""

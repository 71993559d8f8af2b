"""Cutting tiles from scenes, and writing them as datasets (steps 40 and 50)."""

"""Panels of figures: their contrast, their places, and how they are painted."""

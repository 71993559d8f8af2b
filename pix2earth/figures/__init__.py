"""Figures: sample images, contact sheets, plots, network diagrams."""

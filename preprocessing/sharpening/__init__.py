"""Datasets for sharpening: coarse bands of a scene, its fine bands as a guide, all averaged (Wald's protocol)."""

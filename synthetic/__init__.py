"""Synthetic data: simulated scenes, sensors and clouds, of which land cover, clouds and noise are known."""

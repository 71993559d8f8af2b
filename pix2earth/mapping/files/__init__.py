"""Prediction of files of images in any format: one by one, or as the time steps of a series."""

"""Figures for publications: of runs, of scores of images, of bands and of stored tiles. Functions return a figure."""

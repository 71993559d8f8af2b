"""The bands of a network's input in rasters."""

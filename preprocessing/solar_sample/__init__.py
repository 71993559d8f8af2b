"""The real image of the Sun in ``samples/``: a dataset of its own averages, and the figure of a prediction of it."""

"""What metrics get from a dataset, and figures of a whole set of samples."""

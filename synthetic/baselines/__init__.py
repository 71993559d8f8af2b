"""What needs no training: scores of trivial baselines on the test split of a dataset of the made-up Earth."""

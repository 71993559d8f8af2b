"""Published PyTorch checkpoints become runs, which can be evaluated, resumed and used for maps."""

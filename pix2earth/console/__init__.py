"""Output on the terminal: progress bars, messages, and the log of a run."""

"""Training: the loop, the step on all devices, checkpoints, the journal, the queue."""

"""Training of a run: the loop, one step on all devices, checkpoints, the journal, validation, the queue."""

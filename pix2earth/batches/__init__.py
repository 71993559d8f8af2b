"""Batches as networks get them, a function of seed and step: order, augmentation, scaling, time steps."""

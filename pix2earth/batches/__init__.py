"""What a training step sees, as a function of seed and step: order, augmentation, scaling, time steps."""

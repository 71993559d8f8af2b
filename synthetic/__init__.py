"""A made-up Earth: latent scenes, sensors and clouds, for data whose truth is known."""

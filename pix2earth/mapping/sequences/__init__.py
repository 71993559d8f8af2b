"""Scenes of several dates for networks that carry a state from one time step to the next."""

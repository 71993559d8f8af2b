"""Observing the ground: clouds, optics, radar, and the steps of a sensor."""

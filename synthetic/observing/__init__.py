"""Observation of the ground: clouds, optical sensors, radar, and the processing steps of a sensor."""

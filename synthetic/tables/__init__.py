"""Land covers and sensors, as tables."""

"""Tables of land covers and sensors."""

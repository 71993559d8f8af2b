"""Files of images in the formats that users have: recognised by their content, read as arrays with what they state."""

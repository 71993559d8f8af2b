"""Building blocks that plug-ins share, written with keras and keras.ops; import them from their modules."""

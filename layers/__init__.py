"""Building blocks that plug-ins share, written with keras and keras.ops; import from the module you need."""

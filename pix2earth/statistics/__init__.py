"""Statistics of paired scores: tiles of one scene or block are not independent, so blocks are what is resampled."""

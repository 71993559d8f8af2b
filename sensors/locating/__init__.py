"""Where products lie on a disk."""

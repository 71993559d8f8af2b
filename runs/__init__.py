"""Runs: their folders, checkpoints, journal, pictures, plug-in and devices."""

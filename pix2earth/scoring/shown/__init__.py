"""Samples as figures show them: input, target, prediction, baseline, and their scores."""

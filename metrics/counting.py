"""The former name of `metrics.masking`, for metrics that import it."""

from metrics.masking import apply_mask as counted
from metrics.masking import mean, whole_windows

__all__ = ["counted", "mean", "whole_windows"]

"""All baselines that fit a dataset by its manifest, for tables beside a network."""

from __future__ import annotations

import numpy as np

from pix2earth.baselines import choice, injection
from pix2earth.baselines.samples import BaselineSet, Predictor, Sample
from pix2earth.baselines.upsampling import back_projected
from pix2earth.records.degradation import degraded
from pix2earth.records.listing import Listing


def standard_baselines(listing: Listing, fitted_to: Listing) -> BaselineSet:
    """Return the baseline of evaluations, and those that are related to it, from the easiest to the hardest to beat.

    Args:
        listing: of the dataset that is scored.
        fitted_to: of the one whose training split weights are fitted to.

    Returns:
        A set without predictors where the input lacks the target's bands.

    Raises:
        UserError: a record is damaged.
    """
    manifest = listing.manifest
    chosen = choice.choose(manifest)
    if chosen is None:
        return BaselineSet({})
    predictors: dict[str, Predictor] = {chosen.name: lambda sample: _of_batch(chosen, sample)}
    degradation, bands = manifest.degradation, manifest.shared_bands
    if chosen.name != "bicubic" or degradation is None or bands is None:
        return BaselineSet(predictors)

    def coarse(sample: Sample) -> np.ndarray:
        image = sample.fields[manifest.input][..., bands]
        return image if image.shape[:2] == size else degraded(image, degradation).astype(np.float32)

    def observe(fine: np.ndarray) -> np.ndarray:
        return degraded(fine, degradation).astype(np.float32)

    size = degradation.size(manifest.fields[manifest.target].size)
    predictors["back-projection"] = lambda sample: back_projected(coarse(sample), degradation.factor, observe)
    weights = injection.fitted(fitted_to) if manifest.guide else None
    if weights is not None:
        guide = str(manifest.guide)
        predictors["injection"] = lambda sample: injection.injected(
            coarse(sample), sample.fields[guide], weights, degradation
        )
    return BaselineSet(predictors)


def _of_batch(baseline: choice.Baseline, sample: Sample) -> np.ndarray:
    """Return the prediction of a sample by a baseline of batches."""
    return np.asarray(baseline.predict(*(sample.fields[name][None] for name in baseline.fields)))[0]

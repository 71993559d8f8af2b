"""Trivial answers by name."""

from __future__ import annotations

from pix2earth.baselines import suitability
from pix2earth.baselines.answers.answer import Answer
from pix2earth.baselines.answers.fitted import LinearFit, RadarRegression
from pix2earth.baselines.answers.resampling import BackProjectionAnswer, BicubicAnswer
from pix2earth.baselines.answers.time_series import LinearInTime, NearestClear
from pix2earth.records.manifest import Manifest

ANSWERS: dict[str, type[Answer]] = {
    kind.kind: kind
    for kind in (BicubicAnswer, BackProjectionAnswer, LinearFit, LinearInTime, NearestClear, RadarRegression)
}


def build(kind: str, manifest: Manifest, size: tuple[int, int]) -> Answer:
    """Return a trivial answer for a dataset.

    Args:
        kind: one of ``suitability.KINDS``.
        manifest: of the dataset.
        size: height and width of the network's images.

    Raises:
        Unsuitable: the dataset lacks what it needs.
    """
    suitability.check(kind, manifest, size)
    return ANSWERS[kind](manifest, size)

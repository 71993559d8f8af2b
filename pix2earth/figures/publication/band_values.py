"""Values of all bands at pixels of targets and predictions, for the figure of correlations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import tensorflow as tf

from pix2earth.batches.preparation import physical, valid_pixels
from pix2earth.batches.time_steps import separate
from pix2earth.figures.publication.correlations import PIXELS
from pix2earth.scoring import regions

if TYPE_CHECKING:
    from pix2earth.scoring.scorer import Scorer


def of_samples(scorer: Scorer, split: str, names: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Return tables with one row for each pixel and one column for each band of the target, in physical units.

    They are "target" and "prediction" at the valid pixels. Where the manifest names a ``score_by`` mask, they are
    "target inside" and "prediction inside" of it, and "target outside"; one of them is missing where it has no pixel.
    Time steps are put together. Of more than ``PIXELS`` pixels about so many are drawn, the same ones at each call.

    Args:
        scorer: of a network.
        split: of the samples.
        names: of the samples.

    Raises:
        UserError: a record is damaged.
    """
    experiment, steps = scorer.experiment, scorer.target.time_steps or 1
    size = experiment.IMG_HEIGHT, experiment.IMG_WIDTH
    share = PIXELS / max(1, len(names) * size[0] * size[1] * steps)
    numbers = np.random.default_rng(0)
    found: dict[str, list[np.ndarray]] = {}
    for group, batch in scorer.batches(split, names):
        asked = np.repeat([name is not None for name in group], steps)
        drawn = asked[:, None, None] & (numbers.random((len(asked), *size)) < share)
        for title, values, places in _of_batch(scorer, batch):
            found.setdefault(title, []).append(values[drawn & places])
    tables = {title: pd.DataFrame(np.concatenate(parts), columns=scorer.target.bands) for title, parts in found.items()}
    return {title: table for title, table in tables.items() if len(table)}


def _of_batch(scorer: Scorer, batch: dict[str, tf.Tensor]) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield titles with values (image, height, width, band) and the places (image, height, width) that are shown.

    An image is a time step of a sample.
    """
    experiment, field = scorer.experiment, scorer.target
    fields, prediction = scorer.forward(batch)
    target, predicted = (
        np.asarray(separate(physical(values, field, experiment), field.time_steps))
        for values in (fields["target"], prediction)
    )
    valid = regions.by_time_step(valid_pixels(batch, experiment), field.time_steps)
    if mask := experiment.manifest.score_by:
        inside, outside = regions.masks(fields[mask], field.time_steps, valid).values()
        yield "target inside", target, np.asarray(inside)
        yield "prediction inside", predicted, np.asarray(inside)
        yield "target outside", target, np.asarray(outside)
        return
    everywhere = np.ones(target.shape[:3], bool) if valid is None else np.asarray(valid)
    yield "target", target, everywhere
    yield "prediction", predicted, everywhere

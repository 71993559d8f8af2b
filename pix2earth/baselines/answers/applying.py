"""Trivial answers for prepared batches, and those that evaluations compute beside a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import tensorflow as tf

from pix2earth.baselines.answers.answer import Answer, FittedAnswer
from pix2earth.baselines.answers.building import build
from pix2earth.baselines.answers.fitting import fit
from pix2earth.baselines.suitability import UNKNOWN_DATE, suitable, undated_kinds
from pix2earth.batches.preparation import physical

if TYPE_CHECKING:
    from experiment import Experiment
    from pix2earth.records.listing import Listing


class BesideNetwork(NamedTuple):
    """A trivial answer with its weights.

    Attributes:
        name: ends the columns of its scores.
        answer: the trivial answer.
        weights: of it.
    """

    name: str
    answer: Answer
    weights: tuple[tf.Tensor, ...]


def applied(
    answer: Answer, fields: Mapping[str, tf.Tensor], experiment: Experiment, weights: Sequence[tf.Tensor] = ()
) -> tf.Tensor:
    """Return a trivial answer in physical units.

    Args:
        answer: the trivial answer.
        fields: prepared fields of a batch, in the values of the network, with ``input_image``.
        experiment: its manifest and ``NORMALIZE`` say what these values mean.
        weights: of the answer.
    """
    described = experiment.manifest.fields
    further = {
        name: physical(tf.cast(fields[name], tf.float32), described[name], experiment)
        if described[name].kind == "image"
        else fields[name]
        for name in answer.fields
    }
    image = physical(tf.cast(fields["input_image"], tf.float32), described[experiment.manifest.input], experiment)
    return answer(image, further, weights)


def beside_network(
    experiment: Experiment, fitted_to: Listing, known: Sequence[str], report: Callable[[str], None]
) -> list[BesideNetwork]:
    """Return the trivial answers that fit an experiment's dataset, fitted where they have weights.

    Args:
        experiment: whose test samples are scored.
        fitted_to: the dataset whose training split weights are fitted to.
        known: names of baselines that are computed already.
        report: receives a line where weights cannot be fitted, or the date of the target is not known.

    Raises:
        UserError: a record of the training split is damaged.
    """
    manifest, size = experiment.manifest, (experiment.IMG_HEIGHT, experiment.IMG_WIDTH)
    if experiment.NORMALIZE == "l2":  # images of unit norm have no physical units
        return []
    if undated := undated_kinds(manifest, size):
        without = " and ".join(kind.replace("_", "-") for kind in undated)
        report(f"{fitted_to.folder}: {without} cannot be computed: {UNKNOWN_DATE}")
    found = []
    for kind in suitable(manifest, size):
        name, answer = kind.replace("_", "-"), build(kind, manifest, size)
        if name in known:
            continue
        weights: tuple[tf.Tensor, ...] = ()
        if isinstance(answer, FittedAnswer):
            names = fitted_to.names("train")
            if not names:
                report(f"{fitted_to.folder}: has no training samples, so {name} is not computed")
                continue
            weights = (tf.constant(fit(answer, fitted_to, names).weights),)
        found.append(BesideNetwork(name, answer, weights))
    return found

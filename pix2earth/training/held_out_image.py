"""The sample image of a training: a few held-out samples, always the same, with the panels of the plug-in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pix2earth.figures import sample_image
from pix2earth.plugins import state
from pix2earth.scoring.shown.samples import shown
from pix2earth.settings import atomic
from pix2earth.training.validation import spread

if TYPE_CHECKING:
    from pix2earth.runs.origin import Origin
    from pix2earth.training.journal import Journal
    from pix2earth.training.validation import Validation


def draw(validation: Validation, origin: Origin, journal: Journal | None, *, write: bool) -> None:
    """Draw the sample image of a step; the random numbers of training are unchanged.

    Args:
        validation: of the run; its samples are drawn.
        origin: of the networks, written into the image.
        journal: receives the image too, for TensorBoard.
        write: False on machines that must take part in predicting, but do not write.
    """
    scorer, experiment = validation.scorer, validation.scorer.experiment
    names = spread(validation.candidates, sample_image.SAMPLES)
    with state.kept(validation.gan):
        images = shown(
            scorer, validation.split, names, with_panels=True, with_baseline=scorer.paired, with_scores=scorer.paired
        )
    if not write:
        return
    path = experiment.output.sample(origin.step)
    caption = f"{experiment.output.run_name}, step {origin.step}, {validation.selection.split}"
    caption += "" if scorer.paired else ", targets of other places"
    sample_image.draw(
        experiment.manifest, names, images, path, caption, text=origin.tags(), physical=experiment.NORMALIZE != "l2",
        paired=scorer.paired,
    )  # fmt: skip
    atomic.copy(path, experiment.output.latest_sample)
    if journal:
        journal.image(origin.step, path)

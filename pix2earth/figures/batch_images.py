"""Sample images of every batch of a split: its first tiles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pix2earth.figures import sample_image
from pix2earth.records.manifest import Field, Manifest
from pix2earth.scoring.shown.samples import shown
from pix2earth.settings.errors import UserError, nearest

if TYPE_CHECKING:
    from pix2earth.scoring.scorer import Scorer

Bands = Sequence[str] | None


def draw(
    scorer: Scorer,
    split: str,
    step: int,
    *,
    tiles: int = sample_image.SAMPLES,
    input_rgb: Bands = None,
    target_rgb: Bands = None,
) -> list[Path]:
    """Draw input, baseline, prediction, target and error of the first tiles of every batch; return the paths.

    They are ``<experiment>/test/<timestamp>/<batch>.png``, counted from 0; those of earlier calls are replaced.

    Args:
        scorer: of a trained network.
        split: "val" or "test".
        step: of the checkpoint, for the caption.
        tiles: number of tiles of a batch; a batch with fewer shows all.
        input_rgb: names of the input's bands shown as red, green and blue; None: those of the dataset's manifest.
        target_rgb: the same for target and prediction.

    Raises:
        UserError: a band does not exist.
    """
    experiment = scorer.experiment
    manifest = _with_bands(experiment.manifest, input_rgb, target_rgb)
    names, size = scorer.dataset.names(split), experiment.BATCH_SIZE
    folder = experiment.output.test_images
    text = scorer.origin.tags() if scorer.origin else None
    paths = []
    for number, first in enumerate(range(0, len(names), size)):
        chosen = names[first : first + min(tiles, size)]
        images = shown(scorer, split, chosen, with_baseline=True, with_scores=True)
        path = folder / f"{number}.png"
        caption = f"{experiment.output.run_name}, step {step}, {split}, batch {number}"
        sample_image.draw(manifest, chosen, images, path, caption, text=text, physical=experiment.NORMALIZE != "l2")
        paths.append(path)
    for path in set(folder.glob("*.png")) - set(paths):
        path.unlink()  # drawn earlier, for a longer split
    return paths


def _with_bands(manifest: Manifest, input_rgb: Bands, target_rgb: Bands) -> Manifest:
    """Return the manifest with other RGB bands of input and target."""
    fields = dict(manifest.fields)
    for role, bands in ((manifest.input, input_rgb), (manifest.target, target_rgb)):
        if bands is not None:
            fields[role] = _with_rgb(role, fields[role], list(bands))
    return manifest.model_copy(update={"fields": fields})


def _with_rgb(name: str, field: Field, bands: list[str]) -> Field:
    """Return a field with other RGB bands.

    Raises:
        UserError: the field has no such band.
    """
    for band in bands:
        if band not in field.bands:
            raise UserError(f"bands of {name}: there is no '{band}'{nearest(band, field.bands)}")
    return field.model_copy(update={"rgb": bands})

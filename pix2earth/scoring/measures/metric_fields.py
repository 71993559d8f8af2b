"""What metrics get besides target and prediction: their scale, fields of the dataset by name, and the input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import tensorflow as tf

from metrics import HIDES, PROTOCOLS, Scale, further_fields
from metrics.superresolution.judges import BORDER
from pix2earth.baselines.suitability import coarser, own_size
from pix2earth.batches.preparation import physical
from pix2earth.settings.errors import UserError, nearest
from sensors import lexicon

if TYPE_CHECKING:
    from experiment import Experiment
    from pix2earth.records.manifest import Field, Manifest

GREEN_RED_INFRARED = (560.0, 665.0, 842.0)
"""Wavelengths in nm."""
BRIGHTEST = 2.5
"""The largest value of reflectance; targets whose range ends above it hold something else, such as digital numbers."""
BANDS, ALL_BANDS = 13, ("uncrtaints", "allclear")
"""Number of bands of the protocols of all bands, and these protocols."""
INPUT, COARSE_INPUT, HIDDEN = "input_image", "coarse_input", "hidden"
"""The input on the grid of the target; in its own pixels, in the bands of the target; the mask of what is hidden."""


def scale(experiment: Experiment) -> Scale:
    """Return range, ratio, RGB bands and pixel size of an experiment's target, as metrics get them."""
    manifest = experiment.manifest
    source, target = manifest.fields[manifest.input], manifest.fields[manifest.target]
    ratio = 1.0 / manifest.ratio if source.gsd and target.gsd else None
    pixel = target.gsd and target.gsd * target.size[0] / experiment.IMG_HEIGHT
    if experiment.NORMALIZE == "l2":
        # Unit-norm images cannot be converted to physical units; their values are at most 1.
        return Scale(1.0, ratio, target.rgb_indices, gsd=pixel, green_red_infrared=_green_red_infrared(target))
    low, high = target.bounds
    return Scale(max(high) - min(low), ratio, target.rgb_indices, min(low), pixel, _green_red_infrared(target))


def _green_red_infrared(target: Field) -> tuple[int, int, int] | None:
    """Return the indices of these bands of a target in reflectance, or None where one is not known."""
    if target.units not in ("", "1"):
        return None
    nearest_bands = lexicon.nearest_bands(target.bands, GREEN_RED_INFRARED)
    return None if nearest_bands is None else (nearest_bands[0], nearest_bands[1], nearest_bands[2])


def named(metrics: Sequence[str], experiment: Experiment) -> list[str]:
    """Return the fields that metrics name in addition to target and prediction.

    Raises:
        UserError: the dataset has no such field.
    """
    fields = experiment.manifest.fields
    for metric in metrics:
        for name in further_fields(metric):
            if name not in fields and name not in (INPUT, COARSE_INPUT, HIDDEN):
                raise UserError(
                    f"{experiment.file}: metrics: {metric} asks for the field '{name}'{nearest(name, fields)};"
                    f" the dataset has {', '.join(fields)}"
                )
    return sorted({name for metric in metrics for name in further_fields(metric)})


def why_undefined(metric: str, experiment: Experiment) -> str | None:
    """Return why a metric is undefined for a dataset because a field does not exist there; None where it does."""
    if COARSE_INPUT in further_fields(metric):
        return why_no_coarse_input(experiment)
    return _why_no_protocol(metric.rpartition("_")[2], experiment) if metric in PROTOCOLS else None


def _why_no_protocol(protocol: str, experiment: Experiment) -> str | None:
    """Return why a protocol of cloud removal does not fit a dataset, or None where it fits."""
    target = experiment.manifest.fields[experiment.manifest.target]
    if experiment.NORMALIZE == "l2":
        return "images of unit norm have no physical units"
    if target.units not in ("", "1") or max(target.bounds[1]) > BRIGHTEST:
        return (
            f"the protocol is that of reflectance, and the target is in '{target.units}' with values up to"
            f" {max(target.bounds[1]):g} (valid_range in dataset.json)"
        )
    if protocol == "gapfill" and hidden_field(experiment.manifest) is None:
        return "dataset.json names no mask of what is hidden (score_by or input_mask)"
    if protocol == "sen2mtc" and (len(target.bands) < 3 or (not target.rgb and len(target.bands) > 3)):
        return "the protocol is that of red, green and blue; state 'rgb' of the target in dataset.json"
    return None


def remarks(metrics: Sequence[str], experiment: Experiment) -> list[str]:
    """Return a line for each protocol among the metrics that says what it hides, and how the dataset differs."""
    bands = len(experiment.manifest.fields[experiment.manifest.target].bands)
    lines = []
    for protocol, hides in HIDES.items():
        if any(name in PROTOCOLS and name.endswith(f"_{protocol}") for name in metrics):
            fewer = f"; it is published for {BANDS} bands, and the target has {bands}"
            lines.append(f"{protocol}: {hides}{fewer if protocol in ALL_BANDS and bands != BANDS else ''}")
    return lines


def why_no_coarse_input(experiment: Experiment) -> str | None:
    """Return why a dataset has no input that is the target in coarser pixels, or None where it has."""
    manifest, size = experiment.manifest, (experiment.IMG_HEIGHT, experiment.IMG_WIDTH)
    source, target = manifest.fields[manifest.input], manifest.fields[manifest.target]
    if experiment.NORMALIZE == "l2":
        return "images of unit norm have no physical units"
    if source.time_steps or target.time_steps:
        return "input or target has time steps"
    if manifest.shared_bands is None:
        return "the input lacks bands of the target"
    if source.units != target.units:
        return f"the input is in '{source.units}' and the target in '{target.units}'"
    if size != target.size:
        return "the network's images have not the pixels of the target; leave out img_height and img_width"
    rows, columns = own_size(manifest, size)
    factor = size[0] // rows
    if not coarser(manifest) or (rows, columns) == size:
        return "the input is not coarser than the target"
    if (rows * factor, columns * factor) != size:
        return f"the target's {size[0]} x {size[1]} pixels are no whole multiple of the input's {rows} x {columns}"
    few = BORDER // factor
    if min(rows, columns) <= 2 * few:
        return f"tiles of {size[0]} x {size[1]} pixels have nothing left without the border of {few * factor} pixels"
    return None


def physical_fields(
    prepared: Mapping[str, tf.Tensor], names: Sequence[str], experiment: Experiment
) -> dict[str, tf.Tensor]:
    """Return fields as metrics get them: images in physical units, the others as they are.

    Args:
        prepared: fields of a batch in the values of the network.
        names: of ``named``.
        experiment: its manifest describes them.
    """
    manifest = experiment.manifest
    found = {}
    for name in names:
        if name == HIDDEN:
            if (hidden := hidden_field(manifest)) is not None:
                found[name] = tf.cast(prepared[hidden], tf.float32)
        elif name != COARSE_INPUT:
            found[name] = _physical(prepared[name], field(name, experiment), experiment)
        elif why_no_coarse_input(experiment) is None:
            bands = tf.gather(
                _physical(prepared[INPUT], field(INPUT, experiment), experiment), manifest.shared_bands, axis=-1
            )
            size = own_size(manifest, (experiment.IMG_HEIGHT, experiment.IMG_WIDTH))
            found[name] = bands if tuple(bands.shape[1:3]) == size else tf.image.resize(bands, size, method="area")
    return found


def field(name: str, experiment: Experiment) -> Field:
    """Return the description of a field that metrics name, where it is on the grid of the target."""
    manifest = experiment.manifest
    if name == HIDDEN:
        name = str(hidden_field(manifest))
    return manifest.fields[manifest.input if name in (INPUT, COARSE_INPUT) else name]


def hidden_field(manifest: Manifest) -> str | None:
    """Return the mask of what is hidden in the input (not 0), ``score_by`` or what plug-ins get as ``input_mask``."""
    return manifest.score_by or manifest.hidden_field


def _physical(values: tf.Tensor, described: Field, experiment: Experiment) -> tf.Tensor:
    return physical(tf.cast(values, tf.float32), described, experiment) if described.kind == "image" else values

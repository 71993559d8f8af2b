"""Series: a network that reads several time steps fills what is hidden in each of them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pix2earth.image_files.image_file import ImageFile
from pix2earth.image_files.writing import write_image_file
from pix2earth.mapping.files.days import OF_DAYS, days_of
from pix2earth.mapping.files.file_scene import stored_pixels
from pix2earth.mapping.files.frames import Frame, check_written, masks_of, series_of
from pix2earth.mapping.files.jobs import FileOptions, image_files
from pix2earth.mapping.files.outputs import check_distinct, new_image, stem_of, suffix_for
from pix2earth.mapping.files.predicting import Remarks, open_folder, opened_network, predicted_values
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from experiment import Experiment
    from pix2earth.mapping.inference import Network
    from pix2earth.records.manifest import Manifest
    from pix2earth.runs.origin import Origin

SHOWN = 6
"""Number of dates in a preview."""


class SeriesPixels(NamedTuple):
    """A series in memory.

    Attributes:
        stored: float32 ``(date, height, width, band)`` as the dataset stores the input, NaN where missing.
        hidden: bool ``(date, height, width)``, where a mask hides pixels or they are missing.
        times: of each date, ISO 8601; "" where unknown.
    """

    stored: np.ndarray
    hidden: np.ndarray
    times: list[str]


def predict_series(source: Path, files: Sequence[ImageFile], experiment: Experiment, options: FileOptions) -> None:
    """Fill the series in a folder; see ``choosing.predict_files``.

    Raises:
        UserError: a series is too short, has no masks, or does not fit the network.
    """
    from pix2earth.console.progress import tracked

    if options.fields:
        raise UserError(f"--field {next(iter(options.fields))}: of a series, its masks are given by --mask FOLDER")
    check_written(options.dates)
    checked_position(experiment.manifest, options.position)
    series = series_of(source, files, options.dates)
    masks: dict[str, list[Frame]] = {}
    if options.mask:
        of_masks = series_of(options.mask, image_files(options.mask, "--mask "), options.dates, "--mask ")
        masks = masks_of(series, of_masks, f"--mask {options.mask}")
    steps = experiment.manifest.fields[experiment.manifest.input].time_steps or 1
    for place, frames in series.items():
        if len(frames) < steps:
            raise UserError(f"--input {source}: '{place}' has {len(frames)} dates; the network reads {steps} at once")
    network, origin = opened_network(experiment, options, fields_read(experiment, masks=bool(masks)))
    if any(name in network.further for name in OF_DAYS):
        check_dated(frame for frames in series.values() for frame in frames)
    places = {place: _outputs(place, frames, options) for place, frames in series.items()}
    folder = open_folder(network, origin, options)
    folder.begin()
    if not keeps_observed(network):
        print("the target has other pixels or bands than the input: all pixels are predicted", file=sys.stderr)
    for place, frames in series.items():
        sources = [frame.file.path for frame in (*frames, *masks.get(place, ()))]
        if all([folder.has(output, sources) for output in places[place]]):
            print(f"{options.output}: resumed, '{place}' exists")
            continue
        pixels = read(frames, masks.get(place), network)
        windows = tracked(windows_of(pixels, network, options), place, len(frames), "dates")
        filled = fill(pixels, windows, network, frames[0].file, options.overlap)
        write(place, frames, filled, pixels, places[place], network, origin)
    print(f"{options.output}: {len(series)} series, {', '.join(network.target.bands)}")


def fields_read(experiment: Experiment, *, masks: bool) -> set[str]:
    """Return the fields that a series gives, of those that the network reads: one that hides pixels, and days.

    Raises:
        UserError: the network reads a mask, and there are none.
    """
    from pix2earth.mapping.fields import needed, of_start
    from pix2earth.plugins import finding, needs

    manifest = experiment.manifest
    parameters = needs.check(experiment, finding.find(experiment)).parameters.get("predict") or []
    read = needed([*parameters, *of_start(experiment)], manifest)
    hiding = [name for name in read if manifest.fields[name].kind != "image"]
    if hiding and not masks:
        raise UserError(f"--mask: is missing; the network reads '{hiding[0]}', which is not 0 where pixels are hidden")
    return {*hiding[:1], *(name for name in read if name in OF_DAYS)}


def check_dated(frames: Iterable[Frame]) -> None:
    """Make sure that the dates of a series are known.

    Raises:
        UserError: one is not.
    """
    for frame in frames:
        if not frame.time:
            raise UserError(f"{frame.file.path}: has no date, which the network reads; state --dates, as in %Y%m%d")


def read(frames: Sequence[Frame], masks: Sequence[Frame] | None, network: Network) -> SeriesPixels:
    """Return a series with its masks.

    Raises:
        UserError: dates differ in size, or a mask has another size than its date.
    """
    stored = [_step(frame, stored_pixels(frame.file, network.source)) for frame in frames]
    for frame, each in zip(frames, stored, strict=True):
        if each.shape != stored[0].shape:
            sizes = [" x ".join(map(str, size)) for size in (each.shape[:2], stored[0].shape[:2])]
            raise UserError(f"{frame.file.path}: has {sizes[0]} pixels, {frames[0].file.path.name} {sizes[1]}")
    hidden = [~np.isfinite(each).all(axis=-1) for each in stored]
    for number, mask in enumerate(masks or ()):
        numbers = np.asarray(_step(mask, mask.file.array if mask.file.array.ndim == 4 else mask.file.array[None]))
        if numbers.shape[:2] != hidden[number].shape:
            raise UserError(
                f"{mask.file.path}: has {' x '.join(map(str, numbers.shape[:2]))} pixels, its date"
                f" {' x '.join(map(str, hidden[number].shape))}"
            )
        hidden[number] |= (np.nan_to_num(numbers.astype(np.float64)) != 0).any(axis=-1)
    return SeriesPixels(np.stack(stored), np.stack(hidden), [frame.time for frame in frames])


def _step(frame: Frame, array: np.ndarray) -> np.ndarray:
    """Return the time step of a frame, ``(height, width, band)``."""
    return array[frame.step or 0]


def windows_of(pixels: SeriesPixels, network: Network, options: FileOptions) -> list[tuple[list[int], int]]:
    """Return for each date the dates that the network reads for it, and which time step of the target it then is.

    The network gets neighbouring dates. Where its target has as many time steps as its input, the date is in their
    middle; where it has one, this shows the last of them, or as ``--position`` states.

    Args:
        pixels: the series.
        network: with its input and target.
        options: of the user.
    """
    steps, shown = network.source.time_steps or 1, network.target.time_steps or 1
    positions = {"first": 0, "middle": steps // 2, "last": steps - 1}
    found = []
    for date in range(len(pixels.stored)):
        place = steps // 2 if shown == steps else positions[options.position or "last"]
        first = min(max(date - place, 0), len(pixels.stored) - steps)
        window = list(range(first, first + steps))
        if shown == steps:
            found.append((window, date - first))
            continue
        others = [each for each in window if each != date]
        found.append(([*others[:place], date, *others[place:]], max(0, place - (steps - shown))))
    return found


def fill(
    pixels: SeriesPixels,
    windows: Iterable[tuple[list[int], int]],
    network: Network,
    file: ImageFile,
    overlap: float,
) -> np.ndarray:
    """Return the physical values of every date with its hidden pixels filled, float32 ``(date, height, width, band)``.

    What is not hidden is kept as it was observed where the network predicts the bands and pixels of its input. Dates of
    which nothing is hidden are kept then; where nothing is hidden at any date, all are predicted.
    """
    observed = observed_values(pixels, network) if pixels.hidden.any() else None
    results, known, remarks = [], {}, Remarks()
    for date, (window, step) in enumerate(windows):
        if observed is not None and not pixels.hidden[date].any():
            results.append(observed[date])
            continue
        if tuple(window) not in known:
            inputs = _inputs(pixels, window, date, network)
            known = {tuple(window): predicted_values(network, *inputs, file, overlap, remarks)}
        values = known[tuple(window)]
        values = values[step] if values.ndim == 4 else values
        keep = ~pixels.hidden[date][..., None]
        results.append(values if observed is None else np.where(keep, observed[date], values))
    return np.stack(results)


def _inputs(
    pixels: SeriesPixels, window: list[int], date: int, network: Network
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the input of the network for a window of dates, of which one is predicted, and masks and days."""
    further = {}
    for name, field in network.further.items():
        if name in OF_DAYS:
            height, width = pixels.hidden.shape[1:]
            further[name] = days_of(name, field, pixels.times, window, date, (height, width))
            continue
        hidden = pixels.hidden[window][..., None].astype(np.float32)
        further[name] = hidden[-(field.time_steps or 1) :] if (field.time_steps or 1) < len(window) else hidden
    return pixels.stored[window], further


def keeps_observed(network: Network) -> bool:
    """Return whether a network predicts pixels and bands of its input, so that what is not hidden can be kept."""
    return network.geometry.factor == 1 and set(network.target.bands) <= set(network.source.bands)


def observed_values(pixels: SeriesPixels, network: Network) -> np.ndarray | None:
    """Return the physical values that were observed, in the bands of the target; None where it has others."""
    source, target = network.source, network.target
    if not keeps_observed(network):
        return None
    bands = [source.bands.index(band) for band in target.bands]
    return (pixels.stored[..., bands] * source.scale + source.offset).astype(np.float32)


def _outputs(place: str, frames: Sequence[Frame], options: FileOptions) -> list[Path]:
    """Return the outputs of a series: one file, or one for each date in formats of single images.

    Raises:
        UserError: one of them is an input.
    """
    suffix = suffix_for(frames[0].file, options.format or "nc")
    if suffix in (".nc", ".npy") or frames[0].step is not None:
        outputs = {frames[0].file.path: options.output / f"{place}{suffix}"}
    else:
        outputs = {frame.file.path: options.output / f"{stem_of(frame.file.path)}{suffix}" for frame in frames}
    check_distinct(list(outputs.items()))
    return list(outputs.values())


def write(
    place: str,
    frames: Sequence[Frame],
    filled: np.ndarray,
    pixels: SeriesPixels,
    outputs: Sequence[Path],
    network: Network,
    origin: Origin,
) -> None:
    """Write a series with what it was made of, and a preview beside it."""
    share = 100 * pixels.hidden.mean()
    sentence = [f"filled {share:.1f} % of the pixels, which were hidden or missing"] if share else []
    times = [frame.time for frame in frames]
    for number, output in enumerate(outputs):
        several = len(outputs) == 1
        values, of = (filled, times) if several else (filled[number], times[number : number + 1])
        source = frames[0 if several else number].file
        write_image_file(
            output, new_image(values, network, origin, source, times=[t for t in of if t], further=sentence)
        )
    shown = _draw(place, frames, filled, pixels, outputs[0].parent, network)
    left = int(np.isnan(filled).any(axis=-1).sum())
    print(f"{shown}\n{place}: {len(frames)} dates, {share:.1f} % hidden, {left} pixels stay missing")


def _draw(
    place: str, frames: Sequence[Frame], filled: np.ndarray, pixels: SeriesPixels, folder: Path, network: Network
) -> Path:
    """Draw the dates of which most is hidden, but not all: as observed, without what is hidden, and filled."""
    from pix2earth.figures import preview

    path = folder.with_name(f"{folder.name}_{place}_preview.png")
    share = pixels.hidden.mean(axis=(1, 2))
    ranked = sorted(range(len(frames)), key=lambda date: (share[date] < 0.9, share[date]), reverse=True)
    dates = sorted(ranked[:SHOWN])
    observed = observed_values(pixels, network)
    rows = []
    for date in dates:
        hidden = pixels.hidden[date][..., None]
        seen = [] if observed is None else [observed[date], np.where(hidden, np.float32(np.nan), observed[date])]
        rows.append((frames[date].time[:10] or f"step {date + 1}", [*seen, filled[date]]))
    columns = ["filled"] if observed is None else ["observed", "not hidden", "filled"]
    upwards = frames[0].file.format == "FITS"
    return preview.draw_series(columns, rows, network.target, path, place, upwards=upwards)


def checked_position(manifest: Manifest, position: str | None) -> None:
    """Check that ``--position`` has a meaning.

    Raises:
        UserError: the target has several time steps.
    """
    steps = manifest.fields[manifest.target].time_steps or 1
    if position and steps > 1:
        raise UserError(
            f"--position {position}: the network's target has {steps} time steps of its input; leave it out"
        )

"""Step two: what a sensor makes of a product."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from pix2earth.settings.errors import UserError
from synthetic.observing import steps
from synthetic.products import product
from synthetic.schema.derivation import DerivationFile


class DerivationTask(NamedTuple):
    """Some frames of one product: what one process writes."""

    configuration: str
    source: Path
    folder: Path
    frames: tuple[int, ...]


class DerivationOutcome(NamedTuple):
    """What the frames of a derived product have in common: names of the bands, their sensor, metres a pixel."""

    bands: tuple[str, ...]
    sensor: str | None
    gsd: float


def kept(configuration: DerivationFile, index: dict[str, Any]) -> list[int]:
    """Return the numbers of the frames to keep."""
    return [number for number in product.frames_of(index) if number % configuration.temporal_res == 0]


def derived(configuration: DerivationFile, source: Path, index: dict[str, Any], number: int) -> steps.View:
    """Return a frame after all steps.

    Raises:
        ValueError: a step does not fit.
    """
    date, count = product.date_of(index, number), len(index["files"])
    frame = steps.Frame(configuration.seed, index["scene"], number, count, date, index["latitude"])
    return steps.derived(product.read_frame(source, index, number), configuration.steps, frame)


def check(configuration: DerivationFile, path: str, source: Path, index: dict[str, Any]) -> DerivationOutcome:
    """Derive the first frame, and find what does not fit; return what it is like.

    Raises:
        UserError: with the file.
    """
    numbers = kept(configuration, index)
    if not numbers:
        raise UserError(f"{path}: temporal_res: {configuration.temporal_res} leaves no frame of {source}")
    try:
        view = derived(configuration, source, index, numbers[0])
    except ValueError as error:
        raise UserError(f"{path}: steps: {error}") from None
    wanted = configuration.target_size
    if wanted and view.image.shape[:2] != (wanted.height, wanted.width):
        height, width = view.image.shape[:2]
        made, asked = f"{width} x {height}", f"{wanted.width} x {wanted.height}"
        raise UserError(f"{path}: target_size: the steps make {made} pixels, not {asked}")
    return DerivationOutcome(view.bands, view.sensor.name if view.sensor else None, view.gsd)


def write(task: DerivationTask) -> int:
    """Write the frames of a task that are not there yet; return how many frames it has."""
    configuration = DerivationFile.model_validate_json(task.configuration, strict=False)
    index = product.load_index(task.source)
    for number in task.frames:
        if not product.has_frame(task.folder, number):
            view = derived(configuration, task.source, index, number)
            product.write_frame(task.folder, number, view, dtype=index["dtype"])
    return len(task.frames)


def finish(configuration: DerivationFile, folder: Path, index: dict[str, Any], made: DerivationOutcome) -> None:
    """Write the index of a complete product; ``index`` is that of the product it was derived from."""
    numbers = set(kept(configuration, index))
    about = {
        "bands": list(made.bands), "sensor": made.sensor, "gsd": made.gsd,
        "dtype": index["dtype"], "astype": "h5",
        "dates": {str(number): index["dates"][str(number)] for number in sorted(numbers)},
        "scene": index["scene"], "seed": configuration.seed, "latitude": index["latitude"],
    }  # fmt: skip
    origin = {
        "configuration": configuration.model_dump(mode="json", exclude={"product"}),
        "digest": digest(configuration, index), "derived_from": index["digest"],
    }  # fmt: skip
    every = [int(number) for number in sorted(index["files"], key=int)]
    product.finish(folder, [number if number in numbers else None for number in every], about, origin)


def digest(configuration: DerivationFile, index: dict[str, Any]) -> str:
    """Return what identifies a product: its steps and what it was derived from."""
    return product.digest_of(["derive", configuration.model_dump(mode="json", exclude={"product"}), index["digest"]])

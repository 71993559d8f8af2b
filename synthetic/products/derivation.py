"""Derivation of products: the steps of a sensor, applied to the frames of another product."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from pix2earth.settings.errors import UserError
from synthetic.observing import steps
from synthetic.products import product
from synthetic.schema.derivation import DerivationFile


class DerivationTask(NamedTuple):
    """Some frames of one product, which one process writes.

    Attributes:
        configuration: the configuration as JSON.
        source: folder of the product to derive from.
        folder: folder of the new product.
        frames: numbers of the frames.
    """

    configuration: str
    source: Path
    folder: Path
    frames: tuple[int, ...]


class DerivationOutcome(NamedTuple):
    """Properties of all frames of a derived product: names of the bands, their sensor, ground sampling distance (m)."""

    bands: tuple[str, ...]
    sensor: str | None
    gsd: float


def kept_frames(configuration: DerivationFile, index: dict[str, Any]) -> list[int]:
    """Return the numbers of the frames that ``temporal_res`` keeps; ``index`` is that of the source product."""
    return [number for number in product.frame_numbers(index) if number % configuration.temporal_res == 0]


def derive_frame(
    configuration: DerivationFile, source: Path, index: dict[str, Any], number: int
) -> steps.SyntheticFrame:
    """Return a frame of the source product after all steps.

    Raises:
        ValueError: a step does not fit the frame.
    """
    date, count = product.acquisition_time(index, number), len(index["files"])
    context = steps.FrameContext(configuration.seed, index["scene"], number, count, date, index["latitude"])
    return steps.apply_steps(product.read_frame(source, index, number), configuration.steps, context)


def check(configuration: DerivationFile, path: str, source: Path, index: dict[str, Any]) -> DerivationOutcome:
    """Derive the first frame to check the configuration, and return the properties of the derived frames.

    Raises:
        UserError: a step or ``target_size`` does not fit; the message starts with ``path``, the configuration file.
    """
    numbers = kept_frames(configuration, index)
    if not numbers:
        raise UserError(f"{path}: temporal_res: {configuration.temporal_res} leaves no frame of {source}")
    try:
        frame = derive_frame(configuration, source, index, numbers[0])
    except ValueError as error:
        raise UserError(f"{path}: steps: {error}") from None
    target = configuration.target_size
    if target and frame.image.shape[:2] != (target.height, target.width):
        height, width = frame.image.shape[:2]
        expected = f"{target.width} x {target.height}"
        raise UserError(f"{path}: target_size: the steps make {width} x {height} pixels, not {expected}")
    return DerivationOutcome(frame.bands, frame.sensor.name if frame.sensor else None, frame.gsd)


def write(task: DerivationTask) -> int:
    """Write the missing frames of a task; return the number of all its frames."""
    configuration = DerivationFile.model_validate_json(task.configuration, strict=False)
    index = product.load_index(task.source)
    for number in task.frames:
        if not product.has_frame(task.folder, number):
            frame = derive_frame(configuration, task.source, index, number)
            product.write_frame(task.folder, number, frame, dtype=index["dtype"])
    return len(task.frames)


def finish(configuration: DerivationFile, folder: Path, index: dict[str, Any], outcome: DerivationOutcome) -> None:
    """Write the index of a complete product; ``index`` is that of the source product."""
    kept = set(kept_frames(configuration, index))
    properties = {
        "bands": list(outcome.bands), "sensor": outcome.sensor, "gsd": outcome.gsd,
        "dtype": index["dtype"], "astype": "h5",
        "dates": {str(number): index["dates"][str(number)] for number in sorted(kept)},
        "scene": index["scene"], "seed": configuration.seed, "latitude": index["latitude"],
    }  # fmt: skip
    origin = {
        "configuration": configuration.model_dump(mode="json", exclude={"product"}),
        "digest": digest(configuration, index), "derived_from": index["digest"],
    }  # fmt: skip
    numbers = [int(number) for number in sorted(index["files"], key=int)]
    product.finish(folder, [number if number in kept else None for number in numbers], properties, origin)


def digest(configuration: DerivationFile, index: dict[str, Any]) -> str:
    """Return the digest that identifies a product, of its steps and the product it was derived from."""
    return product.digest_of(["derive", configuration.model_dump(mode="json", exclude={"product"}), index["digest"]])

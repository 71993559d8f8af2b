"""What is suspicious in the samples that were read, in lines for the user."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pix2earth.records.field import Field
from preprocessing.importing.planning import ImportPlan

LARGEST = 2.0
"""Reflectance above this is none: the values are digital numbers."""


def suspicions(plan: ImportPlan) -> list[str]:
    """Return a line for everything that looks wrong, each beginning with the field."""
    lines = list(_of_pairs(plan))
    for name, field in plan.manifest.fields.items():
        arrays = plan.arrays.get(name, [])
        if arrays and field.kind == "image":
            lines += [f"{name}: {fault}" for fault in _of_image(plan, name, field, arrays)]
        elif arrays and field.kind == "mask":
            lines += [f"{name}: {fault}" for fault in _of_mask(arrays)]
    lines += list(_of_places(plan))
    return lines


def _of_pairs(plan: ImportPlan) -> Iterator[str]:
    """Yield what is wrong between input and target."""
    source, target = plan.arrays.get(plan.manifest.input, []), plan.arrays.get(plan.manifest.target, [])
    if plan.manifest.pools or plan.manifest.input == plan.manifest.target or not source:
        return
    equal = sum(
        one.shape == other.shape and np.array_equal(one, other) for one, other in zip(source, target, strict=False)
    )
    if equal:
        yield f"{plan.manifest.input}: equals {plan.manifest.target} in {equal} of {len(source)} samples that were read"
    fields = plan.manifest.fields
    if fields[plan.manifest.input].size[0] > fields[plan.manifest.target].size[0]:
        yield (
            f"{plan.manifest.input}: has smaller pixels than {plan.manifest.target}; are --input and --target"
            " interchanged?"
        )
    steps = sum(
        any(np.array_equal(step, other) for step in one) for one, other in zip(source, target, strict=False)
        if one.ndim == 4 and other.ndim == 3 and one.shape[1:] == other.shape
    )  # fmt: skip
    if steps:
        yield f"{plan.manifest.input}: holds the target as a time step in {steps} of {len(source)} samples"


def _of_image(plan: ImportPlan, name: str, field: Field, arrays: list[np.ndarray]) -> Iterator[str]:
    stack = [array.reshape(-1, array.shape[-1]) for array in arrays]
    for index, band in enumerate(field.bands):
        values = [pixels[:, index] for pixels in stack]
        first = values[0][0]
        if all(bool((one == first).all()) for one in values):
            yield f"{band} is {first:g} in every pixel that was read"
    ranges = plan.ranges[name]
    highest = max((one.highest for one in ranges if one.highest == one.highest), default=0.0)
    units = field.units.lower()
    if field.dtype != "uint8" and units in ("1", "") and _stated_reflectance(plan, name) and highest > LARGEST:
        yield (
            f"values up to {highest:g} are no reflectance; digital numbers? state scale (0.0001 for Sentinel-2: --set"
            f" {name}.scale=0.0001)"
        )
    if field.dtype == "uint8" and len(field.bands) >= 3 and _stretched(stack):
        yield "8 bits from 0 to 255 in every image: stretched for display one by one, so that values are not comparable"
    if field.dtype in ("uint16", "int16", "int32", "uint32") and 0 < highest / max(field.scale, 1e-30) <= 255:
        yield f"{field.dtype}, and no number above 255: 8 bits in a larger type?"
    if len(field.bands) > field.size[0]:
        size = f"{field.size[0]} x {field.size[1]}"
        yield f"has {len(field.bands)} bands of {size} pixels: is the order of axes right (axes)?"
    shares = [one.nodata + one.not_finite for one in ranges]
    if max(shares) > 0.5:
        yield f"{max(shares):.0%} of the pixels are no measurement"


def _stated_reflectance(plan: ImportPlan, name: str) -> bool:
    """Return whether bands are those of optical sensors by their names, which measure reflectance."""
    from sensors.lexicon import described

    known = [one for one in described(plan.manifest.fields[name].bands) if one is not None]
    return bool(known) and all(one.quantity == "reflectance" for one in known)


def _stretched(stack: list[np.ndarray]) -> bool:
    return len(stack) > 2 and all(pixels.min() == 0 and pixels.max() == 255 for pixels in stack)


def _of_mask(arrays: list[np.ndarray]) -> Iterator[str]:
    means = {float(array.mean()) for array in arrays}
    if means == {0.0} or means == {1.0}:
        yield f"is {means.pop():g} in every pixel that was read; do ones, bits or above fit?"


def _of_places(plan: ImportPlan) -> Iterator[str]:
    """Yield what is wrong with coordinates and dates."""
    flipped = [tile.name for tile in plan.tiles if tile.crs and tile.transform and tile.transform[4] > 0]
    if flipped:
        count = f"{plan.manifest.target}: {len(flipped)} samples"
        yield f"{count} have their first row in the south: latitude flipped? ({flipped[0]})"
    undated = [tile.name for tile in plan.tiles if not tile.acquired]
    if 0 < len(undated) < len(plan.tiles):
        yield f"{len(undated)} of {len(plan.tiles)} samples have no time of acquisition ({undated[0]})"

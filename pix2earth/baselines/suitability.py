"""Which trivial answers a dataset has: starts of networks, and baselines of evaluations; TensorFlow is not imported."""

from __future__ import annotations

from collections.abc import Callable

from pix2earth.records.manifest import Field, Manifest

DATES = "dates"
"""The field of the days of the year, of a sample or of each time step."""
DAYS_FROM_TARGET = "days_from_target"
"""The field of the days from the target's time of acquisition to that of each time step, negative before it."""
CLOUDS = "cloud_class"
"""A field of classes of each time step of the input; 0 is clear."""
RADAR = {"VV", "VH"}
UNKNOWN_DATE = (
    f"when the target was taken is not known: write the dataset with a field {DAYS_FROM_TARGET}, the days from the"
    f" target to each time step; where it was taken at the last of them, {DATES}, their days of the year, are enough"
)
"""What a dataset lacks whose input alone has time steps."""


class Unsuitable(ValueError):
    """A dataset lacks what a trivial answer needs; the message says what."""


class UnknownDate(Unsuitable):
    """A dataset has all that a trivial answer needs, but it does not say when the target was taken."""


def check(kind: str, manifest: Manifest, size: tuple[int, int]) -> None:
    """Make sure that a dataset has what a trivial answer needs.

    Args:
        kind: one of ``KINDS``.
        manifest: of the dataset.
        size: height and width of the network's images.

    Raises:
        Unsuitable: it has not.
    """
    target = manifest.fields[manifest.target]
    if size != target.size:
        raise Unsuitable(
            f"the network's images have {size[0]} x {size[1]} pixels and the target has {target.size[0]} x"
            f" {target.size[1]}; leave out img_height and img_width"
        )
    KINDS[kind](manifest)


def suitable(manifest: Manifest, size: tuple[int, int]) -> list[str]:
    """Return the trivial answers that fit a dataset, in the order of ``KINDS``."""
    found = []
    for kind in KINDS:
        try:
            check(kind, manifest, size)
        except Unsuitable:
            continue
        found.append(kind)
    return found


def undated_kinds(manifest: Manifest, size: tuple[int, int]) -> list[str]:
    """Return the trivial answers that would fit if it were known when the target was taken."""
    found = []
    for kind in KINDS:
        try:
            check(kind, manifest, size)
        except UnknownDate:
            found.append(kind)
        except Unsuitable:
            continue
    return found


def further_fields(kind: str, manifest: Manifest) -> tuple[str, ...]:
    """Return the fields that a trivial answer reads besides the input."""
    steps, target_steps = (manifest.fields[role].time_steps for role in (manifest.input, manifest.target))
    if kind == "regression":
        return (DATES,) if _holds_days(manifest, None) else ()
    if kind not in ("linear_in_time", "nearest_clear"):
        return ()
    known = [name for name in (DAYS_FROM_TARGET, DATES) if _holds_days(manifest, steps, name)]
    if target_steps and DAYS_FROM_TARGET in known:
        known.remove(DAYS_FROM_TARGET)
    return (_hidden(manifest), *known[:1])


def own_size(manifest: Manifest, size: tuple[int, int]) -> tuple[int, int]:
    """Return height and width of the input's own pixels, which may be repeated on the grid of the target."""
    stored = manifest.fields[manifest.input].size
    height, width = (min(own, int(side / manifest.ratio + 1e-6)) for own, side in zip(stored, size, strict=True))
    return max(height, 1), max(width, 1)


def coarser(manifest: Manifest) -> bool:
    """Return whether the input has coarser pixels than the target."""
    source, target = manifest.fields[manifest.input], manifest.fields[manifest.target]
    return manifest.ratio > 1 or source.size != target.size


def _bicubic(manifest: Manifest) -> None:
    _same_bands(manifest)
    source, target = manifest.fields[manifest.input], manifest.fields[manifest.target]
    if source.time_steps or target.time_steps:
        raise Unsuitable("input and target must have no time steps")
    if not coarser(manifest):
        raise Unsuitable("the input is not coarser than the target; state 'gsd' of both in dataset.json")


def _back_projection(manifest: Manifest) -> None:
    _bicubic(manifest)
    if manifest.degradation is None:
        raise Unsuitable("dataset.json does not state 'degradation', how the input is made from the target")


def _linear_fit(manifest: Manifest) -> None:
    for role in (manifest.input, manifest.target):
        if manifest.fields[role].kind != "image":
            raise Unsuitable(f"{role} is no image")
    if manifest.occlusion:
        raise Unsuitable("the input is made by occlusion, which a fit to the records does not see")
    if manifest.pools:
        raise Unsuitable("input and target of the dataset are no pairs")
    try:
        _filling_in_time(manifest)
    except Unsuitable:
        return
    # A fit is nearly exact there: the mean PSNR of all would be that of the clear ones.
    raise Unsuitable("clear pixels of the target are those of the input; take linear_in_time")


def _linear_in_time(manifest: Manifest) -> None:
    source, target = manifest.fields[manifest.input], manifest.fields[manifest.target]
    if not source.time_steps or target.time_steps:
        _filling_in_time(manifest)
        return
    _same_bands(manifest)
    _hidden(manifest)
    if _holds_days(manifest, source.time_steps, DAYS_FROM_TARGET):
        return
    if _holds_days(manifest, source.time_steps):
        raise Unsuitable("the target was taken at the last time step, and none is after it; take nearest_clear")
    raise UnknownDate(UNKNOWN_DATE)


def _filling_in_time(manifest: Manifest) -> None:
    """Make sure that the input is the target with gaps."""
    _same_bands(manifest)
    source, target = manifest.fields[manifest.input], manifest.fields[manifest.target]
    if not source.time_steps or source.time_steps != target.time_steps:
        raise Unsuitable("input and target must have the same time steps, or the input alone has time steps")
    _hidden(manifest)


def _nearest_clear(manifest: Manifest) -> None:
    _same_bands(manifest)
    source, target = manifest.fields[manifest.input], manifest.fields[manifest.target]
    if not source.time_steps or target.time_steps:
        raise Unsuitable("the input must have time steps, and the target must have none")
    _hidden(manifest)
    if not any(_holds_days(manifest, source.time_steps, name) for name in (DAYS_FROM_TARGET, DATES)):
        raise UnknownDate(UNKNOWN_DATE)


def _regression(manifest: Manifest) -> None:
    _linear_fit(manifest)
    source = manifest.fields[manifest.input]
    if set(source.bands) != RADAR or source.units != "dB" or source.time_steps:
        raise Unsuitable("the input must have the bands VV and VH in dB, and no time steps")
    if coarser(manifest) or manifest.fields[manifest.target].time_steps:
        raise Unsuitable("the target must have the pixels of the input, and no time steps")


KINDS: dict[str, Callable[[Manifest], None]] = {
    "bicubic": _bicubic,
    "back_projection": _back_projection,
    "linear_fit": _linear_fit,
    "linear_in_time": _linear_in_time,
    "nearest_clear": _nearest_clear,
    "regression": _regression,
}
"""Trivial answers by name, as ``start_from`` has them, with a function that raises where a dataset has none."""


def _same_bands(manifest: Manifest) -> None:
    source, target = manifest.fields[manifest.input], manifest.fields[manifest.target]
    if manifest.shared_bands is None or source.units != target.units:
        raise Unsuitable("the input lacks the target's bands, or has other units")
    if source.kind != "image" or target.kind != "image":
        raise Unsuitable("input and target must be images")


def _hidden(manifest: Manifest) -> str:
    """Return the field that says what is hidden in each time step of the input: a mask, or classes (0: clear)."""
    steps = manifest.fields[manifest.input].time_steps
    candidates = [manifest.input_mask, CLOUDS, manifest.hidden_field]
    for name in candidates:
        if name in manifest.fields and manifest.fields[name].time_steps == steps:
            return str(name)
    raise Unsuitable("no field says what is hidden in each time step of the input; state 'input_mask' in dataset.json")


def _holds_days(manifest: Manifest, steps: int | None, name: str = DATES) -> bool:
    field: Field | None = manifest.fields.get(name)
    return field is not None and field.time_steps == steps

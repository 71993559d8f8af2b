"""Looking at the files of scenes, not yet at their pixels: sizes, bands, types, coordinates, times; what is odd."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pix2earth.image_files.image_file import ImageFile
from pix2earth.settings.errors import UserError
from preprocessing.importing.layout.scenes import BandSource, ImportScene, Steps, opened
from preprocessing.sources.description import SourceDescription, SourceField
from preprocessing.sources.patterns import moment


class Look(NamedTuple):
    """What the files of a field state in one scene.

    Attributes:
        size: height and width in pixels, of a piece where images lie side by side.
        dtype: of the stored numbers.
        bands: their names, None where the files name none.
        band_count: number of bands of a time step.
        steps: number of time steps, None without that axis.
        scale, offset, nodata, units: of the files.
        crs, transform: of the pixels.
        times: of acquisition, ISO 8601.
        names: of the files, for messages.
    """

    size: tuple[int, int]
    dtype: str
    bands: tuple[str, ...] | None
    band_count: int
    steps: int | None
    scale: float
    offset: float
    nodata: float | None
    units: str
    crs: str | None
    transform: tuple[float, ...] | None
    times: tuple[str, ...]
    place: str


class SeenScene(NamedTuple):
    """A scene, and a look at each of its fields."""

    scene: ImportScene
    looks: Mapping[str, Look]


class Attempt(NamedTuple):
    """What ``see`` made of a scene: several where its files hold several samples; or lines on what is odd."""

    seen: list[SeenScene]
    odd: list[str]


def see(description: SourceDescription, scene: ImportScene) -> Attempt:
    """Look at all files of a scene.

    Args:
        description: of the source; what the files are compared with.
        scene: its files.
    """
    try:
        return Attempt(list(_seen(description, scene)), [])
    except UserError as error:
        return Attempt([], [f"{scene.name}: {line}" for line in error.lines])


def _seen(description: SourceDescription, scene: ImportScene) -> Iterator[SeenScene]:
    files = {name: _opened(name, description.fields[name], steps) for name, steps in scene.fields.items()}
    counts = {file.samples: file.path for steps in files.values() for one in steps for file in one if file.samples}
    if len(counts) > 1:
        raise UserError("; ".join(f"{path}: holds {count} samples" for count, path in counts.items()))
    if not counts:
        looks = {name: look(name, description.fields[name], steps, files[name]) for name, steps in scene.fields.items()}
        yield SeenScene(scene, _with_dates(scene, looks))
        return
    (count,) = counts
    assert count is not None
    digits = len(str(count - 1))
    for number in range(count):
        fields = {name: _numbered(steps, files[name], number) for name, steps in scene.fields.items()}
        one = scene._replace(name=f"{scene.name}_{number:0{digits}d}", fields=fields)
        looks = {name: look(name, description.fields[name], steps, files[name]) for name, steps in fields.items()}
        yield SeenScene(one, _with_dates(one, looks))


def _opened(name: str, field: SourceField, steps: Steps) -> list[list[ImageFile]]:
    """Return the files of a field.

    Raises:
        UserError: one cannot be read; where it needs a key of the field, the line says how to state it.
    """
    try:
        return [[opened(source, field) for source in one] for one in steps]
    except UserError as error:
        stated = f"name one: --set {name}.variable=NAME"
        raise UserError(*(line.replace("name one (variable)", stated) for line in error.lines)) from None


def _numbered(steps: Steps, files: list[list[ImageFile]], number: int) -> Steps:
    """Return sources with the index of a sample, for the files that hold several."""
    return tuple(
        tuple(
            source._replace(sample=number if file.samples else None) for source, file in zip(one, opened, strict=True)
        )
        for one, opened in zip(steps, files, strict=True)
    )


def _with_dates(scene: ImportScene, looks: Mapping[str, Look]) -> dict[str, Look]:
    """Return looks with the times that something other than the files states."""
    return {name: one._replace(times=scene.acquired.get(name, one.times)) for name, one in looks.items()}


def look(name: str, field: SourceField, steps: Steps, files: list[list[ImageFile]]) -> Look:
    """Return what the files of a field state.

    Raises:
        UserError: they do not fit each other, or the description of the field.
    """
    import numpy as np

    first = files[0][0]
    size = _piece_size(first, field, name)
    bands: list[tuple[str, ...] | None] = []
    for one, opened_files in zip(steps, files, strict=True):
        names: list[str] | None = []
        count = 0
        for source, file in zip(one, opened_files, strict=True):
            if _piece_size(file, field, name) != size:
                raise UserError(
                    f"{file.path}: {name}: has {_sides(_piece_size(file, field, name))} pixels; {first.path.name} has"
                    f" {_sides(size)}"
                )
            if file.crs != first.crs or not _same_transform(file, first):
                raise UserError(
                    f"{file.path}: {name}: lies elsewhere than {first.path.name}; resample them to one grid"
                )
            if (file.scale, file.offset) != (first.scale, first.offset):
                raise UserError(f"{file.path}: {name}: has another scale or offset than {first.path.name}")
            chosen = _selected(source, file, name)
            count += len(chosen)
            names = names + [file.bands[index] for index in chosen] if names is not None and file.bands else None
        bands.append(tuple(names) if names is not None and len(set(names)) == count else None)
        found = (len(one), count)
        if bands and _count(steps[0], files[0], name) != count:
            raise UserError(f"{opened_files[0].path}: {name}: time steps have different numbers of bands: {found}")
    count = _count(steps[0], files[0], name)
    own_steps = first.time_steps
    number: int | None = len(steps) if len(steps) > 1 or field.times or field.steps else own_steps
    if own_steps and number != own_steps:
        raise UserError(f"{first.path}: {name}: holds {own_steps} time steps itself")
    if field.fold:
        if count % field.fold or own_steps:
            raise UserError(f"{first.path}: {name}: {count} bands are not {field.fold} time steps of equal bands")
        number, count, bands = field.fold, count // field.fold, [None]
    if field.kind == "mask" and count > 1 and not field.bands:
        raise UserError(
            f"{first.path}: {name}: has {count} bands, and a mask one; choose it: --set {name}.select='[1]'"
        )
    if field.bands and len(field.bands) != count:
        raise UserError(
            f"{first.path}: {name}: has {count} bands; expected {len(field.bands)}: {', '.join(field.bands)}"
        )
    every = [file for one in files for file in one]
    dtype = np.result_type(*(np.dtype(file.dtype) for file in every)).name
    return Look(
        size, dtype, bands[0], count, number, first.scale, first.offset, first.nodata, first.units, first.crs,
        _shifted(first, field, steps[0][0]), _times(name, field, steps, files), str(first.path),
    )  # fmt: skip


def _count(one: tuple[BandSource, ...], files: list[ImageFile], name: str) -> int:
    return sum(len(_selected(source, file, name)) for source, file in zip(one, files, strict=True))


def _sides(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"


def _piece_size(file: ImageFile, field: SourceField, name: str) -> tuple[int, int]:
    """Return height and width of a file's image, or of one of its pieces."""
    height, width = file.size
    if field.pieces and width % field.pieces:
        raise UserError(f"{file.path}: {name}: is {width} pixels wide, which {field.pieces} pieces do not divide")
    return height, width // (field.pieces or 1)


def _selected(source: BandSource, file: ImageFile, name: str) -> list[int]:
    """Return the indices of the bands of a file that are taken."""
    if source.layer.select is None:
        return list(range(file.band_count))
    highest = max(source.layer.select)
    if highest > file.band_count:
        raise UserError(f"{file.path}: {name}: has {file.band_count} bands; select names band {highest}")
    return [number - 1 for number in source.layer.select]


def _same_transform(file: ImageFile, other: ImageFile) -> bool:
    if file.transform is None or other.transform is None or file.crs is None:
        return True  # positions without a CRS, as in FITS, move from one exposure to the next
    pixel = abs(other.transform[0]) or 1.0
    return all(abs(one - two) < 0.01 * pixel for one, two in zip(file.transform, other.transform, strict=True))


def _shifted(file: ImageFile, field: SourceField, source: BandSource) -> tuple[float, ...] | None:
    """Return the transform of a piece."""
    if file.transform is None or not field.pieces or not source.layer.piece:
        return file.transform
    a, b, c, d, e, f = file.transform
    left = (source.layer.piece - 1) * file.size[1] // field.pieces
    return a, b, c + a * left, d, e, f + d * left


def _times(name: str, field: SourceField, steps: Steps, files: list[list[ImageFile]]) -> tuple[str, ...]:
    """Return the times of acquisition: of each step, one for all, or none."""
    if field.date and field.date.tag:
        found = []
        for one in files:
            text = str(one[0].keywords.get(field.date.tag, ""))
            time = moment(text)
            if time is None:
                raise UserError(f"{one[0].path}: {name}: its tag {field.date.tag} is no time: '{text}'")
            found.append(time)
        return tuple(found)
    times = [one[0].times for one in files]
    if len(times) == 1:
        return times[0]
    return tuple(time[0] for time in times) if all(len(time) == 1 for time in times) else ()

"""Further fields of a scene, such as a cloud mask: what ``predict`` of a plug-in reads besides the input."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pix2earth.baselines import suitability
from pix2earth.batches.pools import SEQUENCE_START
from pix2earth.mapping.granules import cloud_scenes, granules_at, masks_in
from pix2earth.mapping.grids import grid_of
from pix2earth.mapping.opening import joined, open_rasters
from pix2earth.mapping.products import is_product, open_guide
from pix2earth.mapping.scene import CroppedScene, Scene, UpsampledScene
from pix2earth.mapping.sources import Source, is_folder, source_of
from pix2earth.plugins import needs
from pix2earth.plugins.declared import ALL
from pix2earth.records.manifest import Field, Manifest
from pix2earth.settings.errors import UserError, nearest

if TYPE_CHECKING:
    from experiment import Experiment
    from pix2earth.mapping.geometry import Geometry

OPTION = "--field {name}=FILE"
"""How a further field is given on the command line."""
ONE_PIXEL = (1, 1)
"""Size of fields that hold one number for a tile, such as the day of the year."""
LOOKED_AT = 512
"""Rows and columns of a mask that are looked at for other values than 0 and 1, evenly spread."""


def files_of(options: Sequence[str]) -> dict[str, list[Source]]:
    """Return the files of each field, one or one for each time step, from texts ``NAME=FILE[,FILE...]``.

    Raises:
        UserError: a text has another form, a field is named twice, or a file does not exist.
    """
    files: dict[str, list[Source]] = {}
    for option in options:
        name, _, value = option.partition("=")
        names = [value] if value and Path(value).exists() else value.split(",")
        if not name or not all(names):
            raise UserError(f"--field {option}: must be NAME=FILE, such as cloud_mask=mask.tif")
        if name in files:
            raise UserError(f"--field {name}: is given twice; name rasters of several time steps as {name}=FILE,FILE")
        files[name] = [source_of(file, f"--field {name}=") for file in names]
    return files


def in_input(
    sources: Sequence[Source], given: Collection[str], experiment: Experiment, plugin: Path
) -> dict[str, list[Source]]:
    """Return the fields that the input holds besides its bands, unless given: the guide, and masks of clouds.

    Args:
        sources: of ``--input``: products, or folders of band files.
        given: names of the fields that have files of their own.
        experiment: of the run.
        plugin: its file; masks are taken where its ``predict`` reads them.

    Raises:
        UserError: a product cannot be read.
    """
    manifest = experiment.manifest
    read = needed(needs.check(experiment, plugin).parameters.get("predict") or [], manifest)
    if masks := masks_in(sources, set(read) - set(given), manifest):
        return masks
    if manifest.guide is None or manifest.guide in given or len(sources) > 1:
        return {}
    return {manifest.guide: list(sources)} if is_product(sources[0]) or is_folder(sources[0]) else {}


def needed(parameters: Iterable[str], manifest: Manifest) -> list[str]:
    """Return the fields besides the input that a method with these parameters reads; ``**fields`` needs none."""
    parameters = [name for name in parameters if name != ALL]
    names = {"input_image": manifest.input, "target": manifest.target}
    names |= {"input_mask": manifest.hidden_field} if manifest.hidden_field else {}
    fields = dict.fromkeys(name if name in manifest.fields else names.get(name, name) for name in parameters)
    return [name for name in fields if name != manifest.input]


def of_start(experiment: Experiment) -> tuple[str, ...]:
    """Return the fields besides the input that the start of an experiment's networks reads."""
    start = experiment.settings.start_from
    return suitability.further_fields(start, experiment.manifest) if start else ()


def check_names(given: Collection[str], experiment: Experiment, plugin: Path, form: str = OPTION) -> None:
    """Compare the fields that are given with those that ``predict`` of a plug-in reads, without importing it.

    Args:
        given: names of the fields.
        experiment: of the run.
        plugin: the file of the plug-in.
        form: how a field is given, with ``{name}`` for its name; for messages.

    Raises:
        UserError: a field is missing, is not read, or does not exist.
    """
    manifest = experiment.manifest
    further = [name for name in manifest.fields if name != manifest.input]
    for name in given:
        if name not in further:
            raise UserError(
                f"{form.format(name=name)}: the dataset has no further field '{name}'{nearest(name, further)}"
            )
    parameters = needs.check(experiment, plugin).parameters.get("predict")
    if parameters is None:  # known after the import only
        return
    compare(given, needed([*parameters, *of_start(experiment)], manifest), manifest, plugin, form)


def compare(given: Collection[str], read: Sequence[str], manifest: Manifest, plugin: Path, form: str = OPTION) -> None:
    """Compare the fields that are given with those that are read.

    Args:
        given: names of the fields.
        read: names of those that ``predict`` reads besides the input.
        manifest: describes them.
        plugin: the file of the plug-in, for messages.
        form: how a field is given, with ``{name}`` for its name; for messages.

    Raises:
        UserError: a field is missing, is not read, or does not exist.
    """
    if SEQUENCE_START in read and SEQUENCE_START not in given:
        raise UserError(
            f"{plugin}: reads sequences, time step by time step; give a dataset as the input, or to predict.py dated"
            " scenes and an output that ends with .tif"
        )
    if SEQUENCE_START in read and len(read) > 1:
        raise UserError(f"{plugin}: reads {', '.join(read)} of each time step besides the input; give a dataset")
    known = [*manifest.fields, SEQUENCE_START]
    if unknown := next((name for name in read if name not in known), None):
        raise UserError(f"{plugin}: predict() asks for '{unknown}'{nearest(unknown, manifest.fields)}")
    missing = [name for name in read if name not in given]
    if missing:
        words = [f"{form.format(name=name)} ({_contents(manifest.fields[name])})" for name in missing]
        raise UserError(
            f"{plugin}: predict() reads {', '.join(missing)} besides the input; add {', '.join(words)}, on its grid"
        )
    unread = next((name for name in given if name not in read), None)
    if unread:
        raise UserError(f"{form.format(name=unread)}: predict() of {plugin} does not read {unread}; leave it out")


def _contents(field: Field) -> str:
    steps = f", {field.time_steps} time steps" if field.time_steps else ""
    return f"{field.kind} of {', '.join(field.bands)}{steps}"


def open_fields(
    files: Mapping[str, Sequence[Source]], scene: Scene, experiment: Experiment, geometry: Geometry
) -> dict[str, Scene]:
    """Open further fields as rasters on the grid of a scene; the guide also in the product of the scene.

    Args:
        files: of each field, one or one for each time step.
        scene: the input.
        experiment: of the trained run; its manifest states the size of each field's pixels.
        geometry: of the network's windows.

    Returns:
        Scenes of the same extent, each with the pixels of its field.

    Raises:
        UserError: a raster cannot be read, lacks a band, or has another grid.
    """
    fields = experiment.manifest.fields
    opened: dict[str, Scene] = {}
    for name, paths in files.items():
        first = paths[0]
        if name == experiment.manifest.guide and is_product(first):
            found: Scene = open_guide(first, name, experiment, geometry)
        elif granules := granules_at(paths):
            found = joined(cloud_scenes(granules, name, experiment.manifest), f"--field {name}=")
        else:
            rasters = open_rasters(paths, fields[name], f"--field {name}=")
            for raster in rasters if fields[name].kind == "mask" else ():
                warn_of_values(raster.name, raster.sample(LOOKED_AT), name, fields[name])
            found = joined(rasters, f"--field {name}=")
        opened[name] = _fitted(name, found, fields[name], scene, geometry)
    return opened


def _fitted(name: str, fitted: Scene, field: Field, scene: Scene, geometry: Geometry) -> Scene:
    """Return the scene of a field on the grid of the input, in the field's own pixels.

    Raises:
        UserError: it has another grid.
    """
    if field.size == ONE_PIXEL:
        if fitted.size != ONE_PIXEL:
            raise UserError(
                f"--field {name}={fitted.name}: has {grid_of(fitted)}; it must have one pixel, for all windows"
            )
        return fitted
    if field.gsd and geometry.pixel:  # a dataset may store each coarse pixel several times
        times = max(1, round(field.gsd / geometry.reduced / (geometry.pixel * geometry.window[0] / field.size[0])))
        coarse = grid_of(scene).divided(field.size, (geometry.window[0] * times, geometry.window[1] * times))
        if times > 1 and coarse and coarse.is_same(grid_of(fitted)):
            fitted = UpsampledScene(fitted, times)
    expected = grid_of(scene).divided(field.size, geometry.window)
    if expected and expected.is_same(grid_of(fitted)):
        return fitted
    pixels, of = (" x ".join(map(str, size)) for size in (field.size, geometry.window))
    needs_other = "" if field.size == geometry.window else f", of which {name} has {pixels} pixels for every {of}"
    unplaced = grid_of(fitted).crs is None and grid_of(scene).crs is not None
    advice = "write the coordinates of the input into it" if unplaced else "resample it"
    raise UserError(
        f"--field {name}={fitted.name}: has {grid_of(fitted)}; the input has {grid_of(scene)}{needs_other}: {advice}"
    )


def warn_of_values(place: str, values: np.ndarray, name: str, field: Field) -> None:
    """Report values of a mask that no mask of the dataset has, such as 255 where it has 1.

    Args:
        place: of the values, for the message.
        values: any shape.
        name: of the field.
        field: the mask; its valid range is compared.
    """
    low, high = min(field.bounds[0]), max(field.bounds[1])
    odd = values[(values < low) | (values > high)]
    if odd.size:
        print(
            f"{place}: holds {odd[0]:g}, {name} of the dataset {low:g} to {high:g}: expect artefacts", file=sys.stderr
        )


def blocks(fields: Collection[str], manifest: Manifest, geometry: Geometry) -> tuple[int, int]:
    """Return the (rows, columns) of the input after which pixels of all fields begin where one of the input does."""
    sizes = [manifest.fields[name].size for name in fields]
    rows, columns = (
        math.lcm(*(side // math.gcd(side, size[axis]) for size in sizes if size != ONE_PIXEL))
        for axis, side in enumerate(geometry.window)
    )
    return rows, columns


def place_in(field: Field, geometry: Geometry, row: int, column: int) -> tuple[int, int]:
    """Return the row and column in the scene of a field where a window of the input begins."""
    if field.size == ONE_PIXEL:
        return 0, 0
    (height, width), (rows, columns) = geometry.window, field.size
    return row * rows // height, column * columns // width


def cropped(
    fields: Mapping[str, Scene], scene: CroppedScene, manifest: Manifest, geometry: Geometry
) -> dict[str, Scene]:
    """Return further fields cropped as their scene is, whose rectangle must consist of ``blocks``."""
    parts: dict[str, Scene] = {}
    for name, whole in fields.items():
        field = manifest.fields[name]
        place = place_in(field, geometry, scene.row, scene.column)
        height, width = (
            side * size // of for side, size, of in zip(scene.size, field.size, geometry.window, strict=True)
        )
        parts[name] = whole if field.size == ONE_PIXEL else CroppedScene(whole, *place, height, width)
    return parts

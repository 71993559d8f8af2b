"""Prediction of an array, for notebooks: physical values in, physical values out."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from pix2earth.batches.time_steps import fold, unfold
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from pix2earth.mapping.geometry import Geometry
    from pix2earth.mapping.inference import Network
    from pix2earth.mapping.scene import Scene
    from pix2earth.records.manifest import Field, Manifest

AXES = ("y", "x", "band")
FORM = 'fields={{"{name}": array}}'
"""How a further field is given, for messages."""


class ArrayScene:
    """An array of physical values as a scene without coordinates."""

    def __init__(self, values: np.ndarray, field: Field) -> None:
        """Take physical values ``(height, width, time step * band)``; NaN and infinity mean no measurement."""
        from affine import Affine

        self.name, self.crs, self.transform = "array", None, Affine.identity()
        self.tags: dict[str, str] = {}
        self.values, self.field, self.size = values, field, (values.shape[0], values.shape[1])

    def read(self, row: int, column: int, height: int, width: int) -> np.ndarray:
        """Return a window; see ``Scene``."""
        from pix2earth.mapping.scene import as_stored

        stored = as_stored(self.values[row : row + height, column : column + width], self.field)
        return np.where(np.isfinite(stored), stored, np.float32(np.nan))

    def identity(self) -> dict[str, Any]:
        """Return nothing: predictions of arrays are not resumed."""
        return {}


def predict_array(
    values: Any,
    exp: str,
    *,
    env: str | None = None,
    timestamp: str | None = None,
    step: str = "last",
    overlap: float = 0.5,
    degrade: bool = False,
    force: bool = False,
    fields: Mapping[str, Any] = MappingProxyType({}),
) -> Any:
    """Return the prediction of a trained network for an array, as ``predict.py`` computes it for a GeoTIFF.

    Args:
        values: physical values on the grid on which the dataset stores its input, NaN where nothing was measured: a
            NumPy array ``(height, width, band)`` or ``(time, height, width, band)``, or an ``xarray.DataArray`` with
            the dimensions ``y``, ``x``, ``band`` and, for time steps, ``time``, in any order. Where its coordinate
            ``band`` has names, bands are taken by name.
        exp: name of the experiment.
        env: path of ``environment.json``.
        timestamp: of the run; None: the newest one that has a checkpoint.
        step: the checkpoint, "last", "best" or a number.
        overlap: of neighbouring windows, as part of a window, 0 to 0.5.
        degrade: the array has the pixel size of the target: average it to that of the input.
        force: predict although plug-in or dataset differ from those of the training.
        fields: arrays of the further fields that the network reads, such as ``{"cloud_mask": mask}``, of the same kind
            and extent as ``values``: physical values of images, numbers of masks and classes as the dataset has them.

    Returns:
        float32, physical values of the target, NaN where the input has no measurement: a NumPy array as above, on the
        grid of the target, or a DataArray with the dimensions in the order of ``values``.

    Raises:
        UserError: there is no such run, the array does not fit its input, or further fields are missing or do not fit.
    """
    from experiment import Environment
    from pix2earth.mapping.fields import check_names
    from pix2earth.mapping.geometry import geometry_of
    from pix2earth.plugins import finding
    from pix2earth.training.trained import open_run, restored_network

    if not 0 <= overlap <= 0.5:
        raise UserError(f"overlap={overlap:g}: must be between 0 and 0.5 of a window")
    experiment = open_run(Environment(env), exp, timestamp, step)
    geometry = geometry_of(experiment, degrade=degrade)
    check_names(fields, experiment, finding.find(experiment), FORM)
    manifest = experiment.manifest
    scene = _scene(values, manifest.fields[manifest.input], f"{experiment.file}: the input")
    further = {name: _further(name, array, scene, manifest, geometry) for name, array in fields.items()}
    gan, plugin, _ = restored_network(experiment, step, force=force)
    from pix2earth.mapping.inference import Network

    network = Network(experiment, gan, plugin, geometry, further)
    result = blended(network, scene, further, overlap)
    target = network.target
    if target.time_steps:
        result = unfold(result, target.time_steps)
    return _labelled(result, values, target, geometry.factor) if _is_labelled(values) else result


def _scene(values: Any, field: Field, of: str) -> ArrayScene:
    """Return an array of any kind as a scene."""
    return ArrayScene(
        _checked(_in_order(values, field) if _is_labelled(values) else np.asarray(values), field, of), field
    )


def _further(name: str, values: Any, scene: Scene, manifest: Manifest, geometry: Geometry) -> ArrayScene:
    """Return the array of a further field as a scene.

    Raises:
        UserError: it does not fit the field, or has not the extent of the input.
    """
    from pix2earth.mapping.fields import ONE_PIXEL, warn_of_values
    from pix2earth.mapping.grids import grid_of

    field, place = manifest.fields[name], FORM.format(name=name)
    array = _scene(values, field, place)
    grid = grid_of(scene).divided(field.size, geometry.window)
    expected = ONE_PIXEL if field.size == ONE_PIXEL else grid and grid.size
    if array.size != expected:
        pixels, of, rows = (" x ".join(map(str, size)) for size in (field.size, geometry.window, scene.size))
        raise UserError(
            f"{place}: has {' x '.join(map(str, array.size))} pixels, the input {rows}; {name} has {pixels} for every"
            f" {of} of the input"
        )
    if field.kind == "mask":
        warn_of_values(place, array.values, name, field)
    return array


def blended(network: Network, scene: Scene, further: Mapping[str, Scene], overlap: float) -> np.ndarray:
    """Return the prediction of a scene, ``(height, width, time step * band)``.

    Args:
        network: predicts the windows.
        scene: provides the input.
        further: provide the further fields that the network reads.
        overlap: of neighbouring windows, as part of a window.
    """
    from pix2earth.mapping.inference import Plan

    height, width = network.geometry.window
    plan = Plan(network, scene, (round(overlap * height), round(overlap * width)), further)
    carried = np.zeros((0, plan.columns.length, network.geometry.bands), np.float32)
    return np.concatenate([strip for strip, _ in plan.strips(plan.predictions(0), 0, carried)])


def _checked(array: np.ndarray, field: Field, of: str) -> np.ndarray:
    """Return an array of a field's bands and time steps as ``(height, width, time step * band)``.

    Raises:
        UserError: it has other dimensions, bands or time steps, no pixels, or values that are no real numbers.
    """
    steps = (field.time_steps,) if field.time_steps else ()
    expected = "(" + ", ".join([*map(str, steps), "height", "width", str(len(field.bands))]) + ")"
    of = f"{of}, {', '.join(field.bands)}"
    if array.dtype.kind not in "iufb":
        raise UserError(f"{of}: the array holds {array.dtype}; it must hold numbers")
    if array.ndim != 3 + len(steps) or array.shape[: len(steps)] != steps or array.shape[-1] != len(field.bands):
        raise UserError(f"{of}, has the shape {expected}; the array has {array.shape}")
    if 0 in array.shape:
        raise UserError(f"{of}, has the shape {expected}; the array of {array.shape} has no pixels")
    if not steps:
        return array
    return fold(array)


def _is_labelled(values: Any) -> bool:
    """Return whether an array names its dimensions, as ``xarray.DataArray`` does."""
    return hasattr(values, "dims") and hasattr(values, "coords")


def _in_order(values: Any, field: Field) -> np.ndarray:
    """Return a DataArray as an array ``([time,] y, x, band)`` with the bands of a field in its order.

    Raises:
        UserError: a dimension or a band is missing.
    """
    axes = (*(("time",) if field.time_steps else ()), *AXES)
    if set(values.dims) != set(axes):
        raise UserError(f"the DataArray has the dimensions {', '.join(map(str, values.dims))}, not {', '.join(axes)}")
    if "band" in values.coords and values.coords["band"].dtype.kind in "UO":
        names = [str(name) for name in values.coords["band"].values]
        if missing := [band for band in field.bands if band not in names]:
            raise UserError(f"the DataArray has no band {', '.join(missing)}; its bands are {', '.join(names)}")
        values = values.isel(band=[names.index(band) for band in field.bands])
    return np.asarray(values.transpose(*axes).values)


def _labelled(result: np.ndarray, values: Any, target: Field, factor: int) -> Any:
    """Return a prediction as a DataArray like the input, its pixels divided by ``factor`` along each axis."""
    axes = (*(("time",) if target.time_steps else ()), *AXES)
    coordinates: dict[str, Any] = {"band": list(target.bands)}
    for axis in ("y", "x"):
        if axis in values.coords and (factor == 1 or values.sizes[axis] > 1):  # one centre tells no pixel size
            coordinates[axis] = _divided(values.coords[axis].values, factor)
    if "time" in axes and "time" in values.coords and values.sizes["time"] == target.time_steps:
        coordinates["time"] = values.coords["time"].values
    # Without dimensions, such as the coordinate reference system of rioxarray.
    coordinates |= {name: each for name, each in values.coords.items() if not each.dims}
    labelled = type(values)(result, dims=axes, coords=coordinates, attrs={"units": target.units})
    return labelled.transpose(*sorted(axes, key=[*values.dims, "time"].index))


def _divided(centres: np.ndarray, factor: int) -> np.ndarray:
    """Return the pixel centres of an axis with ``factor`` times as many pixels."""
    if factor == 1:
        return centres
    places = (np.arange(len(centres) * factor) + 0.5) / factor - 0.5
    return centres[0] + places * (centres[-1] - centres[0]) / (len(centres) - 1)

"""Fixtures: small rasters, scenes and networks."""

from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
from affine import Affine

from pix2earth.mapping.geometry import geometry_of
from pix2earth.mapping.inference import Network, Plan
from pix2earth.records.manifest import Field

TRANSFORM = Affine(10, 0, 436500, 0, -10, 4178940)


@pytest.fixture
def raster(tmp_path):
    """``raster(values, name="scene.tif", bands=None, ...)``: the path of a GeoTIFF of ``(height, width, band)``."""

    def write(values, name="scene.tif", *, bands=None, scales=None, offsets=None, **profile):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        height, width, count = values.shape
        profile = {"crs": "EPSG:32618", "transform": TRANSFORM, "driver": "GTiff", "dtype": values.dtype, **profile}
        with rasterio.open(path, "w", height=height, width=width, count=count, **profile) as file:
            file.write(np.moveaxis(values, -1, 0))
            if bands:
                file.descriptions = bands
            if scales:
                file.scales = scales
            if offsets:
                file.offsets = offsets
        return path

    return write


@pytest.fixture
def namespace_of():
    """``namespace_of(generator)``: a plug-in whose generator is a function of its input."""
    return lambda generator: SimpleNamespace(generator=lambda image, training: generator(image))


@pytest.fixture
def network_of(experiment_of, namespace_of, tmp_path):
    """``network_of(source, target, generator, **settings)``: a Network whose plug-in is a function of its input."""

    def network(source: Field, target: Field, generator, **settings):
        experiment = experiment_of({"input_image": source, "target": target}, **{"normalize": "none", **settings})
        return Network(experiment, namespace_of(generator), tmp_path / "mine.py", geometry_of(experiment))

    return network


class ArrayScene:
    """A scene of numbers as stored, NaN where nothing was measured."""

    name, crs, transform, tags = "array", None, TRANSFORM, {}

    def __init__(self, values: np.ndarray) -> None:
        self.values = values.astype(np.float32)
        self.size = values.shape[:2]

    def read(self, row, column, height, width):
        assert min(row, column) >= 0 and min(height, width) > 0
        assert row + height <= self.size[0] and column + width <= self.size[1]
        return self.values[row : row + height, column : column + width].copy()

    def identity(self):
        return {"array": self.values.sum().item()}


@pytest.fixture
def array_scene():
    """``array_scene(values)``: a scene of ``(height, width, time step * band)``."""
    return ArrayScene


@pytest.fixture
def predict_scene():
    """``predict_scene(network, scene, overlap, **further)``: the strips of the output, joined."""

    def joined(network, scene, overlap, **further):
        plan = Plan(network, scene, (overlap, overlap), further)
        strips = plan.strips(plan.predictions(0), 0, np.zeros((0, plan.columns.length, 1), np.float32))
        return np.concatenate([strip for strip, _ in strips])

    return joined

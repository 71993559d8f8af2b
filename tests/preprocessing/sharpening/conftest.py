"""Small scenes with bands at two pixel sizes."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from preprocessing.sharpening import __main__ as command

TRANSFORM = Affine(10, 0, 436500, 0, -10, 4178940)


def write_raster(path: Path, values: np.ndarray, bands=(), *, pixel=1, transform=TRANSFORM, **profile) -> Path:
    """Write (height, width, band) as a raster whose pixels are ``pixel`` times those of 10 m."""
    height, width, count = values.shape
    settings = {"driver": "GTiff", "crs": "EPSG:32618", "dtype": values.dtype, **profile}
    place = transform @ Affine.scale(pixel)
    tags = {key: settings.pop(key) for key in ("scales", "offsets") if key in settings}
    with rasterio.open(path, "w", height=height, width=width, count=count, transform=place, **settings) as file:
        file.write(np.moveaxis(values, -1, 0))
        for number, band in enumerate(bands, start=1):
            file.set_band_description(number, band)
        for key, value in tags.items():
            setattr(file, key, value)
    return path


def numbers(height, width, count, seed=0, low=1000, high=5000):
    return np.random.default_rng(seed).integers(low, high, (height, width, count)).astype(np.uint16)


@pytest.fixture
def environment(tmp_path) -> Path:
    path = tmp_path / "environment.json"
    path.write_text(json.dumps({"data_root": "data", "experiment_root": "experiments"}))
    return path


@pytest.fixture
def run(environment):
    """``run(*arguments)``: the exit status of the command, in this process."""

    def ran(*arguments) -> int:
        with pytest.raises(SystemExit) as ended:
            command.main([*map(str, arguments), "--env", str(environment)])
        return ended.value.code

    return ran

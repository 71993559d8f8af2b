"""predict.py over dated rasters with masks, by the shipped models that fill gaps and remove clouds."""

import json

import numpy as np
import pytest
import rasterio
import xarray
from affine import Affine

import predict
import train
from experiment import PROJECT
from pix2earth.records.format import read
from pix2earth.records.listing import open_folder
from pix2earth.settings.commented_json import read as read_json
from synthetic import __main__ as synthetic
from tests.test_published_examples import NARROW

MODELS = [("gapfill", "gap_filling"), ("synthetic/gap_filling", "gap_filling"), ("ctgan", "cloud_removal"),
          ("synthetic/cloud_removal", "cloud_removal")]  # fmt: skip
TRANSFORM = Affine(10, 0, 436500, 0, -10, 4178940)


@pytest.fixture(scope="module")
def data_root(tmp_path_factory):
    """The two presets of synthetic data, in the smallest profile."""
    root = tmp_path_factory.mktemp("presets")
    for preset in ("gap_filling", "cloud_removal"):
        with pytest.raises(SystemExit, match="0"):
            place = str(root / "synthetic" / preset)
            synthetic.main(["make", "--preset", preset, "--profile", "tiny", "--workers", "1", "--o", place])
    return root


def write_series(root, dataset):
    """Write the time steps of a sample as six dated rasters, with half of each hidden by a mask; return both."""
    manifest = dataset.manifest
    (path, *_) = sorted((dataset.folder / "val").glob("*.tfrecord"))
    field = manifest.fields[manifest.input]
    stored = np.resize(read(path, manifest)[0][manifest.input], (6, *field.shape[1:]))
    hidden = np.random.default_rng(2).random((6, *field.size)) < 0.4
    for name, values in (("image", stored), ("mask", hidden[..., None].astype(np.uint8))):
        (root / name).mkdir()
        for number, each in enumerate(values):
            with rasterio.open(
                root / name / f"{name}_2024{number + 1:02d}15.tif", "w", driver="GTiff", height=each.shape[0],
                width=each.shape[1], count=each.shape[2], dtype=each.dtype, crs="EPSG:32618", transform=TRANSFORM,
            ) as raster:  # fmt: skip
                raster.write(np.moveaxis(each, -1, 0))
    return stored, hidden


@pytest.mark.slow
@pytest.mark.parametrize(("name", "preset"), MODELS)
def test_what_is_hidden_is_filled_and_the_rest_is_kept(name, preset, data_root, tmp_path, capfd):
    settings = read_json(PROJECT / "experiments" / name / "experiment.json").data
    settings |= {"steps": 2, "batch_size": 2, "sample_val": 2, "metrics": ["PSNR"], "tilesize": 64}
    settings["params"] = settings["params"] | NARROW.get(name, {})
    (tmp_path / "experiments" / name).mkdir(parents=True)
    (tmp_path / "experiments" / name / "experiment.json").write_text(json.dumps(settings))
    environment = tmp_path / "environment.json"
    environment.write_text(json.dumps({"data_root": str(data_root), "experiment_root": "experiments"}))
    with pytest.raises(SystemExit, match="0"):
        train.main(["--env", str(environment), "--exp", name, "--timestamp", "a"])
    dataset = open_folder(str(data_root / "synthetic" / preset / "64"))
    stored, hidden = write_series(tmp_path, dataset)
    source, target = (dataset.manifest.fields[role] for role in (dataset.manifest.input, dataset.manifest.target))
    with pytest.raises(SystemExit) as end:
        predict.main(["--env", str(environment), "--exp", name, "--input", str(tmp_path / "image"), "--mask",
                      str(tmp_path / "mask"), "--output", str(tmp_path / "filled")])  # fmt: skip
    assert end.value.code == 0, capfd.readouterr().err
    with xarray.open_dataset(tmp_path / "filled/image.nc") as filled:
        for band in target.bands:
            values = filled[band].values
            observed = stored[..., source.bands.index(band)] * source.scale + source.offset
            missing = stored[..., source.bands.index(band)] == source.nodata
            np.testing.assert_allclose(values[~hidden & ~missing], observed[~hidden & ~missing], rtol=1e-5)
            assert np.isfinite(values[hidden]).all() and np.ptp(values[hidden]) > 0
            assert not np.allclose(values[hidden], observed[hidden])
        assert [str(time)[:10] for time in filled["time"].values] == [f"2024-{month:02d}-15" for month in range(1, 7)]

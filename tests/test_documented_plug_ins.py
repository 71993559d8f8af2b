"""Plug-ins of docs/plug-ins/: trained on real Sentinel-2, killed, restored bit for bit, evaluated and mapped.

So is the only model of the toolkit that reads pools.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
from PIL import Image
from rasterio.windows import Window

import predict
from experiment import PROJECT
from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.records.writer import DatasetWriter
from pix2earth.runs.folders import checkpoint_steps
from tests import started_commands
from tests.started_commands import Command

pytestmark = pytest.mark.slow

SIDE, BANDS = 32, ["B02", "B03", "B04"]
IMAGE = Field(
    dtype="uint16", shape=[SIDE, SIDE, 3], bands=BANDS, scale=1e-4, nodata=0, valid_range=(0.0, 0.5), rgb=BANDS[::-1],
    gsd=10.0,
)  # fmt: skip
MASK = Field(dtype="uint8", shape=[SIDE, SIDE, 1], kind="mask", bands=["hidden"])
STEPS, CHECKPOINT = 12, 5
EXPERIMENT = {
    "params": {"filters": 4}, "tilesize": SIDE, "batch_size": 2, "steps": STEPS, "ckpt_freq": CHECKPOINT,
    "sample_freq": 4, "validate_freq": 100, "metrics": ["PSNR"], "deterministic": True, "learning_rate": 1e-3,
}  # fmt: skip
SETTINGS = {
    "unpaired_cyclegan": {
        "gen_loss": {"gen_cycle": 5, "gen_identity": 1}, "params": {"filters": 4, "pool": 6},
        "schedule": {"kind": "linear", "begin": 4, "final": 0.1},
    },
    "cyclegan_unpaired": {
        "gen_loss": {"gen_gan": None, "gen_lsgan": 1, "gen_cycle": 10, "gen_identity": 5},
        "disc_loss": {"disc_bce": None, "disc_lsgan": 1},
        "params": {"filters": [4, 8, 8], "discriminator_filters": [4, 8, 8], "pool": 6},
    },
    "frame_recurrent": {"gen_loss": {"gen_l1": 100}},
    "random_gaps": {"gen_loss": {"gen_gan": 0.1, "gen_l1": 100}, "ema": 0.9},
}  # fmt: skip
CAPTION = 40
"""Rows of a sample image that name the run."""


@pytest.fixture(scope="module")
def tiles():
    """Tiles of real Sentinel-2 reflectance, uint16 (tile, SIDE, SIDE, band)."""
    bands = []
    for band in BANDS:
        with rasterio.open(PROJECT / "samples" / "s2_18svg" / f"T18SVG_20160112_{band}.jp2") as source:
            bands.append(source.read(1, window=Window(0, 0, 24 * SIDE, SIDE)))
    scene = np.stack(bands, axis=-1)
    return [np.maximum(scene[:, SIDE * number : SIDE * (number + 1)], 1) for number in range(24)]


def holes(number):
    """Return a mask with a rectangle."""
    mask = np.zeros((SIDE, SIDE, 1), np.uint8)
    mask[number : number + 12, 4 : 10 + number] = 1
    return mask


def samples_of(plugin, tiles):
    """Yield (split, name, fields) of the dataset of a plug-in."""
    dim = [tile // 2 + 1 for tile in tiles]
    if plugin in ("unpaired_cyclegan", "cyclegan_unpaired"):
        for number in range(8):
            yield "train", f"dim-{number}", {"input_image": dim[number]}
        for number in range(8, 18):
            yield "train", f"bright-{number}", {"target": tiles[number]}
        for number in range(18, 24):
            yield "val", f"both-{number}", {"input_image": dim[number], "target": tiles[number]}
    elif plugin == "frame_recurrent":
        for number, tile in enumerate(tiles):
            for step in range(2 + number % 3):
                name = f"{number:02d}_t{step}"
                yield "train" if number < 16 else "val", name, {"input_image": dim[number], "target": tile + 100 * step}
    else:
        for number, tile in enumerate(tiles):
            split = "train" if number < 16 else "val"
            yield split, f"image-{number}", {"input_image": tile, "target": tile}
            if number % 4 == 0:
                yield split, f"hole-{number}", {"cloud_mask": holes(number // 2)}


UNPAIRED = {
    "fields": {"input_image": IMAGE, "target": IMAGE},
    "pools": {"dim": ["input_image"], "bright": ["target"], "both": ["input_image", "target"]},
}
MANIFESTS = {
    "unpaired_cyclegan": UNPAIRED,
    "cyclegan_unpaired": UNPAIRED,
    "frame_recurrent": {
        "fields": {"input_image": IMAGE, "target": IMAGE}, "sequence": r"(?P<sequence>.+)_t(?P<position>\d+)",
    },
    "random_gaps": {
        "fields": {"input_image": IMAGE, "target": IMAGE, "cloud_mask": MASK}, "score_by": "cloud_mask",
        "pools": {"image": ["input_image", "target"], "hole": ["cloud_mask"]},
    },
}  # fmt: skip


@pytest.fixture
def root(tmp_path, tiles, request, write_experiment):
    """A folder with the dataset and the experiment "x" of a plug-in."""
    plugin = request.param
    manifest = Manifest(name="real", tilesize=SIDE, split=Split(method="by hand"), **MANIFESTS[plugin])
    with DatasetWriter(tmp_path / "data", manifest) as writer:
        for number, (split, name, fields) in enumerate(samples_of(plugin, tiles)):
            transform = (10, 0, 300000 + 10 * SIDE * number, 0, -10, 4500000)
            writer.write(split, name, fields, crs="EPSG:32618", transform=transform)
    environment = {"models_root": [str(PROJECT / "docs" / "plug-ins")], "experiment_root": "experiments"}
    (tmp_path / "environment.json").write_text(json.dumps(environment))
    write_experiment(tmp_path, "x", **EXPERIMENT | {"model_name": plugin, "dataset": "real"} | SETTINGS[plugin])
    return tmp_path


def start(root: Path, *arguments: str, new: bool = False) -> Command:
    variables = {"PIX2EARTH_ENV": str(root / "environment.json")}
    return started_commands.start("train.py", "--exp", "x", *arguments, new=new, **variables)


def variables(root: Path, run: str) -> dict[str, bytes]:
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(root / f"experiments/x/ckpt/{run}/ckpt-{STEPS}"))
    return {key: reader.get_tensor(key).tobytes() for key in reader.get_variable_to_shape_map()}


@pytest.mark.parametrize("root", SETTINGS, indirect=True)
def test_is_trained_killed_restored_evaluated_and_mapped(root):
    start(root, "--timestamp", "straight", new=True).finish()
    killed = start(root, "--timestamp", "killed")
    folder = root / "experiments/x/ckpt/killed"
    killed.wait_until(lambda: checkpoint_steps(folder) == [CHECKPOINT])
    killed.kill()
    start(root, "--restore", "killed").finish()
    one, other = variables(root, "straight"), variables(root, "killed")
    assert one.keys() == other.keys() and all(one[key] == other[key] for key in one)
    journals = [(root / f"experiments/x/logs/x_{run}/train.jsonl").read_text() for run in ("straight", "killed")]
    assert journals[0] == journals[1] and journals[0].count("losses") == STEPS

    tables = [pd.read_csv(root / f"experiments/_evaluation/x_{run}.csv") for run in ("straight", "killed")]
    names = {path.stem for path in (root / f"data/real/{SIDE}/val").iterdir()}
    scored = {name for name in names if not name.startswith("hole")}
    assert set(tables[0]["tile"]) == scored and np.isfinite(tables[0]["PSNR"]).all()
    pd.testing.assert_frame_equal(tables[0].sort_values("tile"), tables[1].sort_values("tile"))
    images = []
    for run in ("straight", "killed"):
        with Image.open(root / f"experiments/x/samples/x_{run}_{STEPS:05d}.png") as image:
            images.append(np.asarray(image)[CAPTION:])
    assert images[0].std() > 0 and np.array_equal(*images)
    place = root / "maps"
    arguments = ["--env", str(root / "environment.json"), "--exp", "x", "--timestamp", "killed", "--split", "val"]
    with pytest.raises(SystemExit) as end:
        predict.main([*arguments, "--input", str(root / "data" / "real"), "--output", str(place)])
    assert end.value.code == 0
    maps = sorted(place.rglob("*.tif"))
    assert {path.stem for path in maps} == scored
    with rasterio.open(maps[0]) as raster:
        assert raster.count == 3 and raster.crs.to_epsg() == 32618 and np.isfinite(raster.read()).all()

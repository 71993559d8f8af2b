"""Every example below experiments/ trains two steps and is evaluated on two samples, scaled down by this test alone.

Of those that differ by the tiles alone that they read, one trains, and the others are shown to read the same fields.
The published models train in test_published_examples.py.
"""

import gc
import json
from pathlib import Path

import keras
import numpy as np
import pytest

import train
from experiment import PROJECT, Environment, open_experiment
from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.records.writer import DatasetWriter
from pix2earth.results import budgets
from pix2earth.settings.commented_json import read
from preprocessing import sample_scenes, samples
from preprocessing.sharpening import __main__ as sharpening
from preprocessing.solar_sample import __main__ as solar_sample
from synthetic import __main__ as synthetic

EXAMPLES = sorted(
    path.parent.relative_to(PROJECT / "experiments").as_posix()
    for path in (PROJECT / "experiments").rglob("experiment.json")
    if not {"logs", "architectures"} & set(path.parts)
)
SIDE = 32
TINY = 64
DEEP = ("tarsgan", "dsen2w")
"""Networks of some hundred convolutions; their ``params`` set the depth."""


def import_samples(root, *arguments):
    with pytest.raises(SystemExit) as end:
        samples.main(["--env", str(root / "environment.json"), *arguments])
    assert end.value.code == 0


@pytest.fixture(scope="module")
def data_root(tmp_path_factory):
    """The demos' datasets of the shipped samples, small ones as ARISGAN itself writes them, and tiny presets."""
    root = tmp_path_factory.mktemp("examples")
    (root / "environment.json").write_text('{"data_root": "data"}')
    import_samples(root)
    with pytest.raises(SystemExit, match="0"):
        sharpening.main(["--input", str(sample_scenes.SAMPLES / "s2_18svg"), "--dataset", "sharpening",
                         "--env", str(root / "environment.json")])  # fmt: skip
    with pytest.raises(SystemExit, match="0"):
        solar_sample.main(["--env", str(root / "environment.json")])
    for kind, field, factor in (("alt12", "raw_s2_alt", 4), ("alt30", "raw_s2_alt", 8), ("curated", "raw_s3", 8)):
        write_published(root / "data" / kind / str(SIDE), field, factor)
    for preset in (*synthetic.PRESETS, "series_study"):
        make_tiny(root / "data", preset)
    write_pairs(root / "data", "euv2mag", (3, (1.0, 200.0)), (1, (-3000.0, 3000.0)))
    write_pairs(root / "data", "map2sim", (3, (0.0, 255.0)), (3, (0.0, 255.0)))
    return root / "data"


def write_pairs(data_root: Path, name: str, *sides: tuple[int, tuple[float, float]]) -> None:
    """Write pairs of smooth images as Pix2PixCC's published examples read them: bands and valid range of each side."""
    rows, columns = np.mgrid[0:TINY, 0:TINY] / TINY
    fields = {
        key: Field(dtype="float32", shape=[TINY, TINY, bands], bands=[f"b{n}" for n in range(bands)], valid_range=ends)
        for key, (bands, ends) in zip(("input_image", "target"), sides, strict=True)
    }
    manifest = Manifest(name=name, tilesize=TINY, fields=fields, split=Split(method="by hand"))
    with DatasetWriter(data_root, manifest) as writer:
        for number in range(8):
            waves = (1 + np.sin(6 * (rows + columns * number))) / 2
            arrays = {
                key: np.repeat((low + (high - low) * waves)[..., None], bands, axis=-1).astype("float32")
                for key, (bands, (low, high)) in zip(fields, sides, strict=True)
            }
            writer.write("train" if number < 4 else "val", f"pair{number}", arrays)


def make_tiny(data_root: Path, preset: str) -> None:
    """Make the dataset that an example names, in the smallest profile."""
    place, file = str(data_root / "synthetic" / preset), str(PROJECT / f"synthetic/config/presets/{preset}.yaml")
    with pytest.raises(SystemExit) as end:
        synthetic.main(["make", "--cfg", file, "--profile", "tiny", "--workers", "1", "--o", place])
    assert end.value.code == 0


def write_published(folder: Path, field: str, factor: int) -> None:
    """Cut real Sentinel-2 into float lists: half of the tiles named _notinmask, the coarse side on the fine grid.

    OLCI's 21 bands are stood in for by mixtures of four real ones, in its unit and range.
    """
    import rasterio
    import tensorflow as tf

    from pix2earth.records.format import framed

    bands = []
    for band in ("B02", "B03", "B04", "B08"):
        with rasterio.open(PROJECT / "samples" / "s2_18svg" / f"T18SVG_20160112_{band}.jp2") as source:
            bands.append(source.read(1, window=rasterio.windows.Window(0, 0, 12 * SIDE, SIDE)) * 1e-4)
    scene = np.stack(bands, axis=-1).astype("float32")
    mixtures = 650 * np.random.default_rng(0).dirichlet(np.ones(4), 21).T.astype("float32")
    for number in range(12):
        tile = scene[:, number * SIDE : (number + 1) * SIDE]
        coarse = tile.reshape(SIDE // factor, factor, SIDE // factor, factor, 4).mean(axis=(1, 3))
        coarse = coarse.repeat(factor, 0).repeat(factor, 1)
        lists = {"raw_s2": tile[..., :3], field: coarse @ mixtures if field == "raw_s3" else coarse[..., :3]}
        features = {
            key: tf.train.Feature(float_list=tf.train.FloatList(value=values.ravel())) for key, values in lists.items()
        }
        example = tf.train.Example(features=tf.train.Features(feature=features))
        suffix = "_notinmask" if number % 2 else ""
        path = folder / ("train" if number < 8 else "val") / f"{number:05d}_{number * SIDE}x0{suffix}.tfrecord"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(framed(example.SerializeToString()))


def test_published_gap_filling_hides_what_its_name_says():
    for name in EXAMPLES:
        folder, _, kind = name.partition("/")
        if folder != "gapfill" or not kind:
            continue
        settings = read(PROJECT / "experiments" / name / "experiment.json").data
        what, number = kind.split("_")
        positions, length = ([[int(number)]], 6231) if what == "position" else ([[2]], int(number))
        assert settings["occlusion"]["positions"] == positions and settings["training_length"] == length
        assert settings["steps"] == 200 * -(-length // settings["batch_size"])  # epochs, each with a last small batch


def environment_of(tmp_path, data_root, name, settings):
    """Write an example and its environment below a folder of the test's own."""
    folder = tmp_path / "experiments" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "experiment.json").write_text(json.dumps(settings))
    environment = {"data_root": str(data_root), "experiment_root": "experiments"}
    (tmp_path / "environment.json").write_text(json.dumps(environment))
    return str(tmp_path / "environment.json")


def model_of(name: str) -> str:
    """Return the model of an example."""
    return read(PROJECT / "experiments" / name / "experiment.json").data["model_name"]


@pytest.fixture
def narrow(name, monkeypatch):
    """In the networks of ARISGAN, convolutions of 32 and more filters have an eighth of them; the rest stays."""
    if model_of(name) not in {model_of(example) for example in EXAMPLES if example.startswith("arisgan/")}:
        return

    def narrowed(original):
        def build(self, input_shape):
            self.filters = self.filters if self.filters < 32 else self.filters // 8
            original(self, input_shape)

        return build

    for layer in (keras.layers.Conv2D, keras.layers.Conv2DTranspose):
        monkeypatch.setattr(layer, "build", narrowed(layer.build))


READ_ONLY = (
    "dataset", "enforce_suffix", "exclude_suffix", "steps", "ckpt_freq", "sample_freq", "keep_checkpoints", "occlusion",
    "training_length", "seed",
)  # fmt: skip
"""Keys by which examples differ that train the same network on other tiles or with another seed, or hide others."""


def twins() -> dict[str, str]:
    """Return examples that train what another one trains, on other tiles, each with that other one."""
    first: dict[str, str] = {}
    found = {}
    for name in EXAMPLES:
        settings = read(PROJECT / "experiments" / name / "experiment.json").data
        same = {key: value for key, value in settings.items() if key not in READ_ONLY}
        key = json.dumps([same, settings["dataset"].rstrip("0123456789")], sort_keys=True)
        if first.setdefault(key, name) != name:
            found[name] = first[key]
    return found


TWINS = twins()


def scaled_down(name: str) -> dict:
    """Return the settings of an example for a training of two steps."""
    settings = read(PROJECT / "experiments" / name / "experiment.json").data
    changes = {"steps": 2, "batch_size": 2, "sample_val": 2, "metrics": ["PSNR"]}
    if name.startswith("arisgan/"):
        changes["tilesize"] = SIDE
        if settings["model_name"] in DEEP:
            changes["params"] = settings.get("params", {}) | {"layers": 1}
    elif settings["dataset"].startswith("synthetic/"):
        changes["tilesize"] = TINY
        if name.startswith("rsgan/"):
            changes["params"] = settings.get("params", {}) | {"filters": [2] * 3, "discriminator_filters": [2] * 2}
    elif settings["model_name"] in ("pix2pixcc", "gapfill"):
        changes |= imported(settings)
    return settings | changes


def imported(settings: dict) -> dict:
    """Return what makes an example of the published width run on little data that stand in for what users import."""
    narrow = {"filters": 4, "discriminator_filters": 4}
    if settings["model_name"] == "pix2pixcc":
        return {"tilesize": TINY, "params": settings.get("params", {}) | narrow | {"residual_blocks": 1}}
    stand_in = "synthetic/gap_filling"  # three time steps of the same six bands, and masks
    hidden = settings["occlusion"] | {"masks": stand_in}
    return {"tilesize": TINY, "params": narrow | {"blocks": 1}, "dataset": stand_in, "occlusion": hidden}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "trained"), TWINS.items())
def test_a_twin_reads_what_the_example_reads_that_trains(name, trained, data_root, tmp_path):
    """All other keys are equal, so that its first batch is all that can be different."""
    from pix2earth.batches.dataset import Dataset

    assert name.startswith(("arisgan/", "gapfill/", "losses/"))
    environment = Environment(environment_of(tmp_path, data_root, name, scaled_down(name)))
    environment_of(tmp_path, data_root, trained, scaled_down(trained))
    datasets = [Dataset(open_experiment(each, environment, "a")) for each in (name, trained)]
    one, other = (dataset.prepare(next(iter(dataset.training_batches(0, 1)))) for dataset in datasets)
    assert one.keys() == other.keys()
    for field, values in one.items():
        assert values.shape == other[field].shape and np.isfinite(values).all()
    if suffix := datasets[0].experiment.ENFORCE_SUFFIX:
        assert all(tile.endswith(suffix) for split in ("train", "val") for tile in datasets[0].names(split))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in EXAMPLES if name not in {*TWINS, *budgets.EXAMPLES}])
def test_example_trains_and_is_evaluated(name, data_root, tmp_path, narrow):
    import pandas as pd

    settings = scaled_down(name)
    environment = environment_of(tmp_path, data_root, name, settings)
    with pytest.raises(SystemExit) as end:
        train.main(["--env", environment, "--exp", name, "--timestamp", "a"])
    keras.backend.clear_session()
    gc.freeze()  # of what TensorFlow keeps; the next collection would take half a second for it
    assert end.value.code == 0
    (csv,) = (tmp_path / "experiments" / "_evaluation").glob("*_a.csv")
    table = pd.read_csv(csv)
    assert len(table) == 2 and np.isfinite(table["PSNR"]).all() and (table["step"] == 2).all()
    assert ("PSNR.inside" in table) == any(
        word in settings["dataset"] for word in ("cloud_removal", "gap_filling", "series")
    )
    if suffix := settings.get("enforce_suffix"):
        assert table["tile"].str.endswith(suffix).all()


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name.startswith("arisgan/")])
def test_one_key_makes_an_example_run_on_the_shipped_imagery(name, shipped, tmp_path, capsys):
    """The command and the key that its first lines name."""
    path = PROJECT / "experiments" / name / "experiment.json"
    dataset, arguments = advice(path.read_text())
    environment = environment_of(tmp_path, shipped(*arguments), name, read(path).data | {"dataset": dataset})
    with pytest.raises(SystemExit) as end:
        train.main(["--env", environment, "--exp", name, "--dry-run"])
    assert end.value.code == 0
    assert f"data/{dataset}/256 (" in capsys.readouterr().out


def advice(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the dataset and the importer's arguments that an example's comment names."""
    dataset = text.split('"dataset": "')[1].split('"')[0]
    (command,) = (line for line in text.splitlines() if "preprocessing.samples" in line)
    return dataset, tuple(command.split("preprocessing.samples")[1].split())


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """``shipped(*arguments)``: the data root, in which the importer has made that dataset."""
    root = tmp_path_factory.mktemp("shipped")
    (root / "environment.json").write_text('{"data_root": "data"}')

    def made(*arguments):
        import_samples(root, *arguments)
        return root / "data"

    return made

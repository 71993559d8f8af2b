"""Pictures of evaluated tiles: which are kept, their contrast, and the files of a real evaluation."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pix2earth.figures import tile_pictures
from pix2earth.figures.panels.contrast import Contrast, coloured, contrast_of
from pix2earth.figures.tile_pictures import EVENLY, MOST, chosen
from pix2earth.records.field import Field
from pix2earth.scoring.tiles import places

BANDS = ["B04", "B03", "B02"]


def field(**changes) -> Field:
    return Field(**({"dtype": "uint16", "shape": [8, 8, 3], "bands": BANDS, "scale": 1e-4} | changes))


class TestChosen:
    def test_all_of_a_small_split(self):
        assert chosen(pd.DataFrame({"tile": ["b", "a"], "PSNR": [1.0, 2.0]}), []) == ["a", "b"]

    def test_some_evenly_and_the_extreme_ones_and_those_of_others(self):
        names = [f"t{number:04d}" for number in range(1000)]
        values = np.sin(np.arange(1000.0))
        values[[501, 502]] = np.nan, np.inf
        found = chosen(pd.DataFrame({"tile": names, "PSNR": values}), ["t0017", "of another dataset"])
        finite = np.where(np.isfinite(values), values, 0)
        assert {names[finite.argmax()], names[finite.argmin()], "t0000", "t0999", "t0017"} <= set(found)
        assert EVENLY <= len(found) <= EVENLY + 4 and "of another dataset" not in found

    def test_never_more_than_the_limit(self):
        names = [f"t{number:04d}" for number in range(1000)]
        assert len(chosen(pd.DataFrame({"tile": names, "PSNR": np.arange(1000.0)}), names)) == MOST


class TestContrast:
    def test_reflectance_is_fixed(self):
        found = contrast_of(field(), np.full((4, 4, 3), 0.9), physical=True)
        assert (found.low, found.high) == (0.0, 0.3) and "reflectance 0 to 0.3" in found.words

    def test_photographs_are_as_stored(self):
        photograph = field(dtype="uint8", scale=1.0, bands=["r", "g", "b"])
        assert contrast_of(photograph, np.zeros((4, 4, 3)), physical=True)[:3] == (0, 255, 1)

    @pytest.mark.parametrize("changes", [{"bands": ["x", "y", "z"]}, {"units": "K"}])
    def test_others_have_one_pair_for_all_bands(self, changes):
        values = np.linspace(0, 100, 300).reshape(10, 10, 3)
        values[0, 0, 0] = np.nan
        low, high, gamma, *_ = contrast_of(field(**changes), values, physical=True)
        assert low == pytest.approx(1, abs=0.4) and high == pytest.approx(99, abs=0.1) and gamma == 1

    def test_images_of_unit_norm_and_empty_ones(self):
        assert contrast_of(field(), np.full((4, 4, 3), 0.01), physical=False).low == pytest.approx(0.01)
        assert contrast_of(field(), np.full((4, 4, 3), np.nan), physical=False)[:2] == (0, 1)

    def test_missing_pixels_are_grey_and_never_black(self):
        values = np.array([[[0.0, 0.15, 0.3], [np.nan, 0.1, 0.1], [-1, 2, np.inf]]])
        found = coloured(values, Contrast(0, 0.3, 1.0, ""))
        assert found.tolist() == [[[0, 128, 255], [217] * 3, [217] * 3]]


@pytest.fixture
def evaluated(tiny_root, open_tiny):
    """``evaluated(name, **settings)``: the folder of the samples after an evaluation of an untrained network."""
    from pix2earth.batches.dataset import Dataset
    from pix2earth.plugins import contract, finding
    from pix2earth.runs import identity
    from pix2earth.runs.origin import Origin
    from pix2earth.scoring import evaluating
    from pix2earth.scoring.scorer import Scorer

    def evaluate(name="e", **settings):
        experiment = open_tiny(tiny_root, name, **settings)
        plugin = finding.find(experiment)
        scorer = Scorer(Dataset(experiment), contract.build(experiment, plugin), plugin, ["PSNR"])
        recorded = identity.describe(experiment, scorer.dataset.listing, plugin)
        scorer.origin = Origin(name, "0101-0000", None, 3, f"checkpoint of {name}", recorded)
        path = experiment.output.evaluation
        table = evaluating.evaluate(scorer, "val", 3, path)
        tile_pictures.keep_beside(scorer, "val", table, path)
        return evaluating.kept_folder(scorer, "val", path)

    return evaluate


def test_an_evaluation_keeps_pictures_and_places(evaluated, tiny_arrays):
    folder = evaluated(metrics=["PSNR"])
    names = sorted(tiny_arrays["val"])
    for title in ("sample/input", "sample/target", "sample/bicubic", "runs/e_0101-0000"):
        assert sorted(path.stem for path in (folder / title).glob("*.webp")) == names
    with Image.open(folder / "sample/target" / f"{names[0]}.webp") as picture:
        shown = np.asarray(picture.convert("RGB"), float)
    # The mask hides pixels in grey; the others have the fixed contrast, but for what WebP loses.
    fields = tiny_arrays["val"][names[0]]
    visible = fields["cloud_mask"][..., 0] > 0
    expected = coloured(fields["target"] * 1e-4, Contrast(0, 0.3, 1.4, ""))
    assert np.abs(shown - expected)[visible].mean() < 12
    assert json.loads((folder / "runs/e_0101-0000/about.json").read_text()) == {
        "checkpoint": "checkpoint of e", "tiles": len(names),
    }  # fmt: skip
    table = places.load(folder)
    assert list(table.index) == names and set(table["unit"]) == {"block"} and set(table["crs"]) == {"EPSG:32618"}
    assert table["x"].diff().dropna().tolist() == [640.0] * 5 and table["block"].nunique() == 2
    share = (fields["cloud_mask"] > 0).mean()
    assert table["hidden"][names[0]] == pytest.approx(share)


def test_runs_on_the_same_samples_share_a_folder(evaluated):
    folder = evaluated("a", metrics=["PSNR"])
    shared = [folder / "places.csv", *folder.glob("sample/*/*.webp")]
    before = {path: path.stat().st_mtime_ns for path in shared}
    assert evaluated("b", metrics=["PSNR"], seed=1) == folder
    assert {path.name for path in (folder / "runs").iterdir()} == {"a_0101-0000", "b_0101-0000"}
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_pictures_of_a_former_evaluation_are_removed(evaluated):
    folder = evaluated("a", metrics=["PSNR"])
    (folder / "runs/a_0101-0000/gone.webp").write_bytes(b"")
    evaluated("a")
    assert not (folder / "runs/a_0101-0000/gone.webp").exists()


SIDE = 16
IMAGE = {"dtype": "uint16", "bands": BANDS, "scale": 1e-4, "nodata": 0, "valid_range": (0.0, 2.0), "gsd": 10.0}


@pytest.fixture
def kept(dataset_of, manifest_of, namespace, tmp_path):
    """``kept(source, target, predict, **settings)``: sizes (width, height) of the pictures of one sample by title."""
    import tensorflow as tf

    from pix2earth.scoring.scorer import Scorer

    def keep(source, target, predict=tf.identity, first_row="top", stored=None, **settings):
        random = np.random.default_rng(0)
        fields = {"input_image": source, "target": target}
        sample = {name: random.integers(1000, 9000, each.shape).astype(each.dtype) for name, each in fields.items()}
        if stored is not None:
            sample = dict.fromkeys(sample, stored)
        gan = namespace(generator=lambda image, training: predict(image))
        manifest = manifest_of(source, target).model_copy(update={"first_row": first_row})
        dataset = dataset_of(manifest, {"a": sample}, **settings)
        scorer = Scorer(dataset, gan, tmp_path / "mine.py", ["PSNR"])
        table = pd.DataFrame({"tile": ["a"], "PSNR": [1.0]})
        assert tile_pictures.keep(scorer, "val", table, tmp_path / "kept", "run") == 1
        sizes = {}
        for path in (tmp_path / "kept").glob("*/*/a.webp"):
            with Image.open(path) as picture:
                sizes[path.parent.name] = picture.size
        return sizes

    return keep


@pytest.mark.parametrize("fold", [False, True])
def test_time_steps_of_targets_lie_side_by_side(kept, fold):
    several = Field(shape=[3, SIDE, SIDE, 3], **IMAGE)
    sizes = kept(several, several, fold_dates=fold)
    assert sizes == dict.fromkeys(("input", "target", "run"), (3 * SIDE, SIDE))


def test_time_steps_of_inputs_alone_have_pictures_of_their_own(kept):
    source, target = Field(shape=[5, SIDE, SIDE, 3], **IMAGE), Field(shape=[SIDE, SIDE, 3], **IMAGE)
    sizes = kept(source, target, lambda image: image[:, 0])
    assert set(sizes) == {"input 1", "input 2", "input 3", "input 4", "target", "run", "median"}
    assert set(sizes.values()) == {(SIDE, SIDE)}


@pytest.mark.parametrize("settings", [{}, {"normalize": "l2"}])
def test_one_band_without_a_known_quantity(kept, settings):
    grey = Field(shape=[SIDE, SIDE, 1], **(IMAGE | {"bands": ["magnetic field"], "units": "G"}))
    assert set(kept(grey, grey, **settings)) == {"input", "target", "run", "copy"}


def test_large_tiles_are_reduced():
    with Image.open(tile_pictures.io.BytesIO(tile_pictures.webp(np.zeros((600, 1200, 3), np.uint8)))) as picture:
        assert picture.size == (512, 256)


@pytest.mark.parametrize("first_row", ["top", "bottom"])
def test_the_lowest_row_is_drawn_below(kept, tmp_path, first_row):
    """A tile whose first rows are bright: they are above, or where the lowest row is the first one, below."""
    image = Field(shape=[SIDE, SIDE, 3], **IMAGE)
    stored = np.full((SIDE, SIDE, 3), 100, np.uint16)
    stored[: SIDE // 4] = 3000
    kept(image, image, first_row=first_row, stored=stored)
    for title in ("sample/input", "sample/target", "runs/run"):
        with Image.open(tmp_path / "kept" / title / "a.webp") as picture:
            means = np.asarray(picture.convert("L"), np.float64).mean(axis=1)
        upper, lower = means[: SIDE // 4].mean(), means[-SIDE // 4 :].mean()
        assert (upper > lower + 100) if first_row == "top" else (lower > upper + 100)

"""``derive``: workers and interruptions change no byte; kept frames keep their numbers and dates."""

import json

import h5py
import numpy as np
import pytest

from synthetic.products import product
from synthetic.products.verification import defects
from tests.folders import everything

LATENT = """\
seed: 7
product: {{size: {{width: {side}, height: {side}}}, horizon: {horizon}, n_polygons: 10}}
source: {{kind: physical}}
"""
MANY_STEPS = """\
seed: 5
steps:
  - {type: bands, sensor: sentinel2, names: [B4, B3, B2, B8]}
  - {type: gain, mul: [0.9, 1.1], add: [-0.01, 0.01], each: frame}
  - {type: misregistration, sd_px: 0.3}
  - {type: resample, factor: 2}
  - {type: cloud, mean: 0.5}
  - {type: noise}
  - {type: impulses, proportion: [0.01, 0.02]}
"""


@pytest.fixture(scope="session")
def source_product(shared_product):
    """``source_product(side=48, horizon=5)``: folder of a latent product, which tests share."""
    return lambda side=48, horizon=5: shared_product(LATENT.format(side=side, horizon=horizon))


@pytest.fixture
def derive(tmp_path, command):
    """``derive(source, name, text, *words, workers=1)``: folder of a derived product."""

    def run(source, name, text=MANY_STEPS, *words, workers=1):
        (tmp_path / f"{name}.yaml").write_text(text)
        words = ("--cfg", tmp_path / f"{name}.yaml", "--product", source, "--o", tmp_path / name, *words)
        assert command("derive", *words, "--workers", workers) == (0, [])
        return tmp_path / name

    return run


@pytest.mark.slow
def test_workers_change_no_byte(source_product, derive):
    first, second = (derive(source_product(), f"by_{count}", MANY_STEPS, workers=count) for count in (1, 2))
    assert everything(first) == everything(second)
    assert len(everything(first)) == 12 and defects(first) == []


def test_two_seeds_share_less_than_a_hundredth_of_their_values(source_product, derive):
    images = []
    for seed in (5, 6):
        folder = derive(source_product(), f"s{seed}", MANY_STEPS, "--seed", seed)
        with h5py.File(folder / "frames/frame_2.h5") as file:
            images.append(file["data"][:])
    assert (images[0] == images[1]).mean() < 0.01


def test_kept_frames_keep_their_numbers_and_dates(source_product, derive):
    source = source_product()
    folder = derive(source, "half", "temporal_res: 2\ntarget_size: {width: 48, height: 48}\nsteps: []\n")
    index, source_index = product.load_index(folder), product.load_index(source)
    assert [number for number, entry in index["files"].items() if entry] == ["0", "2", "4"]
    assert (index["features"]["nframes"], index["features"]["horizon"]) == (3, 5)
    assert index["dates"] == {number: source_index["dates"][number] for number in ("0", "2", "4")}
    assert sorted(path.name for path in folder.glob("frames/*")) == ["frame_0.h5", "frame_2.h5", "frame_4.h5"]
    # Without steps the values are equal, hence the bytes.
    assert (folder / "frames/frame_4.h5").read_bytes() == (source / "frames/frame_4.h5").read_bytes()


def test_frames_left_out_stay_out_of_products_derived_from_it(source_product, derive):
    half = derive(source_product(horizon=7), "half", "temporal_res: 2\n")
    third = derive(
        half, "third", "temporal_res: 3\nsteps: [{type: resample, factor: 2}, {type: resample, factor: 2}]\n"
    )
    index = product.load_index(third)
    assert product.frame_numbers(index) == [0, 6] and index["features"]["horizon"] == 7
    assert (index["gsd"], index["features"]["width"]) == (40, 12)
    assert index["derived_from"] == product.load_index(half)["digest"] and defects(third) == []


def test_the_index_has_the_cloud_cover_of_the_stored_masks(source_product, derive):
    folder = derive(source_product(), "clouded", "steps: [{type: cloud, mean: 0.5}]\n")
    covers = json.loads((folder / "index.json").read_text())["cloud_cover"]
    for number, cover in covers.items():
        with h5py.File(folder / f"masks/mask_{number}.h5") as file:
            alpha, classes = file["alpha"][:], file["class"][:]
        assert cover == pytest.approx((alpha / 255 > 0.1).mean(), abs=1e-6)
        np.testing.assert_array_equal(np.isin(classes, (1, 2)), alpha / 255 > 0.1)
    assert len(covers) == 5 and max(covers.values()) > 0


@pytest.fixture(scope="module")
def complete(tmp_path_factory, command, source_product):
    """Source, words without --o and --workers, and files of a product of 24 frames, written in one process."""
    source, folder = source_product(192, 24), tmp_path_factory.mktemp("complete")
    (folder / "x.yaml").write_text(MANY_STEPS)
    words = ["derive", "--cfg", str(folder / "x.yaml"), "--product", str(source)]
    assert command(*words, "--workers", 1, "--o", folder / "data") == (0, [])
    return words, everything(folder / "data")


@pytest.mark.slow
@pytest.mark.parametrize(("killed", "resumed"), [(1, 2), (2, 1)])
def test_a_killed_command_resumes_to_the_same_bytes(tmp_path, command, complete, kill_when, killed, resumed):
    """SIGKILL of ``killed`` workers after two of 24 frames; ``resumed`` workers do not write these frames again."""
    (words, files), folder = complete, tmp_path / "killed"
    kill_when(
        [*words, "--workers", str(killed), "--o", str(folder)], lambda: len(list(folder.glob("frames/*.h5"))) >= 2
    )
    before = {path: path.stat().st_mtime_ns for path in folder.glob("frames/*.h5")}
    assert 2 <= len(before) < 24 and (folder / product.UNFINISHED).is_file()
    assert command(*words, "--workers", resumed, "--o", folder) == (0, [])
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert everything(folder) == files


def test_views_are_derived_from_their_own_source(tmp_path, command):
    (tmp_path / "latent.yaml").write_text(LATENT.format(side=24, horizon=1))
    (tmp_path / "sensor.yaml").write_text("product: 'latent/{view}'\nsteps: [{type: noise}]\n")
    latent, derived = tmp_path / "latent" / "{view}", tmp_path / "derived" / "{view}"
    for _ in range(2):  # the second time nothing is to be written
        for words in (
            ("generate", "--cfg", tmp_path / "latent.yaml", "--o", latent, "--workers", 1),
            ("derive", "--cfg", tmp_path / "sensor.yaml", "--o", derived, "--workers", 2),
        ):
            assert command(*words, "--views", 2) == (0, [])
    for view in (1, 2):
        index, source = (product.load_index(tmp_path / kind / str(view)) for kind in ("derived", "latent"))
        assert index["derived_from"] == source["digest"] and index["scene"] == view

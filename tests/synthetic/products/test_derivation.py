"""``derive``: the same bytes whatever workers and interruptions; the frames that are asked for, by their names."""

import json

import h5py
import numpy as np
import pytest

from synthetic.products import product
from synthetic.products.verification import defects
from tests.folders import everything

LATENT = """\
seed: 7
product: {size: {width: SIDE, height: SIDE}, horizon: HORIZON, n_polygons: 10}
source: {kind: physical}
"""
EVERYTHING = """\
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


@pytest.fixture
def latent(tmp_path, command):
    """``latent(side=48, horizon=5)``: the folder of a latent product."""

    def made(side=48, horizon=5):
        text = LATENT.replace("SIDE", str(side)).replace("HORIZON", str(horizon))
        (tmp_path / "latent.yaml").write_text(text)
        words = ("--cfg", tmp_path / "latent.yaml", "--o", tmp_path / "latent", "--workers", 1)
        assert command("generate", *words) == (0, [])
        return tmp_path / "latent"

    return made


@pytest.fixture
def derive(tmp_path, command):
    """``derive(source, name, text, *words)``: the folder of what was derived."""

    def made(source, name, text=EVERYTHING, *words):
        (tmp_path / f"{name}.yaml").write_text(text)
        words = ("--cfg", tmp_path / f"{name}.yaml", "--product", source, "--o", tmp_path / name, *words)
        assert command("derive", *words) == (0, [])
        return tmp_path / name

    return made


def test_workers_change_no_byte(latent, derive):
    source = latent()
    one, two = (derive(source, f"by_{count}", EVERYTHING, "--workers", count) for count in (1, 2))
    assert everything(one) == everything(two)
    assert len(everything(one)) == 12 and defects(one) == []


def test_seeds_share_less_than_a_hundredth_of_their_values(latent, derive):
    source = latent()
    found = []
    for seed in (5, 6):
        with h5py.File(derive(source, f"s{seed}", EVERYTHING, "--seed", seed) / "frames/frame_2.h5") as file:
            found.append(file["data"][:])
    assert (found[0] == found[1]).mean() < 0.01


def test_every_second_frame_keeps_its_number_and_date(latent, derive):
    source = latent()
    folder = derive(source, "half", "temporal_res: 2\ntarget_size: {width: 48, height: 48}\nsteps: []\n")
    index, before = product.load_index(folder), product.load_index(source)
    assert [number for number, entry in index["files"].items() if entry] == ["0", "2", "4"]
    assert (index["features"]["nframes"], index["features"]["horizon"]) == (3, 5)
    assert index["dates"] == {number: before["dates"][number] for number in ("0", "2", "4")}
    assert sorted(path.name for path in folder.glob("frames/*")) == ["frame_0.h5", "frame_2.h5", "frame_4.h5"]
    # No step: the same numbers, hence the same bytes.
    assert (folder / "frames/frame_4.h5").read_bytes() == (source / "frames/frame_4.h5").read_bytes()


def test_what_was_left_out_is_left_out_of_what_is_derived_from_it(latent, derive):
    half = derive(latent(horizon=7), "half", "temporal_res: 2\n")
    third = derive(
        half, "third", "temporal_res: 3\nsteps: [{type: resample, factor: 2}, {type: resample, factor: 2}]\n"
    )
    index = product.load_index(third)
    assert product.frames_of(index) == [0, 6] and index["features"]["horizon"] == 7
    assert (index["gsd"], index["features"]["width"]) == (40, 12)
    assert index["derived_from"] == product.load_index(half)["digest"] and defects(third) == []


def test_the_index_has_the_cover_of_the_stored_masks(latent, derive):
    folder = derive(latent(), "clouded", "steps: [{type: cloud, mean: 0.5}]\n")
    covers = json.loads((folder / "index.json").read_text())["cloud_cover"]
    for number, cover in covers.items():
        with h5py.File(folder / f"masks/mask_{number}.h5") as file:
            alpha, classes = file["alpha"][:], file["class"][:]
        assert cover == pytest.approx((alpha / 255 > 0.1).mean(), abs=1e-6)
        np.testing.assert_array_equal(np.isin(classes, (1, 2)), alpha / 255 > 0.1)
    assert len(covers) == 5 and max(covers.values()) > 0


@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_killed_goes_on_to_the_same_bytes(tmp_path, latent, derive, kill_when, workers):
    """SIGKILL after two of 24 frames of a process of its own; the frames that were there are not written again."""
    source, folder = latent(256, 24), tmp_path / "killed"
    (tmp_path / "killed.yaml").write_text(EVERYTHING)
    words = ["derive", "--cfg", str(tmp_path / "killed.yaml"), "--product", str(source), "--o", str(folder)]
    kill_when([*words, "--workers", str(workers)], lambda: len(list(folder.glob("frames/*.h5"))) >= 2)
    before = {path: path.stat().st_mtime_ns for path in folder.glob("frames/*.h5")}
    assert 2 <= len(before) < 24 and (folder / product.UNFINISHED).is_file()
    derive(source, "killed", EVERYTHING, "--workers", workers)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert everything(folder) == everything(derive(source, "whole"))


def test_views_are_derived_from_their_own(tmp_path, command):
    (tmp_path / "latent.yaml").write_text(LATENT.replace("SIDE", "24").replace("HORIZON", "1"))
    (tmp_path / "sensor.yaml").write_text("product: 'latent/{view}'\nsteps: [{type: noise}]\n")
    latent, derived = tmp_path / "latent" / "{view}", tmp_path / "derived" / "{view}"
    for _ in range(2):  # the second time there is nothing to do
        assert (
            command("generate", "--cfg", tmp_path / "latent.yaml", "--views", 2, "--o", latent, "--workers", 2)[0] == 0
        )
        assert (
            command("derive", "--cfg", tmp_path / "sensor.yaml", "--views", 2, "--o", derived, "--workers", 2)[0] == 0
        )
    for view in (1, 2):
        made, source = (product.load_index(tmp_path / kind / str(view)) for kind in ("derived", "latent"))
        assert made["derived_from"] == source["digest"] and made["scene"] == view

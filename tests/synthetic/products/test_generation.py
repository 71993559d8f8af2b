"""``generate``: the same bytes whatever the workers, the order and the interruptions; dates and counts as they are."""

import itertools
import json
from datetime import datetime

import h5py
import numpy as np
import pytest

from synthetic.ground import scene
from synthetic.products import generation, product
from synthetic.products.verification import defects
from synthetic.schema.generation import GenerationFile
from tests.folders import everything

GENERATION = """\
seed: {seed}
product: {{size: {{width: 64, height: 48}}, horizon: 5, n_polygons: 10}}
source: {{kind: physical, quantity: {quantity}, time: {{start: 2021-11-20, revisit_days: 12, jitter_days: 5}}}}
"""


@pytest.fixture
def written(tmp_path, command):
    """``written(name, *words, seed=7, quantity="reflectance")``: the folder of a product."""

    def made(name, *words, seed=7, quantity="reflectance"):
        path = tmp_path / f"{seed}_{quantity}.yaml"
        path.write_text(GENERATION.format(seed=seed, quantity=quantity))
        assert command("generate", "--cfg", path, "--o", tmp_path / name, *words) == (0, [])
        return tmp_path / name

    return made


def values(folder, number=0):
    with h5py.File(folder / f"frames/frame_{number}.h5") as file:
        return file["data"][:]


@pytest.mark.parametrize("quantity", ["reflectance", "backscatter"])
def test_workers_change_no_byte(written, quantity):
    one, two = (written(f"by_{count}", "--workers", count, quantity=quantity) for count in (1, 2))
    assert everything(one) == everything(two)
    assert len(everything(one)) == 7


def test_a_view_alone_is_that_of_the_whole(written, tmp_path):
    """Scene 3 of four by two processes, and drawn here without any other."""
    written("whole/{view}", "--views", 4, "--workers", 2)
    configuration = GenerationFile.model_validate_json(
        json.dumps(json.loads((tmp_path / "whole/3/index.json").read_text())["configuration"]), strict=False
    )
    text = configuration.model_dump_json()
    generation.write(generation.GenerationTask(text, tmp_path, tmp_path / "alone", 3, (4, 0)))
    alone, whole = everything(tmp_path / "alone"), everything(tmp_path / "whole" / "3")
    assert sorted(alone) == ["annotations/annotation_0.h5", "frames/frame_0.h5", "frames/frame_4.h5"]
    assert alone.items() <= whole.items()
    assert len({everything(tmp_path / "whole" / str(view))["frames/frame_0.h5"] for view in (1, 2, 3, 4)}) == 4


def test_scene_17_alone_is_scene_17_of_the_whole(plain):
    """Whatever was drawn before it."""
    ground = plain(64, n_polygons=12, texture=1.0, instance_variation=1.0)
    date = datetime(2021, 6, 1, 10, 30)
    alone = scene.SyntheticScene(ground, 7, 17)
    image = alone.reflectance(alone.condition(date, 0))
    for number in range(18):
        drawn = scene.SyntheticScene(ground, 7, number)
        last = drawn.reflectance(drawn.condition(date, 0))
    np.testing.assert_array_equal(last, image)
    np.testing.assert_array_equal(
        drawn.backscatter(drawn.condition(date, 0)), alone.backscatter(alone.condition(date, 0))
    )


@pytest.mark.parametrize("quantity", ["reflectance", "backscatter"])
def test_seeds_share_less_than_a_hundredth_of_their_values(written, quantity):
    one, other = (values(written(f"seed_{seed}", "--workers", 1, seed=seed, quantity=quantity)) for seed in (7, 8))
    assert (one == other).mean() < 0.01


def test_seed_0_is_a_seed_and_the_command_line_overrides_the_file(written):
    zero = written("zero", "--workers", 1, seed=0)
    assert everything(written("asked", "--workers", 1, "--seed", 0)) == everything(zero)
    assert (values(zero) == values(written("seven", "--workers", 1))).mean() < 0.01


def test_index_dates_and_counts_are_those_on_disk(written):
    """Frame i is within the jitter of start + 12 i days."""
    folder = written("made", "--workers", 1)
    index = json.loads((folder / "index.json").read_text())
    assert index["features"]["nframes"] == index["features"]["horizon"] == len(list(folder.glob("frames/*.h5"))) == 5
    dates = [product.date_of(index, number) for number in range(5)]
    assert all(one < other for one, other in itertools.pairwise(dates))
    late = [(date - datetime(2021, 11, 20, 10, 30)).total_seconds() / 86400 - 12 * at for at, date in enumerate(dates)]
    assert max(np.abs(late)) <= 5 and np.std(late) > 0.5
    assert index["cloud_cover"] == {} and defects(folder) == []
    labels = product.read_labels(folder, index)
    assert index["features"]["ndigit"] == len(np.unique(labels[..., 0]))
    assert 40 <= index["latitude"] <= 55
    assert index["latitude"] == round(scene.SyntheticScene(*ground_of(index)).latitude, 6)


def ground_of(index):
    configuration = GenerationFile.model_validate_json(json.dumps(index["configuration"]), strict=False)
    return configuration.source.ground, index["seed"], index["scene"]


def test_radar_and_optical_products_of_a_seed_show_the_same_ground(written):
    optical, radar = (written(name, "--workers", 1, quantity=name) for name in ("reflectance", "backscatter"))
    annotation = "annotations/annotation_0.h5"
    assert (optical / annotation).read_bytes() == (radar / annotation).read_bytes()
    assert values(radar).dtype == np.float32 and values(optical).dtype == np.uint16


LONG = GENERATION.format(seed=7, quantity="reflectance").replace("64, height: 48", "256, height: 256")


@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_killed_goes_on_to_the_same_bytes(tmp_path, command, kill_when, workers):
    """SIGKILL after two of 24 frames of a process of its own; the frames that were there are not written again."""
    (tmp_path / "x.yaml").write_text(LONG.replace("horizon: 5", "horizon: 24"))
    words = ["generate", "--cfg", str(tmp_path / "x.yaml"), "--workers", str(workers), "--o"]
    folder = tmp_path / "killed"
    kill_when([*words, str(folder)], lambda: len(list(folder.glob("frames/*.h5"))) >= 2)
    before = {path: path.stat().st_mtime_ns for path in folder.glob("frames/*.h5")}
    assert 2 <= len(before) < 24 and (folder / product.UNFINISHED).is_file()
    assert command(*words, folder) == (0, [])
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert command(*words, tmp_path / "whole") == (0, [])
    assert everything(folder) == everything(tmp_path / "whole")

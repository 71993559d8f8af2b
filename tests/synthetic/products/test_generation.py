"""``generate``: workers, order and interruptions change no byte; dates and counts are those on disk."""

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
def write(tmp_path, command):
    """``write(name, *words, seed=7, quantity="reflectance")``: folder of a new product."""

    def run(name, *words, seed=7, quantity="reflectance"):
        path = tmp_path / f"{seed}_{quantity}.yaml"
        path.write_text(GENERATION.format(seed=seed, quantity=quantity))
        assert command("generate", "--cfg", path, "--o", tmp_path / name, *words) == (0, [])
        return tmp_path / name

    return run


@pytest.fixture
def shared(shared_product):
    """``shared(seed=7, quantity="reflectance")``: folder of a product written in one process, which tests share."""
    return lambda seed=7, quantity="reflectance": shared_product(GENERATION.format(seed=seed, quantity=quantity))


def values(folder, number=0):
    with h5py.File(folder / f"frames/frame_{number}.h5") as file:
        return file["data"][:]


@pytest.mark.slow
@pytest.mark.parametrize("quantity", ["reflectance", "backscatter"])
def test_workers_change_no_byte(write, shared, quantity):
    expected = everything(shared(quantity=quantity))
    assert everything(write("by_2", "--workers", 2, quantity=quantity)) == expected
    assert len(expected) == 7


def test_a_scene_does_not_depend_on_other_scenes(write, tmp_path):
    """Scene 3 of four by two processes, and drawn here without any other."""
    write("all/{view}", "--views", 4, "--workers", 2)
    configuration = GenerationFile.model_validate_json(
        json.dumps(json.loads((tmp_path / "all/3/index.json").read_text())["configuration"]), strict=False
    )
    text = configuration.model_dump_json()
    generation.write(generation.GenerationTask(text, tmp_path, tmp_path / "single", 3, (4, 0)))
    single, all_frames = everything(tmp_path / "single"), everything(tmp_path / "all" / "3")
    assert sorted(single) == ["annotations/annotation_0.h5", "frames/frame_0.h5", "frames/frame_4.h5"]
    assert single.items() <= all_frames.items()
    assert len({everything(tmp_path / "all" / str(view))["frames/frame_0.h5"] for view in (1, 2, 3, 4)}) == 4


def test_a_scene_does_not_depend_on_scenes_drawn_before(plain):
    ground = plain(64, n_polygons=12, texture=1.0, instance_variation=1.0)
    date = datetime(2021, 6, 1, 10, 30)
    single = scene.SyntheticScene(ground, 7, 17)
    image = single.reflectance(single.condition(date, 0))
    for number in range(18):
        drawn = scene.SyntheticScene(ground, 7, number)
        last = drawn.reflectance(drawn.condition(date, 0))
    np.testing.assert_array_equal(last, image)
    np.testing.assert_array_equal(
        drawn.backscatter(drawn.condition(date, 0)), single.backscatter(single.condition(date, 0))
    )


@pytest.mark.parametrize("quantity", ["reflectance", "backscatter"])
def test_two_seeds_share_less_than_a_hundredth_of_their_values(shared, quantity):
    first, second = (values(shared(seed, quantity)) for seed in (7, 8))
    assert (first == second).mean() < 0.01


def test_seed_0_is_a_seed_and_the_command_line_overrides_the_file(write, shared):
    zero = write("zero", "--workers", 1, seed=0)
    assert everything(write("overridden", "--workers", 1, "--seed", 0)) == everything(zero)
    assert (values(zero) == values(shared())).mean() < 0.01


def test_the_index_has_the_dates_and_counts_on_disk(shared):
    """Frame i is within the jitter of start + 12 i days."""
    folder = shared()
    index = json.loads((folder / "index.json").read_text())
    assert index["features"]["nframes"] == index["features"]["horizon"] == len(list(folder.glob("frames/*.h5"))) == 5
    dates = [product.acquisition_time(index, number) for number in range(5)]
    assert all(date < following for date, following in itertools.pairwise(dates))
    start = datetime(2021, 11, 20, 10, 30)
    delays = [(date - start).total_seconds() / 86400 - 12 * number for number, date in enumerate(dates)]
    assert max(np.abs(delays)) <= 5 and np.std(delays) > 0.5
    assert index["cloud_cover"] == {} and defects(folder) == []
    labels = product.read_labels(folder, index)
    assert index["features"]["ndigit"] == len(np.unique(labels[..., 0]))
    assert 40 <= index["latitude"] <= 55
    ground = GenerationFile.model_validate_json(json.dumps(index["configuration"]), strict=False).source.ground
    assert index["latitude"] == round(scene.SyntheticScene(ground, index["seed"], index["scene"]).latitude, 6)


def test_radar_and_optical_products_of_a_seed_have_the_same_ground(shared):
    optical, radar = (shared(quantity=quantity) for quantity in ("reflectance", "backscatter"))
    annotation = "annotations/annotation_0.h5"
    assert (optical / annotation).read_bytes() == (radar / annotation).read_bytes()
    assert values(radar).dtype == np.float32 and values(optical).dtype == np.uint16


LONG = GENERATION.format(seed=7, quantity="reflectance").replace("64, height: 48", "192, height: 192")


@pytest.fixture(scope="module")
def complete(tmp_path_factory, command):
    """Words without --o and --workers, and files of a product of 24 frames, written in one process."""
    folder = tmp_path_factory.mktemp("complete")
    (folder / "x.yaml").write_text(LONG.replace("horizon: 5", "horizon: 24"))
    words = ["generate", "--cfg", str(folder / "x.yaml")]
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

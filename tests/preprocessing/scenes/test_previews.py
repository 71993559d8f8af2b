"""Step 30 on fake products: pixels of the previews, which previews are drawn again, and interruptions."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pix2earth.figures.panels.contrast import GAMMA, of_reflectance
from preprocessing.scenes import inventory, previews
from preprocessing.scenes.inventory import Pair
from preprocessing.scenes.observations import time_in_name
from preprocessing.scenes.previews import CONTRAST, NODATA_COLOUR, TITLE_HEIGHT, decimated, shown_colours
from sensors import lexicon
from sensors.sentinel2 import Safe
from tests.product_roots import PROJECT, killed_step, step, write_environment
from tests.products import ORIGIN, synthetic_reflectance, write_safe

NAME = "inv_T17XNA_10h"


def run(environment: Path, *arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        previews.main(["--env", str(environment), "--inventory", NAME, *arguments])
    return ended.value.code


def write_inventory(environment: Path, overlaps: dict[Path, tuple[float, ...]]) -> None:
    """List products, each with a frame for every overlap, an hour apart and more."""
    root = environment.parent / "s2"
    pairs = []
    for product, shares in overlaps.items():
        time = time_in_name(product.name)
        for hours, share in enumerate(shares, start=1):
            gap = timedelta(hours=hours)
            frame = f"S3A_OL_1_EFR____{hours}.SEN3"
            pairs.append(Pair(product.relative_to(root).as_posix(), time, frame, time + gap, gap, "SEN3", share))
    path = environment.parent / "data" / "_inventory" / f"{NAME}.csv"
    inventory.write(path, inventory.encode(pairs, timedelta(hours=10)), replace=True)


@pytest.fixture
def environment(tmp_path) -> Path:
    """Three scenes: rows 0 and 1 are of the first, 2 of the second, 3 and 4 of the third."""
    path = write_environment(tmp_path)
    products = [
        write_safe(tmp_path / "s2", sensing="20200701T172901", bands=("B02", "B03", "B04")),
        write_safe(tmp_path / "s2", sensing="20200702T172901", bands=("B02", "B03", "B04"), zipped=True),
        write_safe(tmp_path / "s2" / "new", sensing="20220803T172901", baseline="05.10", bands=("B02", "B03", "B04")),
    ]
    write_inventory(path, dict(zip(products, [(0.9, 0.8), (0.3,), (0.2, 1.0)], strict=True)))
    return path


@pytest.fixture
def folder(environment) -> Path:
    return environment.parent / "data" / "_inventory" / NAME


class TestPixels:
    @pytest.mark.parametrize("baseline", ["02.04", "04.00"])
    def test_decimated_reflectance_is_that_of_the_ground(self, tmp_path, baseline):
        """Compared with the synthetic reflectance at the centres of the preview's pixels."""
        with Safe.open(write_safe(tmp_path, baseline=baseline, bands=("B02", "B03", "B04"))) as safe:
            reflectance = decimated(safe, 4)
        assert reflectance.shape == (60, 60, 3) and reflectance.dtype == np.float32
        centres = 40 * np.arange(60) + 20
        x, y = np.meshgrid(ORIGIN[0] + centres, ORIGIN[1] - centres)
        for layer, band in enumerate(("B04", "B03", "B02")):
            np.testing.assert_allclose(reflectance[..., layer], synthetic_reflectance(band, x, y), atol=0.01)

    def test_nodata_is_compared_before_the_offset(self, tmp_path):
        def with_hole(band, x, y):
            return np.where(x < ORIGIN[0] + 1200, np.nan, synthetic_reflectance(band, x, y))

        path = write_safe(tmp_path, baseline="05.10", bands=("B02", "B03", "B04"), reflectance=with_hole)
        with Safe.open(path) as safe:
            reflectance = decimated(safe, 10)
        assert np.isnan(reflectance[:, :11]).all() and np.isfinite(reflectance[:, 13:]).all()

    @pytest.mark.parametrize(("size", "n", "shape"), [((240, 120), 7, (35, 18)), ((60, 60), 100, (1, 1))])
    def test_any_size_and_factor(self, tmp_path, size, n, shape):
        with Safe.open(write_safe(tmp_path, size=size, bands=("B02", "B03", "B04"))) as safe:
            assert decimated(safe, n).shape == (*shape, 3)


class TestColours:
    def test_all_scenes_and_bands_have_the_contrast_that_the_settings_name(self):
        ground = np.array([[[0.0, 0.15, 0.3], [-0.1, 0.9, 0.15]]], np.float32)
        middle = round(255 * 0.5 ** (1 / GAMMA))
        assert shown_colours(ground).tolist() == [[[0, middle, 255], [0, 255, middle]]]
        assert of_reflectance(lexicon.described(["B04", "B03", "B02"]), ground).words == CONTRAST

    def test_nodata_is_grey_in_all_bands(self):
        ground = np.random.default_rng(0).uniform(0, 0.3, (20, 20, 3)).astype(np.float32)
        ground[3, 4, 1] = np.nan
        colours = shown_colours(ground)
        assert colours[3, 4].tolist() == list(NODATA_COLOUR)
        assert shown_colours(np.full((2, 2, 3), np.nan, np.float32)).tolist() == [[list(NODATA_COLOUR)] * 2] * 2


class TestStep:
    def test_draws_the_first_row_of_each_scene_that_is_covered(self, environment, folder):
        """Row 0 for the first, row 4 for the third, whose row 3 is not covered enough; not the second."""
        assert run(environment, "--downsample", "2") == 0
        assert sorted(path.name for path in folder.iterdir()) == ["0.png", "4.png", "_config.json", "index.html"]
        assert json.loads((folder / "_config.json").read_text()) == {
            "inventory": NAME, "overlap": 0.5, "downsample": 2,
        }  # fmt: skip
        with Image.open(folder / "4.png") as image:
            assert image.size == (120, 120 + TITLE_HEIGHT)
            assert image.info["Title"] == "4: 2022-08"
            metadata = json.loads(image.info["pix2earth"])
            assert metadata["cloud_cover"] == 3.5 and metadata["box"] == [0, 28, 120, 148]
            scene = np.asarray(image.convert("RGB"))[TITLE_HEIGHT:]
        with Safe.open(next((environment.parent / "s2" / "new").iterdir())) as safe:
            np.testing.assert_array_equal(scene, shown_colours(decimated(safe, 2)))

    def test_has_the_documented_defaults(self, environment, folder):
        assert run(environment) == 0
        assert json.loads((folder / "_config.json").read_text())["downsample"] == 20
        with Image.open(folder / "0.png") as image:
            box = json.loads(image.info["pix2earth"])["box"]
        assert (box[2] - box[0], box[3] - box[1]) == (12, 12)

    def test_draws_no_preview_twice(self, environment, folder, capsys):
        run(environment)
        before = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.png")}
        page = (folder / "index.html").read_bytes()
        capsys.readouterr()
        assert run(environment) == 0
        assert "2 scenes (0 drawn now)" in capsys.readouterr().out
        assert {path.name: path.stat().st_mtime_ns for path in folder.glob("*.png")} == before
        assert (folder / "index.html").read_bytes() == page

    def test_other_options_replace_the_previews_that_differ(self, environment, folder, capsys):
        run(environment, "--downsample", "2")
        (folder / "7.png").write_bytes((folder / "0.png").read_bytes())
        Image.new("RGB", (3, 3)).save(folder / "8.png")  # not of this program
        capsys.readouterr()
        assert run(environment, "--overlap", "0.25", "--downsample", "2") == 0
        assert "3 scenes (1 drawn now)" in capsys.readouterr().out
        assert sorted(path.name for path in folder.glob("*.png")) == ["0.png", "2.png", "4.png", "8.png"]
        assert run(environment, "--downsample", "3") == 0
        assert "2 scenes (2 drawn now)" in capsys.readouterr().out
        assert sorted(path.name for path in folder.glob("*.png")) == ["0.png", "4.png", "8.png"]

    def test_a_preview_of_another_scene_is_drawn_again(self, environment, folder):
        """As after the inventory was written again with other rows."""
        run(environment)
        write_inventory(environment, {next((environment.parent / "s2" / "new").iterdir()): (0.9,)})
        run(environment)
        assert [path.name for path in folder.glob("*.png")] == ["0.png"]
        with Image.open(folder / "0.png") as image:
            assert image.info["Title"] == "0: 2022-08"

    def test_damaged_and_missing_products_are_reported_and_left_out(self, environment, folder, capsys):
        safe = next(path for path in (environment.parent / "s2").iterdir() if "20200701" in path.name)
        image = next(safe.glob("GRANULE/*/IMG_DATA/*_B03.jp2"))
        image.write_bytes(image.read_bytes()[:200])
        gone = environment.parent / "s2" / "S2A_MSIL1C_20200801T172901_N0209_R012_T17XNA_20200801T203040.SAFE"
        kept = next((environment.parent / "s2" / "new").iterdir())
        write_inventory(environment, {safe: (1.0,), gone: (1.0,), kept: (1.0,)})
        assert run(environment) == 1
        lines = [line for line in capsys.readouterr().err.splitlines() if "/s, " not in line]
        assert len(lines) == 3
        assert gone.name in lines[0] and "is not below" in lines[0]
        assert image.name in lines[1] and "damaged" in lines[1]
        assert [path.name for path in folder.glob("*.png")] == ["2.png"]
        assert 'data-index="2"' in (folder / "index.html").read_text()

    @pytest.mark.slow
    def test_workers_draw_the_same(self, environment, folder):
        run(environment)
        one_process = {path.name: path.read_bytes() for path in folder.iterdir()}
        for path in folder.iterdir():
            path.unlink()
        assert run(environment, "--workers", "2") == 0
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == one_process

    @pytest.mark.parametrize(
        ("arguments", "fault"),
        [
            (["--overlap", "1.5"], "--overlap: must be a share between 0 and 1"),
            (["--downsample", "0"], "--downsample: must be an integer of at least 1, not 0"),
            (["--inventory", "inv_T17XNA_1h"], "did you mean 'inv_T17XNA_10h'?"),
        ],
    )
    def test_errors_are_one_line(self, environment, arguments, fault, capsys):
        assert run(environment, *arguments) == 2
        assert fault in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.slow
def test_a_killed_step_resumes(tmp_path):
    path = write_environment(tmp_path)
    first = write_safe(tmp_path / "s2", sensing="20200701T172901", bands=("B02", "B03", "B04"))
    products = {first: (1.0,)}
    for day in range(2, 13):
        copy = shutil.copytree(first, first.with_name(first.name.replace("20200701", f"202007{day:02d}")))
        products[copy] = (1.0,)
    write_inventory(path, products)
    folder = tmp_path / "data" / "_inventory" / NAME
    arguments = ("--inventory", NAME, "--downsample", "1")
    killed_step("30_create_s2pngs.py", path, *arguments, event="os.rename", pattern=r"\.png", count=4)
    complete = {one: one.stat().st_mtime_ns for one in folder.glob("[0-9]*.png")}
    assert len(complete) == 3 and len(list(folder.glob(".*.png.*"))) == 1 and not (folder / "index.html").exists()
    done = step("30_create_s2pngs.py", path, *arguments)
    assert done.returncode == 0, done.stderr
    assert f"12 scenes ({12 - len(complete)} drawn now)" in done.stdout
    assert {one: one.stat().st_mtime_ns for one in complete} == complete
    for one in folder.glob("[0-9]*.png"):
        with Image.open(one) as image:
            image.load()
    assert len(list(folder.glob("[0-9]*.png"))) == 12
    assert not list(folder.glob(".*"))


@pytest.mark.slow
def test_ctrl_c_ends_with_one_line_and_leaves_no_process(tmp_path):
    path = write_environment(tmp_path)
    first = write_safe(tmp_path / "s2", sensing="20200701T172901", size=(600, 600), bands=("B02", "B03", "B04"))
    # So many (as hard links) that the step cannot finish before the signal, even if this process gets no time for long.
    copies = [
        shutil.copytree(
            first, first.with_name(first.name.replace("T1729", f"T{number // 60:02d}{number % 60:02d}")),
            copy_function=os.link,
        )
        for number in range(300)
    ]  # fmt: skip
    write_inventory(path, dict.fromkeys(copies, (1.0,)))
    folder = tmp_path / "data" / "_inventory" / NAME
    command = [sys.executable, str(PROJECT / "preprocessing" / "30_create_s2pngs.py"), "--env", str(path)]
    # A new session, so that the signal reaches the workers as that of a terminal does.
    running = subprocess.Popen(
        [*command, "--inventory", NAME, "--downsample", "1", "--workers", "2"], start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not list(folder.glob("[0-9]*.png")):
        assert running.poll() is None, "it ended before it could be interrupted"
        time.sleep(0.005)
    os.killpg(running.pid, signal.SIGINT)
    _, errors = running.communicate(timeout=300)
    assert errors.splitlines()[-1:] == ["previews: interrupted; run the same command again to resume"]
    assert "Traceback" not in errors and running.returncode == 130
    interrupted = time.monotonic()
    with pytest.raises(ProcessLookupError):  # as soon as the last worker has ended
        while time.monotonic() - interrupted < 300:
            os.killpg(running.pid, 0)
            time.sleep(0.02)

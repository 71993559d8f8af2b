"""Errors of the commands: one line on stderr, exit status 2, and nothing written."""

import subprocess
import sys
from pathlib import Path

import pytest

from experiment import PROJECT
from synthetic.ground import cells
from tests.folders import everything
from tests.synthetic.ground.test_time_series import write_archive
from tests.synthetic.templates import GENERATION

SERIES = "source: {kind: ts, path: [x.ts], ndim: 3, nclass: 2}\n"
DERIVATION = "steps:\n  - {type: resample, factor: 4}\n"
DATASET = "preset: super_resolution\nground: {size: {width: 32, height: 32}, n_polygons: 8}\n"
SCENES = "scenes: {train: 2, val: 1, test: 1}\n"


@pytest.fixture
def error_of(tmp_path, command):
    """``error_of(step, text, *words)``: the only line of a command's error, without the file; nothing is written."""

    def run(step, text, *words):
        path, out = tmp_path / "x.yaml", tmp_path / "out" / "put"
        path.write_text(text)
        status, lines = command(step, "--cfg", path, "--o", out, "--workers", 1, *words)
        assert status == 2
        (line,) = lines
        assert not (tmp_path / "out").exists()
        return line.removeprefix(f"{path}:")

    return run


# ---- errors in configuration files ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("seed: 7", "sed: 7", "1:1: unknown key 'sed'; did you mean 'seed'?"),
        ("physical", "physical, ground: {class_prior: {water: .5, crop: .4}}",
         "3:34: source.ground: class_prior: sums to 0.9, not to 1"),
        ("physical", "physical, bands: []", "3:9: source: bands of sentinel2 must be named once each, not none"),
        ("physical", "physical, bands: [B4, B4]",
         "3:9: source: bands of sentinel2 must be named once each, not B4, B4"),
        ("n_polygons: 8", "n_polygons: 9999, min_area_px: 0",
         "2:10: product: n_polygons: 9999 cells have no room in 2304 pixels; use at most 768"),
        ("physical", "physical, time: {revisit_days: 1.0e9}",
         " product.horizon: the calendar has no dates for so many frames so far apart"),
        ("physical", "physical, time: {start: 9999-12-30}",
         " product.horizon: the calendar has no dates for so many frames so far apart"),
        ("n_polygons: 8}\nsource: {", "n_polygons: 8, dtype: uint16}\nsource: {quantity: backscatter, ",
         " product.dtype: uint16 holds reflectance only; use float32 or leave it out"),
    ],
)  # fmt: skip
def test_errors_of_generate(error_of, old, new, expected):
    assert error_of("generate", GENERATION.replace(old, new, 1)) == expected


@pytest.mark.slow
def test_more_parcels_than_can_be_stored_are_an_error(error_of):
    ground = "{class_prior: {crop: 1}, parcels: {crop: 1}, rivers: 0, roads: 0}"
    text = GENERATION.replace("48", "224").replace("n_polygons: 8", "n_polygons: 1, min_area_px: 0")
    line = error_of("generate", text.replace("physical", f"physical, ground: {ground}"))
    assert line.endswith("cells and parcels, at most 32767 can be numbered; use larger ones")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stepz: []\n", "1:1: unknown key 'stepz'; did you mean 'steps'?"),
        (DERIVATION.replace("4", "5"), " steps: factor 5 does not divide the height of 48 pixels"),
        ("target_size: {width: 48, height: 24}\n" + DERIVATION,
         " target_size: the steps make 12 x 12 pixels, not 48 x 24"),
        ("steps: [{type: distortion, growth_rate: 1}]\n",
         " steps: growth_rate 1 expands the centre of 48 pixels; use at most 0.0833333"),
        ("steps: [{type: cloud}, {type: cloud}]\n", " steps: there are clouds already; a product can be clouded once"),
    ],
)  # fmt: skip
def test_errors_of_derive(error_of, latent, text, expected):
    before = everything(latent)
    assert error_of("derive", text, "--product", latent) == expected
    assert everything(latent) == before


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        (DATASET + SCENES + "factr: 2\n", (), "4:1: unknown key 'factr'; did you mean 'factor'?"),
        (DATASET + SCENES + "factor: 5\n", (), "1:1: factor: 5 does not divide the width of 32 pixels"),
        (DATASET + SCENES, ("--factor", 3), "1:1: factor: 3 does not divide the width of 32 pixels"),
        (DATASET.replace("8}", "8, class_prior: {water: 2e-1}}") + SCENES, (),
         "2:9: ground: class_prior: sums to 0.2, not to 1"),
        (DATASET + SCENES + "coarse_bands: []\n", (), "1:1: bands of sentinel2 must be named once each, not none"),
        (DATASET + SCENES + "apart_days: [0, 1.0e+12]\n", (),
         "1:1: apart_days must be a range [low, high] within -365 to 365, not [0, 1e+12]"),
        (DATASET + SCENES, ("--profile", "tiny"), " profiles: has no 'tiny'; use default"),
        (DATASET.replace("super_resolution", "superresolution") + SCENES, (),
         "1:9: preset: must be one of super_resolution, cloud_removal, gap_filling, sar_to_optical, series"),
        (DATASET + SCENES, ("--seed", -1), "--seed -1: must be at least 0"),
        (DATASET.replace("super_resolution", "gap_filling") + SCENES, ("--factor", 2),
         "--factor 2: is of super_resolution; gap_filling has none"),
    ],
)  # fmt: skip
def test_errors_of_make(error_of, text, words, expected):
    assert error_of("make", text, *words) == expected


def test_no_room_for_the_cells_of_a_scene_is_an_error(tmp_path, command, monkeypatch):
    """It is found when the scene is drawn, not before."""
    monkeypatch.setattr(cells, "MAX_REDRAWS", 0)
    (tmp_path / "x.yaml").write_text(DATASET + SCENES)
    status, (line,) = command("make", "--cfg", tmp_path / "x.yaml", "--o", tmp_path / "data", "--workers", 1)
    assert (status, line) == (2, "ground: scene 0: 8 cells of at least 16 pixels have no room in 32 x 32 pixels")


# ---- time series ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (None, "there is no such file (named by source.path); get it from the UEA/UCR archive"),
        (lambda text: "", "cannot be read as a .ts file with classes: empty file"),
        (lambda text: text[:-200], "cannot be read as a .ts file with classes: "),
    ],
)
def test_missing_and_damaged_archives_are_errors(error_of, tmp_path, damage, expected):
    if damage:
        write_archive(tmp_path / "x.ts", 0, 3, 20)
        (tmp_path / "x.ts").write_text(damage((tmp_path / "x.ts").read_text()))
    line = error_of("generate", GENERATION.replace("source: {kind: physical}\n", SERIES))
    assert line.startswith(f"{tmp_path / 'x.ts'}: {expected}")


def test_too_short_series_are_an_error(error_of, tmp_path):
    write_archive(tmp_path / "x.ts", 0, 3, 3)
    line = error_of("generate", GENERATION.replace("source: {kind: physical}\n", SERIES))
    assert line == " product.horizon: 4 frames of series of length 3"


# ---- options ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["--workers", "--views"])
@pytest.mark.parametrize("value", ["0", "-1", "two"])
def test_options_that_are_no_positive_integers_are_errors(tmp_path, command, option, value):
    status, lines = command("generate", "--cfg", "x", "--o", tmp_path / "{view}", option, value)
    assert status == 2
    (line,) = lines
    assert line.startswith(f"{option}: must be an integer of at least 1, not {value}; ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--views", 2, "--o", "data"),
         "--o data: must contain {view}, which stands for the number of each of the --views"),
        (("--o", "data/{view}"), "--o data/{view}: contains {view}; give the number of scenes with --views"),
    ],
)  # fmt: skip
def test_views_need_folders_of_their_own(tmp_path, command, monkeypatch, words, expected):
    monkeypatch.chdir(tmp_path)
    Path("x.yaml").write_text(GENERATION)
    assert command("generate", "--cfg", "x.yaml", *words) == (2, [expected])
    assert not Path("data").exists()


def test_missing_and_damaged_products_are_errors(error_of, tmp_path, latent):
    line = error_of("derive", DERIVATION)
    assert line == " product: is missing; name the product to derive from here or with --product"
    line = error_of("derive", DERIVATION, "--product", tmp_path / "none")
    assert line == f"{tmp_path / 'none'}: holds no product (index.json is missing)"
    (latent / "annotations" / "annotation_0.h5").unlink()
    line = error_of("derive", DERIVATION, "--product", latent)
    assert line.startswith(f"{latent / 'annotations/annotation_0.h5'}: is missing or damaged")


def test_a_product_cannot_be_derived_into_itself(tmp_path, command, latent):
    (tmp_path / "x.yaml").write_text(DERIVATION)
    before = everything(latent)
    words = ("--cfg", tmp_path / "x.yaml", "--product", latent, "--o", latent, "--overwrite")
    assert command("derive", *words) == (2, [f"--o {latent}: is the product to derive from; choose another folder"])
    assert everything(latent) == before


def test_one_refused_view_leaves_all_folders_unchanged(tmp_path, command):
    """The third of three folders holds something else: no product is started, none is removed."""
    (tmp_path / "x.yaml").write_text(GENERATION)
    (tmp_path / "data" / "3").mkdir(parents=True)
    (tmp_path / "data" / "3" / "thesis.txt").write_text("of the user")
    words = ("--cfg", tmp_path / "x.yaml", "--views", 3, "--o", tmp_path / "data" / "{view}", "--workers", 1)
    status, (line,) = command("generate", *words)
    assert status == 2 and line.endswith("data/3: is not empty and holds no product; choose another --o")
    assert list(everything(tmp_path / "data")) == ["3/thesis.txt"]


def test_help_and_wrong_options_import_no_large_library(tmp_path):
    code = (
        "import sys\nfrom synthetic.__main__ import main\n"
        "try: main(sys.argv[1:])\nexcept SystemExit: pass\n"
        "large = {'tensorflow', 'keras', 'scipy', 'h5py', 'matplotlib', 'pandas', 'sktime', 'numpy'}\n"
        "print(*sorted(large & set(sys.modules)))"
    )
    for words in (["--help"], ["make", "--help"], ["generate", "--workers", "0"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *words], cwd=PROJECT, capture_output=True, text=True, check=True
        )
        assert done.stdout.splitlines()[-1] == ""

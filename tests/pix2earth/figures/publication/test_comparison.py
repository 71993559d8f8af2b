"""Figures of a comparison: of the bands of stored tiles, of distortion and perception, ``compare.py --figures``."""

import subprocess
import sys

import numpy as np
import pytest

import compare
from experiment import PROJECT
from pix2earth.figures.publication import bands, plane
from pix2earth.records.field import Field
from pix2earth.scoring.tiles import measurements
from pix2earth.scoring.tiles.measurements import Measuring
from pix2earth.scoring.tiles.tile_folder import pictures_of_run, pictures_of_sample
from tests.pix2earth.figures.comparison_page import compared_runs

BANDS = ["B03", "B04", "B08"]


def write_measurements(folder, gain, steps=None, hidden=False):
    """Measure random tiles and their multiples by a gain."""
    size = (32, 32, 3)
    field = Field(dtype="float32", shape=[*([steps] if steps else []), *size], bands=BANDS, gsd=10.0)
    targets = np.random.default_rng(0).uniform(0.1, 0.3, (2, *([steps] if steps else []), *size)).astype(np.float32)
    predictions = gain * targets
    if hidden:
        targets[..., :4, :, :] = np.nan
    measuring = Measuring(field)
    measuring.add(["t00", "t03"], targets, predictions)
    measuring.write(folder)
    return measurements.load(folder)


@pytest.fixture
def methods(tmp_path):
    return {name: write_measurements(tmp_path / name, gain) for name, gain in (("(bicubic)", 0.5), ("net_a", 0.9))}


def test_errors_of_bands_have_a_mark_for_each_method(methods):
    figure = bands.draw_errors(methods)
    marks = {line.get_label(): line.get_ydata() for line in figure.axes[0].get_lines()}
    np.testing.assert_allclose(marks["net_a"], methods["net_a"].rmse)
    assert [label.get_text() for label in figure.axes[1].get_xticklabels()] == BANDS


def test_relations_have_one_colour_bar_and_the_correlation_with_the_target_on_the_diagonal(methods):
    figure = bands.draw_relations(methods)
    first = figure.axes[1]
    texts = {text.get_position(): text.get_text() for text in first.texts}
    assert len(texts) == 6 and texts[1, 1] == "1.00" and texts[0, 1] in ("0.00", "-0.00")
    assert len(figure.axes) == 3


def test_spectra_show_the_ratio_to_the_target(methods):
    figure = bands.draw_spectra(methods)
    ratio = figure.axes[1].get_lines()[1].get_ydata()
    np.testing.assert_allclose(ratio, 20 * np.log10(0.9), rtol=1e-4)
    assert figure.axes[0].get_xlabel() == "spatial frequency (cycles per km)"


def test_spectra_of_incomplete_images_and_ndvi_without_time_steps_are_missing(tmp_path, methods):
    assert bands.draw_spectra({"net": write_measurements(tmp_path / "b", 0.9, hidden=True)}) is None
    assert bands.draw_ndvi(methods) is None
    figure = bands.draw_ndvi({"net": write_measurements(tmp_path / "c", 0.9, steps=3)})
    assert [line.get_label() for line in figure.axes[0].get_lines()] == ["target", "net"]


def test_error_maps_have_a_row_for_each_method_and_one_scale(methods):
    figure = bands.draw_error_maps(methods)
    images = [axis.get_images()[0] for axis in figure.axes[:4]]
    assert len({image.get_clim() for image in images}) == 1 and images[0].get_clim()[0] == -images[0].get_clim()[1]
    np.testing.assert_allclose(images[2].get_array(), methods["net_a"].maps[0])


def test_the_plane_has_the_baseline_as_a_corner():
    means = {
        "(bicubic)": {"PSNR": (30.0, 29.0, 31.0), "PSD_ratio": (-8.0, -9.0, -7.0)},
        "net": {"PSNR": (31.0, np.nan, np.nan), "PSD_ratio": (-1.0, -2.0, 0.0)},
        "without": {"PSNR": (31.0, 30.0, 32.0)},
    }
    assert plane.perception_of(["PSNR", "HPSI", "PSD_ratio"]) == "PSD_ratio" and plane.perception_of(["PSNR"]) is None
    axis = plane.draw(means, "PSD_ratio").axes[0]
    dotted = [line.get_xydata()[0] for line in axis.get_lines() if line.get_linestyle() == ":"]
    assert [dotted[0][0], dotted[1][1]] == [30.0, -8.0]
    assert axis.get_ylabel() == "PSD_ratio (dB), 0 is best" and len(axis.containers) == 2


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "experiments"
    compared_runs.write_root(folder)
    (tmp_path / "environment.json").write_text('{"data_root": "data", "experiment_root": "experiments"}')
    return folder


def run(root, *options):
    with pytest.raises(SystemExit) as ended:
        compare.main(["--env", str(root.parent / "environment.json"), *options])
    assert ended.value.code == 0


def test_figures_of_runs_without_measurements_are_missing_with_the_reason(root, tmp_path, capsys):
    run(root, "--exp", "good", "poor", "--figures", str(tmp_path / "figures"))
    (folder,) = (tmp_path / "figures").iterdir()
    names = {path.stem for path in folder.glob("*.pdf")}
    assert names == {path.stem for path in folder.glob("*.png")} and len(list(folder.iterdir())) == 2 * len(names)
    assert names == {"training_curves", "images_PSNR", "images_RMSE", "metric_correlations"}
    output = capsys.readouterr()
    assert str(tmp_path / "figures") in output.out.splitlines()[-1]
    missing = output.err.splitlines()
    assert [line.split(": ")[1] for line in missing] == [
        "no distortion_perception", "no band_errors", "no band_relations", "no error_maps", "no power_spectra",
        "no ndvi", "no band_correlations",
    ]  # fmt: skip
    assert "name them in the key metrics" in missing[0] and "evaluate one again" in missing[1]


def test_measurements_are_those_of_the_scored_checkpoint(root, tmp_path, capsys):
    (folder,) = (root / "_evaluation" / "tiles").iterdir()
    write_measurements(pictures_of_sample(folder, "bicubic"), 0.5)
    for name in ("poor_0001", "plain_0001"):  # of the second, nothing is known of the checkpoint
        write_measurements(pictures_of_run(folder, name), 0.9)
    run(root, "--exp", "poor", "plain", "--figures", str(tmp_path / "figures"), "--json")
    names = {path.stem for path in (tmp_path / "figures").rglob("*.pdf")}
    assert {"band_errors", "band_relations", "error_maps", "power_spectra", "band_correlations"} <= names
    output = capsys.readouterr()
    assert output.out.startswith("[") or output.out.startswith("{")  # JSON and nothing else
    assert "no ndvi: the target has no time steps" in output.err


def test_comparing_imports_no_tensorflow(root, tmp_path):
    code = """if True:
        import atexit, sys, compare
        atexit.register(lambda: print("imported" if "tensorflow" in sys.modules else "not imported"))
        compare.main(sys.argv[1:])
    """
    options = ["--env", str(root.parent / "environment.json"), "--exp", "poor", "--figures", str(tmp_path / "figures")]
    ended = subprocess.run([sys.executable, "-c", code, *options], cwd=PROJECT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "not imported"


def test_a_file_is_no_folder_for_figures(root, tmp_path, capsys):
    (root.parent / "environment.json").write_text("{}")
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as end:
        compare.main(["--env", str(root.parent / "environment.json"), "--figures", str(tmp_path / "file")])
    assert end.value.code == 2 and f"--figures {tmp_path / 'file'}: is a file; name a folder" in capsys.readouterr().err

"""The overview figure: its columns, colours and classes, and NDVI equal to a direct calculation."""

import numpy as np
import pytest
from PIL import Image

from pix2earth.figures.images import MISSING
from pix2earth.settings.errors import UserError
from synthetic.products import product, sheet

LATENT = """
seed: 3
product: {{size: {{width: 48, height: 48}}, horizon: 3, n_polygons: 12}}
source:
  kind: physical
  quantity: {quantity}
  time: {{start: 2021-04-01, revisit_days: 60}}
"""
CLOUDED = "steps: [{type: cloud, mean: 0.4}]"
DATASET = """
preset: {preset}
ground: {{size: {{width: 48, height: 48}}, n_polygons: 12}}
scenes: {{train: 4, val: 1, test: 1}}
"""


def test_the_figure_of_a_clouded_product(tmp_path, command, shared_product):
    """Curves are means over the clear pixels of each class; the figure has a column per frame."""
    (tmp_path / "clouded.yaml").write_text(CLOUDED)
    folder, latent = tmp_path / "clouded", shared_product(LATENT.format(quantity="reflectance"))
    words = ("--cfg", tmp_path / "clouded.yaml", "--product", latent, "--o", folder, "--workers", 1)
    assert command("derive", *words)[0] == 0
    assert command("show", folder)[0] == 0
    with Image.open(folder / "sheet.png") as image:
        assert image.width > 3 * 200 and image.height > 2 * 200
        assert np.asarray(image.convert("RGB")).reshape(-1, 3).std(axis=0).min() > 10
    content = sheet.of_product(folder)
    assert [column.title for column in content.columns] == [
        "frame 0, 2021-04-01", "frame 1, 2021-05-31", "frame 2, 2021-07-30",
    ]  # fmt: skip
    assert all(list(column.panels) == ["frame", "clouds"] for column in content.columns)
    index = product.load_index(folder)
    expected = {}
    for number in range(3):
        frame = product.read_frame(folder, index, number)
        red, near = (frame.image[..., frame.bands.index(band)] for band in ("B4", "B8"))
        ndvi = (near - red) / (near + red)
        for cover in np.unique(frame.labels[..., 1]):
            pixels = (frame.labels[..., 1] == cover) & (frame.cloud_class == 0)
            if pixels.sum() >= 10:
                expected.setdefault(int(cover), []).append(ndvi[pixels].mean())
    assert set(content.curves) == set(expected)
    for cover, values in expected.items():
        np.testing.assert_allclose(content.curves[cover].ndvi, values, atol=1e-5)
        assert all(80 < day < 220 for day in content.curves[cover].days)


def test_a_radar_product_is_grey_and_has_no_ndvi(tmp_path, command, shared_product):
    folder = shared_product(LATENT.format(quantity="backscatter"))
    content = sheet.of_product(folder)
    assert not content.curves
    frame = content.columns[0].panels["frame"]
    power = product.read_frame(folder, product.load_index(folder), 0).image[..., 0]
    np.testing.assert_allclose(frame[..., 1], np.clip(10 * np.log10(power) / 25 + 1, 0, 1), atol=1e-5)
    assert command("show", folder, "--output", tmp_path / "out.png")[0] == 0 and (tmp_path / "out.png").is_file()


@pytest.mark.parametrize("preset", ["gap_filling", "sar_to_optical", "series"])
def test_the_figure_of_a_dataset(preset, tmp_path, command):
    """Gaps are light grey, a sequence is drawn in order with its radar, and the NDVI of targets is drawn."""
    folder = tmp_path / preset
    (tmp_path / "x.yaml").write_text(DATASET.format(preset=preset))
    assert command("make", "--cfg", tmp_path / "x.yaml", "--workers", 1, "--o", folder)[0] == 0
    content = sheet.of_dataset(folder)
    assert content.curves and len(content.columns) == (sheet.FRAMES if preset == "series" else sheet.SAMPLES)
    if preset == "gap_filling":
        inputs = [panel for column in content.columns for name, panel in column.panels.items() if "input" in name]
        assert any((panel == MISSING).all(axis=-1).mean() > 0.05 for panel in inputs)
    if preset == "series":
        titles = [column.title for column in content.columns]
        assert (titles[0], titles[-1]) == ("train/scene_0000_0_t00", "train/scene_0000_0_t11")
        assert titles == sorted(titles) and len(set(titles)) == sheet.FRAMES
        kinds = ["input", "radar", "target", "hidden (white)", "land cover"]
        assert all(list(column.panels) == kinds for column in content.columns)
    sheet.draw(folder, tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as image:
        assert image.height > 1000


def test_a_folder_without_product_or_dataset_is_an_error(tmp_path, command):
    status, lines = command("show", tmp_path)
    assert status == 2 and len(lines) == 1 and str(tmp_path) in lines[0]
    with pytest.raises(UserError, match="there is no such dataset folder"):
        sheet.draw(tmp_path / "nothing", tmp_path / "out.png")
    assert list(tmp_path.iterdir()) == []

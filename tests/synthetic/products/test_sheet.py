"""The sheet shows what is there: colours, classes and NDVI that a hand calculation confirms."""

import numpy as np
import pytest
from PIL import Image

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


@pytest.fixture
def written(tmp_path, command):
    """``written(quantity)``: the folder of a latent product."""

    def made(quantity):
        (tmp_path / "latent.yaml").write_text(LATENT.format(quantity=quantity))
        folder = tmp_path / quantity
        status, lines = command("generate", "--cfg", tmp_path / "latent.yaml", "--o", folder, "--workers", 1)
        assert status == 0, lines
        return folder

    return made


def test_a_clouded_product(tmp_path, command, written):
    """Curves are means over clear pixels of each class; the picture has a column a frame."""
    (tmp_path / "clouded.yaml").write_text(CLOUDED)
    folder, latent = tmp_path / "clouded", written("reflectance")
    words = ("--cfg", tmp_path / "clouded.yaml", "--product", latent, "--o", folder, "--workers", 1)
    assert command("derive", *words)[0] == 0
    assert command("show", folder)[0] == 0
    with Image.open(folder / "sheet.png") as picture:
        assert picture.width > 3 * 200 and picture.height > 2 * 200
        assert np.asarray(picture.convert("RGB")).reshape(-1, 3).std(axis=0).min() > 10
    drawn = sheet.of_product(folder)
    assert [column.title for column in drawn.columns] == [
        "frame 0, 2021-04-01", "frame 1, 2021-05-31", "frame 2, 2021-07-30",
    ]  # fmt: skip
    assert all(list(column.panels) == ["frame", "clouds"] for column in drawn.columns)
    index = product.load_index(folder)
    expected = {}
    for number in range(3):
        view = product.read_frame(folder, index, number)
        red, near = (view.image[..., view.bands.index(band)] for band in ("B4", "B8"))
        ndvi = (near - red) / (near + red)
        for kind in np.unique(view.labels[..., 1]):
            here = (view.labels[..., 1] == kind) & (view.cloud_class == 0)
            if here.sum() >= 10:
                expected.setdefault(int(kind), []).append(ndvi[here].mean())
    assert set(drawn.curves) == set(expected)
    for kind, values in expected.items():
        np.testing.assert_allclose(drawn.curves[kind].ndvi, values, atol=1e-5)
        assert all(80 < day < 220 for day in drawn.curves[kind].days)


def test_a_radar_product_is_grey_and_has_no_ndvi(command, written):
    folder = written("backscatter")
    drawn = sheet.of_product(folder)
    assert not drawn.curves
    frame = drawn.columns[0].panels["frame"]
    power = product.read_frame(folder, product.load_index(folder), 0).image[..., 0]
    np.testing.assert_allclose(frame[..., 1], np.clip(10 * np.log10(power) / 25 + 1, 0, 1), atol=1e-5)
    assert command("show", folder)[0] == 0


@pytest.mark.parametrize("preset", ["gap_filling", "sar_to_optical"])
def test_a_dataset(preset, tmp_path, command):
    """Gaps are grey, and the NDVI of targets is there."""
    place = tmp_path / preset
    words = ("--preset", preset, "--profile", "tiny", "--workers", 1, "--o", place)
    assert command("make", *words)[0] == 0
    drawn = sheet.of_dataset(place)
    assert drawn.curves and len(drawn.columns) == sheet.SAMPLES
    if preset == "gap_filling":
        inputs = [panel for column in drawn.columns for name, panel in column.panels.items() if "input" in name]
        assert any((panel == 0.5).all(axis=-1).mean() > 0.05 for panel in inputs)
    sheet.draw(place, tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as picture:
        assert picture.height > 1000


def test_errors(tmp_path, command):
    status, lines = command("show", tmp_path)
    assert status == 2 and len(lines) == 1 and str(tmp_path) in lines[0]
    with pytest.raises(UserError, match="there is no such dataset folder"):
        sheet.draw(tmp_path / "nothing", tmp_path / "out.png")
    assert list(tmp_path.iterdir()) == []

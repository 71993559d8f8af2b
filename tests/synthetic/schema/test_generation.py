"""Configuration files of ``generate``: defaults, and errors in one line with file, line, column and key."""

import json

import pytest

from pix2earth.settings.errors import UserError
from pix2earth.settings.validation import load
from synthetic.schema.generation import GenerationFile

GENERATION = """\
seed: 7
product:
  size: {width: 64, height: 48}
  horizon: 3
  n_polygons: 8
source:
  kind: physical
"""


def test_missing_keys_have_defaults(tmp_path):
    (tmp_path / "x.yaml").write_text(GENERATION)
    settings = load(tmp_path / "x.yaml", GenerationFile)
    assert settings.source.quantity == "reflectance"
    assert settings.product.min_area_px == 16
    assert settings.source.ground.size == settings.product.size
    assert sum(settings.source.ground.class_prior.values()) == pytest.approx(1)


def test_json_and_yaml_give_the_same_configuration(tmp_path):
    (tmp_path / "x.yaml").write_text(f"{GENERATION}  time: {{start: 2021-05-06}}\n")
    content = {
        "seed": 7, "product": {"size": {"width": 64, "height": 48}, "horizon": 3, "n_polygons": 8},
        "source": {"kind": "physical", "time": {"start": "2021-05-06"}},
    }  # fmt: skip
    (tmp_path / "x.json").write_text(json.dumps(content))
    assert load(tmp_path / "x.yaml", GenerationFile) == load(tmp_path / "x.json", GenerationFile)


def test_a_configuration_is_equal_after_json(tmp_path):
    """Worker processes get it as JSON."""
    (tmp_path / "x.yaml").write_text(f"{GENERATION}  ground: {{latitude: [10, 20]}}\n")
    settings = load(tmp_path / "x.yaml", GenerationFile)
    assert GenerationFile.model_validate_json(settings.model_dump_json(), strict=False) == settings


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ("horizn: 3\n", "8:1: unknown key 'horizn'; there are: product, seed, source"),
        ("  quantty: reflectance\n", "8:3: unknown key 'source.quantty'; did you mean 'quantity'?"),
        ("  ground: {rodes: 3}\n", "8:12: unknown key 'source.ground.rodes'; did you mean 'roads'?"),
        ("  quantity: reflectence\n",
         '8:13: source.quantity: must be one of reflectance, backscatter (did you mean \'reflectance\'?),'
         ' not the string "reflectence"'),
        ("  bands: [B4, B33]\n", "7:3: source: sentinel2 has no band 'B33'; did you mean 'B3'?"),
        ("  ground: {class_prior: {water: .5, crop: .4}}\n", "8:11: source.ground: class_prior: sums to 0.9, not to 1"),
        ("  ground: {class_prior: {watr: .5, crop: .5}}\n",
         "8:11: source.ground: class_prior: there is no land cover 'watr'; did you mean 'water'?"),
        ("  ground: {class_prior: {water: 1.5}}\n",
         "8:33: source.ground.class_prior.water: must be less than or equal to 1, not 1.5"),
        ("  ground: {parcels: {crops: 400}}\n",
         "8:11: source.ground: parcels: there is no land cover 'crops'; did you mean 'crop'?"),
        ("  ground: {latitude: [60, 40]}\n",
         "8:11: source.ground: latitude must be a range [low, high] within 0 to 66, not [60, 40]"),
        ("  ground: {gsd: 20}\n", "1:1: source.ground.gsd: is that of product here; leave it out"),
        ("  time: {jitter_days: 7}\n",
         "8:9: source.time: jitter_days must be less than half of revisit_days, or frames would change their order"),
        ("  time: {start: 5}\n", "8:17: source.time.start: must be a date such as 2021-03-01"),
        ("  time: {start: 2021-02-30}\n", "8:17: is not YAML here: day is out of range for month"),
        ("  ground: {texture: -1}\n", "8:21: source.ground.texture: must be greater than or equal to 0, not -1"),
    ],
)  # fmt: skip
def test_errors_of_optional_keys(error_of, extra, expected):
    assert error_of(GENERATION + extra, GenerationFile) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("n_polygons: 8", "n_polygons: 100",
         "3:3: product: n_polygons: 100 cells have no room in 3072 pixels; use at most 64"),
        ("n_polygons: 8", "n_polygons: 8\n  astype: jpg",
         "1:1: product.astype: jpg needs frames of three bands, not 12"),
        ("width: 64", "width: 0", "3:17: product.size.width: must be greater than 0, not 0"),
        ("horizon: 3", "horizon: 2.5", "4:12: product.horizon: must be an integer, not 2.5"),
        ("kind: physical", "kind: fysical",
         "7:3: source: kind: must be one of physical, ts (did you mean 'physical'?), not the string \"fysical\""),
        ("kind: physical", "quantity: reflectance", "7:3: source: kind: is missing; it chooses the kind of the object"),
        ("seed: 7", "seed: -7", "1:7: seed: must be greater than or equal to 0, not -7"),
    ],
)  # fmt: skip
def test_errors_of_required_keys(error_of, old, new, expected):
    assert error_of(GENERATION.replace(old, new), GenerationFile) == expected


def test_missing_and_unknown_keys_are_both_reported(tmp_path):
    (tmp_path / "x.yaml").write_text(GENERATION.replace("horizon: 3", "horzon: 3"))
    with pytest.raises(UserError) as caught:
        load(tmp_path / "x.yaml", GenerationFile)
    assert [line.split(":", 1)[1] for line in caught.value.lines] == [
        "3:3: product.horizon: is missing; it is required",
        "4:3: unknown key 'product.horzon'; did you mean 'horizon'?",
    ]


def test_the_same_error_in_json(error_of):
    text = (
        '{"source": {"kind": "physical"},\n "product": {"size": {"width": 64, "heigth": 48, "height": 48},'
        ' "horizon": 3, "n_polygons": 8}}'
    )
    assert error_of(text, GenerationFile, "x.json") == "2:36: unknown key 'product.size.heigth'; did you mean 'height'?"


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        ("", "a gaussian_process needs a kernel, gaussian takes none"),
        (", kernel: {name: rbf}", "kernel rbf takes length_scale, not nothing"),
        (", kernel: {name: rbf, alpha: 2}", "kernel rbf takes length_scale, not alpha"),
        (", kernel: {name: sin_squared, length_scale: 2}",
         "kernel sin_squared takes length_scale and periodicity, not length_scale"),
    ],
)  # fmt: skip
def test_errors_of_kernels(error_of, kernel, expected):
    source = f"{{kind: ts, path: [a.ts], ndim: 1, nclass: 1, random_sampler: {{name: gaussian_process{kernel}}}}}"
    assert expected in error_of(GENERATION.split("source:")[0] + f"source: {source}\n", GenerationFile)


def test_a_source_of_series_needs_files(error_of):
    text = GENERATION.split("source:")[0] + "source:\n  kind: ts\n  path: some.ts\n  ndim: 3\n  nclass: 2\n"
    expected = '8:9: source.path: must be a list in brackets [], not the string "some.ts"'
    assert error_of(text, GenerationFile) == expected
    assert "names no file" in error_of(text.replace("some.ts", "[]"), GenerationFile)

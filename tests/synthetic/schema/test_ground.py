"""What may stand in the files: every mistake is one line with file, line, column and key."""

import json

import pytest

from pix2earth.settings.errors import UserError
from pix2earth.settings.validation import load
from synthetic.schema.dataset import CloudRemoval, GapFilling, SuperResolution
from synthetic.schema.derivation import DerivationFile
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


@pytest.fixture
def line(tmp_path):
    """``line(text, schema, name="x.yaml")``: the one line of a file's mistake, without the folder."""

    def found(text: str, schema, name: str = "x.yaml") -> str:
        path = tmp_path / name
        path.write_text(text)
        with pytest.raises(UserError) as caught:
            load(path, schema)
        (only,) = caught.value.lines
        assert only.startswith(f"{path}:")
        return only.removeprefix(f"{path}:")

    return found


def test_what_is_left_out_has_its_default(tmp_path):
    (tmp_path / "x.yaml").write_text(GENERATION)
    settings = load(tmp_path / "x.yaml", GenerationFile)
    assert settings.source.quantity == "reflectance"
    assert settings.product.min_area_px == 16
    assert settings.source.ground.size == settings.product.size
    assert sum(settings.source.ground.class_prior.values()) == pytest.approx(1)


def test_json_says_the_same_as_yaml(tmp_path):
    (tmp_path / "x.yaml").write_text(f"{GENERATION}  time: {{start: 2021-05-06}}\n")
    content = {
        "seed": 7, "product": {"size": {"width": 64, "height": 48}, "horizon": 3, "n_polygons": 8},
        "source": {"kind": "physical", "time": {"start": "2021-05-06"}},
    }  # fmt: skip
    (tmp_path / "x.json").write_text(json.dumps(content))
    assert load(tmp_path / "x.yaml", GenerationFile) == load(tmp_path / "x.json", GenerationFile)


def test_a_configuration_survives_the_way_to_another_process(tmp_path):
    (tmp_path / "x.yaml").write_text(f"{GENERATION}  ground: {{latitude: [10, 20]}}\n")
    settings = load(tmp_path / "x.yaml", GenerationFile)
    assert GenerationFile.model_validate_json(settings.model_dump_json(), strict=False) == settings


@pytest.mark.parametrize(
    ("extra", "wanted"),
    [
        ("horizn: 3\n", "8:1: unknown key 'horizn'; there are: product, seed, source"),
        ("  quantty: reflectance\n", "8:3: unknown key 'source.quantty'; did you mean 'quantity'?"),
        ("  ground: {rodes: 3}\n", "8:12: unknown key 'source.ground.rodes'; did you mean 'roads'?"),
        ("  quantity: reflectence\n",
         '8:13: source.quantity: must be one of reflectance, backscatter (did you mean \'reflectance\'?),'
         ' not the text "reflectence"'),
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
def test_errors_of_a_latent_product(line, extra, wanted):
    assert line(GENERATION + extra, GenerationFile) == wanted


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("n_polygons: 8", "n_polygons: 100",
         "3:3: product: n_polygons: 100 cells have no room in 3072 pixels; use at most 64"),
        ("n_polygons: 8", "n_polygons: 8\n  astype: jpg",
         "1:1: product.astype: jpg needs frames of three bands, not 12"),
        ("width: 64", "width: 0", "3:17: product.size.width: must be greater than 0, not 0"),
        ("horizon: 3", "horizon: 2.5", "4:12: product.horizon: must be a whole number, not 2.5"),
        ("horizon: 3", "horzon: 3", None),
        ("kind: physical", "kind: fysical",
         "7:3: source: kind: must be one of physical, ts (did you mean 'physical'?), not the text \"fysical\""),
        ("kind: physical", "quantity: reflectance", "7:3: source: kind: is missing; it chooses what this is"),
        ("seed: 7", "seed: -7", "1:7: seed: must be greater than or equal to 0, not -7"),
    ],
)  # fmt: skip
def test_errors_of_what_is_required(line, tmp_path, old, new, wanted):
    text = GENERATION.replace(old, new)
    if wanted is None:  # both what is missing and what is too much are told
        with pytest.raises(UserError) as caught:
            (tmp_path / "x.yaml").write_text(text)
            load(tmp_path / "x.yaml", GenerationFile)
        assert [entry.split(":", 1)[1] for entry in caught.value.lines] == [
            "3:3: product.horizon: is missing; it is required",
            "4:3: unknown key 'product.horzon'; did you mean 'horizon'?",
        ]
    else:
        assert line(text, GenerationFile) == wanted


def test_the_same_error_in_json(line):
    text = (
        '{"source": {"kind": "physical"},\n "product": {"size": {"width": 64, "heigth": 48, "height": 48},'
        ' "horizon": 3, "n_polygons": 8}}'
    )
    assert line(text, GenerationFile, "x.json") == "2:36: unknown key 'product.size.heigth'; did you mean 'height'?"


@pytest.mark.parametrize(
    ("kernel", "wanted"),
    [
        ("", "a gaussian_process needs a kernel, gaussian takes none"),
        (", kernel: {name: rbf}", "kernel rbf takes length_scale, not nothing"),
        (", kernel: {name: rbf, alpha: 2}", "kernel rbf takes length_scale, not alpha"),
        (", kernel: {name: sin_squared, length_scale: 2}",
         "kernel sin_squared takes length_scale and periodicity, not length_scale"),
    ],
)  # fmt: skip
def test_kernels_say_what_they_take(line, kernel, wanted):
    source = f"{{kind: ts, path: [a.ts], ndim: 1, nclass: 1, random_sampler: {{name: gaussian_process{kernel}}}}}"
    assert wanted in line(GENERATION.split("source:")[0] + f"source: {source}\n", GenerationFile)


def test_a_source_of_series_names_files(line):
    text = GENERATION.split("source:")[0] + "source:\n  kind: ts\n  path: some.ts\n  ndim: 3\n  nclass: 2\n"
    assert line(text, GenerationFile) == '8:9: source.path: must be a list in brackets [], not the text "some.ts"'
    assert "names no file" in line(text.replace("some.ts", "[]"), GenerationFile)


@pytest.mark.parametrize(
    ("step", "wanted"),
    [
        ("{type: speckle, lookz: 4}", "2:21: unknown key 'steps.0.lookz'; did you mean 'looks'?"),
        ("{type: noise, sigma: 4}", "2:19: unknown key 'steps.0.sigma'; did you mean 'sigma0'?"),
        ("{type: cloud, meen: .4}", "2:19: unknown key 'steps.0.meen'; did you mean 'mean'?"),
        ("{type: resample, factor: 0}", "2:30: steps.0.factor: must be greater than 0, not 0"),
        ("{type: resample}", "2:5: steps.0.factor: is missing; it is required"),
        ("{factor: 3}", "2:5: steps.0: type: is missing; it chooses what this is"),
        ("{type: [cloud]}", None),
        ("noise", '2:5: steps.0: must be an object in braces {}, not the text "noise"'),
        ("{type: cloud, mean: 1.5}", "2:25: steps.0.mean: must be less than or equal to 1, not 1.5"),
        ("{type: cloud, limits: [.5, .9]}", "2:5: steps.0: mean 0.35 is outside of limits"),
        ("{type: gain, mul: [1.2, .8]}", "2:5: steps.0: mul must be a range [low, high], not [1.2, 0.8]"),
        ("{type: impulses, proportion: [.1, 2]}",
         "2:5: steps.0: proportion must be a range [low, high] within 0 to 1, not [0.1, 2]"),
        ("{type: impulses, proportion: [.1]}", "2:34: steps.0.proportion.1: is missing; it is required"),
        ("{type: bands, sensor: olci, names: [Oa088]}", "2:5: steps.0: olci has no band 'Oa088'; did you mean 'Oa08'?"),
    ],
)  # fmt: skip
def test_errors_of_a_step(line, step, wanted):
    found = line(f"steps:\n  - {step}\n", DerivationFile)
    if wanted is None:
        assert found.startswith("2:5: steps.0")
    else:
        assert found == wanted


def test_an_unknown_step_names_the_nearest(line):
    found = line("steps:\n  - {type: noise}\n  - {type: speckel}\n", DerivationFile)
    assert found.startswith("3:5: steps.1: type: must be one of gain, cloud, ")
    assert found.endswith("(did you mean 'speckle'?), not the text \"speckel\"")


@pytest.mark.parametrize(
    ("schema", "text", "wanted"),
    [
        (SuperResolution, "preset: super_resolution\nscenes: {train: 1, val: 0, test: 0}\nfactor: 7\n",
         "1:1: factor: 7 does not divide the width of 256 pixels"),
        (SuperResolution, "preset: super_resolution\nscenes: {train: 0, val: 0, test: 0}\n",
         "2:17: scenes.train: must be greater than 0, not 0"),
        (SuperResolution, "preset: super_resolution\nscenes: {train: 1, val: 0, test: 0}\nbands: [B04]\n",
         "1:1: sentinel2 has no band 'B04'; did you mean 'B4'?"),
        (CloudRemoval, "preset: cloud_removal\nscenes: {train: 1, val: 0, test: 0}\ndates: 1\n",
         "3:8: dates: must be greater than or equal to 2, not 1"),
        (CloudRemoval, "preset: cloud_removal\nscenes: {train: 1, val: 0, test: 0}\nclouds: {meen: 1}\n",
         "3:10: unknown key 'clouds.meen'; did you mean 'mean'?"),
        (CloudRemoval, "preset: cloud_removal\nscenes: {train: 1, val: 0, test: 0}\n"
         "ground: {size: {width: 64, height: 32}, n_polygons: 4}\n",
         "1:1: ground.size: samples are square; give width and height the same number"),
        (GapFilling, "preset: gap_filling\nscenes: {train: 1, val: 0, test: 0}\ncrop: 300\n",
         "1:1: crop: 300 is larger than the scene"),
    ],
)  # fmt: skip
def test_errors_of_a_dataset(line, schema, text, wanted):
    assert line(text, schema) == wanted

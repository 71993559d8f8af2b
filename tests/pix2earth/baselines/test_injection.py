"""High-pass injection against NumPy and scikit-learn, and the table of all baselines."""

import numpy as np
import pytest
import tensorflow as tf
from sklearn.linear_model import LinearRegression

from pix2earth.baselines import choice, injection
from pix2earth.baselines.samples import PhysicalDataset
from pix2earth.baselines.standard import standard_baselines
from pix2earth.baselines.upsampling import bicubic_image
from pix2earth.records.degradation_schema import Degradation
from pix2earth.records.listing import Listing, open_folder
from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.records.writer import DatasetWriter

SIDE, FACTOR = 16, 2
MIXING = np.array([[0.2, 0.8, 0.1], [0.7, 0.0, 0.5]])
"""How the detail of the target follows from that of the guide."""


def averaged(values):
    blocks = values.reshape(SIDE // FACTOR, FACTOR, SIDE // FACTOR, FACTOR, -1)
    return blocks.mean((1, 3)).astype(np.float32)


def made(random):
    """A guide, and a target whose detail is mixed from that of the guide, on smooth ground."""
    guide = random.uniform(0.2, 0.8, (SIDE, SIDE, 2)).astype(np.float32)
    slopes = np.linspace(0, 0.1, SIDE)[:, None, None] * random.uniform(0, 1, 3)
    target = (guide @ MIXING + slopes + random.normal(0, 0.01, (SIDE, SIDE, 3))).astype(np.float32)
    return {"input_image": averaged(target), "guide": guide, "target": target}


def manifest_of(**roles):
    about = {"dtype": "float32", "bands": ["a", "b", "c"]}
    fields = {
        "input_image": Field(shape=[SIDE // FACTOR, SIDE // FACTOR, 3], gsd=40.0, **about),
        "guide": Field(dtype="float32", shape=[SIDE, SIDE, 2], bands=["p", "q"]),
        "target": Field(shape=[SIDE, SIDE, 3], gsd=20.0, **about),
    }
    return Manifest(
        name="made", tilesize=SIDE, fields=fields, split=Split(method="synthetic"),
        **{"guide": "guide", "degradation": Degradation(kind="average", factor=FACTOR)} | roles,
    )  # fmt: skip


@pytest.fixture(scope="module")
def listing(tmp_path_factory) -> Listing:
    root, random = tmp_path_factory.mktemp("injection"), np.random.default_rng(0)
    with DatasetWriter(root, manifest_of()) as writer:
        for split, count in (("train", 6), ("test", 3)):
            for number in range(count):
                fields = made(random)
                if number == 0:
                    fields["target"][3, 4] = np.nan
                writer.write(split, f"tile{number}", fields, acquired=["2020-01-01"])
    return open_folder(str(root / "made"))


def test_weights_are_those_of_a_linear_regression_of_the_training_detail(listing):
    weights = injection.fitted(listing)
    known, sought = [], []
    for sample in PhysicalDataset(listing).samples("train"):
        fields = sample.fields
        detail = fields["guide"] - bicubic_image(averaged(fields["guide"]), FACTOR)
        rest = fields["target"] - bicubic_image(fields["input_image"], FACTOR)
        valid = np.isfinite(rest).all(-1)
        known.append(detail[valid])
        sought.append(rest[valid])
    expected = LinearRegression(fit_intercept=False).fit(np.concatenate(known), np.concatenate(sought)).coef_.T
    np.testing.assert_allclose(weights, expected, atol=1e-5)
    np.testing.assert_allclose(weights, MIXING, atol=0.02)


def test_evaluation_and_table_compute_the_same(listing):
    weights = injection.fitted(listing)
    baseline = choice.choose(listing.manifest, lambda: weights)
    assert (baseline.name, baseline.fields) == ("injection", ("input_image", "guide"))
    sample = next(PhysicalDataset(listing).samples("test"))
    source, guide = sample.fields["input_image"], sample.fields["guide"]
    single = injection.injected(source, guide, weights, listing.manifest.degradation)
    batch = baseline.predict(tf.constant(source[None]), tf.constant(guide[None])).numpy()[0]
    np.testing.assert_allclose(batch, single, atol=1e-5)


def test_the_table_holds_all_and_the_last_one_is_the_hardest(listing):
    predictors = standard_baselines(listing, listing).predictors
    assert list(predictors) == ["bicubic", "back-projection", "injection"]
    errors = {name: 0.0 for name in predictors}
    for sample in PhysicalDataset(listing).samples("test"):
        for name, predict in predictors.items():
            errors[name] += float(np.nanmean(np.abs(predict(sample) - sample.fields["target"])))
    assert errors["bicubic"] > errors["back-projection"] > 2 * errors["injection"]


def test_without_guide_or_training_split_it_is_bicubic(listing, tmp_path):
    assert choice.choose(manifest_of(guide=None), lambda: MIXING).name == "bicubic"
    assert choice.choose(manifest_of(degradation=None), lambda: MIXING).name == "bicubic"
    with DatasetWriter(tmp_path, manifest_of()) as writer:
        writer.write("test", "tile", made(np.random.default_rng(1)), acquired=["2020-01-01"])
    only_test = open_folder(str(tmp_path / "made"))
    assert injection.fitted(only_test) is None
    assert choice.choose(manifest_of(), lambda: injection.fitted(only_test)).name == "bicubic"
    # Weights of another dataset can be given.
    assert list(standard_baselines(only_test, listing).predictors)[-1] == "injection"

"""Moments of the network's values over the measured pixels of training samples, against NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from pix2earth.batches.dataset import Dataset
from pix2earth.plugins import standardizing
from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.records.writer import DatasetWriter
from pix2earth.settings.errors import UserError


@pytest.fixture
def measured(tmp_path, open_tiny):
    """``measured(...)``: stacks of some dates with missing pixels, as written, and their moments."""

    def measure(dates=2, side=64, top=1.0, damage=False, **settings):
        random = np.random.default_rng(3)
        shape = dict.fromkeys(("input_image", "target"), (dates, side, side, 3))
        fields = {
            name: Field(
                dtype="float32", shape=list(size), bands=["B04", "B03", "B02"], valid_range=(0.0, top), gsd=10.0,
                rgb=["B04", "B03", "B02"],
            )
            for name, size in shape.items()
        }  # fmt: skip
        manifest = Manifest(
            name="stacks", tilesize=side, description="Synthetic, for tests.", fields=fields,
            split=Split(method="synthetic", seed=3),
        )  # fmt: skip
        arrays = []
        with DatasetWriter(tmp_path / "data", manifest) as writer:
            for number, split in enumerate(("train", "train", "train", "val")):
                sample = {name: random.random(size, np.float32) * top for name, size in shape.items()}
                sample["input_image"][..., 2] = 0.25 * top
                for name in shape:
                    sample[name][random.random((dates, side, side)) < 0.3] = np.nan
                writer.write(
                    split, f"{split}{number}", sample, crs="EPSG:32618", transform=(10, 0, 640 * number, 0, -10, 0),
                    acquired=["2023-07-01T15:00:00Z"],
                )  # fmt: skip
                arrays += [sample] if split == "train" else []
        (tmp_path / "environment.json").write_text('{"data_root": "data", "experiment_root": "experiments"}')
        dataset = Dataset(open_tiny(tmp_path, "x", dataset="stacks", tilesize=side, **settings))
        if damage:
            path = dataset.listing.path("train", "train1")
            path.write_bytes(path.read_bytes()[:-9])
        return arrays, standardizing.measure(dataset, dataset.names("train"))

    return measure


@pytest.mark.parametrize("dates", [2, 8])
@pytest.mark.parametrize("folded", [True, False])
def test_moments_leave_out_what_is_missing(measured, folded, dates):
    """Also where there are as many dates as rows and columns."""
    arrays, found = measured(dates, 8, fold_dates=folded, normalize="symmetric")
    assert found.samples == 3
    for name, moments in (("input_image", found.input), ("target", found.target)):
        values = np.stack([sample[name] for sample in arrays]).astype(np.float64) * 2 - 1
        axes = (0, 2, 3) if folded else (0, 1, 2, 3)
        deviation = np.nanstd(values, axis=axes).ravel()
        np.testing.assert_allclose(moments.mean, np.nanmean(values, axis=axes).ravel(), rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(moments.deviation, np.where(deviation < 1e-6, 1, deviation), rtol=1e-5)


def test_small_numbers_of_images_as_they_are_have_a_deviation(measured):
    arrays, found = measured(top=1e-7, normalize="none", fold_dates=False)
    for name, moments in (("input_image", found.input), ("target", found.target)):
        deviation = np.nanstd(np.stack([sample[name] for sample in arrays]).astype(np.float64), axis=(0, 1, 2, 3))
        constant = np.array([False, False, name == "input_image"])
        np.testing.assert_allclose(moments.deviation, np.where(constant, 1.0, deviation), rtol=1e-5)


def test_a_damaged_record_is_named(measured):
    with pytest.raises(UserError, match=r"train1\.tfrecord: .*copy or write the dataset again"):
        measured(damage=True)


def test_the_layer_standardises_in_float32():
    layer = standardizing.Standardized()
    image = tf.constant(np.arange(24).reshape(1, 2, 3, 4), tf.float32)
    np.testing.assert_array_equal(layer(image), image)
    layer.mean.assign([0.0, 1.0, 2.0, 3.0])
    layer.deviation.assign([1.0, 2.0, 4.0, 8.0])
    np.testing.assert_allclose(layer(image)[0, 1, 0], np.array([12, 12, 12, 12]) / np.array([1, 2, 4, 8]))
    assert not layer.trainable_weights and layer(tf.cast(image, tf.bfloat16)).dtype == tf.float32

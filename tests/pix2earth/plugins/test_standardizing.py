"""Moments of the network's values over the measured pixels of training samples, against NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from pix2earth.batches.dataset import Dataset
from pix2earth.plugins import standardizing
from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.records.writer import DatasetWriter


@pytest.fixture
def measured(tmp_path, open_tiny):
    """``measured(**settings)``: stacks of two dates with missing pixels, as written, and their moments."""

    def measure(**settings):
        random = np.random.default_rng(3)
        shape = {"input_image": (2, 64, 64, 3), "target": (2, 64, 64, 3)}
        fields = {
            name: Field(
                dtype="float32", shape=list(size), bands=["B04", "B03", "B02"], valid_range=(0.0, 1.0), gsd=10.0,
                rgb=["B04", "B03", "B02"],
            )
            for name, size in shape.items()
        }  # fmt: skip
        manifest = Manifest(
            name="stacks", tilesize=64, description="Synthetic, for tests.", fields=fields,
            split=Split(method="synthetic", seed=3),
        )  # fmt: skip
        arrays = []
        with DatasetWriter(tmp_path / "data", manifest) as writer:
            for number, split in enumerate(("train", "train", "train", "val")):
                sample = {name: random.random(size, np.float32) for name, size in shape.items()}
                sample["input_image"][..., 2] = 0.25
                for name in shape:
                    sample[name][random.random((2, 64, 64)) < 0.3] = np.nan
                writer.write(
                    split, f"{split}{number}", sample, crs="EPSG:32618", transform=(10, 0, 640 * number, 0, -10, 0),
                    acquired=["2023-07-01T15:00:00Z"],
                )  # fmt: skip
                arrays += [sample] if split == "train" else []
        (tmp_path / "environment.json").write_text('{"data_root": "data", "experiment_root": "experiments"}')
        dataset = Dataset(open_tiny(tmp_path, "x", dataset="stacks", **settings))
        return arrays, standardizing.measure(dataset, dataset.names("train"))

    return measure


@pytest.mark.parametrize("folded", [True, False])
def test_moments_leave_out_what_is_missing(measured, folded):
    arrays, found = measured(fold_dates=folded, normalize="symmetric")
    assert found.samples == 3
    for name, moments in (("input_image", found.input), ("target", found.target)):
        values = np.stack([sample[name] for sample in arrays]).astype(np.float64) * 2 - 1
        axes = (0, 2, 3) if folded else (0, 1, 2, 3)
        deviation = np.nanstd(values, axis=axes).ravel()
        np.testing.assert_allclose(moments.mean, np.nanmean(values, axis=axes).ravel(), rtol=1e-5)
        np.testing.assert_allclose(moments.deviation, np.where(deviation < 1e-6, 1, deviation), rtol=1e-5)


def test_the_layer_standardises_in_float32():
    layer = standardizing.Standardized()
    image = tf.constant(np.arange(24).reshape(1, 2, 3, 4), tf.float32)
    np.testing.assert_array_equal(layer(image), image)
    layer.mean.assign([0.0, 1.0, 2.0, 3.0])
    layer.deviation.assign([1.0, 2.0, 4.0, 8.0])
    np.testing.assert_allclose(layer(image)[0, 1, 0], np.array([12, 12, 12, 12]) / np.array([1, 2, 4, 8]))
    assert not layer.trainable_weights and layer(tf.cast(image, tf.bfloat16)).dtype == tf.float32

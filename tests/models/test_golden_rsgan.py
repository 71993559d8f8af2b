"""Networks of the RSGAN study equal the published ones, in inference and in training."""

import keras
import numpy as np
import pytest

from layers.padded_block import Block, published_variables
from layers.paired_unet import encode_decode, paired_patchgan
from layers.scaled_residual import residual_network
from pix2earth.plugins.published_weights import assign
from tests.golden_files import FOLDER, GoldenCase, assert_golden, image, load, paths

BOTTLENECK = 1e-3
"""Tolerance of training outputs of U-Nets: batch norm over two values amplifies rounding."""
RENAMED = {"bn": "batchnorm", "relu": "activation"}


def cases(path):
    """Return the cases of a file: the arrays without a prefix, and those of each ``v/<case>/``."""
    arrays, meta = load(path)
    names = sorted({name.split("/")[1] for name in arrays if name.startswith("v/")})
    variants = meta.get("variants", {})
    found = [GoldenCase({name: array for name, array in arrays.items() if not name.startswith("v/")}, meta["config"])]
    for name in names:
        one = {key.removeprefix(f"v/{name}/"): array for key, array in arrays.items() if key.startswith(f"v/{name}/")}
        found.append(GoldenCase(one, variants.get(name, {}).get("config", meta["config"])))
    return [case for case in found if case.below("out/")]


def blocks(filters, settings, *, dropout=False, **base):
    """Return blocks as the published configuration states them."""
    found = []
    for count, stated in zip(filters, settings or [{}] * len(filters), strict=True):
        options = {RENAMED.get(key, key): value for key, value in stated.items()}
        if options.get("activation") is False:
            options["activation"] = None
        if not dropout:
            options.pop("dropout", None)
        found.append(Block(count, **base | options))
    return found


def u_net(config, *, skips=True):
    """Return a U-Net, or without skips the auto-encoder, with dropout 0."""
    channels, height, width = config["input_size"]
    x = keras.Input((height, width, channels))
    encoder = blocks(config["enc_filters"], config.get("enc_kwargs"))
    decoder = blocks(config["dec_filters"], config.get("dec_kwargs"), transposed=True)
    return keras.Model(x, encode_decode(x, encoder, decoder, config["out_channels"], skips=skips))


def resnet(config):
    """Return the residual network."""
    channels, height, width = config["input_size"]
    x = keras.Input((height, width, channels))
    return keras.Model(x, residual_network(x, config["n_filters"], config["n_blocks"], config["out_channels"]))


def assert_statistics(network, after, tolerance=1e-4):
    """Assert that running statistics after a training pass equal the published ones."""
    variables = published_variables(network)
    assert after
    for name, array in after.items():
        assert_golden(variables[name].numpy(), array, name, tolerance)


def assert_outputs(network, inputs, case, converted=image, tolerance=1e-4):
    """Assert that inference, training and running statistics equal the published ones."""
    assign(case.below("w/"), published_variables(network))
    assert_golden(network(inputs, training=False), converted(case["out/eval"]), "eval")
    outputs = network(inputs, training=True)
    assert_golden(outputs, converted(case["out/train_nodrop"]), "train", tolerance)
    assert_statistics(network, case.below("after/"))


def every(kind):
    """Return all cases of the files of a kind, as parameters of a test."""
    found = [(path.values[0], path.id) for path in paths(f"rsgan_{kind}*.npz")]
    return [
        pytest.param(case, id=f"{name}-{number}")
        for path, name in found
        for number, case in enumerate(cases(path))
    ]  # fmt: skip


@pytest.mark.parametrize("case", every("unet"))
def test_golden_unet(case):
    assert_outputs(u_net(case.config), image(case["in/x"]), case, tolerance=BOTTLENECK)


@pytest.mark.parametrize("case", every("autoencoder"))
def test_golden_autoencoder(case):
    assert_outputs(u_net(case.config, skips=False), image(case["in/x"]), case)


@pytest.mark.parametrize("case", every("resnet"))
def test_golden_resnet(case):
    assert_outputs(resnet(case.config), image(case["in/x"]), case)


def probabilities(logits):
    """Return probabilities as published: (batch, patch)."""
    return np.asarray(keras.ops.sigmoid(logits)).reshape(len(logits), -1)


@pytest.mark.parametrize("case", every("patchgan"))
def test_golden_patchgan(case):
    target, source = image(case["in/x"]), image(case["in/source"])
    network = paired_patchgan(source.shape[-1], target.shape[-1], case.config["n_filters"][:-1])
    inputs = [source, target]
    assign(case.below("w/"), published_variables(network))
    assert_golden(probabilities(network(inputs, training=False)), case["out/eval"], "eval")
    assert_golden(probabilities(network(inputs, training=True)), case["out/train_nodrop"], "train")
    assert_statistics(network, case.below("after/"))


def test_golden_folder_has_all_files():
    kinds = {"unet", "patchgan", "resnet", "autoencoder", "cyclegan", "losses"}
    assert {path.stem.removeprefix("rsgan_").split("-")[0] for path in FOLDER.glob("rsgan_*.npz")} >= kinds

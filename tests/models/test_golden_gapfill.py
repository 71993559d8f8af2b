"""GAPFILL against the published networks: outputs, statistics, losses, gradients and two training iterations."""

import numpy as np
import pytest
import tensorflow as tf
from keras import Model, layers, ops

from layers.published_weights import assign
from losses.hidden import disc_hinge_hidden, gen_hinge_hidden
from metrics import Scale
from metrics.protocols import gapfill_mae, gapfill_ssim
from pix2earth.records.manifest import Field
from tests.golden_files import assert_golden, image, load, paths

pytestmark = pytest.mark.slow  # published networks take seconds to build

RATES = {"generator": "generator_lr", "discriminator": "discriminator_lr"}
LETTERS = {"generator": "g", "discriminator": "d"}


def widths(generator=None, discriminator=None):
    """Return params of the configurations that a golden file states; small ones of what it lacks."""
    params = {"filters": 1, "blocks": 0, "discriminator_filters": 1}
    if generator:
        params |= {"filters": generator["init_nc"], "samplings": generator["n_downsample"]}
        params |= {"blocks": generator["n_resnet_blocks"]}
    if discriminator:
        params |= {"discriminator_filters": discriminator["init_nc"], "scales": discriminator["n_scales"]}
        params |= {"discriminator_layers": discriminator["n_layers"]}
    return params


@pytest.fixture
def gan_of(build):
    """``gan_of(image, steps, params)``: the model for images like ``image``, of ``steps`` time steps."""

    def built(like, steps, params, **settings):
        height, width, channels = like.shape[1:]
        bands = [f"b{number}" for number in range(channels // steps)]
        shape = [steps, height, width, len(bands)]
        fields = {name: Field(dtype="uint16", shape=shape, bands=bands) for name in ("input_image", "target")}
        fields["cloud_mask"] = Field(dtype="uint8", shape=[*shape[:3], 1], kind="mask", bands=["gap"])
        losses = {
            "gen_loss": {"gen_gan": None, "gen_hinge_hidden": 1},
            "disc_loss": {"disc_bce": None, "disc_hinge_hidden": 1},
        }
        size = {"img_height": height, "img_width": width, "fold_dates": True}
        params = {"as_published": True, **params}
        return build("gapfill", max(height, width), fields=fields, params=params, **losses | size | settings)

    return built


@pytest.mark.parametrize("path", paths("gapfill_generator*.npz"))
def test_golden_generator(path, gan_of):
    arrays, meta = load(path)
    x = image(arrays["in/x"])
    gan = gan_of(x, 1, widths(generator=meta["config"]))
    names = gan.published_names()["generator"]
    assign(arrays.below("w/"), names)
    assert_golden(gan.generator(x, training=False), image(arrays["out/eval"]), "eval")
    sums = [layer for layer in gan.generator.layers if isinstance(layer, layers.Add)]  # of the residual blocks
    body, encoder = sums[meta["config"]["n_resnet_blocks"] - 1].output, sums[0].input[1]
    first = gan.named["generator"]["encoder.init_conv.1"].output
    features = Model(gan.generator.inputs, [encoder, body, ops.relu(first)])(x, training=False)
    for part, found in zip(("encoder", "body", "init_conv"), features, strict=True):
        expected = image(arrays[f"out/eval_{part}"])
        assert_golden(found[: len(expected)], expected, part)
    assert_golden(gan.generator(tf.constant(x), training=True), image(arrays["out/train"]), "train")
    after = arrays.below("after/")
    assert after
    for name, expected in after.items():
        assert_golden(names[name], expected, name)


@pytest.mark.parametrize("path", paths("gapfill_discriminator*.npz"))
def test_golden_discriminator(path, gan_of):
    arrays, meta = load(path)
    images = [image(arrays["in/cond"]), image(arrays["in/image"])]
    gan = gan_of(images[1], 1, widths(discriminator=meta["config"]))
    names = gan.published_names()["discriminator"]
    assign(arrays.below("w/"), names)
    features = Model(gan.discriminator.inputs, gan.features)(images, training=False)
    for number, feature in enumerate(features):
        assert_golden(feature, image(arrays[f"out/eval_feature_{number}"]), f"feature {number}")
    for mode in ("eval", "train"):
        for scale, output in enumerate(gan.discriminator(images, training=mode == "train")):
            assert_golden(output, image(arrays[f"out/{mode}_final_{scale}"]), f"{mode} {scale}")
    for name, expected in arrays.below("after/").items():
        assert_golden(names[name], expected, name)


@pytest.mark.parametrize("path", paths("gapfill_losses*.npz"))
def test_golden_hinge(path):
    arrays, _ = load(path)
    real, false, cloud = (image(arrays[f"in/fn_{name}"]) for name in ("disc_real", "disc_fake", "cloud"))
    assert_golden(disc_hinge_hidden(real, false, cloud), arrays["out/fn_d_hinge"], "fn_d_hinge")
    assert_golden(gen_hinge_hidden(false, cloud), arrays["out/fn_g_hinge"], "fn_g_hinge")


def without_effect(name):
    """Return whether a bias is that of a convolution before a normalisation: its gradient is rounding noise."""
    parts = name.split(".")
    return parts[-1] == "bias" and (
        "down" in name or parts[-2] == "conv1" or (parts[0].startswith("disc_") and parts[1].startswith("conv_"))
    ) and "norm" not in name  # fmt: skip


@pytest.mark.parametrize("path", paths("gapfill_losses*.npz"))
def test_golden_iterations(path, gan_of, monkeypatch):
    """Two complete iterations; what is stored of the first one is compared after it."""
    arrays, meta = load(path)
    config = meta["config"]
    masked, unmasked, cloud = (image(arrays[f"in/{name}"]) for name in ("masked", "unmasked", "cloud"))
    steps = 3
    mask = cloud[..., :: cloud.shape[-1] // steps]
    np.testing.assert_array_equal(np.repeat(mask, cloud.shape[-1] // steps, axis=-1), cloud)
    gan = gan_of(
        masked, steps, widths(config["generator"], config["discriminator"]),
        gen_loss={"gen_gan": None, "gen_hinge_hidden": 1, "gen_l2_hidden": config["alpha"]},
        learning_rate={network: config[key] for network, key in RATES.items()},
    )  # fmt: skip
    names = gan.published_names()
    for network, letter in LETTERS.items():
        assign(arrays.below(f"w/{letter}."), names[network])
    gradients = recorded(gan, monkeypatch)
    halfway, generated = kept_between(gan, names, monkeypatch)
    batch = {"input_image": masked, "target": masked + unmasked, "input_mask": mask}
    batch = {name: tf.constant(array) for name, array in batch.items()} | {"step": tf.constant(0, tf.int64)}
    tf.config.run_functions_eagerly(True)
    try:
        first = gan.train_step(**batch)
        compare_losses(first, arrays, "step", 1e-4)
        compare_scores(generated[0], masked, unmasked, mask, arrays, "step", 1e-4)
        for network, letter in LETTERS.items():
            compare_gradients(gradients[network], names[network], arrays.below(f"grad/{letter}."))
            compare_state(names[network], arrays.below(f"after/{letter}."), config[RATES[network]])
            if stored := arrays.below(f"mid/{letter}."):
                chosen = {name: halfway[network][name] for name in stored if name in halfway[network]}
                compare_state(chosen, stored, config[RATES[network]])
        compare_losses(gan.train_step(**batch), arrays, "step2", 1e-2)
        compare_scores(generated[2], masked, unmasked, mask, arrays, "step2", 1e-2)
    finally:
        tf.config.run_functions_eagerly(False)


def recorded(gan, monkeypatch):
    """Return a dict that gets the gradients of the first update of each network, by the path of the variable."""
    gradients = {}

    def recording(network, optimizer):
        apply = optimizer.apply_gradients

        def applied(pairs):
            pairs = list(pairs)
            gradients.setdefault(network, {variable.path: np.asarray(gradient) for gradient, variable in pairs})
            return apply(pairs)

        return applied

    for network in LETTERS:
        optimizer = getattr(gan, f"{network}_optimizer")
        monkeypatch.setattr(optimizer, "apply_gradients", recording(network, optimizer))
    return gradients


class Stored:
    """A variable at a moment of the training."""

    def __init__(self, variable):
        self.trainable, self.values = variable.trainable, np.array(variable)

    def __array__(self, dtype=None, copy=None):
        return self.values


def kept_between(gan, names, monkeypatch):
    """Return what the first discriminator step finds, by network and name, and a list that gets the filled images.

    Of the latter, an iteration has two: that of the generator's step, and that of the discriminator's.
    """
    halfway, generated = {}, []
    train, fill = gan._train_discriminator, gan.filled

    def trained(*arguments):
        if not halfway:
            halfway.update({
                network: {name: Stored(variable) for name, variable in variables.items()}
                for network, variables in names.items()
            })  # fmt: skip
        return train(*arguments)

    def filled(*arguments):
        generated.append(fill(*arguments))
        return generated[-1]

    monkeypatch.setattr(gan, "_train_discriminator", trained)
    monkeypatch.setattr(gan, "filled", filled)
    return halfway, generated


def compare_scores(image, masked, unmasked, mask, arrays, step, tolerance):
    """Compare the scores of an iteration: those of the protocol for each time step, as means over the batch."""
    hidden, bands = np.asarray(image) - masked, masked.shape[-1] // mask.shape[-1]
    errors, similarities = [], []
    for time in range(mask.shape[-1]):
        of_step, gap = slice(time * bands, (time + 1) * bands), mask[..., time : time + 1]
        pair = (unmasked[..., of_step], hidden[..., of_step], None, Scale(1.0), gap)
        # An image without hidden pixels has no error, and a weight of 0.
        errors.append(np.nan_to_num(gapfill_mae(*pair)) * gap.mean(axis=(1, 2, 3)))
        similarities.append(gapfill_ssim(*pair))
    assert_golden(np.sum(errors) / mask.mean() / mask[..., 0, 0, 0].size / mask.shape[-1], arrays[f"out/{step}_mae"],
                  f"{step}_mae", tolerance)  # fmt: skip
    assert_golden(np.mean(similarities), arrays[f"out/{step}_ssim"], f"{step}_ssim", tolerance)


def compare_losses(losses, arrays, step, tolerance):
    for name, stored in (("total_gen_loss", "g_loss"), ("gen_l2_hidden", "mse"), ("total_disc_loss", "d_loss")):
        assert_golden(losses[name], arrays[f"out/{step}_{stored}"], f"{step}_{stored}", tolerance)


def compare_gradients(gradients, names, expected):
    assert len(gradients) == len(expected)
    for name, array in expected.items():
        found = np.asarray(gradients[names[name].path])
        if without_effect(name):
            noise = 1e-4 * np.abs(expected[f"{name.removesuffix('bias')}weight_orig"]).max()
            assert np.abs(array).max() <= noise and np.abs(found).max() <= noise, name
        else:
            found = np.transpose(found, (3, 2, 0, 1)) if found.ndim == 4 else found
            assert_golden(found, array, f"gradient of {name}", 1e-4)


def compare_state(names, expected, rate):
    """With beta_1 = 0, a gradient near zero becomes a step of +- rate: nearly all weights are equal."""
    equal = []
    for name, variable in names.items():
        found = np.asarray(variable)
        found = np.transpose(found, (3, 2, 0, 1)) if found.ndim == 4 else found
        if not variable.trainable:
            if name.endswith(("weight_u", "weight_v", "running_mean", "running_var")):
                assert_golden(found, expected[name], f"state {name}", 1e-3)
        elif without_effect(name):
            assert np.abs(found - expected[name]).max() <= 2.02 * rate, f"{name}: further apart than by a step each"
        else:
            equal.append((np.abs(found - expected[name]) <= 0.02 * rate).ravel())
    assert not equal or np.concatenate(equal).mean() > 0.99

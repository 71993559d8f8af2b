"""Pix2PixCC against the published networks: outputs, running statistics, losses and gradients of golden files."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from layers.multiscale_discriminator import by_scale
from layers.published_weights import assign, converted
from losses import discriminator_loss, generator_loss
from losses.correlation import coefficients
from losses.pooling import halved
from tests.golden_files import GoldenCase, assert_golden, image, load, paths

pytestmark = pytest.mark.slow  # published networks take seconds to build

NORMS = {"InstanceNorm2d": "instance", "BatchNorm2d": "batch"}
SETTINGS = {
    "filters": "n_gf", "downsamplings": "n_downsample", "residual_blocks": "n_residual", "padding": "padding_type",
    "transposed": "trans_conv", "discriminator_filters": "n_df", "scales": "n_D", "correlation_scales": "n_CC",
    "channel_balance": "ch_balance", "concordance": "ccc", "epsilon": "eps",
}  # fmt: skip
SMALL = {"filters": 1, "downsamplings": 0, "residual_blocks": 0, "discriminator_filters": 1}
#: Of gradients of biases, as specified.
BIAS_ATOL, BIAS_RTOL = 5e-4, 1e-3


def cases(path):
    """Return the cases of a file by name; "" is the one without a prefix."""
    arrays, meta = load(path)
    found = {}
    for key, described in meta["cases"].items():
        chosen = arrays.below("", without="v/") if key == "primary" else arrays.below(key)
        found[key] = GoldenCase(chosen, described["config"])
    return found


@pytest.fixture
def gan_of(build_networks):
    """``gan_of(config, size, bands, **params)``: the model with the settings of a file's configuration."""

    def built(config, size, bands, **params):
        stated = {name: config[key] for name, key in SETTINGS.items() if key in config}
        if "norm_type" in config:
            stated["norm"] = NORMS[config["norm_type"]]
        return build_networks(
            "pix2pixcc", size[0], bands, img_width=size[1], params={"as_published": True, **stated, **params},
            gen_loss={"gen_lsgan": 1.0}, disc_loss={"disc_lsgan": 1.0},
        )  # fmt: skip

    return built


@pytest.mark.parametrize("path", paths("pix2pixcc_generator*.npz"))
def test_golden_generator(path, gan_of):
    for name, case in cases(path).items():
        x = image(case["in/x"])
        gan = gan_of(case.config, x.shape[1:3], (x.shape[-1], case["out/y"].shape[1]), discriminator_filters=1)
        names = gan.published_names()["generator"]
        assign(case.below("w/"), names)
        assert_golden(gan.generator(x, training=False), image(case["out/y"]), f"{name} out/y")
        assert_golden(gan.generator(x, training=True), image(case["train/out/y"]), f"{name} train/out/y")
        for key, expected in case.below("train/w_after/").items():
            if not key.endswith("num_batches_tracked"):
                assert_golden(names[key], expected, f"{name} {key}")


@pytest.mark.parametrize("path", paths("pix2pixcc_discriminator*.npz"))
def test_golden_discriminator(path, gan_of):
    """The file states finished pairs: their channels are divided here, and not balanced again."""
    for name, case in cases(path).items():
        pair = image(case["in/x"])
        half = pair.shape[-1] // 2
        gan = gan_of(
            case.config, pair.shape[1:3], (half, pair.shape[-1] - half), **SMALL | {
                "discriminator_filters": case.config["n_df"], "channel_balance": 0,
            },
        )  # fmt: skip
        assign(case.below("w/"), gan.published_names()["discriminator"])
        expected = case.below("out/")
        for training in (False, True):
            scales = by_scale(gan.discriminator([pair[..., :half], pair[..., half:]], training=training))
            found = {f"scale{i}/block{j}": block for i, blocks in enumerate(scales) for j, block in enumerate(blocks)}
            assert found.keys() == expected.keys()
            for key, block in found.items():
                assert_golden(block, image(expected[key]), f"{name} {key}")


@pytest.mark.parametrize("path", paths("pix2pixcc_losses*.npz"))
def test_golden_losses(path, gan_of):
    for name, case in cases(path).items():
        source, target = (tf.constant(image(case[f"in/{key}"])) for key in ("input", "target"))
        gan = gan_of(case.config, target.shape[1:3], (source.shape[-1], target.shape[-1]))
        names = gan.published_names()
        for network, key in (("generator", "G"), ("discriminator", "D")):
            assign(case.below(f"w/{key}/"), names[network])
        padded = keras.Model(gan.discriminator.inputs, gan.discriminator.get_layer("Scale_0.block_0.0").input)
        pair = padded([source, target])[:, 1:-1, 1:-1]
        np.testing.assert_array_equal(pair, image(case["out/real_pair"]), err_msg=f"{name} real_pair")
        compare_correlation(name, case, gan, source, target)
        compare_totals(name, case, gan, source, target, names)


def compare_correlation(name, case, gan, source, target):
    """Compare the coefficients at each resolution."""
    fake = gan.generator(source)
    for scale in range(case.config["n_CC"]):
        if scale:
            target, fake = halved(target), halved(fake)
        assert_golden(target, image(case[f"out/target_down/scale{scale}"]), f"{name} target_down/scale{scale}")
        pearson, concordance = coefficients(target, fake, epsilon=case.config["eps"])
        for key, value in (("PCC", pearson), ("CCC", concordance)):
            np.testing.assert_allclose(value, case[f"out/{key}/scale{scale}"], atol=1e-5, err_msg=f"{name} {key}")
        loss = 1 - (concordance if case.config["ccc"] else pearson)
        np.testing.assert_allclose(loss, case[f"out/CC_loss/scale{scale}"], atol=1e-5, err_msg=f"{name} CC_loss")


def compare_totals(name, case, gan, source, target, names):
    """Compare both losses, their terms and their gradients; with n scales, averages have n times the weight of sums."""
    config, scales = case.config, case.config["n_D"]
    weights = {
        "gen_lsgan": 0.5 * config["lambda_LSGAN"] * scales,
        "gen_fm": config["lambda_FM"],
        "gen_cc": config["lambda_CC"],
    }
    with tf.GradientTape() as generator_tape, tf.GradientTape() as discriminator_tape:
        fake = gan.generator(source, training=True)
        real, false = (gan.discriminate({"input_image": source}, each) for each in (target, fake))
        fields = {**gan.loss_settings, "disc_real_features": real.features, "disc_generated_features": false.features}
        generator_total, terms = generator_loss(false.output, fake, target, weights, fields=fields)
        discriminator_total, _ = discriminator_loss(real.output, false.output, {"disc_lsgan": float(scales)})
    assert_golden(fake, image(case["out/fake"]), f"{name} fake")
    sums = sum(case[f"out/FM_running_sum/scale{scale}"] for scale in range(scales))
    assert_golden(terms["gen_fm"], sums / scales, f"{name} gen_fm", 1e-5)
    for scale in range(scales):
        compare_scale(f"{name} scale{scale}", case, scale, real, false)
    assert_golden(generator_total, case["out/loss_G"], f"{name} loss_G", 1e-5)
    assert_golden(discriminator_total, case["out/loss_D"], f"{name} loss_D", 1e-5)
    compare_gradients(f"{name} grad_G", case.below("out/grad_G/"), generator_tape, generator_total, names["generator"])
    compare_gradients(
        f"{name} grad_D", case.below("out/grad_D/"), discriminator_tape, discriminator_total, names["discriminator"]
    )


def compare_scale(name, case, scale, real, false):
    """Compare the plain means of one scale."""
    (true, judged) = (np.asarray(each.output[scale]) for each in (real, false))
    means = {
        "D_real_mse": np.mean((true - 1) ** 2),
        "D_fake_mse": np.mean(judged**2),
        "G_lsgan_mse": np.mean((judged - 1) ** 2),
    }
    for key, value in means.items():
        assert_golden(value, case[f"out/{key}/scale{scale}"], f"{name} {key}", 1e-5)
    for number, pair in enumerate(zip(real.features[scale], false.features[scale], strict=True)):
        value = np.mean(np.abs(np.asarray(pair[1]) - np.asarray(pair[0])))
        assert_golden(value, case[f"out/FM_l1/scale{scale}/block{number}"], f"{name} FM block{number}", 1e-5)


def compare_gradients(name, expected, tape, loss, variables):
    """Compare gradients; those of biases before an instance norm are rounding noise around 0."""
    assert expected.keys() == variables.keys()
    for key, gradient in zip(variables, tape.gradient(loss, list(variables.values())), strict=True):
        true = converted(expected[key])
        if key.endswith(".weight"):
            assert_golden(gradient, true, f"{name} {key}")
        else:
            np.testing.assert_allclose(gradient, true, rtol=BIAS_RTOL, atol=BIAS_ATOL, err_msg=f"{name} {key}")

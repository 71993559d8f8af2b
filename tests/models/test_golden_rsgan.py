"""Networks of the RSGAN study equal the published ones, in inference and in training."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from layers.padded_block import Block, published_variables
from layers.paired_unet import encode_decode, paired_patchgan
from layers.published_weights import assign
from layers.scaled_residual import residual_network
from losses import LOGGED_ALONE, discriminator_loss, generator_loss
from losses.adversarial import disc_bce, gen_bce
from losses.pixel import l1, l2, smooth_l1
from tests.golden_files import FOLDER, GoldenCase, assert_golden, image, load, paths

pytestmark = pytest.mark.slow  # published networks take seconds to build

BOTTLENECK = 1e-3
"""Tolerance of training outputs and gradients of U-Nets: batch norm over two values amplifies rounding."""
RENAMED = {"bn": "batchnorm", "relu": "activation"}


def cases(path):
    """Return the cases of a file: the arrays without a prefix, and those of each ``v/<case>/``."""
    arrays, meta = load(path)
    names = sorted({name.split("/")[1] for name in arrays if name.startswith("v/")})
    variants = meta.get("variants", {})
    found = [GoldenCase(arrays.below("", without="v/"), meta["config"])]
    for name in names:
        config = variants.get(name, {}).get("config", meta["config"])
        found.append(GoldenCase(arrays.below(f"v/{name}/"), config))
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


def plugin_params(generator, discriminator):
    """Return the settings of a plug-in with the published networks of a file, without dropout."""
    encoder, decoder = generator["enc_filters"], generator["dec_filters"]
    assert decoder[:-1] == encoder[-2::-1]
    filters = {
        "filters": encoder,
        "last_filters": decoder[-1],
        "discriminator_filters": discriminator["n_filters"][:-1],
    }
    return filters | {"dropout": 0.0}


def assert_gradients(tape, loss, variables, expected, tolerance=1e-4):
    """Assert that gradients equal the published ones; those of biases before batch norm are zero but for rounding."""
    assert expected
    for name, gradient in zip(expected, tape.gradient(loss, [variables[name] for name in expected]), strict=True):
        array = expected[name]
        if f"{name.removesuffix('.conv.bias')}.bn.bias" in expected:
            noise = tolerance * np.abs(expected[f"{name.removesuffix('bias')}weight"]).max()
            assert np.abs(array).max() <= noise and np.abs(gradient).max() <= noise, name
            continue
        if array.ndim == 4:
            array = np.transpose(array, (2, 3, 1, 0))
        assert_golden(gradient, array, name, tolerance)


def weights(name, value=1.0, **others):
    """Return weights of losses: one, and others, and no more."""
    return {"gen_l1": None, "gen_ssim": None, name: value} | others


@pytest.mark.parametrize("case", every("losses"))
def test_golden_cgan_losses_and_gradients(case, build):
    config = case.config
    channels, size, _ = config["generator"]["input_size"]
    gan = build(
        "cgan",
        size,
        bands=(channels, config["generator"]["out_channels"]),
        params=plugin_params(config["generator"], config["discriminator"]),
        gen_loss=weights("gen_gan", gen_smooth_l1=float(config["l1_weight"])),
        disc_loss={"disc_bce": 1.0},
    )
    names = gan.published_names()
    for network, prefix in (("generator", "w/model."), ("discriminator", "w/discriminator.")):
        assign(case.below(prefix), names[network])
    both = {f"model.{name}": variable for name, variable in names["generator"].items()}
    both |= {f"discriminator.{name}": variable for name, variable in names["discriminator"].items()}
    fields = {"input_image": tf.constant(image(case["in/source"])), "target": tf.constant(image(case["in/target"]))}

    with tf.GradientTape() as tape:
        generated = gan.generate(fields)
        logits = gan.discriminate(fields, generated)
        terms = gan.further_terms(fields, generated)
        total, terms = generator_loss(
            logits, generated, fields["target"], gan.exp.GEN_LOSS, gan.loss_object, terms=terms
        )
    assert_golden(total, case["out/step_gen_total"], "total")
    assert_golden(terms["gen_gan"], case["out/step_gen_loss"], "gen_gan")
    assert_golden(terms["gen_smooth_l1"], case["out/step_mae"], "gen_smooth_l1")
    assert_gradients(tape, total, both, case.below("grad/gen_step."), BOTTLENECK)

    with tf.GradientTape() as tape:
        real, fake = gan.discriminate(fields, fields["target"]), gan.discriminate(fields, gan.generate(fields))
        total, _ = discriminator_loss(real, fake, gan.exp.DISC_LOSS, gan.loss_object)
    assert_golden(total, case["out/step_train_discriminator"], "discriminator")
    assert_shares(real, fake, gan.loss_object, case, "step_train")
    assert_gradients(tape, total, both, case.below("grad/disc_step."))
    for name, array in case.below("after/").items():
        assert_golden(both[name].numpy(), array, name)


@pytest.mark.parametrize("case", every("losses"))
def test_golden_functions(case):
    one, other = case["in/fn_a"], case["in/fn_b"]
    assert_golden(smooth_l1(one, other), case["out/fn_smooth_l1"], "smooth_l1")
    assert_golden(l1(one, other), case["out/fn_l1"], "l1")
    assert_golden(l2(one, other), case["out/fn_mse"], "l2")
    # Logarithms of probabilities are cut off at -100 as published, hence logits at -100 and 100.
    with np.errstate(divide="ignore"):
        probability = case["in/fn_prob"].astype(float)
        logits = np.clip(np.log(probability) - np.log1p(-probability), -100, 100).astype("float32")
    crossentropy = keras.losses.BinaryCrossentropy(from_logits=True)
    assert_golden(gen_bce(logits, crossentropy), case["out/fn_bce_ones"], "bce with ones")
    real = np.full_like(logits, 100)  # its own part is 0
    assert_golden(disc_bce(real, logits, crossentropy), case["out/fn_bce_zeros"], "bce with zeros")
    probabilities = keras.losses.BinaryCrossentropy(from_logits=False)
    assert_shares(case["in/fn_d_real"], case["in/fn_d_fake"], probabilities, case, "fn")


def assert_shares(real, fake, loss_object, case, prefix):
    """Assert that shares of what is taken for real equal the published ones; ours are 0 where those are undefined."""
    _, shares = discriminator_loss(real, fake, dict.fromkeys(LOGGED_ALONE, 0.0), loss_object)
    for name in LOGGED_ALONE:
        expected = np.nan_to_num(case[f"out/{prefix}_{name.removeprefix('disc_')}"])
        np.testing.assert_allclose(shares[name], expected, atol=1e-6, err_msg=f"{prefix}_{name}")


@pytest.mark.parametrize("case", every("cyclegan"))
def test_golden_cyclegan(case, build):
    config = case.config
    channels, size, _ = config["generator_AB"]["input_size"]
    gan = build(
        "cyclegan",
        size,
        bands=(channels, config["generator_AB"]["out_channels"]),
        params=plugin_params(config["generator_AB"], config["discriminators"]),
        gen_loss=weights("gen_gan", gen_smooth_l1=config["supervision_weight"], gen_cycle=config["consistency_weight"]),
        disc_loss={"disc_bce": 1.0},
    )
    all_names = {}
    for variables in gan.published_names().values():
        all_names |= variables
    assign(case.below("w/"), all_names)
    sar, optical = (tf.constant(image(case[f"in/{name}"])) for name in ("sar", "optical"))
    assert_inference(gan, sar, optical, case)
    with tf.GradientTape(persistent=True) as tape:
        judged, _ = gan.discriminator_terms(sar, optical, {})
        total, _, _ = gan.generator_terms(sar, optical, {})
    assert_golden(judged, case["out/train_loss_disc_A"] + case["out/train_loss_disc_B"], "discriminators")
    assert_golden(total, case["out/train_loss_generators"], "generators")
    expected = case.below("grad/")
    for loss, kind, tolerance in ((judged, "discriminator", 1e-4), (total, "generator", BOTTLENECK)):
        chosen = {name: expected[name] for name in expected if name.startswith(kind)}
        assert_gradients(tape, loss, all_names, chosen, tolerance)
    for name, array in case.below("after/").items():
        assert_golden(all_names[name].numpy(), array, name)


def assert_inference(gan, sar, optical, case):
    """Assert that images, probabilities and losses of all four networks equal the published ones in inference."""
    fake_optical, fake_sar = gan.generator(sar, training=False), gan.backward(optical, training=False)
    images = {
        "fake_optical": fake_optical,
        "fake_sar": fake_sar,
        "cycle_sar": gan.backward(fake_optical, training=False),
        "cycle_optical": gan.generator(fake_sar, training=False),
    }
    for name, values in images.items():
        assert_golden(values, image(case[f"out/eval_{name}"]), name)
    pairs = {"DB_real": optical, "DB_fake": fake_optical, "DA_real": sar, "DA_fake": fake_sar}
    logits = {}
    for name, candidate in pairs.items():
        network, given = (gan.discriminator, sar) if name[1] == "B" else (gan.backward_discriminator, optical)
        logits[name] = network([given, candidate], training=False)
        assert_golden(probabilities(logits[name]), case[f"out/eval_{name}"], name)
    for letter in "AB":
        assert_shares(logits[f"D{letter}_real"], logits[f"D{letter}_fake"], None, case, f"eval_disc_{letter}")
    losses = {
        "gen_AB": gen_bce(logits["DB_fake"], None),
        "gen_BA": gen_bce(logits["DA_fake"], None),
        "disc_A_loss": disc_bce(logits["DA_real"], logits["DA_fake"], None),
        "disc_B_loss": disc_bce(logits["DB_real"], logits["DB_fake"], None),
        "cycle_AB": smooth_l1(sar, images["cycle_sar"]),
        "cycle_BA": smooth_l1(optical, images["cycle_optical"]),
        "mae_AB": smooth_l1(optical, fake_optical),
        "mae_BA": smooth_l1(sar, fake_sar),
    }
    for name, loss in losses.items():
        assert_golden(loss, case[f"out/eval_{name}"], name)

"""CTGAN against the published network: outputs, running statistics and losses of golden files."""

import zlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from layers.published_weights import assign
from losses import discriminator_loss, generator_loss
from pix2earth.records.manifest import Field
from tests.golden_files import assert_golden, image, load, paths

pytestmark = pytest.mark.slow  # published networks take seconds to build

#: The published network's own rounding, as its specification states it: fake and aux 4.5e-5, masks 1.3e-6.
TOLERANCES = {"fake": 5e-4, "aux": 5e-4, "mask": 1e-4}


def fields(size, steps, bands, outputs, batch_bands=None):
    return {
        "input_image": Field(dtype="uint16", shape=[steps, size, size, bands], bands=[f"b{n}" for n in range(bands)]),
        "target": Field(dtype="uint16", shape=[size, size, outputs], bands=[f"b{n}" for n in range(outputs)]),
    }


def rule_weights(meta):
    """Return the weights that the golden file states by a rule instead of storing them."""
    weights = {}
    for name, shape in meta["shapes"].items():
        if name.endswith("num_batches_tracked"):
            weights[name] = np.zeros(shape, np.int64)
            continue
        generator = np.random.Generator(np.random.PCG64(zlib.crc32(f"{meta['rule_tag']}/{name}".encode())))
        z = generator.standard_normal(shape)
        if name.endswith("running_mean"):
            z = 0.1 * z
        elif name.endswith("running_var"):
            z = 0.5 + 0.5 * np.abs(z)
        elif len(shape) >= 2 and not name.endswith("rel_pos_emb.weight"):
            z = z * np.sqrt(2 / np.prod(shape[1:]))
        elif name.endswith(".bias"):
            z = 0.05 * z
        elif len(shape) < 2:
            z = 1 + 0.1 * z
        weights[name] = z.astype(np.float32)
    return weights


def check_rule(weights, arrays):
    for name, expected in arrays.items():
        flat = weights[name].ravel()
        found = [*flat[: min(4, flat.size)], flat[-1], flat.astype(np.float64).sum()]
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


def heads_of(meta):
    shapes = meta["shapes"]
    features = shapes["transformer.comformer.attn.fn.rel_pos_emb.weight"][1]
    return {"heads": shapes["transformer.comformer.attn.fn.to_q.weight"][0] // features, "head_features": features}


@pytest.fixture
def gan_of(build):
    def built(size, steps, bands, outputs, **params):
        settings = {"gen_loss": {"gen_lsgan": 1.0}, "disc_loss": {"disc_lsgan": 1.0}}
        return build("ctgan", size, fields=fields(size, steps, bands, outputs), params=params, **settings)

    return built


@pytest.mark.parametrize("path", paths("ctgan_generator*.npz"))
def test_golden_generator(path, gan_of):
    arrays, meta = load(path)
    weights = rule_weights(meta)
    check_rule(weights, arrays.below("chk/"))
    inputs = [image(arrays[name]) for name in sorted(arrays) if name.startswith("in/x")]
    series = np.stack(inputs, axis=1)
    _, steps, size, _, bands = series.shape
    outputs = arrays["out/fake"].shape[1]
    gan = gan_of(size, steps, bands, outputs, attention="batch", dropout=0.0, **heads_of(meta))
    names = gan.published_names()["generator"]
    assign(weights, names)
    for prefix, given in (("out/", series), ("b1/out/", series[:1])):
        compare(gan.generator(given, training=False), arrays, prefix, steps)
    compare(gan.generator(tf.constant(series), training=True), arrays, "train/out/", steps)
    for name, expected in arrays.below("train/w_after/").items():
        if not name.endswith("num_batches_tracked"):
            assert_golden(names[name], expected, name)


def compare(outputs, arrays, prefix, steps):
    fake, masks, auxiliary = (np.asarray(output) for output in outputs)
    assert_golden(fake, image(arrays[f"{prefix}fake"]), f"{prefix}fake", TOLERANCES["fake"])
    for step in range(steps):
        assert_golden(masks[:, step], image(arrays[f"{prefix}mask{step}"]), f"{prefix}mask{step}", TOLERANCES["mask"])
        assert_golden(auxiliary[:, step], image(arrays[f"{prefix}aux{step}"]), f"{prefix}aux{step}", TOLERANCES["aux"])


@pytest.mark.parametrize("path", paths("ctgan_generator*.npz"))
def test_golden_features_of_the_generator(path, gan_of):
    """Files with features between the layers; those of modules of the conformer are what they add to the tokens."""
    arrays, meta = load(path)
    taps = arrays.below("tap/")
    if not taps:
        pytest.skip(f"{path.name} has no features between the layers")
    series = np.stack([image(arrays[name]) for name in sorted(arrays) if name.startswith("in/x")], axis=1)
    _, steps, size, _, bands = series.shape
    outputs = arrays["out/fake"].shape[1]
    gan = gan_of(size, steps, bands, outputs, attention="batch", dropout=0.0, **heads_of(meta))
    assign(rule_weights(meta), gan.published_names()["generator"])
    named, block = gan.names["generator"], "transformer.comformer"
    norms = ("ff1.fn.norm", "attn.norm", "conv.net.0", "ff2.fn.norm", "post_norm")
    tokens = [named[f"{block}.{name}"].input for name in norms]
    inner = keras.Model(gan.generator.inputs, [*tokens, named[f"{block}.post_norm"].output])
    *tokens, last = inner(series, training=False)
    for name, before, after in zip(("ff1", "attn", "conv", "ff2"), tokens[:-1], tokens[1:], strict=True):
        assert_golden(after - before, taps[f"conf_{name}_branch"], name, TOLERANCES["fake"])
    quarter = taps["transformer_out"].shape[-1]
    found = np.transpose(last, (1, 0, 2)).reshape(len(series), -1, quarter, quarter)
    assert_golden(found, taps["transformer_out"], "transformer_out", TOLERANCES["fake"])
    extractor, downsampling = (gan.generator.get_layer(name) for name in ("feature_extractor", "downsampling"))
    features = [extractor(series[:, step], training=False)[1] for step in range(2)]
    assert_golden(features[0], image(taps["fe0_out"]), "fe0_out")
    pair = downsampling(np.concatenate(features, axis=-1), training=False)
    assert_golden(pair, image(taps["pair0_down"]), "pair0_down")


@pytest.mark.parametrize("path", paths("ctgan_discriminator*.npz"))
def test_golden_discriminator(path, gan_of):
    """The published sizes are not square: the network is called on them directly."""
    arrays, meta = load(path)
    x = image(arrays["in/x"])
    bands = 4
    gan = gan_of(64, x.shape[-1] // bands - 1, bands, bands, discriminator_filters=meta["config"]["ndf"],
                 heads=1, head_features=4, expansion=1)  # fmt: skip
    names = gan.published_names()["discriminator"]
    assign(arrays.below("w/"), names)
    network = keras.Model(*rebuilt(gan.discriminator, x.shape[1:3], x.shape[-1] - bands, bands))
    for prefix, training in (("", False), ("train/", True)):
        logits = network([x[..., :-bands], x[..., -bands:]], training=training)
        assert_golden(logits, image(arrays[f"{prefix}out/logits"]), f"{prefix}out/logits")
    for name, expected in arrays.below("train/w_after/").items():
        if not name.endswith("num_batches_tracked"):
            assert_golden(names[name], expected, name)


def rebuilt(model, size, *channels):
    """Return inputs and output of the same layers on images of another size."""
    inputs = [keras.Input((*size, count)) for count in channels]
    return inputs, keras.models.clone_model(model, input_tensors=inputs, clone_function=lambda layer: layer).output


@pytest.mark.parametrize("path", paths("ctgan_losses*.npz"))
def test_golden_losses(path):
    arrays, meta = load(path)
    steps = sum(name.startswith("in/aux") for name in arrays)
    target, fake = image(arrays["in/real_B"]), image(arrays["in/fake_B"])
    true, false, after = (
        arrays[f"in/{name}"] for name in ("D_real_logits", "D_fake_logits", "D_fake_logits_after_D_step")
    )
    from models import ctgan

    masks, taught = (
        np.stack([image(arrays[f"in/{kind}{n}"]) for n in range(steps)], 1) for kind in ("mask", "teacher_mask")
    )
    auxiliary = np.stack([image(arrays[f"in/aux{n}"]) for n in range(steps)], 1)
    own = {
        "gen_att": ctgan.attention_loss(tf.constant(masks), tf.constant(taught)),
        "gen_aux": ctgan.auxiliary_loss(tf.constant(auxiliary), tf.constant(target)),
    }
    nothing = {"lsgan": np.ones_like(true), "vanilla": np.full_like(true, 100)}  # for which a target's own part is 0
    for mode, gen, disc, factor in (("lsgan", "gen_lsgan", "disc_lsgan", 1.0), ("vanilla", "gen_gan", "disc_bce", 0.5)):
        taken, _ = generator_loss(true, fake, target, {gen: 1.0})
        assert_golden(taken, arrays[f"out/{mode}/loss_D_real"], f"{mode}/loss_D_real", 1e-5)
        seen_through, _ = discriminator_loss(nothing[mode], false, {disc: 2 * factor})
        assert_golden(seen_through, arrays[f"out/{mode}/loss_D_fake"], f"{mode}/loss_D_fake", 1e-5)
        judged, _ = discriminator_loss(true, false, {disc: factor})
        assert_golden(judged, arrays[f"out/{mode}/loss_D"], f"{mode}/loss_D", 1e-5)
        weights = {gen: 1.0, "gen_l1": meta["config"]["lambda_L1"], "gen_att": 1.0}
        total, terms = generator_loss(after, fake, target, weights, terms={"gen_att": own["gen_att"]})
        assert_golden(terms[gen], arrays[f"out/{mode}/loss_G_GAN"], f"{mode}/loss_G_GAN", 1e-5)
        assert_golden(total, arrays[f"out/{mode}/loss_G_without_aux"], f"{mode}/loss_G_without_aux", 1e-5)
        assert_golden(100 * terms["gen_l1"], arrays["out/loss_G_L1"], "loss_G_L1", 1e-5)
        assert_golden(terms["gen_att"], arrays["out/loss_g_att"], "loss_g_att", 1e-5)
        weights["gen_aux"] = meta["config"]["lambda_aux"]
        total, terms = generator_loss(after, fake, target, weights, terms=own)
        assert_golden(50 * terms["gen_aux"], arrays["out/loss_G_aux"], "loss_G_aux", 1e-5)
        assert_golden(total, arrays[f"out/{mode}/loss_G_with_aux"], f"{mode}/loss_G_with_aux", 1e-5)

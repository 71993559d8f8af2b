"""Every model in models/ takes training steps in every precision, and its generator can be saved."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from experiment import PROJECT
from losses import DISCRIMINATOR_LOSSES, GENERATOR_LOSSES, discriminator_loss, generator_loss
from pix2earth.plugins import contract, legacy
from pix2earth.plugins.state import networks
from pix2earth.records.manifest import Field
from pix2earth.runs.source_identity import SHIPPED_MODELS
from tests.networks import GEN_LOSS, descending, eager_step, random_batch

MODELS = sorted({path.stem for path in (PROJECT / "models").glob("*.py")} - set(legacy.SUPPORT))
#: For the edit loop: the smallest network, and one with a field of its own.
QUICK = {"template", "masked_unet"}
EVERY_MODEL = [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in MODELS]
SIZE = 32
#: Smaller networks than by default, where a model has a parameter for it.
PARAMS = {
    "tarsgan": {"layers": 1},
    "dsen2w": {"layers": 1},
    "template": {"filters": 8, "blocks": 1},
    "residual_upsampler": {"filters": 8, "blocks": 1, "discriminator_filters": 8},
    "masked_unet": {"filters": 8, "discriminator_filters": 8},
    "dated_unet": {"filters": 8, "downsamplings": 2, "discriminator_filters": 8},
    "guided_upsampler": {"filters": 8, "blocks": 1, "discriminator_filters": 8},
    "gapfill": {"filters": 4, "blocks": 1, "discriminator_filters": 4},
    "ctgan": {
        "filters": 4, "aspp_filters": 4, "fusion_filters": 8, "heads": 2, "head_features": 8, "expansion": 1,
        "discriminator_filters": 4,
    },
    "pix2pixcc": {"filters": 4, "downsamplings": 2, "residual_blocks": 1, "discriminator_filters": 4},
    **{
        name: {"filters": [8, 16, 16], "discriminator_filters": [8, 16]}
        for name in ("cgan", "cgan_recurrent", "cyclegan")
    },
    # Of fewer levels: batch norm over the two pixels of the fifth amplifies rounding.
    "cyclegan_unpaired": {"filters": [8, 16, 16], "discriminator_filters": [8, 16]},
}  # fmt: skip
#: A dataset for all models: a ratio of 2, a mask, a guide, and an input with twice the target's bands.
DATASET = {
    "bands": (6, 3),
    "fields": {
        "cloud_mask": Field(dtype="uint8", shape=[SIZE, SIZE, 1], kind="mask", bands=["hidden"]),
        "guide": Field(dtype="uint16", shape=[SIZE, SIZE, 2], bands=["G1", "G2"]),
        "dates": Field(dtype="uint16", shape=[1, 1, 1], bands=["day"], valid_range=(1.0, 366.0)),
    },
    "roles": {"guide": "guide"},
    "batch_size": 2,
}

#: Datasets and settings of models that need others.
OTHER = {
    "ctgan": {
        "size": 64, "bands": (3, 3), "gen_loss": GEN_LOSS | {"gen_aux": 50.0},
        "fields": {"input_image": Field(dtype="uint16", shape=[2, 64, 64, 3], bands=["B3", "B2", "B1"])},
    },
    # Without pairs, no loss compares with the target.
    "cyclegan_unpaired": DATASET | {"gen_loss": {"gen_gan": 1.0, "gen_tv": 1.0, "gen_l1": None, "gen_ssim": None}},
}  # fmt: skip


def built(build, name, **settings):
    """Return a small network of a model, on the dataset that it needs."""
    other = dict(OTHER.get(name, DATASET))
    return build(name, other.pop("size", SIZE), **{"params": PARAMS.get(name, {})} | other | settings)


def batch_of(gan):
    """Return the arguments of a plug-in's training step."""
    names = contract.parameters(gan.train_step)
    batch = random_batch(gan.exp, *(name for name in names if name in (*DATASET["fields"], "input_mask")))
    batch["sequence_start"] = tf.constant([0.0, 1.0])
    return {name: batch[name] for name in names if name != contract.ALL}


def finite_losses(losses):
    """Return the names of the losses that are finite."""
    return {name for name, value in losses.items() if np.isfinite(value)}


def test_the_list_of_models():
    assert QUICK < set(MODELS)
    assert not {"layers", "losses"} & set(MODELS)
    assert {*MODELS, "layers", "losses"} == SHIPPED_MODELS


@pytest.mark.parametrize("name", EVERY_MODEL)
def test_two_steps(name, build, narrow):
    two_steps(name, build)


@pytest.mark.slow
def test_two_steps_of_a_wide_network(build):
    """One with all its filters: others differ in their layers alone, which are trained above."""
    two_steps("pix2pix", build)


def two_steps(name, build):
    """All losses are finite and every trainable weight changes."""
    gan = built(build, name)
    batch, networks = batch_of(gan), (gan.generator, gan.discriminator)
    before = [[weight.numpy() for weight in network.trainable_weights] for network in networks]
    for _ in range(2):
        losses = gan.train_step(**batch)
    assert set(losses) - finite_losses(losses) == set()
    toolkit = {"total_gen_loss", "total_disc_loss", *GENERATOR_LOSSES, *DISCRIMINATOR_LOSSES}
    compared = {"gen_tv"} if name == "cyclegan_unpaired" else {"gen_l1", "gen_ssim"}
    assert set(losses) & toolkit == {"total_gen_loss", "gen_gan", "total_disc_loss", "disc_bce"} | compared
    for network, weights in zip(networks, before, strict=True):
        for old, new in zip(weights, network.trainable_weights, strict=True):
            assert not np.array_equal(old, new), new.path


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("name", MODELS)
def test_half_precision(name, policy, build, precision, narrow):
    """Networks compute in half precision and return float32; the losses are finite."""
    precision(policy)
    gan = built(build, name, precision=policy)
    losses = eager_step(gan, **batch_of(gan))
    assert set(losses) - finite_losses(losses) == set()
    for network in (gan.generator, gan.discriminator):
        assert keras.backend.standardize_dtype(network.outputs[0].dtype) == "float32"
        types = [layer.compute_dtype for layer in network.layers if layer.trainable_weights]
        assert types.count(policy.removeprefix("mixed_")) > len(types) / 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pix2pix", "aris-a", "srgan", "tarsgan"])
def test_wide_networks_in_float16(name, build_networks, precision):
    """With all their filters, the losses of a step are finite; gradients, which take long on a CPU, are left out."""
    precision("mixed_float16")
    gan = build_networks(name, SIZE, precision="mixed_float16", params=PARAMS.get(name, {}))
    exp, batch = gan.exp, random_batch(gan.exp)
    image, target = batch["input_image"], batch["target"]
    generated = gan.generator(image, training=True)
    real, fake = (gan.discriminator([image, output], training=True) for output in (target, generated))
    _, terms = generator_loss(fake, generated, target, exp.GEN_LOSS, gan.loss_object, exp.DATA_RANGE)
    _, discriminator_terms = discriminator_loss(real, fake, exp.DISC_LOSS, gan.loss_object)
    assert finite_losses(terms | discriminator_terms) == {"gen_gan", "gen_l1", "gen_ssim", "disc_bce"}


XLA = 1e-3
"""Largest difference of losses, and of what a step changes, from those without XLA, as part of the largest.

XLA fuses operations and adds up in other orders: each sum is rounded otherwise, by 1e-6 or so; batch norm over two
images, and over the few pixels of the innermost levels of these small networks, amplifies that.
"""

COMPILED = ("template", "residual_upsampler")
"""Models whose step is compiled to the end, which takes long: a convolutional network, and one that resizes images."""


@pytest.mark.parametrize("name", EVERY_MODEL)
def test_xla_has_every_operation_of_a_step(name, build, narrow):
    """The step becomes a program of XLA, which fails where an operation has no kernel or an unknown shape."""
    gan = built(build, name)
    step = tf.function(gan.train_step, jit_compile=True, autograph=False)
    program = step.experimental_get_compiler_ir(**batch_of(gan))(stage="hlo")
    assert program.startswith("HloModule") and "convolution(" in program


@pytest.mark.slow
@pytest.mark.parametrize("name", COMPILED)
def test_xla_computes_the_same_step(name, build, narrow):
    """With `jit_compile`; dropout, which XLA draws by another algorithm, is off."""
    losses, changes = zip(*(first_step(name, build, compiled) for compiled in (False, True)), strict=True)
    assert losses[0].keys() == losses[1].keys()
    for loss, value in losses[0].items():
        assert losses[1][loss] == pytest.approx(value, rel=XLA, abs=XLA), loss
    assert len(changes[0]) == len(changes[1]) >= 4
    for kind, arrays in changes[0].items():
        largest = max((np.abs(array).max() for array in arrays), default=0)
        assert largest > 0 or not kind.endswith("trainable weights") or not arrays
        for array, other in zip(arrays, changes[1][kind], strict=True):
            np.testing.assert_allclose(other, array, rtol=0, atol=XLA * largest, err_msg=kind)


def first_step(name, build, compiled):
    """Return the losses of the first step of a small model, and by how much it changes weights and statistics."""
    keras.utils.set_random_seed(0)
    gan = descending(built(build, name))
    for network in networks(gan).values():
        for layer in network._flatten_layers():
            if isinstance(layer, keras.layers.Dropout):
                layer.rate = 0.0
    kinds = {
        f"{key}: {kind}": [weight for weight in network.weights if weight.trainable == (kind == "trainable weights")]
        for key, network in networks(gan).items()
        for kind in ("trainable weights", "statistics")
    }
    before = {kind: [weight.numpy() for weight in weights] for kind, weights in kinds.items()}
    step = tf.function(gan.train_step, jit_compile=True, autograph=False) if compiled else gan.train_step
    losses = {loss: float(value) for loss, value in step(**batch_of(gan)).items()}
    return losses, {
        kind: [weight.numpy() - old for weight, old in zip(weights, before[kind], strict=True)]
        for kind, weights in kinds.items()
    }


@pytest.mark.parametrize("name", EVERY_MODEL)
def test_saved_and_loaded(name, build_networks, narrow, tmp_path):
    """A generator that is loaded from a file returns the same images."""
    generator = built(build_networks, name).generator
    generator.save(tmp_path / "generator.keras")
    loaded = keras.saving.load_model(tmp_path / "generator.keras")
    random = np.random.default_rng(0)
    images = [random.uniform(-1, 1, (2, *tensor.shape[1:])).astype("float32") for tensor in generator.inputs]
    images = images if len(images) > 1 else images[0]
    for again, output in zip(*(keras.tree.flatten(network(images)) for network in (loaded, generator)), strict=True):
        np.testing.assert_array_equal(again, output)


@pytest.mark.parametrize("name", EVERY_MODEL)
def test_an_unknown_key_in_params_is_an_error(name, build):
    with pytest.raises(ValueError, match="unknown key 'blokcs'"):
        built(build, name, params={"blokcs": 3})

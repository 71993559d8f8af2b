"""Every plug-in takes training steps, in every precision."""

import keras
import numpy as np
import pytest

SIZES = {
    "pix2pix": 32, "template": 64, "residual_upsampler": 64, "aris-a": 32, "aris-b": 32, "aris-c": 32, "srgan": 32,
    "dsen2w": 32, "dmnet": 32, "psgan": 32, "srs3": 32, "tarsgan": 32,
}  # fmt: skip
PARAMS = {"tarsgan": {"layers": 1}, "dsen2w": {"layers": 1}}


@pytest.mark.parametrize("name", SIZES)
def test_two_steps(name, plugin, experiment, batch):
    """Losses are finite and every trainable weight moves."""
    exp = experiment(SIZES[name], PARAMS=PARAMS.get(name, {}))
    gan = plugin(name).GAN(exp)
    networks = (gan.generator, gan.discriminator)
    before = [[w.numpy() for w in network.trainable_weights] for network in networks]
    for _ in range(2):
        losses = gan.train_step(**batch(exp))
    finite = {loss: np.isfinite(value) for loss, value in losses.items() if loss != "gen_nll"}  # of logits: NaN
    assert all(finite.values()), losses
    assert {"total_gen_loss", "gen_gan", "gen_l1", "gen_ssim", "total_disc_loss", "disc_bce"} == set(finite)
    for network, old in zip(networks, before, strict=True):
        assert all(not np.array_equal(a, w) for a, w in zip(old, network.trainable_weights, strict=True))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("name", ["pix2pix", "template", "residual_upsampler", "aris-a", "srgan", "tarsgan"])
def test_half_precision(name, policy, plugin, experiment, batch, precision):
    """Inside half precision, outside float32."""
    precision(policy)
    exp = experiment(32, PRECISION=policy, PARAMS=PARAMS.get(name, {}))
    gan = plugin(name).GAN(exp)
    losses = gan.train_step(**batch(exp))
    assert all(np.isfinite(value) for loss, value in losses.items() if loss != "gen_nll"), losses
    for network in (gan.generator, gan.discriminator):
        assert keras.backend.standardize_dtype(network.outputs[0].dtype) == "float32"
        assert network.layers[1].compute_dtype != "float32" or name == "residual_upsampler"


@pytest.mark.parametrize("name", ["template", "residual_upsampler", "srgan", "tarsgan"])
def test_saved_and_loaded(name, plugin, experiment, batch, tmp_path):
    """A generator outlives its process."""
    exp = experiment(32, PARAMS=PARAMS.get(name, {}))
    gan = plugin(name).GAN(exp)
    gan.generator.save(tmp_path / "generator.keras")
    loaded = keras.saving.load_model(tmp_path / "generator.keras")
    image = batch(exp)["input_image"]
    np.testing.assert_array_equal(loaded(image), gan.generator(image))


@pytest.mark.parametrize("name", SIZES)
def test_unknown_params(name, plugin, experiment):
    """Every plug-in refuses a key that it does not know."""
    with pytest.raises(ValueError, match="unknown key 'blokcs'"):
        plugin(name).GAN(experiment(64, PARAMS={"blokcs": 3}))

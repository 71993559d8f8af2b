"""Models as the toolkit creates them: from real experiments, with plug-ins that are imported by their path."""

import gc

import keras
import pytest

from pix2earth.plugins import contract, finding, own_losses
from tests.networks import DISC_LOSS, GEN_LOSS, network_fields


@pytest.fixture(autouse=True)
def seeded():
    """Give each test the same initial weights, alone and among others."""
    keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True)
def released():
    """Release the networks of a test: some have fifty million weights, and Keras and cycles keep references."""
    yield
    keras.backend.clear_session()  # it collects garbage too
    # What is left are modules and graphs that TensorFlow keeps; the next collection would take half a second for them.
    gc.freeze()


@pytest.fixture
def plugin(experiment):
    """``plugin(name)``: the module of a plug-in."""
    return lambda name: contract.load(finding.find(experiment(name)))


@pytest.fixture
def experiment(experiment_of):
    """``experiment(model, size, bands, ...)``: an Experiment on square tiles; see ``network_fields``.

    ``bands`` are the numbers of bands of input and target, ``fields`` more fields, ``roles`` further keys of the
    manifest; other keywords are keys of experiment.json.
    """

    def opened(model="template", size=64, bands=(5, 3), *, ratio=2.0, shared=True, fields=None, roles=None, **settings):
        defaults = {
            "model_name": model, "tilesize": size, "params": {}, "gen_loss": GEN_LOSS, "disc_loss": DISC_LOSS,
        }  # fmt: skip
        return experiment_of(
            network_fields(size, *bands, ratio=ratio, shared=shared) | (fields or {}),
            roles=roles,
            **defaults | settings,
        )

    return opened


@pytest.fixture
def build(experiment):
    """``build(model, size, ...)``: the GAN of a model; the arguments are those of ``experiment``."""

    def built(model, *arguments, **options):
        opened = experiment(model, *arguments, **options)
        plugin = finding.find(opened)
        gan = contract.load(plugin).GAN
        inherited = {name: value for base in reversed(gan.__mro__) for name, value in vars(base).items()}
        own_losses.declare(opened, plugin, inherited)
        return gan(opened)

    return built


@pytest.fixture
def build_networks(build, monkeypatch):
    """``build_networks(model, size, ...)``: the same with optimisers that are not built, because of their memory."""
    import layers.conditional_gan
    from layers.optimizers import adam

    def not_built(*arguments, **keywords):
        optimizer = adam(*arguments, **keywords)
        optimizer.build = lambda variables: None
        return optimizer

    monkeypatch.setattr(layers.conditional_gan, "adam", not_built)
    return build


@pytest.fixture
def zero_weights(monkeypatch):
    """The weights of convolutions are 0 instead of random, for tests that only count them."""
    import layers.convolution

    monkeypatch.setattr(layers.convolution, "weights", keras.initializers.Zeros)


@pytest.fixture
def narrow(monkeypatch):
    """The blocks of `layers` have an eighth of their filters, for tests that do not depend on the width of networks."""
    from layers import convolution, dense_block, multireceptive, patchgan, residual, strided_discriminator, unet

    def narrowed(block):
        def build(kernel_size, filters, *arguments, **options):
            return block(kernel_size, filters if filters < 32 else filters // 8, *arguments, **options)

        return build

    for name in ("conv", "deconv"):
        block = narrowed(getattr(convolution, name))
        for module in (convolution, dense_block, multireceptive, patchgan, residual, strided_discriminator, unet):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, block)


@pytest.fixture
def precision():
    """``precision(policy)`` sets the precision of all new layers; after the test it is float32 again."""
    yield keras.mixed_precision.set_dtype_policy
    keras.mixed_precision.set_dtype_policy("float32")

"""CTGAN beyond its golden files: published sizes, independence of batch mates, the teacher, updates, errors."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pix2earth.plugins.state import variables
from pix2earth.records.manifest import Field
from tests.networks import eager_step, variables_after

pytestmark = pytest.mark.slow  # published networks take seconds to build

SIDE, BANDS = 64, 3
SMALL = {
    "filters": 4, "aspp_filters": 4, "fusion_filters": 8, "heads": 2, "head_features": 8, "expansion": 1,
    "discriminator_filters": 4,
}  # fmt: skip
RANDOM = np.random.default_rng(0)


def fields(steps=2, side=SIDE, bands=BANDS, target_steps=None):
    time = [] if target_steps is None else [target_steps]
    names = [f"b{number}" for number in range(bands)]
    return {
        "input_image": Field(dtype="uint16", shape=[steps, side, side, bands], bands=names),
        "target": Field(dtype="uint16", shape=[*time, side, side, bands], bands=names),
    }


@pytest.fixture
def gan_of(build):
    """``gan_of(fields, params, **settings)``: the model on these fields, with small networks unless stated."""

    def built(chosen=None, params=None, **settings):
        defaults = {"gen_loss": {"gen_lsgan": 1.0, "gen_l1": 100.0}, "disc_loss": {"disc_lsgan": 1.0}}
        chosen = chosen or fields()
        size = chosen["target"].size[0]
        return build("ctgan", size, fields=chosen, params={**SMALL, **(params or {})}, **defaults | settings)

    return built


def series(count=2, steps=2):
    return RANDOM.uniform(-1, 1, (count, steps, SIDE, SIDE, BANDS)).astype("float32")


def batch_of(count=2):
    return {
        "input_image": tf.constant(series(count)), "step": tf.constant(0, tf.int64),
        "target": tf.constant(RANDOM.uniform(-1, 1, (count, SIDE, SIDE, BANDS)), tf.float32),
    }  # fmt: skip


@pytest.mark.slow
def test_published_numbers_of_parameters(build, zero_weights):
    """At 64 pixels, three time steps and four bands; at 256 the generator would take 2.6 GB."""
    gan = build("ctgan", SIDE, fields=fields(3, bands=4), gen_loss={"gen_lsgan": 1.0})
    trainable = {name: sum(int(np.prod(w.shape)) for w in getattr(gan, name).trainable_weights)
                 for name in ("generator", "discriminator")}  # fmt: skip
    assert trainable == {"generator": 23_241_289, "discriminator": 2_844_609}


@pytest.mark.parametrize("attention", ["channels", "batch"])
def test_only_the_published_attention_depends_on_the_images_beside(attention, gan_of):
    gan = gan_of(params={"attention": attention})
    images = series(3)
    together, alone = gan.predict(images), gan.predict(images[:1])
    difference = float(np.abs(together[:1] - alone).max())
    assert difference < 1e-5 if attention == "channels" else difference > 1e-3


def test_published_attention_is_the_default_of_as_published(gan_of):
    assert gan_of().attention == "channels"
    assert gan_of(params={"as_published": True}).attention == "batch"
    assert gan_of(params={"as_published": True, "attention": "channels"}).attention == "channels"


@pytest.mark.parametrize("steps", [2, 3, 4])
def test_any_number_of_time_steps_and_a_step_of_training(steps, gan_of):
    gan = gan_of(fields(steps))
    batch = batch_of() | {"input_image": tf.constant(series(2, steps))}
    weights = {name: getattr(gan, name).trainable_weights for name in ("generator", "discriminator")}
    before = {name: [weight.numpy() for weight in each] for name, each in weights.items()}
    losses = eager_step(gan, **batch)
    assert np.isfinite(list(losses.values())).all()
    assert {"gen_lsgan", "gen_l1", "disc_lsgan"} < set(losses)
    for name, each in weights.items():
        changed = {
            weight.path for weight, old in zip(each, before[name], strict=True) if not np.array_equal(weight, old)
        }
        unchanged = {weight.path.split("/")[-2] for weight in each} - {path.split("/")[-2] for path in changed}
        # The auxiliary image has no loss, so that its convolution neither learns nor decays.
        auxiliary = {gan.extractor_names["aux_conv"].name}
        assert unchanged == (auxiliary if name == "generator" else set())


def test_the_auxiliary_loss_trains_the_auxiliary_image(gan_of):
    gan = gan_of(gen_loss={"gen_lsgan": None, "gen_l1": None, "gen_aux": 50.0}, disc_loss={"disc_lsgan": 1.0})
    before = gan.extractor_names["aux_conv"].kernel.numpy()
    assert "gen_aux" in eager_step(gan, **batch_of())
    assert not np.array_equal(before, gan.extractor_names["aux_conv"].kernel)


def test_a_teacher_gives_the_masks_that_are_learnt(gan_of, tmp_path):
    from layers.published_weights import variables

    taught = gan_of()
    arrays = {name: np.asarray(value) for name, value in variables(taught.extractor_names).items()}
    # In the layout of PyTorch, (out, in, height, width).
    state = {name: array.transpose(3, 2, 0, 1) if array.ndim == 4 else array for name, array in arrays.items()}
    np.savez(tmp_path / "teacher.npz", **state)
    gan = gan_of(params={"teacher": str(tmp_path / "teacher.npz")})
    assert gan.exp.GEN_LOSS["gen_att"] == 1.0
    image = series(1)[:, 0]
    expected = taught.generator.get_layer("feature_extractor")(image, training=False)[0]
    np.testing.assert_allclose(gan.teacher(image, training=False)[0], expected, atol=1e-6)
    before = [weight.numpy() for weight in gan.teacher.weights]
    batch = batch_of()
    first = float(eager_step(gan, **batch)["gen_att"])
    assert first > 0
    for old, weight in zip(before, gan.teacher.weights, strict=True):
        np.testing.assert_array_equal(old, weight)


@pytest.mark.parametrize(
    ("chosen", "options", "message"),
    [
        (fields(1), {}, "2 to 8 time steps"),
        (fields(9), {}, "2 to 8 time steps"),
        (fields(), {"fold_dates": True}, "not folded"),
        (fields(2, target_steps=2), {}, "a target of one"),
        (fields(2, side=62), {}, "multiples of 4"),
        (fields(2, side=32), {}, "at least 64 pixels"),
        (fields(), {"params": {"attention": "rows"}}, "must be one of channels, batch, not 'rows'"),
        (fields(), {"params": {"teacher": "none.npz"}}, "none.npz: cannot be read"),
        (fields(), {"gen_loss": {"gen_att": 1.0}}, "gen_att needs params.teacher"),
    ],
)
def test_errors(chosen, options, message, gan_of):
    with pytest.raises(ValueError, match=message):
        gan_of(chosen, **options)


@pytest.mark.parametrize("params", [{"blocks": 2}, {"attention": "batch", "dropout": 0.3}])
def test_recomputed_features_change_no_step(params, gan_of):
    """Bit for bit: weights, slots, statistics, which move once, and states of dropout, which drops the same values.

    The weights of the cloud detection, which a time step uses twice, are equal but for the order of a sum.
    """
    batch, found = batch_of(), []
    for recompute in (False, True):
        keras.utils.set_random_seed(1)
        gan = gan_of(params=params | {"recompute": recompute})
        assert hasattr(gan, "segments") == recompute
        found.append(variables_after(gan, batch))
    assert any("seed" in variable.path for variable in gan.generator.variables)
    assert found[0].keys() == found[1].keys()
    detection = [layer.path for name, layer in gan.extractor_names.items() if name.startswith("cloud_detection")]
    paths = {name: variable.path.replace("/", "_") for name, variable in variables(gan).items()}
    summed = {name for name, path in paths.items() if any(f"{layer.replace('/', '_')}_" in path for layer in detection)}
    assert 0 < len(summed) < len(paths) / 5
    for name, array in found[0].items():
        if name in summed:
            np.testing.assert_allclose(found[1][name], array, rtol=1e-5, atol=1e-6 * np.abs(array).max(), err_msg=name)
        else:
            np.testing.assert_array_equal(found[1][name], array, err_msg=name)

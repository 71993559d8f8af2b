"""Variables of a plug-in: all are listed, once, and always under the same name."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from pix2earth.plugins import state


def variable_paths(gan):
    """Paths of the variables that a checkpoint would hold, except for the global seed."""
    return [state.path(variable) for key, variable in state.variables(gan).items() if "global_seed" not in key]


def ids(variables):
    return {id(variable) for variable in variables}


@pytest.fixture
def dense():
    def built(units=2):
        layer = keras.layers.Dense(units)
        layer.build((None, 3))
        return layer

    return built


def layer_of(network, kind):
    return next(layer for layer in network.layers if isinstance(layer, kind))


def test_batch_statistics_of_a_network_are_listed(small_gan):
    gan = small_gan()
    normalization = layer_of(gan.generator, keras.layers.BatchNormalization)
    assert ids([normalization.moving_mean, normalization.moving_variance]) <= ids(state.variables(gan).values())


def test_the_seed_generator_of_dropout_is_listed(small_gan):
    gan = small_gan()
    dropout = layer_of(gan.generator, keras.layers.Dropout)
    assert id(dropout.seed_generator.state) in ids(state.variables(gan).values())


def test_every_weight_of_every_network_is_listed(small_gan):
    gan = small_gan()
    listed = ids(state.variables(gan).values())
    assert ids(gan.generator.weights) | ids(gan.discriminator.weights) <= listed


def test_slots_iterations_and_learning_rate_of_optimisers_are_listed(small_gan):
    gan = small_gan()
    listed = ids(state.variables(gan).values())
    optimizer = gan.generator_optimizer
    weights = len(gan.generator.trainable_variables)
    assert len(optimizer.variables) == 2 * weights + 2  # Adam has two moments of each weight
    assert ids(optimizer.variables) | {id(optimizer.iterations)} <= listed
    assert "learning_rate" in {path.split("/")[-1] for path in variable_paths(gan)}


def test_scale_and_inner_slots_of_a_loss_scaling_optimiser_are_listed(namespace):
    inner = keras.optimizers.Adam()
    optimizer = keras.optimizers.LossScaleOptimizer(inner)
    optimizer.build([keras.Variable(1.0)])
    listed = state.variables(namespace(generator_optimizer=optimizer)).values()
    assert ids(inner.variables) | {id(optimizer.dynamic_scale), id(optimizer.step_counter)} <= ids(listed)


@pytest.mark.parametrize("make", [lambda: keras.Variable(1.0), lambda: tf.Variable(1.0)], ids=["keras", "tf"])
def test_a_variable_as_attribute_is_listed(namespace, make):
    variable = make()
    assert state.variables(namespace(mine=variable))["mine/0"] is variable


def test_a_seed_generator_as_attribute_is_listed(namespace):
    noise = keras.random.SeedGenerator(1)
    assert state.variables(namespace(noise=noise))["noise/0"] is noise.state


def test_a_tensorflow_generator_is_listed(namespace):
    noise = tf.random.Generator.from_seed(1)
    assert state.variables(namespace(noise=noise))["noise/0"] is noise.state


def test_variables_of_metrics_and_modules_are_listed(namespace):
    class Module(tf.Module):
        def __init__(self):
            super().__init__()
            self.inside = tf.Variable(2.0)

    module, metric = Module(), keras.metrics.Mean()
    listed = ids(state.variables(namespace(module=module, metric=metric)).values())
    assert {id(module.inside), *ids(metric.variables)} <= listed


def test_the_global_seed_is_listed(namespace):
    listed = state.variables(namespace())
    before = listed["global_seed/0"].numpy().copy()
    keras.random.normal(())
    assert list(listed) == ["global_seed/0"]
    assert (listed["global_seed/0"].numpy() != before).any()


def test_networks_in_lists_dicts_and_tuples_are_listed(namespace, dense):
    layers = [dense() for _ in range(4)]
    gan = namespace(several=[layers[0], (layers[1],)], named={"b": layers[2], "a": [layers[3]]})
    assert ids(weight for layer in layers for weight in layer.weights) <= ids(state.variables(gan).values())


def test_dicts_are_read_in_the_order_of_their_keys(namespace, dense):
    a, b = dense(1), dense(2)
    one, other = namespace(named={"a": a, "b": b}), namespace(named={"b": b, "a": a})
    assert list(map(id, state.variables(one).values())) == list(map(id, state.variables(other).values()))


def test_the_order_in_which_attributes_are_set_does_not_matter(namespace, dense):
    shared = dense()
    one, other = state.variables(namespace(a=shared, b=[shared])), state.variables(namespace(b=[shared], a=shared))
    assert {key: id(value) for key, value in one.items()} == {key: id(value) for key, value in other.items()}


def test_a_network_shared_by_two_attributes_is_listed_once(namespace, dense):
    layer = dense()
    listed = state.variables(namespace(generator=layer, teacher=layer, all=[layer]))
    assert len(listed) == len(layer.variables) + 1
    assert len(ids(listed.values())) == len(listed)


def test_two_builds_have_the_same_keys_and_shapes(small_gan):
    one, other = ({key: tuple(value.shape) for key, value in state.variables(small_gan()).items()} for _ in range(2))
    assert one == other
    assert len(one) > 20


def test_attributes_without_variables_are_ignored(namespace, small_gan):
    gan = namespace(exp=object(), number=3, text="x", function=len, nothing=None, step=tf.function(len))
    assert variable_paths(gan) == []


@pytest.mark.parametrize("kind", [keras.layers.BatchNormalization, keras.optimizers.Adam, keras.Model])
def test_classes_as_attributes_are_ignored(namespace, kind):
    assert variable_paths(namespace(normalization=kind)) == []


def test_variables_that_a_method_returns_are_listed(namespace):
    """Optimisers of Keras 2 have such a method."""
    variable = tf.Variable(1.0)
    assert state.variables(namespace(optimizer=namespace(variables=lambda: [variable])))["optimizer/0"] is variable


def test_the_name_of_a_variable_is_its_path(namespace, dense):
    layer = dense()
    assert state.path(layer.kernel) == f"{layer.name}/kernel"
    assert state.path(tf.Variable(1.0, name="mine")).startswith("mine")


def test_random_numbers_are_restored_after_the_block():
    image = keras.Input((4, 4, 2))
    gan = SimpleNamespace(generator=keras.Model(image, keras.layers.Dropout(0.5)(image)))
    ones = np.ones((1, 4, 4, 2), "float32")
    keras.utils.set_random_seed(1)
    before = {name: variable.numpy() for name, variable in state.variables(gan).items()}
    with state.kept(gan):
        inside = [np.asarray(gan.generator(ones, training=True)), np.asarray(keras.random.normal((3,)))]
        assert any((variable.numpy() != before[name]).any() for name, variable in state.variables(gan).items())
    assert len(before) == 2
    for name, variable in state.variables(gan).items():
        np.testing.assert_array_equal(variable.numpy(), before[name])
    np.testing.assert_array_equal(gan.generator(ones, training=True), inside[0])
    np.testing.assert_array_equal(keras.random.normal((3,)), inside[1])

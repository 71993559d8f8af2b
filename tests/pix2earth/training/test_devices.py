"""Devices: one or several, which machine writes, TF_CONFIG, learning rates and averaged gradients."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from pix2earth.settings.errors import UserError
from pix2earth.training import devices
from tests.started_commands import run

WORKERS = {"worker": ["host1:2222", "host2:2222"]}


@pytest.fixture
def experiment(namespace):
    """``experiment(**changes)``: the settings that `devices.prepare` reads; the precision is restored afterwards."""

    def experiment_with(**changes):
        settings = {
            "DISTRIBUTION": "none", "SEED": 3, "DETERMINISTIC": False, "PRECISION": "float32", "JIT_COMPILE": False,
            "BATCH_SIZE": 4, "file": "experiment.json",
        }  # fmt: skip
        return namespace(**settings | changes)

    yield experiment_with
    keras.mixed_precision.set_dtype_policy("float32")


# ---- prepare -------------------------------------------------------------------------------------------------------


def test_one_device_is_one_replica(experiment):
    assert devices.prepare(experiment()).num_replicas_in_sync == 1


@pytest.mark.parametrize("prepare", [devices.prepare, devices.prepare_single])
def test_the_seed_determines_the_initial_weights(experiment, prepare):
    weights = []
    for seed in (3, 3, 4):
        prepare(experiment(SEED=seed))
        layer = keras.layers.Dense(5)
        layer.build((None, 5))
        weights.append(layer.kernel.numpy())
    np.testing.assert_array_equal(weights[0], weights[1])
    assert (weights[0] != weights[2]).any()


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_the_precision_applies_to_computations_and_weights_stay_float32(experiment, precision):
    devices.prepare(experiment(PRECISION=precision))
    layer = keras.layers.Dense(2)
    output = layer(np.ones((1, 2), np.float32))
    assert (output.dtype.name, layer.kernel.dtype) == (precision.removeprefix("mixed_"), "float32")


def test_the_description_names_strategy_and_devices(experiment):
    description = devices.describe(devices.prepare(experiment()))
    assert description["replicas"] == 1
    assert description["devices"][0].startswith("/device:")
    assert json.loads(json.dumps(description)) == description


def test_keras_2_on_several_devices_is_an_error(experiment, monkeypatch, namespace):
    """Its gradients would be added up, not averaged, whether the environment or the plug-in chooses it."""
    monkeypatch.setattr(devices, "_strategy", lambda _: namespace(num_replicas_in_sync=2))
    environment = namespace(LEGACY_KERAS=True, path="environment.json")
    with pytest.raises(UserError, match=r"^environment.json: legacy_keras: .* not on 2; set distribution to .none.$"):
        devices.prepare(experiment(DISTRIBUTION="mirrored", environment=environment))
    former = type("Adam", (), {"apply_gradients": None, "learning_rate": tf.Variable(1.0)})()
    with pytest.raises(UserError, match=r"^generator_optimizer: is an optimiser of Keras 2"):
        devices.average_gradients(namespace(generator_optimizer=former), 2)


def test_learning_rates_of_keras_2_are_read_and_set(namespace):
    class Adam:
        def __init__(self, rate):
            self._learning_rate = self.learning_rate = rate

        def apply_gradients(self): ...

    gan = namespace(a=Adam(tf.Variable(0.5)), b=Adam(lambda: 1.0))
    assert devices.learning_rates(gan) == {"a": 0.5}  # the other one is a schedule
    devices.set_learning_rates(gan, {"a": 0.25})
    assert gan.a.learning_rate == 0.25


THREADS = """
from types import SimpleNamespace
import tensorflow as tf
from pix2earth.training import devices
import sys
if sys.argv[1:]:
    tf.constant([1.0]) + 1  # TensorFlow chooses its threads at the first operation
for deterministic in (False, True):
    devices.prepare(SimpleNamespace(DISTRIBUTION="none", SEED=3, DETERMINISTIC=deterministic, PRECISION="float32",
                                    JIT_COMPILE=False, BATCH_SIZE=6, file="experiment.json"))
    print(tf.config.threading.get_inter_op_parallelism_threads())
"""


@pytest.mark.slow
@pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="concerns CPUs")
def test_one_thread_executes_the_operations_of_a_deterministic_run():
    """Otherwise three gradients are added in an order that depends on other threads."""
    assert run("-c", THREADS).out().split() == ["0", "1"]
    assert (
        "experiment.json: deterministic: sums of three and more gradients may differ"
        in run("-c", THREADS, "late").out()
    )


SCRIPT = """
import json
from types import SimpleNamespace
import tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
from pix2earth.settings.errors import UserError
from pix2earth.training import devices

def experiment(**changes):
    settings = {"DISTRIBUTION": "mirrored", "SEED": 3, "DETERMINISTIC": True, "PRECISION": "float32",
                "JIT_COMPILE": False, "BATCH_SIZE": 6, "file": "experiment.json"}
    return SimpleNamespace(**settings | changes)

def error_text(**changes):
    try:
        devices.prepare(experiment(**changes))
    except UserError as error:
        return str(error)

strategy = devices.prepare(experiment())
results = {"odd": error_text(BATCH_SIZE=5), "jit": error_text(JIT_COMPILE=True), "chief": devices.is_chief(strategy)}
print(json.dumps(results | devices.describe(strategy)))
"""


@pytest.fixture(scope="module")
def two_devices():
    """The output of a process with two devices: logical devices can only be created before TensorFlow starts."""
    return json.loads(run("-c", SCRIPT).out().splitlines()[-1])


@pytest.mark.slow
def test_all_devices_of_a_machine_are_used(two_devices):
    assert (two_devices["strategy"], two_devices["replicas"], len(two_devices["devices"])) == ("MirroredStrategy", 2, 2)
    assert two_devices["chief"] is True


@pytest.mark.slow
def test_a_batch_that_cannot_be_divided_is_an_error(two_devices):
    assert two_devices["odd"] == "experiment.json: batch_size: 5 cannot be divided among 2 devices; use a multiple of 2"


@pytest.mark.slow
def test_xla_on_several_devices_is_an_error(two_devices):
    assert two_devices["jit"] == "experiment.json: jit_compile: is not possible on 2 devices; leave it out"


# ---- which machine writes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", [tf.distribute.get_strategy, lambda: tf.distribute.MirroredStrategy(["CPU:0"])])
def test_a_single_machine_writes(strategy):
    assert devices.is_chief(strategy()) is True


@pytest.mark.parametrize(
    ("kind", "index", "writes"),
    [("worker", 0, True), ("worker", 1, False), ("chief", 0, True), ("evaluator", 0, False), (None, None, True)],
)
def test_of_several_machines_the_first_writes(namespace, kind, index, writes):
    cluster = tf.train.ClusterSpec(WORKERS | {"chief": ["h:1"], "evaluator": ["h:2"]})
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(cluster, task_type=kind, task_id=index)
    assert bool(devices.is_chief(namespace(cluster_resolver=resolver))) is writes


# ---- TF_CONFIG -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "config",
    [
        None,
        "",
        "{",
        "[]",
        "3",
        {},
        {"cluster": WORKERS},
        {"cluster": {}, "task": {"type": "worker", "index": 0}},
        {"cluster": WORKERS, "task": {"type": "worker"}},
        {"cluster": WORKERS, "task": {"index": 0}},
        {"cluster": WORKERS, "task": {"type": "worker", "index": "0"}},
        {"cluster": WORKERS, "task": {"type": "worker", "index": 2}},
        {"cluster": WORKERS, "task": {"type": "worker", "index": -1}},
        {"cluster": {"worker": 2}, "task": {"type": "worker", "index": 0}},
    ],
    ids=str,
)
def test_an_error_in_tf_config_is_one_line(monkeypatch, config):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if config is not None:
        monkeypatch.setenv("TF_CONFIG", config if isinstance(config, str) else json.dumps(config))
    with pytest.raises(UserError, match=r"^TF_CONFIG: ") as error:
        devices._check_tf_config()
    assert len(error.value.lines) == 1


def test_the_error_of_a_missing_tf_config_has_a_valid_example(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(UserError) as error:
        devices._check_tf_config()
    example = str(error.value).split("such as ")[1]
    monkeypatch.setenv("TF_CONFIG", example)
    assert devices._check_tf_config() is None
    assert json.loads(example)["task"]["index"] == 0


# ---- optimisers ----------------------------------------------------------------------------------------------------


def scaled(rate):
    return keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(rate))


@pytest.mark.parametrize("optimizer", [keras.optimizers.Adam, keras.optimizers.SGD, scaled])
def test_learning_rates_are_read_and_set_by_name(small_gan, optimizer):
    gan = small_gan(optimizer=optimizer)
    assert devices.learning_rates(gan) == {
        "generator_optimizer": pytest.approx(1e-2), "discriminator_optimizer": pytest.approx(2e-2),
    }  # fmt: skip
    devices.set_learning_rates(gan, {"generator_optimizer": 0.5})
    assert devices.learning_rates(gan) == {
        "generator_optimizer": 0.5, "discriminator_optimizer": pytest.approx(2e-2),
    }  # fmt: skip


def test_the_next_step_uses_the_new_learning_rate(namespace):
    weight = keras.Variable(1.0)
    gan = namespace(optimizer=keras.optimizers.SGD(0.1))
    gan.optimizer.build([weight])
    devices.set_learning_rates(gan, {"optimizer": 0.25})
    gan.optimizer.apply([tf.constant(1.0)], [weight])
    assert float(weight) == 0.75


def test_a_schedule_is_not_changed(namespace):
    schedule = keras.optimizers.schedules.ExponentialDecay(0.5, decay_steps=1, decay_rate=0.5)
    gan = namespace(optimizer=keras.optimizers.SGD(schedule), other=keras.optimizers.SGD(0.1))
    devices.set_learning_rates(gan, devices.learning_rates(gan) | {"other": 0.25})
    assert float(gan.optimizer.learning_rate) == 0.5
    assert float(gan.other.learning_rate) == 0.25


@pytest.mark.parametrize(
    "attributes", [lambda one: {"mine": one}, lambda one: {"mine": [one]}, lambda one: {"mine": {"a": one}}],
    ids=["attribute", "list", "dict"],
)  # fmt: skip
@pytest.mark.parametrize("replicas", [1, 4])
def test_gradients_are_averaged_for_optimisers_in_any_attribute(namespace, attributes, replicas):
    weight = keras.Variable(1.0)
    optimizer = keras.optimizers.SGD(0.5)
    devices.average_gradients(namespace(**attributes(optimizer)), replicas)
    optimizer.apply_gradients([(tf.constant(1.0), weight)])
    assert float(weight) == 1.0 - 0.5 / replicas

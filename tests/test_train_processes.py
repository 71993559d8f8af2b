"""Training as processes: killed and restored bit for bit, interrupted by signals, on several devices and machines."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from experiment import PROJECT
from pix2earth.runs.folders import checkpoint_steps
from tests import started_commands
from tests.started_commands import Command

pytestmark = pytest.mark.slow

PLUGIN = '''
"""A small model in which everything has a state: dropout, a gate that is random when predicting too, batch statistics,
two optimisers."""
import keras
from layers.conditional_gan import ConditionalGAN
from layers.gates import RandomGate
from layers.patchgan import patchgan

class GAN(ConditionalGAN):
    def Generator(self):
        exp = self.exp
        image = keras.Input((exp.IMG_HEIGHT, exp.IMG_WIDTH, exp.INPUT_CHANNELS))
        x = keras.layers.Conv2D(8, 3, padding="same", activation="relu")(image)
        x = keras.layers.BatchNormalization()(x)
        x = RandomGate()(keras.layers.Dropout(0.3)(x))
        return keras.Model(image, keras.layers.Conv2D(exp.OUTPUT_CHANNELS, 3, padding="same")(x))

    def Discriminator(self):
        return patchgan(self.exp.INPUT_CHANNELS, self.exp.OUTPUT_CHANNELS, 8, 2)

    def panels(self, input_image):
        """Change statistics and seeds, which must not change the training."""
        return {"In training": self.generator(input_image, training=True)}
'''
TWO_DEVICES = """
import sys
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import numpy as np, train
from pix2earth.training.process import RunProcess
ended = RunProcess.evaluate
def compare(self, step):
    gan, strategy = self.training.gan, self.training.strategy
    for network in (gan.generator, gan.discriminator):
        for variable in network.variables:
            first, second = (np.asarray(value) for value in strategy.experimental_local_results(variable.value))
            assert np.array_equal(first, second), variable.path
    print("replicas are equal")
    ended(self, step)
RunProcess.evaluate = compare
train.main(sys.argv[1:])
"""


@pytest.fixture
def root(tiny_root, write_experiment):
    """The tiny folder with the plug-in and a deterministic experiment of 40 steps."""
    return prepared(tiny_root, write_experiment)


def prepared(root: Path, write_experiment) -> Path:
    (root / "plugins").mkdir()
    (root / "plugins" / "stateful.py").write_text(PLUGIN)
    set_environment(root, models_root=["plugins"])
    write_experiment(
        root, "x", model_name="stateful", params={}, steps=40, ckpt_freq=17, sample_freq=100, metrics=["PSNR"],
        deterministic=True,
    )  # fmt: skip
    return root


@pytest.fixture(scope="module")
def _trained(_tiny_template, tmp_path_factory, write_experiment):
    """The same folder with a run "straight", trained once for several tests."""
    folder = shutil.copytree(_tiny_template, tmp_path_factory.mktemp("trained") / "tiny_root")
    start(prepared(folder, write_experiment), "--timestamp", "straight", new=True).finish()
    return folder


@pytest.fixture
def trained_root(_trained, tmp_path):
    """A copy of it, which the test may change."""
    return shutil.copytree(_trained, tmp_path / "root")


def set_environment(root: Path, **changes) -> None:
    path = root / "environment.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def set_experiment(root: Path, **changes) -> None:
    path = root / "experiments/x/experiment.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def start(root: Path, *arguments: str, program: tuple[str, ...] = ("train.py",), **options) -> Command:
    options["PIX2EARTH_ENV"] = str(root / "environment.json")
    return started_commands.start(*program, "--exp", "x", *arguments, **options)


def journal(root: Path, run: str) -> list[str]:
    return (root / f"experiments/x/logs/x_{run}/train.jsonl").read_text().splitlines()


def variables(root: Path, run: str, step: int) -> dict[str, np.ndarray]:
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(root / f"experiments/x/ckpt/{run}/ckpt-{step}"))
    return {key: reader.get_tensor(key) for key in reader.get_variable_to_shape_map()}


def assert_equal_runs(root: Path, one: str, other: str) -> None:
    assert journal(root, one) == journal(root, other)
    first, second = variables(root, one, 40), variables(root, other, 40)
    assert first.keys() == second.keys() and len(first) > 30
    for key, value in first.items():
        assert value.tobytes() == second[key].tobytes(), key


OPTIMIZATION = {
    "schedule": {"kind": "cosine", "warmup": 5, "final": 0.1}, "clip_norm": 0.5, "ema": 0.9, "learning_rate": 1e-3,
    "gen_loss": {"gen_gan": {"weight": 0.1, "begin": 10, "ramp": 20}, "gen_l1": 100}, "label_smoothing": 0.1,
}  # fmt: skip


def test_killed_after_a_checkpoint_and_restored_equals_straight(trained_root):
    killed_and_restored_equals_straight(trained_root)


def test_killed_and_restored_with_what_changes_during_training(root):
    set_experiment(root, **OPTIMIZATION)
    start(root, "--timestamp", "straight", new=True).finish()
    killed_and_restored_equals_straight(root)


def killed_and_restored_equals_straight(root):
    process = start(root, "--timestamp", "killed")
    folder = root / "experiments/x/ckpt/killed"
    process.wait_until(lambda: checkpoint_steps(folder) == [17])
    time.sleep(0.05)  # some steps beyond the checkpoint, which have to be done again
    process.kill()
    assert checkpoint_steps(folder) == [17]
    assert "steps 17 to 40" in start(root, "--restore").finish()
    assert_equal_runs(root, "straight", "killed")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_interrupted_saves_says_how_to_go_on_and_does(trained_root, number, status):
    root = trained_root
    process = start(root, "--timestamp", "stopped")
    process.wait_until(lambda: (root / "experiments/x/logs/x_stopped/train.jsonl").exists())
    process.wait_until(lambda: len(journal(root, "stopped")) > 3)
    process.send_signal(number)
    output = process.finish(status)
    assert "resume with: python train.py --exp x --restore stopped" in output
    start(root, "--restore", "stopped").finish()
    assert_equal_runs(root, "straight", "stopped")


def test_a_reader_that_goes_away_does_not_end_the_run(root):
    words = ["train.py", "--env", str(root / "environment.json"), "--exp", "x", "--timestamp", "piped"]
    process = subprocess.Popen([sys.executable, *words], cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    process.stdout.readline()
    process.stdout.close()
    process.wait(timeout=300)
    assert checkpoint_steps(root / "experiments/x/ckpt/piped")[-1] == 40


def test_two_devices_end_with_equal_weights(root):
    """With a start too; two machines, below, begin with the same without schedules."""
    set_experiment(root, **OPTIMIZATION | {"clip_norm": None, "start_from": "linear_fit"})
    set_environment(root, distribution="mirrored")
    output = start(root, "--timestamp", "a", program=("-c", TWO_DEVICES)).finish()
    assert "CPU x 2" in output and "replicas are equal" in output


def test_a_batch_that_two_devices_cannot_share(root, write_experiment):
    set_environment(root, distribution="mirrored")
    write_experiment(root, "x", batch_size=3)
    output = start(root, program=("-c", TWO_DEVICES)).finish(2)
    assert "batch_size: 3 cannot be divided among 2 devices" in output


def start_workers(root: Path, *arguments: str) -> list[Command]:
    """Start two machines on this one, the chief last."""
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        workers = [f"127.0.0.1:{listening.getsockname()[1]}" for listening in (one, other)]
    config = {"cluster": {"worker": workers}}
    tasks = [json.dumps(config | {"task": {"type": "worker", "index": index}}) for index in (0, 1)]
    return [start(root, *arguments, TF_CONFIG=task) for task in tasks]


def test_two_machines_killed_and_restored_equal_straight_ones_and_one_machine_with_two_devices(root):
    set_environment(root, distribution="mirrored")
    output = start(root, "--timestamp", "mirrored", program=("-c", TWO_DEVICES), new=True).finish()
    assert "CPU x 2" in output and "replicas are equal" in output
    set_environment(root, distribution="multiworker")
    for process in start_workers(root, "--timestamp", "straight"):
        process.finish()
    assert_equal_runs(root, "mirrored", "straight")
    chief, other = start_workers(root, "--timestamp", "killed")
    chief.wait_until(lambda: checkpoint_steps(root / "experiments/x/ckpt/killed") == [17])
    other.kill()
    assert "another machine is lost" in chief.finish(1)
    for process in start_workers(root, "--restore", "killed"):
        process.finish()
    assert_equal_runs(root, "straight", "killed")


def test_a_signal_to_one_machine_saves_on_all(root):
    set_environment(root, distribution="multiworker")
    chief, other = start_workers(root, "--timestamp", "a")
    chief.wait_until(lambda: checkpoint_steps(root / "experiments/x/ckpt/a") == [17])
    other.send_signal(signal.SIGTERM)
    assert "interrupted after step" in chief.finish(143)
    other.finish(143)
    assert checkpoint_steps(root / "experiments/x/ckpt/a")[-1] > 17


def test_several_machines_without_tf_config(root):
    set_environment(root, distribution="multiworker")
    output = start(root, "--timestamp", "a").finish(2)
    assert output.startswith("TF_CONFIG: ") and output.count("\n") == 1


LEGACY = """
import tensorflow as tf

class GAN:
    def __init__(self, experiment):
        image = tf.keras.Input((64, 64, experiment.INPUT_CHANNELS))
        noisy = tf.keras.layers.GaussianNoise(0.1, batch_input_shape=(None, 64, 64, 3))(image)
        self.generator = tf.keras.Model(image, tf.keras.layers.Conv2D(experiment.OUTPUT_CHANNELS, 1)(noisy))
        pair = [image, tf.keras.Input((64, 64, experiment.OUTPUT_CHANNELS))]
        self.discriminator = tf.keras.Model(pair, tf.keras.layers.Conv2D(1, 1)(tf.keras.layers.concatenate(pair)))
        self.generator_optimizer = tf.keras.optimizers.Adam(1e-3)
        self.discriminator_optimizer = tf.keras.optimizers.Adam(1e-3)
        assert "tf_keras" in tf.keras.Model.__module__

    @tf.function
    def train_step(self, input_image, target, step):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.abs(self.generator(input_image, training=True) - target))
        weights = self.generator.trainable_variables
        self.generator_optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        return {"total_gen_loss": loss}
"""


def test_a_plugin_of_keras_2_trains_and_is_restored(root, write_experiment):
    (root / "plugins" / "old.py").write_text(LEGACY)
    set_environment(root, legacy_keras=True)
    write_experiment(root, "x", model_name="old", params={}, steps=20, ckpt_freq=10, metrics=["PSNR"])
    start(root, "--timestamp", "a").finish()
    saved = variables(root, "a", 20)
    assert sum(key.startswith("generator_optimizer/") for key in saved) == 1 + 2 * 2  # iterations, two slots
    write_experiment(root, "x", model_name="old", params={}, steps=30, ckpt_freq=10, metrics=["PSNR"])
    assert "steps 20 to 30" in start(root, "--restore").finish()
    losses = [json.loads(line)["losses"]["total_gen_loss"] for line in journal(root, "a") if '"losses"' in line]
    assert losses[29] < losses[20] < losses[0]

"""What the commands find out about a user's plug-in: shapes of predictions, names of networks, hidden variables."""

import json
import subprocess
import sys

import pytest

import train
from experiment import PROJECT
from tests.test_train import SMALL

SOURCE = """
import keras, tensorflow as tf

class Pool:
    def __init__(self):
        self.images = {pool}

class GAN:
    def __init__(self, experiment):
        self.exp, self.pool = experiment, Pool()
        image = keras.Input((None, None, experiment.INPUT_CHANNELS))
        self.generator = keras.Model(image, keras.layers.Conv2D({bands}, {size}, padding="{padding}")(image))
        self.generator_optimizer = keras.optimizers.Adam(1e-3)
        self.flow = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
        self.flow_optimizer = keras.optimizers.SGD(1e-3)

    @tf.function
    def train_step(self, input_image, target):
        with tf.GradientTape(persistent=True) as tape:
            error = tf.reduce_mean(tf.abs(self.generator(input_image) - target))
            bent = tf.reduce_mean(self.flow(tf.ones((1, 2))) ** 2)
        for network, optimizer, loss in (
            (self.generator, self.generator_optimizer, error), (self.flow, self.flow_optimizer, bent)
        ):
            weights = network.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        return {{"error": error, "bent": bent}}
"""


@pytest.fixture
def trained(tiny_root, write_experiment, capfd):
    """``trained(bands=..., size=1, ...)``: status and output of a training with a plug-in of two networks."""

    def run(*, bands="experiment.OUTPUT_CHANNELS", size=1, padding="same", pool="None", **settings):
        folder = tiny_root / "plugins"
        folder.mkdir(exist_ok=True)
        (folder / "two.py").write_text(SOURCE.format(bands=bands, size=size, padding=padding, pool=pool))
        environment = json.loads((tiny_root / "environment.json").read_text())
        (tiny_root / "environment.json").write_text(json.dumps(environment | {"models_root": ["plugins"]}))
        write_experiment(tiny_root, "x", **{**SMALL, "model_name": "two", "params": {}, **settings})
        with pytest.raises(SystemExit) as end:
            train.main(["--env", str(tiny_root / "environment.json"), "--exp", "x", "--timestamp", "a"])
        captured = capfd.readouterr()
        return end.value.code, captured.out + captured.err

    return run


@pytest.mark.slow
def test_networks_are_known_by_name(trained, tiny_root):
    assert trained(learning_rate={"flow": 0.5})[0] == 0
    run = json.loads((tiny_root / "experiments/x/logs/x_a/run.json").read_text())
    assert list(run["parameters"]) == ["generator", "flow"] and run["parameters"]["flow"] == 9
    assert run["settings"]["learning_rate"]["flow"] == 0.5
    assert {path.stem for path in (tiny_root / "experiments/x/model").rglob("*.*")} >= {"generator", "flow"}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"bands": 7}, "plugins/two.py: the generator returns images of 64 x 64 x 7, but the target is 64 x 64 x"),
        ({"bands": 1}, "plugins/two.py: the generator returns images of 64 x 64 x 1, but the target is 64 x 64 x"),
        ({"size": 3, "padding": "valid"}, "plugins/two.py: the generator returns images of 62 x 62 x"),
        ({"learning_rate": {"flwo": 1}}, "learning_rate.flwo: two.py has no network of this name"),
        ({"pool": "tf.Variable(0.0)"}, "plugins/two.py: GAN.pool.images holds variables where no checkpoint finds"),
    ],
)
def test_errors_come_before_the_first_step(trained, tiny_root, keys, message):
    status, output = trained(**keys)
    assert status == 2 and message in output and "Traceback" not in output
    assert not any(path.read_text() for path in (tiny_root / "experiments/x").glob("logs/*/train.jsonl"))


@pytest.mark.slow
@pytest.mark.parametrize(("key", "loss"), [("gen_loss", "gen_l1"), ("disc_loss", "disc_bce")])
def test_weights_that_the_plug_in_does_not_read_are_an_error(trained, key, loss):
    """Nobody would know that they have no effect."""
    status, output = trained(**{key: {loss: 5}})
    assert status == 2
    assert (
        f"experiment.json: {key}.{loss}: two.py does not use it, so that it would have no effect; leave it out"
        in output
    )


@pytest.mark.slow
def test_weights_that_are_not_stated_need_no_reader(trained):
    assert trained()[0] == 0


def test_a_field_that_the_dataset_lacks_is_named_before_tensorflow_is_loaded(tiny_root, write_experiment):
    (tiny_root / "plugins").mkdir()
    text = SOURCE.format(bands=3, size=1, padding="same", pool="None").replace(
        "input_image, target)", "input_image, slope)"
    )
    (tiny_root / "plugins" / "two.py").write_text(text)
    environment = json.loads((tiny_root / "environment.json").read_text())
    (tiny_root / "environment.json").write_text(json.dumps(environment | {"models_root": ["plugins"]}))
    write_experiment(tiny_root, "x", **{**SMALL, "model_name": "two", "params": {}})
    code = (
        "import sys, train\ntry:\n    train.main(sys.argv[1:])\n"
        "finally:\n    assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    command = [sys.executable, "-c", code, "--env", str(tiny_root / "environment.json"), "--exp", "x"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.endswith(
        "plugins/two.py: train_step() asks for 'slope'; there are: cloud_mask, input_image, input_mask, step, target,"
        " validity (fields: input_image, target, cloud_mask, input_mask, step, validity)\n"
    )


def test_a_dry_run_prints_what_the_plug_in_needs(tiny_root, write_experiment, capfd):
    write_experiment(tiny_root, "x", **{**SMALL, "model_name": "masked_unet", "params": {}})
    with pytest.raises(SystemExit) as end:
        train.main(["--env", str(tiny_root / "environment.json"), "--exp", "x", "--dry-run"])
    output = capfd.readouterr().out
    assert end.value.code == 0
    assert "  train_step() asks for input_image, target, cloud_mask, step, and all other fields\n" in output
    assert "  cannot bear random_resize, which is switched off\n" in output

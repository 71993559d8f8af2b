"""Plug-ins in the style of the original ARISGAN code train, are saved, restored and evaluated, unchanged."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import evaluate
import train
from experiment import PROJECT
from pix2earth.plugins import contract, failures
from pix2earth.runs.folders import checkpoint_steps
from tests import started_commands

LINEAR, LEAKY = "batchnorm=False, lrelu=False", "lrelu=True, batchnorm=False"

#: The code that all original plug-ins share; the networks are inserted.
BLUEPRINT = """
import sys
import os
import tensorflow as tf
sys.path.append('.')
import models.layers as layers
import models.losses as losses
from experiment import Experiment


class GAN:
    def __init__(self, experiment: Experiment):
        self.exp = experiment
        self.generator = self.Generator()
        self.discriminator = self.Discriminator()
        self.loss_object = tf.keras.losses.BinaryCrossentropy(from_logits={from_logits})
        self.generator_optimizer = tf.keras.optimizers.Adam(2e-4, beta_1=0.5)
        self.discriminator_optimizer = tf.keras.optimizers.Adam(2e-4, beta_1=0.5)
        self.summary_writer = tf.summary.create_file_writer(self.exp.output.LOGS)

    def Generator(self):
        inputs = tf.keras.layers.Input(shape=[self.exp.IMG_HEIGHT, self.exp.IMG_WIDTH, self.exp.INPUT_CHANNELS])
        x = inputs
        {generator}
        return tf.keras.Model(inputs=inputs, outputs=x)

    def Discriminator(self):
        shape = [self.exp.IMG_HEIGHT, self.exp.IMG_WIDTH]
        inp = tf.keras.layers.Input(shape=shape + [self.exp.INPUT_CHANNELS], name='input_image')
        tar = tf.keras.layers.Input(shape=shape + [self.exp.OUTPUT_CHANNELS], name='target_image')
        x = tf.keras.layers.concatenate([inp, tar])
        {discriminator}
        return tf.keras.Model(inputs=[inp, tar], outputs=x)

    @tf.function
    def train_step(self, input_image, target, step):
        with tf.GradientTape() as gen_tape, tf.GradientTape() as disc_tape:
            gen_output = self.generator(input_image, training=True)
            disc_real_output = self.discriminator([input_image, target], training=True)
            disc_generated_output = self.discriminator([input_image, gen_output], training=True)
            gen_total, gen_terms = losses.generator_loss(
                disc_generated_output, gen_output, target, self.exp.GEN_LOSS, self.loss_object)
            disc_total, disc_terms = losses.discriminator_loss(
                disc_real_output, disc_generated_output, self.exp.DISC_LOSS, self.loss_object)
        generator_gradients = gen_tape.gradient(gen_total, self.generator.trainable_variables)
        discriminator_gradients = disc_tape.gradient(disc_total, self.discriminator.trainable_variables)
        self.generator_optimizer.apply_gradients(zip(generator_gradients, self.generator.trainable_variables))
        self.discriminator_optimizer.apply_gradients(
            zip(discriminator_gradients, self.discriminator.trainable_variables))
        with self.summary_writer.as_default():
            tf.summary.scalar('total_gen_loss', gen_total, step=step//1000)
            for key in gen_terms:
                tf.summary.scalar(key, gen_terms[key], step=step//1000)
            tf.summary.scalar('total_disc_loss', disc_total, step=step//1000)
            for key in disc_terms:
                tf.summary.scalar(key, disc_terms[key], step=step//1000)
"""
PATCHGAN = f"""
x = layers.conv(4, 8, 2, {LEAKY})(x)
x = layers.conv(4, 8, 2, batchnorm=True, lrelu=True)(x)
x = tf.keras.layers.ZeroPadding2D()(x)
x = layers.conv(4, 8, 1, {LINEAR}, padding='valid')(x)
x = layers.lrelu()(layers.batchnorm()(x))
x = layers.conv(4, 1, 1, {LINEAR}, padding='valid')(tf.keras.layers.ZeroPadding2D()(x))
"""
SIGMOID = f"""
x = layers.conv(3, 8, 2, {LEAKY})(x)
x = layers.conv(3, 8, 2, lrelu=True, batchnorm=True)(x)
x = layers.lrelu()(tf.keras.layers.Dense(16)(x))
x = layers.sigmoid()(tf.keras.layers.Dense(10)(layers.relu()(x)))
"""
OUTPUT = f"x = layers.conv(1, self.exp.OUTPUT_CHANNELS, 1, {LINEAR})(x)"
#: Strided 1 x 1 convolutions have 16 channels: with fewer, the gradient of oneDNN corrupts memory.
GENERATORS = {
    "aris-b-like": """
x = layers.dense_block(x, filters=8)
m = layers.sis2_dense_multireceptive_field_dmnet(x, [5, 9, 13], 16)
u = layers.sis2_pix2pix(m, self.exp.TILESIZE, 16, kernel_size=1)
x = tf.keras.layers.Concatenate()([u, m])
""",
    "srgan-like": f"""
x = layers.conv(9, 8, 2, lrelu=True, batchnorm=True)(x)
x = b0 = layers.prelu()(layers.conv(9, 8, 2, {LINEAR})(x))
for _ in range(2):
    x = tf.keras.layers.Add()([x, layers.residual_block_srgan(filters=8)(x)])
x = tf.keras.layers.add([layers.conv(3, 8, 1, lrelu=False, batchnorm=True)(x), b0])
for _ in range(2):
    x = layers.prelu(0.1)(layers.pixelshuffler(2)(layers.conv(3, 32, 1, {LINEAR})(x)))
""",
    "dsen2-like": f"""
x = layers.conv(3, 8, 1, {LEAKY})(x)
for _ in range(self.exp.PARAMS.get('layers', 2)):
    x = tf.keras.layers.Add()([x, layers.residual_block_dsen2(filters=8)(x)])
x = layers.dropout(0.1)(x)
""",
    "tarsgan-like": f"""
x = layers.conv(3, 4, 1, {LINEAR})(x)
x = layers.awrrdb_block(x, self.exp.TILESIZE, 4)
before = x
x = layers.experimental_dense_block(x, filters=4)
noise = tf.keras.layers.GaussianNoise(0.1, batch_input_shape=(None, self.exp.TILESIZE, self.exp.TILESIZE, 32))(x)
x = tf.keras.layers.Add()([layers.multiply_lambda(4)(y) for y in (before, x, noise)])
""",
    "srs3-like": f"""
m = layers.sis2_dense_multireceptive_field_srs3(x, [3, 5], 8)
a = tf.keras.layers.AveragePooling2D()(m)
a = layers.relu()(layers.conv(1, 4, 1, {LINEAR})(a))
a = tf.keras.layers.Softmax()(layers.conv(1, 16, 1, {LINEAR})(a))
a = layers.deconv(1, 16, 2, batchnorm=False, relu=False, dropout=None)(a)
x = tf.keras.layers.Add()([layers.multiply_layer(16)([m, a]), m])
x = layers.relu(6.0)(layers.deconv(3, 4, 1, batchnorm=True, relu=True, dropout=0.2)(x))
""",
}
SIGMOIDS = ("srgan-like", "dsen2-like", "tarsgan-like")
#: Several generators in sequence, so that fewer networks have to be traced.
COMBINED = {"with_logits": ("aris-b-like", "srs3-like"), "with_probabilities": SIGMOIDS}


def indented(code: str) -> str:
    return code.strip().replace("\n", "\n        ")


def plugin_code(*names: str, code: str = "") -> str:
    """Return a plug-in with these generators in sequence and more code of the generator after them."""
    sigmoid = bool(names) and set(names) <= set(SIGMOIDS)
    generator = "\n".join([*(GENERATORS[name] for name in names), code, OUTPUT])
    return BLUEPRINT.format(
        from_logits=not sigmoid,
        generator=indented(generator),
        discriminator=indented(SIGMOID if sigmoid else PATCHGAN),
    )


@pytest.fixture
def root(tiny_root, monkeypatch):
    """The tiny folder with the plug-ins in its folder ``models``; the import path is restored after the test."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delenv(failures.TRACEBACK_VARIABLE, raising=False)
    for name, generators in COMBINED.items():
        write(tiny_root, name, plugin_code(*generators))
    set_environment(tiny_root, models_root=["models"])
    return tiny_root


def write(root: Path, name: str, text: str) -> Path:
    path = root / "models" / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def set_environment(root: Path, **changes) -> None:
    path = root / "environment.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def run(command, root: Path, *arguments: str) -> None:
    with pytest.raises(SystemExit) as end:
        command.main(["--env", str(root / "environment.json"), "--exp", "x", *arguments])
    assert end.value.code == 0


#: Runs one command after another, as Python runs the file of a command.
COMMANDS = """
import json, runpy, sys
project, *commands = json.loads(sys.argv[1])
sys.path[0] = project
for program, *arguments in commands:
    sys.argv = [program, *arguments]
    try:
        runpy.run_path(f"{project}/{program}", run_name="__main__")
    except SystemExit as end:
        if end.code:
            raise
"""


def process(root: Path, *commands: str, folder: str = ".", new: bool = False) -> str:
    """Run commands in one process, in a folder that is in the import path too; return their output."""
    variables = {"PIX2EARTH_ENV": str(root / "environment.json"), "PYTHONPATH": str(root / folder)}
    arguments = json.dumps([str(PROJECT), *(command.split() for command in commands)])
    return started_commands.run("-c", COMMANDS, arguments, folder=root / folder, new=new, **variables).out()


def variables(root: Path, timestamp: str, step: int) -> dict[str, np.ndarray]:
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(root / f"experiments/x/ckpt/{timestamp}/ckpt-{step}"))
    return {key: reader.get_tensor(key) for key in reader.get_variable_to_shape_map()}


def scalars(root: Path, timestamp: str) -> dict[str, list]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(root / f"experiments/x/logs/x_{timestamp}"))
    events.Reload()
    return {tag: events.Tensors(tag) for tag in events.Tags()["tensors"]}


@pytest.mark.slow
@pytest.mark.parametrize("name", COMBINED)
def test_trains_is_restored_and_evaluated(name, root, write_experiment):
    import pandas as pd

    settings = {"model_name": name, "params": {}, "metrics": ["PSNR"], "sample_freq": 9, "gen_loss": {"gen_l1": 100}}
    write_experiment(root, "x", steps=2, **settings)
    run(train, root, "--timestamp", "a")
    before = variables(root, "a", 2)
    logged = scalars(root, "a")
    assert {"total_gen_loss", "gen_gan", "gen_l1", "total_disc_loss", "disc_bce", "disc_nll"} <= set(logged)
    assert [event.step for event in logged["gen_l1"]] == [0, 0]  # step // 1000
    write_experiment(root, "x", steps=3, **settings)
    run(train, root, "--restore", "a")
    assert checkpoint_steps(root / "experiments/x/ckpt/a")[-1] == 3
    after = variables(root, "a", 3)
    assert all(np.isfinite(value).all() for value in after.values())
    assert sum(not np.array_equal(before[key], after[key]) for key in before if key.startswith("generator/")) > 2

    files = sorted(path for path in (root / "experiments").rglob("*") if "_evaluation" not in path.parts)
    run(evaluate, root)
    assert sorted(path for path in (root / "experiments").rglob("*") if "_evaluation" not in path.parts) == files
    table = pd.read_csv(root / "experiments/_evaluation/x_a.csv")
    assert len(table) == 6 and np.isfinite(table["PSNR"]).all()


@pytest.mark.slow
def test_a_restored_run_continues_bit_for_bit(root, write_experiment):
    """With random factors, noise and dropout; validations between the steps use random factors too."""
    write(root, "tarsgan-like", plugin_code("tarsgan-like"))
    settings = {
        "model_name": "tarsgan-like", "params": {}, "metrics": ["PSNR"], "sample_freq": 3, "ckpt_freq": 2,
        "deterministic": True,
    }  # fmt: skip
    for steps, arguments in ((4, "--timestamp straight"), (2, "--timestamp restored"), (4, "--restore")):
        write_experiment(root, "x", steps=steps, **settings)
        # Each on its own: a second run in a process is not bit-identical.
        process(root, f"train.py --exp x {arguments}", new="straight" in arguments)
    straight, restored = variables(root, "straight", 4), variables(root, "restored", 4)
    assert straight.keys() == restored.keys()
    assert [key for key in straight if not np.array_equal(straight[key], restored[key])] == []


@pytest.mark.slow
def test_keras_2_runs_what_keras_3_cannot_and_another_package_models_has_no_effect(root, write_experiment):
    """All helpers in one network with a TensorFlow function between layers; in a folder with a package `models`."""
    code = "x = tf.concat([x, inputs], axis=-1)\nassert 'tf_keras' in type(layers.prelu()).__mro__[1].__module__"
    write(root, "old", plugin_code("srs3-like", "dsen2-like", "tarsgan-like", "srgan-like", "aris-b-like", code=code))
    set_environment(root, legacy_keras=True)
    write(root / "elsewhere", "__init__", "raise SystemExit('the wrong models')")
    settings = {"model_name": "old", "params": {}, "metrics": ["PSNR"], "sample_freq": 9}

    write_experiment(root, "x", steps=2, **settings)
    process(root, "train.py --exp x --timestamp a", folder="elsewhere")
    write_experiment(root, "x", steps=3, **settings)
    output = process(root, "train.py --exp x --restore a", "evaluate.py --exp x", folder="elsewhere")
    assert "steps 2 to 3" in output
    assert len(scalars(root, "a")["disc_bce"]) >= 1
    assert "6 samples of val" in output


@pytest.mark.parametrize("code", ["tf.concat([x, x], -1)", "tf.nn.relu(x)", "layers.K.mean(x)"])
def test_a_tensorflow_function_between_layers_is_an_error_that_names_keras_2(root, open_tiny, code):
    path = write(root, "mine", plugin_code(code=f"x = {code}"))
    line = path.read_text().partition(code)[0].count("\n") + 1
    experiment = open_tiny(root, "x", model_name="mine", params={})
    with pytest.raises(contract.UserError) as error:
        contract.build(experiment, path)
    (message,) = error.value.lines
    assert message.startswith(f"{path}:{line}: GAN(experiment) fails: ")
    assert 'needs Keras 2: set "legacy_keras": true in environment.json' in message


def test_all_helpers_are_used_here():
    import models.layers as layers

    text = "".join(map(plugin_code, GENERATORS))
    helpers = [name for name, value in vars(layers).items() if getattr(value, "__module__", "") == layers.__name__]
    unused = {name for name in helpers if name[0] != "_" and f"layers.{name}(" not in text}
    assert unused <= {"PReLU", "PixelShuffler", "Factor"}  # the classes behind prelu, pixelshuffler, multiply_lambda

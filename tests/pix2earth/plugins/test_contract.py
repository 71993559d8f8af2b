"""Plug-ins: finding the file, importing it, building the class ``GAN``, calling it; errors with file and line."""

import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from pix2earth.plugins import contract, failures, finding, state
from pix2earth.plugins.failures import attributed_to
from pix2earth.settings.errors import UserError

COMPLETE = """
import keras
import tensorflow as tf

class GAN:
    def __init__(self, experiment):
        image = keras.Input((4, 4, 2))
        self.generator = keras.Model(image, keras.layers.Conv2D(3, 1)(image))
        pair = [image, keras.Input((4, 4, 3))]
        self.discriminator = keras.Model(pair, keras.layers.Concatenate()(pair))
        self.generator_optimizer = keras.optimizers.Adam()
        self.discriminator_optimizer = keras.optimizers.Adam()

    @tf.function
    def train_step(self, input_image, target, step):
        return {"total": tf.reduce_mean(self.generator(input_image))}
"""


@pytest.fixture(autouse=True)
def without_tracebacks(monkeypatch):
    monkeypatch.delenv(failures.TRACEBACK_VARIABLE, raising=False)


@pytest.fixture
def experiment(tmp_path, namespace):
    """``experiment(name, *models_root)``: stands for an experiment with this plug-in; ``models/`` is created."""

    def experiment_of(name, *models_root):
        (tmp_path / "models").mkdir(exist_ok=True)
        environment = namespace(MODELS_ROOT=list(map(str, models_root)), path=tmp_path / "environment.json")
        return namespace(
            MODEL_NAME=name, PROJECT_ROOT=str(tmp_path), environment=environment, file=tmp_path / "experiment.json",
            settings=namespace(start_from=None),
        )  # fmt: skip

    return experiment_of


@pytest.fixture
def plugin(tmp_path):
    """``plugin(text, name="mine", folder="models")``: the written file of a plug-in."""

    def write(text="", name="mine", folder="models"):
        path = tmp_path / folder / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return write


def error_of(path, call):
    """Return the one line of the UserError that a call raises, without the plug-in's file, which it starts with."""
    with pytest.raises(UserError) as caught:
        call()
    (line,) = caught.value.lines
    assert line.startswith(str(path))
    assert "\n" not in line
    assert "\x1b" not in line
    return line.removeprefix(str(path))


# ---- find ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mine", "my-idea", "pix2pix-v1.5"])
def test_a_plugin_is_found_by_its_name(experiment, plugin, name):
    path = plugin(name=name)
    assert finding.find(experiment(name)) == path


def test_hyphen_and_underscore_are_two_names(experiment, plugin):
    plugin(name="my_idea")
    with pytest.raises(UserError, match=r"there is no plug-in 'my-idea' .*did you mean 'my_idea'\?"):
        finding.find(experiment("my-idea"))


def test_a_prefix_of_a_name_is_not_found(experiment, plugin):
    plugin(name="pix2pix_large")
    with pytest.raises(UserError, match="there is no plug-in 'pix2pix'"):
        finding.find(experiment("pix2pix"))


def test_finding_imports_nothing(experiment, plugin):
    plugin("raise SystemExit")
    assert finding.find(experiment("mine")).name == "mine.py"


def test_models_root_is_searched_too(experiment, plugin, tmp_path):
    path = plugin(folder="elsewhere")
    assert finding.find(experiment("mine", tmp_path / "elsewhere")) == path


def test_a_name_in_two_folders_is_ambiguous_and_both_are_named(experiment, plugin, tmp_path):
    one, other = plugin(), plugin(folder="elsewhere")
    with pytest.raises(UserError) as caught:
        finding.find(experiment("mine", tmp_path / "elsewhere"))
    assert f"model_name: is ambiguous: {other} and {one}; rename one" in str(caught.value)


def test_a_folder_that_is_listed_twice_is_not_ambiguous(experiment, plugin, tmp_path):
    path = plugin()
    assert finding.find(experiment("mine", tmp_path / "models")) == path


def test_a_folder_of_models_root_that_is_missing_is_named(experiment, tmp_path):
    with pytest.raises(UserError, match=rf"environment\.json: models_root: there is no folder {tmp_path}/missing"):
        finding.find(experiment("mine", tmp_path / "missing"))


def test_the_nearest_name_of_all_folders_is_proposed(experiment, plugin, tmp_path):
    plugin(name="pix2pix")
    plugin(name="residual", folder="elsewhere")
    with pytest.raises(UserError, match=r"experiment\.json: model_name: .*did you mean 'residual'\?"):
        finding.find(experiment("residul", tmp_path / "elsewhere"))


def test_where_none_is_similar_all_are_listed(experiment, plugin):
    plugin(name="one")
    plugin(name="two")
    with pytest.raises(UserError, match="there are: one, two"):
        finding.find(experiment("xyzxyz"))


# ---- load ----------------------------------------------------------------------------------------------------------


def test_a_file_with_hyphens_can_be_imported(plugin):
    assert contract.load(plugin("ANSWER = 42", name="my-idea")).ANSWER == 42


def test_nothing_else_of_the_folder_is_imported(plugin):
    plugin("raise SystemExit('imported')", name="other")
    plugin("raise SystemExit('imported')", name="__init__")
    before = set(sys.modules)
    contract.load(plugin("ANSWER = 42", name="alone"))
    assert set(sys.modules) - before == {"plugins.alone"}


def test_the_folder_is_not_put_on_the_import_path(plugin):
    before = list(sys.path)
    contract.load(plugin())
    assert sys.path == before


def test_a_changed_file_is_imported_again(plugin):
    assert contract.load(plugin("ANSWER = 1")).ANSWER == 1
    assert contract.load(plugin("ANSWER = 1 + 1")).ANSWER == 2


def test_a_dataclass_in_a_plugin_works(plugin):
    text = "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass P:\n    a: int = 1"
    assert contract.load(plugin(text)).P().a == 1


def test_a_syntax_error_is_reported_with_its_line(plugin):
    path = plugin("import os\n\ndef broken(:\n    pass\n")
    line = error_of(path, lambda: contract.load(path))
    assert line.startswith(":3: cannot be imported: SyntaxError: invalid syntax")


def test_a_syntax_error_of_an_imported_module_is_reported_with_the_line_of_the_import(plugin, tmp_path, monkeypatch):
    (tmp_path / "broken_helper_of_this_test.py").write_text("a = 1\n" * 6 + "def broken(:\n")
    monkeypatch.syspath_prepend(tmp_path)
    path = plugin("import os\n\nimport broken_helper_of_this_test\n")
    line = error_of(path, lambda: contract.load(path))
    assert line.startswith(":3: cannot be imported: SyntaxError")
    assert "broken_helper_of_this_test.py" in line


def test_a_missing_module_is_reported_with_its_line(plugin):
    path = plugin("import os\nimport no_such_module\n")
    line = error_of(path, lambda: contract.load(path))
    assert line.startswith(":2: cannot be imported: ModuleNotFoundError: No module named 'no_such_module'")


def test_the_line_is_that_of_the_plugin_and_not_of_a_called_library(plugin):
    path = plugin("import json\nx = 1\njson.loads('{')\n")
    assert error_of(path, lambda: contract.load(path)).startswith(":3: cannot be imported: Expecting property name")


def test_the_innermost_line_of_the_plugin_is_reported(plugin):
    path = plugin("def inner():\n    return 1 / 0\n\ninner()\n")
    assert error_of(path, lambda: contract.load(path)).startswith(":2: cannot be imported: ZeroDivisionError: division")


# ---- attributed_to -------------------------------------------------------------------------------------------------


def test_a_value_error_is_reported_with_its_message_alone(plugin):
    path = plugin("raise ValueError('filters must be even')")
    line = error_of(path, lambda: contract.load(path))
    assert line == ":1: cannot be imported: filters must be even (PIX2EARTH_TRACEBACK=1 shows the traceback)"


def test_a_message_of_several_lines_becomes_one(plugin):
    path = plugin("raise ValueError('one\\n  two')")
    assert ": one two (" in error_of(path, lambda: contract.load(path))


def test_an_error_without_a_message_is_reported_by_its_type(plugin):
    path = plugin("raise RuntimeError")
    assert ": RuntimeError" in error_of(path, lambda: contract.load(path))


def test_the_variable_shows_the_traceback(plugin, monkeypatch):
    monkeypatch.setenv(failures.TRACEBACK_VARIABLE, "1")
    with pytest.raises(ZeroDivisionError):
        contract.load(plugin("1 / 0"))


def test_a_user_error_of_the_plugin_is_unchanged(plugin):
    path = plugin("from pix2earth.settings.errors import UserError\nraise UserError('experiment.json: params: is odd')")
    with pytest.raises(UserError, match=r"^experiment\.json: params: is odd$"):
        contract.load(path)


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "SystemExit"])
def test_an_exception_that_ends_the_program_is_unchanged(plugin, error):
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        contract.load(plugin(f"raise {error}"))


def test_an_error_inside_a_compiled_step_is_reported_with_the_line_of_the_plugin(plugin):
    path = plugin(
        "import tensorflow as tf\n\n@tf.function\ndef step(x):\n    y = x + 1\n    return tf.reshape(y, (7,))\n"
    )
    module = contract.load(path)

    def call():
        with attributed_to(path, "train_step() fails"):
            module.step(tf.zeros((3,)))

    line = error_of(path, call)
    assert line.startswith(":6: train_step() fails: ")
    assert "Cannot reshape" in line


def test_an_error_inside_a_layer_is_reported_with_its_message(plugin):
    path = plugin(
        "import keras\nclass Mine(keras.Layer):\n    def call(self, x):\n        raise ValueError('x is too small')\n"
        "y = Mine()(keras.ops.ones((1, 2)))\n"
    )
    line = error_of(path, lambda: contract.load(path))
    assert "x is too small" in line


def test_an_error_inside_a_layer_inside_a_compiled_step_is_reported_with_its_message(plugin):
    path = plugin(
        "import keras\nimport tensorflow as tf\nclass Mine(keras.Layer):\n    def call(self, x):\n"
        "        raise ValueError('x is too small')\n@tf.function\ndef step(x):\n    return Mine()(x)\n"
    )
    module = contract.load(path)

    def call():
        with attributed_to(path, "train_step() fails"):
            module.step(tf.zeros((3,)))

    assert "x is too small" in error_of(path, call)


def test_an_error_while_a_compiled_step_runs_is_reported_with_its_message(plugin):
    path = plugin(
        "import tensorflow as tf\n\n@tf.function\ndef step(x, index):\n    return tf.gather(x, [index]) + 1\n"
    )
    module = contract.load(path)

    def call():
        with attributed_to(path, "train_step() fails"):
            module.step(tf.zeros((3,)), tf.constant(7))

    line = error_of(path, call)
    assert line.startswith(":5: train_step() fails: InvalidArgumentError: indices[0] = 7 is not in [0, 3) (")


def test_an_operation_that_xla_does_not_support_is_reported_with_the_key_to_leave_out(plugin, tmp_path):
    path = plugin(
        "import tensorflow as tf\n\nwriter = tf.summary.create_file_writer('LOGS')\n\n"
        "@tf.function(jit_compile=True)\ndef step(x):\n    with writer.as_default():\n"
        "        tf.summary.scalar('x', x, step=1)\n".replace("LOGS", str(tmp_path / "logs"))
    )
    module = contract.load(path)

    def call():
        with attributed_to(path, "train_step() fails"):
            module.step(tf.zeros(()))

    assert "XLA does not support WriteSummary" in error_of(path, call)


# ---- build ---------------------------------------------------------------------------------------------------------


def test_a_complete_plugin_is_built(experiment, plugin):
    gan = contract.build(experiment("mine"), plugin(COMPLETE))
    assert gan.generator.output_shape == (None, 4, 4, 3)


def test_the_optimisers_are_built_for_their_networks(experiment, plugin):
    gan = contract.build(experiment("mine"), plugin(COMPLETE))
    slots = [tuple(variable.shape) for variable in gan.generator_optimizer.variables[2:]]
    assert gan.generator_optimizer.built
    assert slots == [(1, 1, 2, 3), (1, 1, 2, 3), (3,), (3,)]


def test_an_optimiser_of_a_third_network_is_built_too(experiment, plugin):
    text = COMPLETE.replace(
        "        self.discriminator_optimizer",
        "        self.critic, self.critic_optimizer = self.generator, keras.optimizers.SGD(0.1, momentum=0.9)\n"
        "        self.discriminator_optimizer",
    )
    assert contract.build(experiment("mine"), plugin(text)).critic_optimizer.built


def test_networks_and_optimisers_may_be_in_dictionaries(experiment, plugin):
    text = COMPLETE.replace(
        "        self.discriminator_optimizer",
        "        self.networks = {'flow': self.generator}\n"
        "        self.optimizers = {'flow': keras.optimizers.SGD(0.1, momentum=0.9)}\n"
        "        self.discriminator_optimizer",
    )
    gan = contract.build(experiment("mine"), plugin(text))
    assert gan.optimizers["flow"].built
    assert set(state.networks(gan)) == {"generator", "discriminator", "flow"}


def test_a_discriminator_is_not_demanded_and_predict_may_stand_for_a_generator(experiment, plugin):
    text = (
        COMPLETE.replace("discriminator", "flow")
        .replace("self.generator(", "self.net(")
        .replace("self.generator =", "self.net =")
        .replace("self.generator_optimizer", "self.net_optimizer")
    )
    assert "generator" not in text
    path = plugin(text)
    assert error_of(path, lambda: contract.build(experiment("mine"), path)) == (
        ": GAN lacks generator (or a method predict); see docs/add-a-model.md"
    )
    path.write_text(text + "\n    def predict(self, input_image):\n        return self.net(input_image)\n")
    assert set(state.networks(contract.build(experiment("mine"), path))) == {"net", "flow"}


def test_without_any_optimiser_nothing_could_be_trained(experiment, plugin):
    text = "\n".join(line for line in COMPLETE.splitlines() if "_optimizer" not in line)
    path = plugin(text)
    assert error_of(path, lambda: contract.build(experiment("mine"), path)).startswith(": GAN has no optimiser")


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("self.pool = Pool()", "pool.images"),
        ("self.pools = [Pool()]", "pools[0].images"),
        ("self.pools = {'a': Pool()}", "pools['a'].images"),
        ("self.pool = Pool(); self.pool.images = [self.pool.images]", "pool.images[0]"),
    ],
)
def test_variables_that_no_checkpoint_would_hold_are_refused(experiment, plugin, statement, place):
    pool = "class Pool:\n    def __init__(self):\n        self.images = tf.Variable(0.0)\n\n"
    text = COMPLETE.replace("class GAN", f"{pool}class GAN").replace(
        "        self.discriminator_optimizer", f"        {statement}\n        self.discriminator_optimizer"
    )
    path = plugin(text)
    assert error_of(path, lambda: contract.build(experiment("mine"), path)).startswith(
        f": GAN.{place} holds variables where no checkpoint finds them; make them an attribute of GAN"
    )
    path.write_text(text.replace("class Pool:", "class Pool(tf.Module):"))
    assert contract.build(experiment("mine"), path)


def test_an_object_that_refers_to_a_network_hides_nothing(experiment, plugin):
    text = COMPLETE.replace("class GAN", "class Trainer:\n    pass\n\nclass GAN").replace(
        "        self.discriminator_optimizer",
        "        self.trainer = Trainer(); self.trainer.network = self.generator; self.trainer.gan = self\n"
        "        self.discriminator_optimizer",
    )
    assert contract.build(experiment("mine"), plugin(text))


def test_an_optimiser_that_the_plugin_built_is_unchanged(experiment, plugin):
    text = COMPLETE.replace(
        "        self.discriminator_optimizer",
        "        self.generator_optimizer.build(self.generator.trainable_variables[:1])\n"
        "        self.discriminator_optimizer",
    )
    gan = contract.build(experiment("mine"), plugin(text))
    assert len(gan.generator_optimizer.variables) == 2 + 2


@pytest.mark.parametrize("text", ["", "GAN = 3", "def GAN(experiment): ...", "class Gan: ..."])
def test_a_file_without_a_class_gan_is_an_error(experiment, plugin, text):
    path = plugin(text)
    assert error_of(path, lambda: contract.build(experiment("mine"), path)) == (
        ": has no class GAN; see docs/add-a-model.md"
    )


def test_every_missing_attribute_is_named(experiment, plugin):
    path = plugin("class GAN:\n    def __init__(self, experiment):\n        self.generator = None\n")
    assert error_of(path, lambda: contract.build(experiment("mine"), path)) == (
        ": GAN lacks train_step; see docs/add-a-model.md"
    )


def test_an_error_in_the_constructor_is_reported_with_its_line(experiment, plugin):
    path = plugin("class GAN:\n    def __init__(self, experiment):\n        raise ValueError('needs 4 bands')\n")
    line = error_of(path, lambda: contract.build(experiment("mine"), path))
    assert line.startswith(":3: GAN(experiment) fails: needs 4 bands (")


def test_the_experiment_reaches_the_constructor(experiment, plugin):
    text = COMPLETE.replace("image = keras.Input", "self.model = experiment.MODEL_NAME\n        image = keras.Input")
    assert contract.build(experiment("mine"), plugin(text)).model == "mine"


# ---- names ---------------------------------------------------------------------------------------------------------


class Steps:
    def plain(self, input_image, target): ...

    @tf.function
    def compiled(self, input_image, cloud_mask, step): ...

    @tf.function(jit_compile=True)
    def compiled_by_xla(self, target): ...


@pytest.mark.parametrize(
    ("method", "names"),
    [
        ("plain", ["input_image", "target"]),
        ("compiled", ["input_image", "cloud_mask", "step"]),
        ("compiled_by_xla", ["target"]),
    ],
)
def test_the_parameters_of_a_method_are_its_fields(method, names):
    assert contract.parameters(getattr(Steps(), method)) == names


def test_the_parameters_of_a_tf_function_are_those_of_the_wrapped_function():
    assert contract.parameters(tf.function(lambda target, step: target)) == ["target", "step"]


def test_fields_are_bound_by_name(tmp_path):
    fields = {"input_image": 1, "target": 2, "cloud_mask": 3, "step": 4}
    assert contract.bind(tmp_path, "train_step", ["step", "cloud_mask"], fields) == {"step": 4, "cloud_mask": 3}


def test_an_unknown_name_is_reported_with_the_nearest_and_all_fields(tmp_path):
    with pytest.raises(UserError) as caught:
        contract.bind(tmp_path / "mine.py", "train_step", ["cloudmask"], {"input_image": 1, "cloud_mask": 2})
    assert str(caught.value) == (
        f"{tmp_path}/mine.py: train_step() asks for 'cloudmask'; did you mean 'cloud_mask'?"
        " (fields: input_image, cloud_mask)"
    )


def test_names_may_come_from_an_iterator(tmp_path):
    assert contract.bind(tmp_path, "predict", iter(["target"]), {"target": 2}) == {"target": 2}


# ---- forward -------------------------------------------------------------------------------------------------------


def test_without_predict_the_generator_predicts_in_inference_mode(tmp_path):
    image = keras.Input((8,))
    gan = SimpleNamespace(generator=keras.Model(image, keras.layers.Dropout(0.5)(image)))
    ones = np.ones((2, 8), np.float32)
    prediction = contract.forward(gan, tmp_path, {"input_image": tf.constant(ones), "target": None})
    np.testing.assert_array_equal(prediction, ones)


def test_predict_gets_the_fields_of_its_parameters(tmp_path):
    gan = SimpleNamespace(generator=None, predict=lambda cloud_mask, input_image: input_image * cloud_mask)
    assert contract.forward(gan, tmp_path, {"input_image": 3, "cloud_mask": 5, "target": 7}) == 15


def test_a_compiled_predict_works_too(tmp_path):
    class Gan:
        @tf.function
        def predict(self, input_image):
            return input_image + 1.0

    assert float(contract.forward(Gan(), tmp_path, {"input_image": tf.constant(1.0)})) == 2.0


def test_a_predict_that_asks_for_an_unknown_field_is_an_error(tmp_path):
    gan = SimpleNamespace(predict=lambda input_img: input_img)
    with pytest.raises(UserError, match=r"predict\(\) asks for 'input_img'; did you mean 'input_image'\?"):
        contract.forward(gan, tmp_path, {"input_image": 1})

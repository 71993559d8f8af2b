"""Loading of plug-ins for the original ARISGAN code and Keras 2: imports, idioms of Keras 2, summary writers."""

import json
import sys
from pathlib import Path

import keras
import pytest
import tensorflow as tf

from experiment import PROJECT
from pix2earth.plugins import contract, failures, finding
from pix2earth.settings.errors import UserError

SMALL = """
class GAN:
    def __init__(self, experiment):
        import models.layers as layers
        self.exp = experiment
        image = tf.keras.Input((4, 4, 2))
        self.generator = tf.keras.Model(image, layers.conv(1, 3, 1, batchnorm=False, lrelu=False)(image))
        pair = [image, tf.keras.Input((4, 4, 3))]
        self.discriminator = tf.keras.Model(pair, tf.keras.layers.Concatenate()(pair))
        self.generator_optimizer = tf.keras.optimizers.Adam()
        self.discriminator_optimizer = tf.keras.optimizers.Adam()
        self.summary_writer = tf.summary.create_file_writer(experiment.output.LOGS)

    def train_step(self, input_image, target, step): ...
"""


@pytest.fixture
def root(tiny_root, monkeypatch):
    """The tiny folder with a folder ``models`` of the user; the import path is restored after the test."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delenv(failures.TRACEBACK_VARIABLE, raising=False)
    environment = json.loads((tiny_root / "environment.json").read_text()) | {"models_root": ["models"]}
    (tiny_root / "environment.json").write_text(json.dumps(environment))
    (tiny_root / "models").mkdir()
    return tiny_root


@pytest.fixture
def built(root, open_tiny):
    """``built(*lines)``: a plug-in that starts with these lines, written into the user's folder and built."""

    def build(*lines: str):
        (root / "models" / "mine.py").write_text("\n".join([*lines, "import tensorflow as tf", SMALL]))
        experiment = open_tiny(root, "x", model_name="mine", params={})
        return contract.build(experiment, finding.find(experiment))

    return build


def module_of(gan):
    return sys.modules[type(gan).__module__]


# ---- imports -------------------------------------------------------------------------------------------------------

IMPORTS = ("import models.layers as layers", "import models.losses as losses", "from experiment import Experiment")


def assert_imports_the_toolkit(module):
    assert Path(module.layers.__file__) == PROJECT / "models" / "layers.py"
    assert Path(module.losses.__file__) == PROJECT / "models" / "losses.py"


def test_models_layers_and_losses_are_the_toolkits(built):
    assert_imports_the_toolkit(module_of(built(*IMPORTS)))


def test_models_layers_is_imported_once(built):
    layers = module_of(built(*IMPORTS)).layers
    assert module_of(built(*IMPORTS)).layers is layers


@pytest.mark.parametrize("append", ["sys.path.append('.')", "sys.path.insert(0, os.getcwd())"])
def test_another_models_package_on_the_import_path_does_not_hide_them(built, tmp_path, monkeypatch, append):
    other = tmp_path / "cwd" / "models"
    other.mkdir(parents=True)
    for name in ("__init__", "layers", "losses"):
        (other / f"{name}.py").write_text("raise SystemExit('the wrong models')")
    monkeypatch.chdir(tmp_path / "cwd")
    for name in [name for name in sys.modules if name.partition(".")[0] == "models"]:
        monkeypatch.delitem(sys.modules, name)
    assert_imports_the_toolkit(module_of(built("import os, sys", append, *IMPORTS)))


def test_another_models_package_that_is_imported_already_does_not_hide_them(built, tmp_path, monkeypatch):
    (tmp_path / "other" / "models").mkdir(parents=True)
    (tmp_path / "other" / "models" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path / "other")
    for name in [name for name in sys.modules if name.partition(".")[0] == "models"]:
        monkeypatch.delitem(sys.modules, name)
    import models

    assert models.__file__
    assert_imports_the_toolkit(module_of(built(*IMPORTS)))


def test_the_users_own_layers_do_not_hide_the_toolkits(built, root):
    for name in ("__init__", "layers", "losses"):
        (root / "models" / f"{name}.py").write_text("raise SystemExit('the wrong layers')")
    assert_imports_the_toolkit(module_of(built(*IMPORTS)))


def test_an_attribute_that_only_the_users_layers_have_is_an_error_that_names_the_imported_module(built, root):
    (root / "models" / "layers.py").write_text("def my_block(): ...")
    with pytest.raises(UserError, match=r"has no attribute 'my_block' \(it is the toolkit's, .*/models; import"):
        built("import models.layers", "models.layers.my_block()")


def test_further_modules_of_the_users_folder_are_imported_again_after_changes(built, root):
    for number in (1, 22):
        (root / "models" / "mylayers.py").write_text(f"NUMBER = {number}")
        assert module_of(built("import models.mylayers as mine")).mine.NUMBER == number


def test_a_module_of_another_experiment_is_not_imported(built, root):
    (root / "models" / "mylayers.py").write_text("")
    built("import models.mylayers")
    (root / "models" / "mylayers.py").unlink()
    with pytest.raises(UserError, match=r"mine\.py:1: cannot be imported: .*No module named 'models\.mylayers'"):
        built("import models.mylayers")


def test_all_forms_of_import_work(built):
    module = module_of(built("import models.layers", "from models import losses", "from models.layers import List, K"))
    assert module.models.layers is sys.modules["models.layers"]
    assert module.losses is sys.modules["models.losses"]


@pytest.mark.parametrize("name", ["layers", "losses"])
def test_support_modules_are_no_models(root, open_tiny, name):
    with pytest.raises(UserError, match=f"there is no plug-in '{name}' in ") as error:
        finding.find(open_tiny(root, "x", model_name=name, params={}))
    proposed = str(error.value).rpartition("; ")[2]
    assert "layers" not in proposed and "losses" not in proposed


# ---- idioms of Keras 2 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "importing",
    ["from tensorflow.keras import layers as kl", "from keras import layers as kl", "kl = tf.keras.layers"],
)
def test_keras_2_idioms_are_accepted_while_loading_and_refused_afterwards(built, importing):
    lines = [
        "import tensorflow as tf", importing,
        "pools = kl.AveragePooling1D(), kl.AveragePooling2D(), kl.AvgPool2D(strides=1, padding='same')",
        "noise = kl.GaussianNoise(0.1, batch_input_shape=(None, 64, 64, 32), name='noise')",
        "class Twice(kl.Layer):",
        "    def call(self, x):",
        "        return 2 * x",
        "twice = Twice(batch_input_shape=(None, 3))",
        "net = tf.keras.Sequential([kl.Conv2D(3, 1, batch_input_shape=(None, 8, 8, 2)), kl.AveragePooling2D(4)])",
    ]  # fmt: skip
    module = module_of(built(*lines))
    line, image, same = module.pools
    assert (line.pool_size, image.pool_size, image.strides) == ((2,), (2, 2), (2, 2))
    assert (same.pool_size, same.strides, same.padding) == ((2, 2), (1, 1), "same")
    assert (module.noise.name, module.noise.stddev) == ("noise", 0.1)
    assert module.net.output_shape == (None, 2, 2, 3)
    assert type(image) is keras.layers.AveragePooling2D
    assert type(image).from_config(image.get_config()).pool_size == (2, 2)
    with pytest.raises(TypeError, match="pool_size"):
        keras.layers.AveragePooling2D()
    with pytest.raises(ValueError, match="batch_input_shape"):
        keras.layers.GaussianNoise(0.1, batch_input_shape=(None, 2))


def test_compatibility_ends_where_a_plugin_fails(built):
    with pytest.raises(UserError):
        built("1 / 0")
    with pytest.raises(TypeError, match="pool_size"):
        keras.layers.AveragePooling2D()


def test_layers_without_a_constructor_have_a_config(built):
    """Keras derives it from the signature of the constructor, which the compatibility replaces."""
    lines = ["import keras", "class Mine(keras.layers.Layer):", "    def call(self, x):", "        return x"]
    config = module_of(built(*lines, "mine = Mine(name='me')")).mine.get_config()
    assert config["name"] == "me" and "arguments" not in config and "options" not in config


# ---- summaries -----------------------------------------------------------------------------------------------------


def test_a_writer_creates_its_folder_when_it_is_first_used(built):
    gan = built()
    logs = Path(gan.exp.output.LOGS)
    gan.summary_writer.flush()
    assert isinstance(gan.summary_writer, tf.summary.SummaryWriter)
    assert not logs.exists()

    @tf.function
    def log(value):
        with gan.summary_writer.as_default():
            tf.summary.scalar("mine", value, step=3)

    log(1.0)
    log(2.0)
    gan.summary_writer.close()
    (path,) = logs.iterdir()
    assert [event.summary.value[0].tag for event in events_of(path)] == ["mine", "mine"]


def events_of(path: Path) -> list:
    from tensorflow.python.summary.summary_iterator import summary_iterator

    return [event for event in summary_iterator(str(path)) if event.summary.value]


def test_a_default_writer_works_too(built):
    gan = built()
    with gan.summary_writer.as_default(step=5):
        tf.summary.scalar("mine", 1.0)
    tf.summary.flush(gan.summary_writer)
    (path,) = Path(gan.exp.output.LOGS).iterdir()
    assert [event.step for event in events_of(path)] == [5]

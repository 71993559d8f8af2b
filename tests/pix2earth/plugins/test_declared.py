"""What a plug-in declares, read from its source: literals and parameters, with those of its bases."""

from pathlib import Path

import pytest

from experiment import PROJECT
from layers.conditional_gan import ConditionalGAN
from pix2earth.plugins import contract
from pix2earth.plugins.declared import Declared, declared


@pytest.fixture
def read(tmp_path):
    """``read(text, **files)``: what the plug-in of this text declares; files lie in a folder of models_root."""

    def read_text(text, **files):
        for name, content in files.items():
            (tmp_path / f"{name}.py").write_text(content)
        path = tmp_path / "mine.py"
        path.write_text(text)
        return declared(path, PROJECT, [tmp_path])

    return read_text


def test_literals_and_parameters_are_read_and_nothing_is_run(read):
    found = read("raise SystemExit\nclass GAN:\n    a: tuple = ('x', 1)\n    b = c = {'k': [True]}\n    d = len(b)\n"
                 "    def train_step(self, input_image, *, mask, step=None): ...\n")  # fmt: skip
    assert found.literals == {"a": ("x", 1), "b": {"k": [True]}, "c": {"k": [True]}}
    assert found.parameters == {"train_step": ["input_image", "mask", "step"]}


@pytest.mark.parametrize("text", ["", "class Gan: a = 1", "class GAN(: a", "GAN = 3"])
def test_nothing_is_declared_without_a_class(read, text):
    assert read(text) == Declared({}, {})


@pytest.mark.parametrize(
    "text",
    [
        "from layers.conditional_gan import ConditionalGAN\nclass GAN(ConditionalGAN): ...",
        "from layers.conditional_gan import ConditionalGAN as Base\nclass GAN(Base): ...",
        "from layers import conditional_gan\nclass GAN(conditional_gan.ConditionalGAN): ...",
        "import layers.conditional_gan\nclass GAN(layers.conditional_gan.ConditionalGAN): ...",
        "import layers.conditional_gan as base\nclass GAN(base.ConditionalGAN): ...",
        "from models.other import GAN as Other\nclass GAN(Other): ...",
    ],
)
def test_bases_of_the_toolkit_and_of_models_root_are_read(read, text):
    other = "from layers.conditional_gan import ConditionalGAN\nclass GAN(ConditionalGAN):\n    pass\n"
    found = read(text, other=other)
    assert found.literals["from_logits"] is True
    assert found.parameters["train_step"] == contract.parameters(ConditionalGAN.train_step)


def test_what_a_class_says_replaces_what_its_bases_say_and_the_first_base_has_precedence(read):
    found = read("class A:\n    x = 1\n    y = 1\n    z = 1\nclass B:\n    x = 2\n    w = 2\n"
                 "class GAN(A, B):\n    y = 3\n    z = len('')\n")  # fmt: skip
    assert found.literals == {"x": 1, "y": 3, "w": 2}


def test_a_circle_of_files_ends(read):
    other = "from models.mine import GAN as Mine\nclass GAN(Mine):\n    a = 1\n"
    assert read("from models.other import GAN as Other\nclass GAN(Other): ...", other=other).literals == {"a": 1}


@pytest.mark.parametrize("path", sorted((PROJECT / "models").glob("*.py")), ids=lambda path: path.stem)
def test_every_model_declares_what_its_class_has(path: Path):
    module = contract.load(path)
    if not hasattr(module, "GAN"):
        assert declared(path, PROJECT).parameters == {}
        return
    found = declared(path, PROJECT)
    assert found.parameters["train_step"] == contract.parameters(module.GAN.train_step)
    assert {name: getattr(module.GAN, name) for name in found.literals} == found.literals

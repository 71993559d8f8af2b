"""Diagrams of networks, and text files where graphviz is missing."""

import importlib.util
import os
import shutil

import keras
import pytest

from pix2earth.figures import diagrams

GRAPHVIZ = bool(shutil.which("dot")) and any(map(importlib.util.find_spec, ("pydot", "pydot_ng", "pydotplus")))


@pytest.fixture
def without_graphviz(monkeypatch):
    """A machine without graphviz: `dot` is not on the path."""
    monkeypatch.setenv("PATH", "")


def file_names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_without_graphviz_each_network_has_a_text_file(without_graphviz, small_gan, tmp_path):
    diagrams.draw(small_gan(), tmp_path, [].append)
    assert file_names(tmp_path) == ["discriminator.txt", "generator.txt"]


def test_the_text_lists_layers_shapes_and_numbers_of_weights(without_graphviz, small_gan, tmp_path):
    gan = small_gan()
    diagrams.draw(gan, tmp_path, [].append)
    text = (tmp_path / "generator.txt").read_text()
    assert [kind for kind in ("InputLayer", "Conv2D", "Dropout") if kind not in text] == []
    assert "(None, 4, 4, 3)" in text
    assert f"Total params: {gan.generator.count_params()}" in text


@pytest.mark.parametrize("columns", [None, "60"])
def test_names_and_connections_are_not_cut_off(without_graphviz, namespace, tmp_path, monkeypatch, columns):
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns:
        monkeypatch.setenv("COLUMNS", columns)
    image = keras.Input((4,), name="an_image_of_the_ground")
    names = ["a_dense_layer_with_a_long_name", "another_dense_layer_with_a_long_name"]
    branches = [keras.layers.Dense(3, name=name)(image) for name in names]
    joined = keras.layers.Concatenate(name="joined")(branches)
    diagrams.draw(namespace(net=keras.Model(image, joined)), tmp_path, [].append)
    text = (tmp_path / "net.txt").read_text()
    assert "Connected to" in text and "…" not in text
    assert text.count("an_image_of_the_ground[0][0]") == 2
    assert all(f"{name}[0][0]" in text for name in names)
    assert os.environ.get("COLUMNS") == columns


def test_one_line_names_the_text_files_and_what_diagrams_need(without_graphviz, small_gan, tmp_path):
    lines = []
    diagrams.draw(small_gan(), tmp_path, lines.append)
    (line,) = lines
    assert line.startswith(f"{tmp_path}: ")
    assert all(word in line for word in ("generator.txt", "discriminator.txt", "graphviz", "pydot"))


def test_attributes_that_are_not_networks_are_ignored(without_graphviz, namespace, tmp_path):
    image = keras.Input((4,))
    gan = namespace(critic=keras.Model(image, keras.layers.Dense(1)(image)), exp=object(), layer=keras.layers.Dense(1))
    diagrams.draw(gan, tmp_path, [].append)
    assert file_names(tmp_path) == ["critic.txt"]


def test_drawing_again_replaces_the_text_file(without_graphviz, namespace, tmp_path):
    for units in (1, 5):
        image = keras.Input((4,))
        diagrams.draw(namespace(net=keras.Model(image, keras.layers.Dense(units)(image))), tmp_path, [].append)
    assert file_names(tmp_path) == ["net.txt"]
    assert "Total params: 25" in (tmp_path / "net.txt").read_text()


@pytest.mark.skipif(not GRAPHVIZ, reason="graphviz or pydot is not installed")
def test_with_graphviz_each_network_has_two_diagrams_and_no_message(small_gan, tmp_path):
    lines = []
    diagrams.draw(small_gan(), tmp_path, lines.append)
    assert file_names(tmp_path) == [
        "discriminator.png", "discriminator_full.png", "generator.png", "generator_full.png",
    ]  # fmt: skip
    assert lines == []

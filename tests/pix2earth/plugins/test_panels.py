"""Panels of a plug-in: which fields they get, what they may return, and that they change nothing."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from experiment import PROJECT
from pix2earth.plugins import contract, needs, panels, state
from pix2earth.records.manifest import Field
from pix2earth.settings.errors import UserError

BATCH, SIDE = 2, 8


def fields(input_bands=4, target_bands=3):
    shapes = {"input_image": input_bands, "target": target_bands, "prediction": target_bands, "cloud_mask": 1}
    made = {name: tf.fill((BATCH, SIDE, SIDE, bands), float(bands)) for name, bands in shapes.items()}
    return made | {"validity": tf.ones((BATCH, SIDE, SIDE, 1))}


def computed(tmp_path, method, **bands):
    return panels.computed(SimpleNamespace(panels=method), tmp_path / "mine.py", fields(**bands))


def test_without_the_method_there_are_none(tmp_path):
    for gan in (SimpleNamespace(), SimpleNamespace(panels=3)):
        assert panels.computed(gan, tmp_path / "mine.py", fields()) == {}


def test_parameters_name_fields(tmp_path):
    def method(prediction, target, validity, cloud_mask):
        return {"Sum": prediction + target, "Valid": validity, "Mask": tf.cast(cloud_mask, tf.float64)}

    found = computed(tmp_path, method)
    assert list(found) == ["Sum", "Valid", "Mask"]
    np.testing.assert_array_equal(found["Sum"].values, np.full((BATCH, SIDE, SIDE, 3), 6, np.float32))
    assert found["Mask"].values.dtype == np.float32


def test_a_role_is_that_of_the_bands(tmp_path):
    def method(input_image, target, cloud_mask):
        smaller = input_image[:, ::2, ::2]
        return {"Back": smaller, "Target twice": target, "Attention": cloud_mask, "Five": tf.ones((BATCH, 2, 2, 5))}

    found = computed(tmp_path, method)
    assert {title: one.role for title, one in found.items()} == {
        "Back": "input", "Target twice": "target", "Attention": None, "Five": None,
    }  # fmt: skip


def test_with_as_many_bands_the_title_decides(tmp_path):
    found = computed(tmp_path, lambda target: {"Input brought back": target, "Refined": target}, input_bands=3)
    assert (found["Input brought back"].role, found["Refined"].role) == ("input", "target")


def test_one_band_is_never_taken_for_an_image(tmp_path):
    found = computed(tmp_path, lambda target: {"Attention": target}, input_bands=1, target_bands=1)
    assert found["Attention"].role is None


def test_images_of_the_same_time_steps_have_the_role(tmp_path):
    source = tf.ones((BATCH, 5, SIDE, SIDE, 4))
    given = {**fields(), "input_image": source}
    gan = SimpleNamespace(panels=lambda input_image: {"Back": input_image, "Two": input_image[:, :2]})
    found = panels.computed(gan, tmp_path / "mine.py", given)
    assert (found["Back"].role, found["Two"].role) == ("input", None)


@pytest.mark.parametrize(
    ("returned", "line"),
    [
        ([1], "panels() returns list; it must return a dict, title to image"),
        ({"Target": tf.ones((BATCH, 2, 2, 3))}, "panels() returns the title 'Target'; use a text other than Input"),
        ({"Input, mine": tf.ones((BATCH, 2, 2, 3))}, "panels() returns the title 'Input, mine'"),
        ({3: tf.ones((BATCH, 2, 2, 3))}, "panels() returns the title 3"),
        ({"x": tf.ones((SIDE, SIDE, 3))}, "panels() returns 'x' of 8 x 8 x 3; it must be 2 images: samples,"),
        ({"x": tf.ones((1, SIDE, SIDE, 3))}, "panels() returns 'x' of 1 x 8 x 8 x 3; it must be 2 images"),
        ({"x": tf.ones((BATCH, SIDE, SIDE, 2))}, "panels() returns 'x' with 2 bands; it must have one, at least three"),
        ({"x": 3.0}, "panels() returns 'x' of a single number"),
        ({"x": "text"}, "panels() fails"),
    ],
)
def test_what_is_no_image_by_title_is_one_line_with_the_file(tmp_path, returned, line):
    with pytest.raises(UserError, match=rf"^{re.escape(str(tmp_path / 'mine.py'))}: {re.escape(line)}") as caught:
        computed(tmp_path, lambda: returned)
    assert len(caught.value.lines) == 1


def test_a_failure_has_the_line_of_the_plug_in(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("class GAN:\n    def panels(self, target):\n        return {'x': target @ 3}\n")
    with pytest.raises(UserError, match=r"mine\.py:3: panels\(\) fails: "):
        panels.computed(contract.load(path).GAN(), path, fields())


def test_a_field_that_there_is_not_is_named(tmp_path):
    with pytest.raises(UserError, match=r"mine\.py: panels\(\) asks for 'predicton'; did you mean 'prediction'\?"):
        computed(tmp_path, lambda predicton: {})


def test_it_is_named_before_anything_is_imported(experiment_of, tmp_path):
    image = Field(dtype="uint16", shape=[8, 8, 2], bands=["a", "b"])
    experiment = experiment_of({"input_image": image, "target": image}, tilesize=8)
    plugin = tmp_path / "mine.py"
    text = "class GAN:\n    def train_step(self, target): ...\n    def panels(self, {}): ...\n"
    plugin.write_text(text.format("prediction, validity, target"))
    assert needs.check(experiment, plugin).parameters["panels"] == ["prediction", "validity", "target"]
    plugin.write_text(text.format("step"))
    with pytest.raises(UserError, match=r"mine\.py: panels\(\) asks for 'step'"):
        needs.check(experiment, plugin)


def test_nothing_that_panels_change_remains(small_gan, tmp_path):
    gan = small_gan()
    gan.learn()
    before = {name: variable.numpy().tobytes() for name, variable in state.variables(gan).items()}

    def method(target):
        gan.learn()
        assert any(variable.numpy().tobytes() != before[name] for name, variable in state.variables(gan).items())
        return {"Learnt": target}

    gan.panels = method
    assert list(panels.computed(gan, tmp_path / "mine.py", fields())) == ["Learnt"]
    assert {name: variable.numpy().tobytes() for name, variable in state.variables(gan).items()} == before


def test_the_worked_plug_in_has_panels():
    from pix2earth.plugins.declared import declared

    found = declared(PROJECT / "docs" / "plug-ins" / "unpaired_cyclegan.py", PROJECT)
    assert found.parameters["panels"] == ["prediction"]

"""Augmentation that plug-ins exclude."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import train
from experiment import PROJECT
from pix2earth.batches.dataset import Dataset
from pix2earth.batches.excluded_augmentation import FORMERLY_ON, switch_off
from pix2earth.records.manifest import Field
from pix2earth.settings.errors import UserError

SIDE = 64
PLUGIN = Path("models/mine.py")
IMAGE = Field(dtype="uint16", shape=[SIDE, SIDE, 2], bands=["B02", "B03"], valid_range=(0.0, 10000.0))
MASK = Field(dtype="uint8", shape=[SIDE, SIDE, 1], kind="mask", bands=["hidden"])
FIELDS = {"input_image": IMAGE, "target": IMAGE, "cloud_mask": MASK}


@pytest.mark.parametrize("names", [(), ("random_resize",), ["random_rotate", "random_mirror"]])
def test_only_what_is_named_is_switched_off_with_a_line_each(experiment_of, namespace, names):
    experiment = experiment_of(FIELDS)
    lines = switch_off(experiment, namespace(excluded_augmentation=names), PLUGIN)
    assert [line.split(": ")[1] for line in lines] == list(names)
    assert (experiment.RANDOM_RESIZE == 1.0) == ("random_resize" in names)
    assert experiment.RANDOM_ROTATE == ("random_rotate" not in names)
    assert experiment.RANDOM_MIRROR == ("random_mirror" not in names)


def test_what_is_off_and_plugins_without_the_attribute_need_no_line(experiment_of, namespace):
    experiment = experiment_of(FIELDS, random_resize=1.0)
    assert switch_off(experiment, namespace(excluded_augmentation=("random_resize",)), PLUGIN) == []
    assert switch_off(experiment, namespace(), PLUGIN) == []


def class_of(module, **attributes):
    return type("GAN", (), {"__module__": module, **attributes})


@pytest.mark.parametrize(
    "gan",
    [
        class_of("plugins.residual_upsampler", excluded_augmentation=("random_resize",)),
        type("GAN", (class_of("models.residual_upsampler", excluded_augmentation=("random_resize",)),), {}),
    ],
    ids=["itself", "a class derived from it"],
)
def test_runs_of_former_versions_keep_on_what_new_runs_switch_off(experiment_of, gan):
    experiment = experiment_of(FIELDS)
    (line,) = switch_off(experiment, gan(), PLUGIN, former=True)
    assert "random_resize: stays on, as a former version trained this run" in line
    assert experiment.RANDOM_RESIZE == 1.11
    assert "is switched off" in switch_off(experiment, gan(), PLUGIN)[0] and experiment.RANDOM_RESIZE == 1.0
    assert switch_off(experiment, gan(), PLUGIN, former=True) == []


@pytest.mark.parametrize(
    "gan",
    [
        class_of("plugins.masked_unet", excluded_augmentation=("random_resize",)),
        type(
            "GAN", (class_of("models.residual_upsampler", excluded_augmentation=("random_resize",)),),
            {"__module__": "plugins.mine", "excluded_augmentation": ["random_resize"]},
        ),
    ],
    ids=["another plug-in", "a derived class that states it itself"],
)  # fmt: skip
def test_what_former_versions_switched_off_stays_off(experiment_of, gan):
    experiment = experiment_of(FIELDS)
    assert "is switched off" in switch_off(experiment, gan(), PLUGIN, former=True)[0]
    assert experiment.RANDOM_RESIZE == 1.0


def test_an_attribute_of_the_object_is_its_own(experiment_of, namespace):
    gan = namespace(excluded_augmentation=("random_resize",))
    assert "is switched off" in switch_off(experiment_of(FIELDS), gan, PLUGIN, former=True)[0]


def test_what_is_kept_on_is_what_the_module_states():
    from pix2earth.plugins.declared import declared

    for module, names in FORMERLY_ON.items():
        assert set(names) <= set(declared(PROJECT / f"models/{module}.py", PROJECT).literals["excluded_augmentation"])


@pytest.mark.parametrize("names", [("random_rezise",), "random_resize"])
def test_other_names_are_errors(experiment_of, namespace, names):
    with pytest.raises(UserError, match=r"models/mine.py: excluded_augmentation: .*random_resize"):
        switch_off(experiment_of(FIELDS), namespace(excluded_augmentation=names), PLUGIN)


def test_hidden_pixels_do_not_reach_clear_ones(experiment_of, namespace):
    random = np.random.default_rng(3)
    mask = (random.random((8, SIDE, SIDE, 1)) < 0.3).astype(np.uint8)
    image = np.where(mask == 1, 10000, 100).astype(np.uint16).repeat(2, axis=-1)
    draws = tf.constant(random.random((8, 4)), tf.float32)
    batch = {"input_image": image, "target": image, "cloud_mask": mask}
    batch = {name: tf.constant(values) for name, values in batch.items()} | {"draws": draws}

    def largest_clear_value(experiment) -> float:
        prepared = Dataset(experiment).prepare(batch)
        clear = prepared["cloud_mask"].numpy()[..., 0] == 0
        return float(prepared["input_image"].numpy()[clear].max())

    experiment = experiment_of(FIELDS, normalize="none")
    assert largest_clear_value(experiment) > 1000
    switch_off(experiment, namespace(excluded_augmentation=("random_resize",)), PLUGIN)
    assert largest_clear_value(experiment) == 100


@pytest.mark.slow
def test_training_says_so_and_records_the_settings_as_written(tiny_root, write_experiment, capfd):
    source = (Path(train.__file__).parent / "models" / "template.py").read_text()
    declared = 'class GAN:\n    excluded_augmentation = ("random_resize",)\n'
    changed = source.replace("class GAN:\n", declared)
    assert changed != source
    (tiny_root / "mine").mkdir()
    (tiny_root / "mine" / "bears_little.py").write_text(changed)
    environment = json.loads((tiny_root / "environment.json").read_text()) | {"models_root": ["mine"]}
    (tiny_root / "environment.json").write_text(json.dumps(environment))
    write_experiment(tiny_root, "mine", model_name="bears_little", steps=1)
    with pytest.raises(SystemExit) as end:
        train.main(["--exp", "mine", "--env", str(tiny_root / "environment.json")])
    assert not end.value.code
    assert "random_resize: is switched off, because bears_little.py cannot bear it" in capfd.readouterr().out
    (record,) = (tiny_root / "experiments" / "mine" / "logs").glob("*/run.json")
    assert json.loads(record.read_text())["settings"]["random_resize"] == 1.11

"""Losses that begin later: their weights, and what is computed and updated in each phase of a training."""

import json

import numpy as np
import pytest

import train
from pix2earth.settings.loss_keys import LossKeys
from pix2earth.settings.optimization import LossWeight
from pix2earth.settings.schema import ExperimentFile
from pix2earth.training.optimization.loss_weights import LossWeights


def experiment_with(gen_loss):
    settings = ExperimentFile(model_name="a", gen_loss=gen_loss)
    experiment = LossKeys()
    experiment.settings = settings
    experiment.take_losses(settings)
    return experiment


def computed(weights):
    """Return the weights of the losses that are computed, as numbers."""
    return {name: float(weight) for name, weight in weights.items() if weight is not None}


@pytest.mark.parametrize(
    ("weight", "values"),
    [
        (LossWeight(weight=2.0, begin=10, ramp=3), {0: 0, 9: 0, 10: 0.5, 11: 1.0, 12: 1.5, 13: 2.0, 99: 2.0}),
        (LossWeight(weight=2.0, begin=10), {9: 0, 10: 2.0, 11: 2.0}),
        (LossWeight(weight=-1.0, ramp=1), {0: -0.5, 1: -1.0}),
    ],
)
def test_the_weight_of_a_step(weight, values):
    assert {step: weight.at(step) for step in values} == values


def test_before_the_first_adversarial_loss_begins_nothing_of_the_discriminator_is_computed():
    experiment = experiment_with({"gen_l1": 100.0, "gen_gan": {"weight": 0.1, "begin": 4, "ramp": 1}, "gen_nll": 0.0})
    weights = LossWeights(experiment)
    assert weights.enter(0) and not weights.enter(3)
    assert computed(experiment.GEN_LOSS) == {"gen_l1": 100.0, "gen_l2": 0.0, "gen_rmse": 0.0}
    assert computed(experiment.DISC_LOSS) == {}
    assert weights.enter(4)
    assert computed(experiment.GEN_LOSS) == pytest.approx(
        {"gen_l1": 100.0, "gen_l2": 0.0, "gen_rmse": 0.0, "gen_nll": 0.0, "gen_wstein": 0.0, "gen_gan": 0.05}
    )
    assert computed(experiment.DISC_LOSS) == {"disc_bce": 1.0, "disc_nll": 0.0}
    assert not weights.enter(5) and computed(experiment.GEN_LOSS)["gen_gan"] == pytest.approx(0.1)
    assert weights.enter(0)  # it depends on the step alone


def test_other_losses_that_begin_leave_the_discriminator_alone():
    experiment = experiment_with({"gen_gan": 1.0, "gen_tv": {"weight": 1.0, "begin": 4}})
    LossWeights(experiment).enter(0)
    assert computed(experiment.GEN_LOSS)["gen_gan"] == 1.0 and experiment.DISC_LOSS["disc_bce"] == 1.0
    assert experiment.GEN_LOSS["gen_tv"] is None


def test_without_such_a_weight_the_experiment_is_unchanged():
    experiment = experiment_with({"gen_l1": 100.0})
    weights = experiment.weights["gen_loss"]
    assert LossWeights(experiment).enter(0) and experiment.weights["gen_loss"] is weights


@pytest.mark.slow
@pytest.mark.parametrize("model", ["residual_upsampler", "template"])
def test_a_run_computes_the_loss_from_its_step_on(tiny_root, write_experiment, model):
    """The discriminator has its initial weights until then."""
    params = {"filters": 4, "blocks": 1}
    write_experiment(
        tiny_root, "late", model_name=model, params=params, steps=4, ckpt_freq=1, metrics=["PSNR"],
        gen_loss={"gen_l1": 100, "gen_gan": {"weight": 1.0, "begin": 2}},
    )  # fmt: skip
    with pytest.raises(SystemExit) as end:
        train.main(["--env", str(tiny_root / "environment.json"), "--exp", "late", "--timestamp", "a"])
    assert end.value.code == 0
    lines = (tiny_root / "experiments/late/logs/late_a/train.jsonl").read_text().splitlines()
    losses = [entry["losses"] for line in lines if "losses" in (entry := json.loads(line))]
    assert ["gen_gan" in one for one in losses] == [False, False, True, True]
    assert ["disc_bce" in one for one in losses] == [False, False, True, True]
    before, until, after = (discriminator(tiny_root, step) for step in (1, 2, 4))
    assert all(np.array_equal(before[key], until[key]) for key in before)
    assert not all(np.array_equal(before[key], after[key]) for key in before)


def discriminator(root, step):
    """Return the variables of the discriminator in a checkpoint."""
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(root / f"experiments/late/ckpt/a/ckpt-{step}"))
    names = [name for name in reader.get_variable_to_shape_map() if name.startswith("discriminator/")]
    assert names
    return {name: reader.get_tensor(name) for name in names}

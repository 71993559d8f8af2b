"""Losses that a plug-in declares are known to the experiment, with their defaults; other names are errors."""

import pytest

from experiment import PROJECT
from pix2earth.plugins import own_losses
from pix2earth.settings.errors import UserError
from pix2earth.training.optimization.loss_weights import check_read

OWN = {"gen_losses": {"gen_cycle": 10.0, "gen_identity": None}, "disc_losses": {"disc_mine": 1.0}}


def test_defaults_and_stated_weights(tiny_root, open_tiny, tmp_path):
    experiment = open_tiny(tiny_root, "x", gen_loss={"gen_cycle": 5, "gen_l1": 1})
    own_losses.declare(experiment, tmp_path / "mine.py", OWN)
    assert experiment.GEN_LOSS["gen_cycle"] == 5 and experiment.GEN_LOSS["gen_identity"] is None
    assert experiment.DISC_LOSS["disc_mine"] == 1.0
    assert experiment.GEN_LOSS["gen_l2"] == 0.0  # logged for plug-ins of ARISGAN


@pytest.mark.parametrize(("stated", "zeros"), [({"gen_l1": 1}, 0), ({"gen_l1": 1, "gen_l2": 0}, 1)])
def test_our_models_compute_no_loss_of_weight_0_that_nobody_named(tiny_root, open_tiny, stated, zeros):
    experiment = open_tiny(tiny_root, "x", gen_loss=stated)
    own_losses.declare(experiment, PROJECT / "models" / "template.py", {})
    assert sum(weight == 0 for weight in experiment.GEN_LOSS.values()) == zeros
    assert experiment.settings.gen_loss["gen_l2"] == 0.0  # run.json stays as it was


@pytest.mark.parametrize(
    "weights", [{}, {"gen_l1": 0}, {"gen_l1": None}, {"gen_gan": 0.0, "gen_ssim": None, "gen_hinge": 0}]
)
def test_a_generator_without_any_weight_is_an_error_unless_the_plugin_has_a_default(
    tiny_root, open_tiny, tmp_path, weights
):
    experiment = open_tiny(tiny_root, "x", gen_loss=weights)
    own_losses.declare(experiment, tmp_path / "mine.py", {"gen_losses": {"gen_identity": None}})
    with pytest.raises(UserError, match=r"experiment.json: gen_loss: no loss has a weight, nothing would be learnt"):
        own_losses.require_weight(experiment)
    own_losses.declare(experiment, tmp_path / "mine.py", {"gen_losses": {"gen_cycle": 10.0}})
    own_losses.require_weight(experiment)


@pytest.mark.parametrize(
    ("key", "loss", "nearest"), [("gen_loss", "gen_cylce", "gen_cycle"), ("disc_loss", "disc_bcee", "disc_bce")]
)
def test_an_unknown_name(tiny_root, open_tiny, tmp_path, key, loss, nearest):
    experiment = open_tiny(tiny_root, "x", **{key: {loss: 1}})
    with pytest.raises(
        UserError, match=f"experiment.json: {key}.{loss}: there is no loss '{loss}'; did you mean '{nearest}'"
    ):
        own_losses.declare(experiment, tmp_path / "mine.py", OWN)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"gen_l1": 1.0}, "mine.py: gen_losses: gen_l1 is a loss of the toolkit; choose another name"),
        (["gen_cycle"], "mine.py: gen_losses: must be a dict of names and default weights, such as"),
        ({"gen_cycle": True}, "mine.py: gen_losses: must be a dict of names and default weights, such as"),
    ],
)
def test_wrong_declarations(tiny_root, open_tiny, tmp_path, value, message):
    with pytest.raises(UserError, match=message):
        own_losses.declare(open_tiny(tiny_root), tmp_path / "mine.py", {"gen_losses": value})


def test_a_stated_weight_that_was_not_read_is_an_error(tiny_root, open_tiny, tmp_path):
    experiment = open_tiny(tiny_root, "x", gen_loss={"gen_cycle": 5, "gen_l1": 1, "gen_l2": None})
    own_losses.declare(experiment, tmp_path / "mine.py", OWN)
    assert experiment.GEN_LOSS["gen_cycle"] == 5
    with pytest.raises(UserError, match=r"gen_loss\.gen_l1: mine\.py does not use it, so that it would have no effect"):
        check_read(experiment, tmp_path / "mine.py")
    assert experiment.GEN_LOSS.get("gen_l1") == 1
    check_read(experiment, tmp_path / "mine.py")

"""Schemas of experiment.json and environment.json: defaults, aliases, and losses that an experiment leaves out."""

import json

import pytest

from losses import DISCRIMINATOR_LOSSES, GENERATOR_LOSSES
from metrics import METRICS
from pix2earth.settings.errors import UserError
from pix2earth.settings.schema import EnvironmentFile, ExperimentFile
from pix2earth.settings.validation import load


@pytest.fixture
def experiment(tmp_path):
    """``experiment(**keys)``: the settings of an experiment with these keys."""

    def loaded(**keys) -> ExperimentFile:
        path = tmp_path / "experiment.json"
        path.write_text(json.dumps({"model_name": "pix2pix", **keys}))
        return load(path, ExperimentFile)

    return loaded


def test_defaults_of_an_experiment(experiment):
    # Those of the original ARISGAN code where it has the key; random_rotate is that of its documentation.
    expected = {
        "params": {}, "precision": "float32", "dataset": "curated", "tilesize": 256, "img_height": None,
        "img_width": None, "normalize": "symmetric", "fold_dates": False, "random_resize": 1.11, "random_rotate": True,
        "random_mirror": True, "shuffle": True, "exclude_suffix": None, "enforce_suffix": None, "sample_train": None,
        "sample_val": None, "batch_size": 16, "steps": 40000, "seed": 0, "deterministic": False, "jit_compile": False,
        "metrics": list(METRICS), "best_metric": "PSNR", "sample_freq": None, "ckpt_freq": None,
        "validate_freq": None, "keep_checkpoints": None, "model_name": "pix2pix",
        "learning_rate": {"generator": None, "discriminator": None}, "schedule": None, "clip_norm": None, "ema": None,
        "label_smoothing": 0.0, "transforms": {}, "occlusion": None, "training_length": None, "score_disk": None,
        "start_from": None, "start_standardize": True, "sequence_groups": None,
    }  # fmt: skip
    settings = experiment().model_dump()
    assert {key: settings.get(key, "absent") for key in expected} == expected
    assert set(settings) == set(expected) | {"gen_loss", "disc_loss"}


def test_defaults_of_an_environment():
    assert EnvironmentFile().model_dump() == {
        "environment": "local", "project_root": None, "data_root": "data", "experiment_root": "experiments",
        "s2_root": None, "s3_root": None, "sample_freq": 1000, "ckpt_freq": 5000, "validate_freq": None,
        "keep_checkpoints": "all", "models_root": [], "max_shuffle_buffer": 500, "distribution": "none",
        "legacy_keras": False,
    }  # fmt: skip


ORIGINAL = ("gen_gan", "gen_nll", "gen_l1", "gen_l2", "gen_rmse", "gen_wstein")


def test_default_losses_are_those_of_the_original_arisgan_code(experiment):
    settings = experiment()
    weights = {"gen_gan": 1, "gen_nll": 0, "gen_l1": 100, "gen_l2": 0, "gen_rmse": 0, "gen_wstein": 0}
    assert {name: settings.gen_loss[name] for name in ORIGINAL} == weights
    assert (settings.disc_loss["disc_bce"], settings.disc_loss["disc_nll"]) == (1, 0)


@pytest.mark.parametrize("keys", [{}, {"gen_loss": {"gen_l2": 3}}])
def test_every_loss_has_an_entry_and_new_ones_are_not_computed_by_default(experiment, keys):
    settings = experiment(**keys)
    assert set(settings.gen_loss) == set(GENERATOR_LOSSES)
    assert set(settings.disc_loss) == set(DISCRIMINATOR_LOSSES)
    new = set(GENERATOR_LOSSES) - set(ORIGINAL)
    assert "gen_ssim" in new
    assert {settings.gen_loss[name] for name in new} == {None}
    assert {settings.disc_loss[name] for name in set(DISCRIMINATOR_LOSSES) - {"disc_bce", "disc_nll"}} == {None}


def test_shares_are_logged_alone(experiment):
    assert experiment(disc_loss={"disc_bce": 1, "disc_recall": 0}).disc_loss["disc_recall"] == 0
    with pytest.raises(UserError, match="disc_recall has no gradient and can only be logged; its weight is 0, not 1"):
        experiment(disc_loss={"disc_bce": 1, "disc_recall": 1})


@pytest.mark.parametrize("loss", ["disc_lsgan", "disc_wstein"])
def test_shares_need_probabilities(experiment, loss):
    with pytest.raises(UserError, match=f"disc_recall counts probabilities above 0.5, which {loss} does not teach"):
        experiment(disc_loss={loss: 1, "disc_bce": None, "disc_recall": 0})
    experiment(disc_loss={loss: None, "disc_bce": 1, "disc_recall": 0})
    experiment(disc_loss={loss: 1, "disc_bce": None, "disc_recall": None})


def test_losses_of_an_experiment_replace_the_default_as_a_whole(experiment):
    settings = experiment(gen_loss={"gen_ssim": 50}, disc_loss={"disc_nll": 2})
    assert {name: settings.gen_loss[name] for name in ORIGINAL} == dict.fromkeys(ORIGINAL, 0)
    assert settings.gen_loss["gen_ssim"] == 50
    assert (settings.disc_loss["disc_bce"], settings.disc_loss["disc_nll"]) == (0, 2)


def test_null_and_zero_are_kept(experiment):
    weights = experiment(gen_loss={"gen_gan": None, "gen_ssim": 0, "gen_l1": 1}).gen_loss
    assert weights["gen_gan"] is None
    assert weights["gen_ssim"] == 0


def test_the_defaults_of_one_experiment_are_not_those_of_the_next(experiment):
    experiment().gen_loss["gen_l1"] = 7
    assert experiment().gen_loss["gen_l1"] == 100


@pytest.mark.parametrize("key", ["enforce_suffix", "enfore_suffix"])
def test_the_documented_misspelling_is_accepted(experiment, key):
    assert experiment(**{key: "notinmask"}).enforce_suffix == "notinmask"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1e-4, (1e-4, 1e-4)),
        (1, (1.0, 1.0)),
        ({"generator": 2e-4}, (2e-4, None)),
        ({"discriminator": 1e-3, "generator": 1e-5}, (1e-5, 1e-3)),
        ({}, (None, None)),
        (None, (None, None)),
    ],
)
def test_a_learning_rate_of_both_networks_or_of_each(experiment, value, expected):
    rates = experiment(learning_rate=value).rates
    assert (rates["generator"], rates["discriminator"]) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("all", list(METRICS)), (["SSIM"], ["SSIM"]), (["RMSE", "SAM", "RMSE"], ["RMSE", "SAM"])],
)
def test_metrics_are_all_or_those_named_each_once(experiment, value, expected):
    assert experiment(metrics=value).metrics == expected


@pytest.mark.parametrize("value", ["all", 3])
def test_checkpoints_to_keep(experiment, value):
    assert experiment(keep_checkpoints=value).keep_checkpoints == value


def test_a_model_may_be_named_with_the_suffix_of_its_file(experiment):
    assert experiment(model_name="aris-a.py").model_name == "aris-a"


def test_a_dataset_may_be_in_a_folder(experiment):
    assert experiment(dataset="arctic/alt12").dataset == "arctic/alt12"


def test_saved_settings_are_loaded_unchanged(experiment, tmp_path):
    settings = experiment(gen_loss={"gen_ssim": 5}, learning_rate=1e-4, metrics=["PSNR"], enforce_suffix="a")
    path = tmp_path / "run.json"
    path.write_text(json.dumps(settings.model_dump(mode="json")))
    assert load(path, ExperimentFile).model_dump() == settings.model_dump()


def test_every_key_is_documented():
    for schema in (ExperimentFile, EnvironmentFile):
        undocumented = [name for name, field in schema.model_fields.items() if not field.description]
        assert undocumented == []

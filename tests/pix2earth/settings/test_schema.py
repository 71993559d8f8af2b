"""Defaults as documented, and what the published program makes of losses that an experiment leaves out."""

import json

import pytest

from losses import DISCRIMINATOR_LOSSES, GENERATOR_LOSSES
from metrics import METRICS
from pix2earth.settings.schema import EnvironmentFile, ExperimentFile
from pix2earth.settings.validation import load


@pytest.fixture
def experiment(tmp_path):
    """Return a function that loads an experiment of a model and these keys."""

    def loaded(**keys) -> ExperimentFile:
        path = tmp_path / "experiment.json"
        path.write_text(json.dumps({"model_name": "pix2pix", **keys}))
        return load(path, ExperimentFile)

    return loaded


def test_defaults_of_an_experiment(experiment):
    # Those of the published program where it has the key; random_rotate as its documents, not its code, say.
    wanted = {
        "params": {}, "precision": "float32", "dataset": "curated", "tilesize": 256, "img_height": 256,
        "img_width": 256, "normalize": "symmetric", "fold_dates": False, "random_resize": 1.11, "random_rotate": True,
        "random_mirror": True, "shuffle": True, "exclude_suffix": None, "enforce_suffix": None, "sample_train": None,
        "sample_val": None, "batch_size": 16, "steps": 40000, "seed": 0, "deterministic": False, "jit_compile": False,
        "metrics": list(METRICS), "best_metric": "PSNR", "sample_freq": None, "ckpt_freq": None,
        "validate_freq": None, "keep_checkpoints": None, "model_name": "pix2pix",
        "learning_rate": {"generator": None, "discriminator": None},
    }  # fmt: skip
    found = experiment().model_dump()
    assert {key: found.get(key, "absent") for key in wanted} == wanted
    assert set(found) == set(wanted) | {"gen_loss", "disc_loss"}


def test_defaults_of_an_environment():
    assert EnvironmentFile().model_dump() == {
        "environment": "local", "project_root": None, "data_root": "data", "experiment_root": "experiments",
        "s2_root": None, "s3_root": None, "sample_freq": 1000, "ckpt_freq": 5000, "validate_freq": None,
        "keep_checkpoints": "all", "models_root": [], "max_shuffle_buffer": 500, "distribution": "none",
        "legacy_keras": False,
    }  # fmt: skip


PUBLISHED = ("gen_gan", "gen_nll", "gen_l1", "gen_l2", "gen_rmse", "gen_wstein")


def test_default_losses_are_the_published_ones(experiment):
    found = experiment()
    weights = {"gen_gan": 1, "gen_nll": 0, "gen_l1": 100, "gen_l2": 0, "gen_rmse": 0, "gen_wstein": 0}
    assert {name: found.gen_loss[name] for name in PUBLISHED} == weights
    assert (found.disc_loss["disc_bce"], found.disc_loss["disc_nll"]) == (1, 0)


@pytest.mark.parametrize("given", [{}, {"gen_loss": {"gen_l2": 3}}])
def test_every_loss_has_an_entry_and_new_ones_are_not_computed_unless_asked_for(experiment, given):
    found = experiment(**given)
    assert set(found.gen_loss) == set(GENERATOR_LOSSES)
    assert set(found.disc_loss) == set(DISCRIMINATOR_LOSSES)
    unasked = set(GENERATOR_LOSSES) - set(PUBLISHED)
    assert "gen_ssim" in unasked
    assert {found.gen_loss[name] for name in unasked} == {None}
    assert {found.disc_loss[name] for name in set(DISCRIMINATOR_LOSSES) - {"disc_bce", "disc_nll"}} == {None}


def test_given_losses_replace_the_default_as_a_whole(experiment):
    found = experiment(gen_loss={"gen_ssim": 50}, disc_loss={"disc_nll": 2})
    assert {name: found.gen_loss[name] for name in PUBLISHED} == dict.fromkeys(PUBLISHED, 0)
    assert found.gen_loss["gen_ssim"] == 50
    assert (found.disc_loss["disc_bce"], found.disc_loss["disc_nll"]) == (0, 2)


def test_null_and_zero_stay_what_they_are(experiment):
    found = experiment(gen_loss={"gen_gan": None, "gen_ssim": 0, "gen_l1": 1}).gen_loss
    assert found["gen_gan"] is None
    assert found["gen_ssim"] == 0


def test_the_defaults_of_one_experiment_are_not_those_of_the_next(experiment):
    experiment().gen_loss["gen_l1"] = 7
    assert experiment().gen_loss["gen_l1"] == 100


@pytest.mark.parametrize("key", ["enforce_suffix", "enfore_suffix"])
def test_the_documented_misspelling_is_accepted(experiment, key):
    assert experiment(**{key: "notinmask"}).enforce_suffix == "notinmask"


@pytest.mark.parametrize(
    ("given", "rates"),
    [
        (1e-4, (1e-4, 1e-4)),
        (1, (1.0, 1.0)),
        ({"generator": 2e-4}, (2e-4, None)),
        ({"discriminator": 1e-3, "generator": 1e-5}, (1e-5, 1e-3)),
        ({}, (None, None)),
        (None, (None, None)),
    ],
)
def test_a_learning_rate_of_both_networks_or_of_each(experiment, given, rates):
    found = experiment(learning_rate=given).learning_rate
    assert (found.generator, found.discriminator) == rates


@pytest.mark.parametrize(
    ("given", "chosen"),
    [("all", list(METRICS)), (["SSIM"], ["SSIM"]), (["RMSE", "SAM", "RMSE"], ["RMSE", "SAM"])],
)
def test_metrics_are_all_or_those_named_each_once(experiment, given, chosen):
    assert experiment(metrics=given).metrics == chosen


@pytest.mark.parametrize("given", ["all", 3])
def test_checkpoints_to_keep(experiment, given):
    assert experiment(keep_checkpoints=given).keep_checkpoints == given


def test_the_image_is_as_large_as_the_tile_unless_said_otherwise(experiment):
    found = experiment(tilesize=128, img_width=64)
    assert (found.img_height, found.img_width) == (128, 64)


def test_a_model_may_be_named_with_its_ending(experiment):
    assert experiment(model_name="aris-a.py").model_name == "aris-a"


def test_a_dataset_may_lie_in_a_folder(experiment):
    assert experiment(dataset="arctic/alt12").dataset == "arctic/alt12"


def test_what_is_saved_reads_as_the_same(experiment, tmp_path):
    found = experiment(gen_loss={"gen_ssim": 5}, learning_rate=1e-4, metrics=["PSNR"], enforce_suffix="a")
    path = tmp_path / "run.json"
    path.write_text(json.dumps(found.model_dump(mode="json")))
    assert load(path, ExperimentFile) == found


def test_every_key_is_documented():
    for schema in (ExperimentFile, EnvironmentFile):
        undocumented = [name for name, field in schema.model_fields.items() if not field.description]
        assert undocumented == []

"""The identity of a run: what it holds, which differences are found, and which runs share it."""

import copy
import json

import pytest

from pix2earth.batches.dataset import Dataset
from pix2earth.plugins import finding
from pix2earth.runs import former_runs, identity, treatments
from pix2earth.settings.errors import UserError


@pytest.fixture
def described(tiny_root, open_tiny):
    experiment = open_tiny(tiny_root)
    return identity.describe(experiment, Dataset(experiment).listing, finding.find(experiment))


def test_it_is_json_and_leaves_out_what_shapes_no_number(described):
    assert json.loads(json.dumps(described)) == described
    assert not {"seed", "steps", "metrics", "sample_freq"} & described["settings"].keys()
    assert described["seed"] == 0 and described["plugin"]["name"] == "template" and described["plugin"]["shipped"]
    assert described["dataset"]["fields"]["target"]["valid_range"] == [0.0, 1.0]
    assert described["dataset"]["roles"]["mask"] == "cloud_mask"


def test_an_identity_does_not_differ_from_itself(described):
    assert identity.differences(described, described) == []


@pytest.mark.parametrize(
    ("change", "part", "key"),
    [
        (lambda one: one["settings"].update(params={}), "network", "params"),
        (lambda one: one["settings"].update(batch_size=9), "data", "batch_size"),
        (lambda one: one["settings"].update(gen_loss={}), "training", "gen_loss"),
        (lambda one: one.update(seed=4), "seed", "seed"),
        (lambda one: one["plugin"].update(sha256="x", shipped=False), "plug-in", "plug-in 'template'"),
        (lambda one: one["toolkit"].clear(), "toolkit", "layers/__init__.py"),
        (lambda one: one["dataset"].update(fingerprint="sha256:x"), "dataset", "fingerprint"),
        (lambda one: one["dataset"]["roles"].update(mask=None), "manifest", "role mask"),
        (lambda one: one["dataset"]["fields"]["target"].update(scale=2.0), "manifest", "target.scale"),
        (lambda one: one["dataset"]["fields"].pop("cloud_mask"), "manifest", "field cloud_mask"),
        (lambda one: one["dataset"].update(input_mask="cloud_mask"), "manifest", "input_mask"),
        (lambda one: one["dataset"].update(degradation={"kind": "average", "factor": 2}), "manifest", "degradation"),
        (lambda one: one["dataset"]["fields"]["target"].update(transform={}), "manifest", "target.transform"),
        (lambda one: one["settings"].update(dataset="renamed"), "name", "dataset"),
        (lambda one: one.update(augmentation=1), "treatment", "augmentation"),
        (lambda one: one.update(missing=1), "treatment", "missing"),
    ],
)
def test_every_part_that_differs_is_found(described, change, part, key):
    recorded = copy.deepcopy(described)
    change(recorded)
    found = identity.differences(recorded, described)
    assert found and (found[0].part, found[0].key) == (part, key)


def test_keys_that_are_newer_than_a_run_were_null_in_it(described):
    recorded = copy.deepcopy(described)
    for key in ("schedule", "clip_norm", "ema", "label_smoothing"):
        del recorded["settings"][key]
    for loss in ("gen_sam", "gen_tv"):
        del recorded["settings"]["gen_loss"][loss]
    assert identity.differences(recorded, described) == []
    assert identity.without_seed(recorded) == identity.without_seed(described)
    described["settings"]["ema"] = 0.9
    (found,) = identity.differences(recorded, described)
    assert (found.part, found.key, found.was, found.current) == ("network", "ema", None, 0.9)


def test_a_degradation_is_compared_where_it_was_recorded(tiny_root, open_tiny, described):
    path = tiny_root / "data" / "tiny" / "64" / "dataset.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "degradation": {"kind": "gaussian", "factor": 2, "fwhm": 2.5}}))
    experiment = open_tiny(tiny_root)
    now = identity.describe(experiment, Dataset(experiment).listing, finding.find(experiment))
    assert now["dataset"]["degradation"] == {"kind": "gaussian", "factor": 2, "fwhm": 2.5}
    assert identity.differences(described, now) == []
    assert identity.without_seed(described) == identity.without_seed(now)
    other = copy.deepcopy(now)
    other["dataset"]["degradation"]["fwhm"] = 3.0
    assert [found.key for found in identity.differences(now, other)] == ["degradation"]


SYNTHETIC = {"positions": [[1]], "masks": "synthetic"}


def test_what_is_hidden_is_compared(tiny_root, open_tiny, described):
    def now(**settings):
        experiment = open_tiny(tiny_root, **settings)
        return identity.describe(experiment, Dataset(experiment).listing, finding.find(experiment))

    hidden = now(occlusion=SYNTHETIC)
    found = identity.differences(described, hidden)
    assert ("data", "occlusion", None) in [(each.part, each.key, each.was) for each in found]
    assert identity.without_seed(hidden) != identity.without_seed(described)
    assert identity.differences(hidden, now(occlusion=SYNTHETIC)) == []
    more = now(occlusion=SYNTHETIC | {"cloud_range": [0.1, 1.0]})
    keys = [(each.part, each.key) for each in identity.differences(hidden, more)]
    assert keys == [("data", "occlusion"), ("manifest", "occlusion")]
    assert identity.without_seed(hidden) != identity.without_seed(more)


def test_other_records_of_masks_are_found(tiny_root, open_tiny):
    experiment = open_tiny(tiny_root, occlusion={"positions": [[1]], "masks": "tiny"})
    before = identity.describe(experiment, Dataset(experiment).listing, finding.find(experiment))
    after = copy.deepcopy(before)
    after["dataset"]["occlusion"]["fingerprint"] = "sha256:x"
    (found,) = identity.differences(before, after)
    assert (found.part, found.key, found.current) == ("dataset", "fingerprint of the masks", "sha256:x")
    del after["dataset"]["occlusion"]["fingerprint"]  # a scene is predicted without the masks
    assert identity.differences(before, after) == []


def test_runs_without_the_new_keys_hid_nothing(described):
    recorded = copy.deepcopy(described)
    for key in ("occlusion", "training_length"):
        del recorded["settings"][key]
    assert identity.differences(recorded, described) == []
    described["settings"]["training_length"] = 400
    (found,) = identity.differences(recorded, described)
    assert (found.part, found.key, found.was, found.current) == ("data", "training_length", None, 400)


def test_runs_from_before_bands_were_standardised_did_not_standardise(described):
    recorded = copy.deepcopy(described)
    del recorded["settings"]["start_standardize"]
    assert identity.differences(recorded, described) == [], "without a start, it has no effect"
    for one in (recorded, described):
        one["settings"]["start_from"] = "bicubic"
    (found,) = identity.differences(recorded, described)
    assert (found.part, found.key, found.was, found.current) == ("network", "start_standardize", False, True)


def test_one_learning_rate_equals_the_same_rate_for_both_networks(described):
    recorded = copy.deepcopy(described)
    described["settings"]["learning_rate"] = 1e-3
    recorded["settings"]["learning_rate"] = {"generator": 1e-3, "discriminator": 1e-3}  # as former versions recorded it
    assert identity.differences(recorded, described) == []
    assert identity.without_seed(recorded) == identity.without_seed(described)
    recorded["settings"]["learning_rate"]["discriminator"] = 1e-4
    assert [found.key for found in identity.differences(recorded, described)] == ["learning_rate"]


def test_another_version_of_the_augmentation_is_another_row_and_a_change_where_tiles_are_resized(described):
    recorded = copy.deepcopy(described)
    recorded["augmentation"] = 1
    (line,) = identity.changed(recorded, described, 4)["changes"]
    assert line == (
        "step 4: augmentation: was version 1, is version 2; before version 2, the last row or column of some resized"
        " tiles was 0"
    )
    assert identity.without_seed(recorded) != identity.without_seed(described)
    del recorded["augmentation"]  # as it was recorded for some time
    (found,) = identity.differences(recorded, described)
    assert str(found).startswith("augmentation: was of a version that was not recorded, is version 2; before")
    for one in (recorded, described):
        one["settings"]["random_resize"] = 1.0
    assert identity.differences(recorded, described) == []
    assert identity.without_seed(recorded) == identity.without_seed(described)


@pytest.mark.parametrize("how", ["itself", "imported"])
def test_a_run_of_residual_upsampler_from_before_it_excluded_resizing_is_another_row(described, how):
    recorded = copy.deepcopy(described)
    del recorded["exclusion"]
    assert identity.without_seed(recorded) == identity.without_seed(described), "it is another plug-in"
    for one in (recorded, described):
        if how == "itself":
            one["settings"]["model_name"] = "residual_upsampler"
        else:
            one["toolkit"]["models/residual_upsampler.py"] = "sha256"
    (found,) = identity.differences(recorded, described)
    assert str(found) == (
        "exclusion: was version 1, is version 2; before version 2, residual_upsampler was trained on tiles that are"
        " resized at random"
    )
    assert identity.without_seed(recorded) != identity.without_seed(described)
    resumed = treatments.continued(recorded, described)
    assert treatments.is_former(resumed) and not treatments.is_former(described)
    assert identity.differences(recorded, resumed) == [] and "changes" not in identity.changed(recorded, resumed, 4)
    assert identity.without_seed(recorded) == identity.without_seed(resumed)
    assert identity.differences(recorded, recorded) == [], "of two runs from before"
    assert [found.key for found in identity.differences(described, recorded)] == ["exclusion"]
    for one in (recorded, described):
        one["settings"]["random_resize"] = 1.0
    assert identity.differences(recorded, described) == []


def test_identities_of_former_versions_are_compared_with_each_other(described):
    former = copy.deepcopy(described)
    del former["missing"], former["augmentation"]
    assert identity.differences(former, former) == []
    assert {str(found).partition(";")[0] for found in identity.differences(described, former)} == {
        f"{name}: was version 2, is of a version that was not recorded" for name in ("missing", "augmentation")
    }


def test_parts_that_were_not_recorded_are_no_differences(described):
    assert identity.differences({}, described) == []
    assert (
        former_runs.not_recorded({})
        and former_runs.not_recorded({"version": 0})
        and not former_runs.not_recorded(described)
    )


def test_runs_with_other_seeds_names_and_versions_of_the_toolkit_are_repetitions(described):
    other = copy.deepcopy(described)
    other["seed"], other["toolkit"] = 7, {}
    other["settings"]["dataset"] = other["dataset"]["name"] = "renamed"
    assert identity.without_seed(other) == identity.without_seed(described)
    other["settings"]["batch_size"] = 9
    assert identity.without_seed(other) != identity.without_seed(described)


def test_a_resumed_run_keeps_all_changes(described):
    recorded = copy.deepcopy(described)
    recorded["settings"]["batch_size"] = 9
    recorded["changes"] = ["step 2: seed: was 1, is 0 (seed)"]
    changed = identity.changed(recorded, described, 6)
    assert changed["changes"] == ["step 2: seed: was 1, is 0 (seed)", "step 6: batch_size: was 9, is 4 (data)"]
    assert identity.without_seed(changed) != identity.without_seed(described)
    assert "changes" not in identity.changed(described, described, 6)


def test_a_refusal_names_every_difference_and_the_option(described):
    recorded = copy.deepcopy(described)
    recorded["settings"]["batch_size"] = 9
    with pytest.raises(UserError) as error:
        identity.refuse(identity.differences(recorded, described), "ckpt-4", "--force")
    assert error.value.lines == (
        "ckpt-4: batch_size: was 9, is 4 (data)", "ckpt-4: change that back, or use --force",
    )  # fmt: skip
    identity.refuse([], "ckpt-4", "--force")


def test_a_former_run_has_what_its_run_json_recorded(tmp_path, described):
    plugin = tmp_path / "mine.py"
    plugin.write_text("x = 1\n")
    run = {
        "settings": {"batch_size": 4, "steps": 9, "seed": 0}, "dataset": {"name": "tiny", "fingerprint": "sha256:x"},
        "plugin": {"sha256": "0" * 64},
    }  # fmt: skip
    recorded = former_runs.of_former_run(run, plugin)
    assert recorded["settings"] == {"batch_size": 4} and identity.settings_of(recorded) == {"batch_size": 4, "seed": 0}
    current = {**described, "plugin": {"name": "mine", "sha256": "1", "shipped": False}}
    assert [difference.part for difference in identity.differences(recorded, current)] == [
        "plug-in", "dataset", "treatment",
    ]  # fmt: skip
    recorded["settings"]["random_resize"] = 1.11
    assert [difference.part for difference in identity.differences(recorded, current)] == [
        "plug-in", "dataset", "treatment", "treatment",
    ]  # fmt: skip
    del recorded["settings"]["random_resize"]
    current["plugin"]["shipped"] = True  # every byte was compared, also comments
    assert [difference.part for difference in identity.differences(recorded, current)] == [
        "toolkit", "dataset", "treatment",
    ]  # fmt: skip

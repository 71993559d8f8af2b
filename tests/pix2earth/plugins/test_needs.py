"""What a plug-in needs is compared with the dataset before anything is imported."""

import pytest

from experiment import PROJECT
from pix2earth.plugins import needs
from pix2earth.records.manifest import Field
from pix2earth.settings.errors import UserError

RECURRENT = PROJECT / "docs" / "plug-ins" / "frame_recurrent.py"
IMAGE = Field(dtype="uint16", shape=[8, 8, 2], bands=["a", "b"])
FIELDS = {"input_image": IMAGE, "target": IMAGE}
SEQUENCE = {"sequence": r"(?P<sequence>.+)_t(?P<position>\d+)"}


def test_sequences(experiment_of):
    declared = needs.check(experiment_of(FIELDS, roles=SEQUENCE, tilesize=8), RECURRENT)
    assert declared.literals["sampling"] == "sequences"
    with pytest.raises(UserError, match=r"frame_recurrent\.py: reads sequences, and .*dataset\.json states none"):
        needs.check(experiment_of(FIELDS, tilesize=8), RECURRENT)


def test_single_time_steps_are_not_drawn_out_of_sequences(experiment_of):
    with pytest.raises(UserError, match="sample_train: would take single time steps out of sequences"):
        needs.check(experiment_of(FIELDS, roles=SEQUENCE, tilesize=8, sample_train=3, sample_val=3), RECURRENT)


def test_groups_of_sequences_are_for_models_that_read_sequences(experiment_of):
    needs.check(experiment_of(FIELDS, roles=SEQUENCE, tilesize=8, sequence_groups=3), RECURRENT)
    with pytest.raises(
        UserError, match=r"sequence_groups: is for models that read sequences, which .*pix2pix\.py does"
    ):
        needs.check(experiment_of(FIELDS, tilesize=8, sequence_groups=3), PROJECT / "models" / "pix2pix.py")


def test_an_unknown_sampling(experiment_of, tmp_path):
    plugin = tmp_path / "mine.py"
    plugin.write_text('class GAN:\n    sampling = "pairwise"\n    def train_step(self, target): ...\n')
    with pytest.raises(UserError, match=r"mine\.py: sampling: must be one of pairs, pools, sequences, not 'pairwise'"):
        needs.check(experiment_of(FIELDS, tilesize=8), plugin)


def test_a_mask_of_the_input_that_the_manifest_does_not_name(experiment_of):
    advice = r"gapfill\.py: train_step\(\) asks for 'input_mask'; state 'input_mask' in dataset\.json, the mask of what"
    with pytest.raises(UserError, match=advice):
        needs.check(experiment_of(FIELDS, tilesize=8), PROJECT / "models" / "gapfill.py")
    mask = Field(dtype="uint8", shape=[8, 8, 1], kind="mask", bands=["gap"])
    fields = FIELDS | {"gaps": mask}
    needs.check(experiment_of(fields, roles={"input_mask": "gaps"}, tilesize=8), PROJECT / "models" / "gapfill.py")

"""A dataset as an experiment with occlusion sees it: fields, roles and pools, and the dataset of its masks."""

import json

import numpy as np
import pytest

from experiment import Environment, open_experiment
from pix2earth.records.format import read
from pix2earth.records.listing import Listing
from pix2earth.records.loading import load_manifest
from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.records.writer import DatasetWriter
from pix2earth.runs import identity
from pix2earth.settings.errors import UserError

SIDE = 8
STACK = Field(
    dtype="int16", shape=[3, SIDE, SIDE, 2], bands=["B02", "B03"], scale=1e-4, nodata=-9999, valid_range=(0.0, 1.0)
)
MASK = Field(dtype="uint8", shape=[SIDE, SIDE, 1], kind="mask", bands=["hidden"])
MASKS = Field(dtype="uint8", shape=[3, SIDE, SIDE, 1], kind="mask", bands=["hidden"])
SYNTHETIC = {"positions": [[1], [3]], "masks": "synthetic"}


@pytest.fixture
def seen(experiment_of):
    """``seen(fields, roles=None, **occlusion)``: the manifest as an experiment with an occlusion sees it."""

    def opened(fields, roles=None, **occlusion):
        return experiment_of(fields, roles=roles, tilesize=SIDE, occlusion=SYNTHETIC | occlusion).manifest

    return opened


def roles_of(manifest):
    return {role: getattr(manifest, role) for role in ("input", "target", "mask", "score_by", "input_mask")}


def test_the_input_is_described_as_the_target_and_the_mask_scores(seen):
    manifest = seen({"chip": STACK}, {"input": "chip", "target": "chip"})
    assert manifest.fields["input_image"] == manifest.fields["chip"] == STACK
    assert manifest.fields["cloud_mask"].shape == [3, SIDE, SIDE, 1]
    assert roles_of(manifest) == {
        "input": "input_image", "target": "chip", "mask": None, "score_by": "cloud_mask", "input_mask": "cloud_mask",
    }  # fmt: skip
    assert manifest.as_stored.fields == {"chip": STACK} and manifest.as_stored.occlusion is None
    assert manifest.occlusion.settings.positions == [[1], [3]]


def test_what_the_records_hold_as_input_is_replaced(seen):
    narrow = STACK.model_copy(update={"shape": [SIDE, SIDE, 2]})
    manifest = seen({"input_image": narrow, "target": STACK, "cloud_mask": MASK}, {"score_by": None})
    assert manifest.fields["input_image"] == STACK and manifest.fields["cloud_mask"].time_steps == 3
    assert list(manifest.fields) == ["input_image", "target", "cloud_mask"]


@pytest.mark.parametrize("mask", [MASK, MASKS])
def test_the_targets_own_mask_and_a_target_of_that_name_are_renamed(seen, mask):
    roles = {"input": "input_image", "target": "input_image", "mask": "cloud_mask"}
    manifest = seen({"input_image": STACK, "cloud_mask": mask}, roles)
    assert roles_of(manifest) == {
        "input": "input_image", "target": "stored_input_image", "mask": "stored_cloud_mask",
        "score_by": "cloud_mask", "input_mask": "cloud_mask",
    }  # fmt: skip
    assert manifest.fields["stored_cloud_mask"] == mask and manifest.fields["stored_input_image"] == STACK


def test_pools_hold_what_is_made_beside_the_target(seen):
    fields = {"input_image": STACK, "target": STACK, "cloud_mask": MASK}
    manifest = seen(fields, {"pools": {"clear": ["target"], "cloudy": ["input_image"], "hole": ["cloud_mask"]}})
    assert manifest.pools == {"clear": ["target", "input_image", "cloud_mask"], "cloudy": [], "hole": []}


def test_the_same_as_without_where_there_is_none(experiment_of):
    manifest = experiment_of({"input_image": STACK, "target": STACK}, tilesize=SIDE).manifest
    assert manifest.occlusion is None and manifest.as_stored is manifest and manifest.input_mask is None


@pytest.mark.parametrize(
    ("fields", "roles", "occlusion", "message"),
    [
        ({"chip": STACK}, {"input": "chip", "target": "chip"}, {"positions": [[1, 4]]},
         r"occlusion\.positions: there is no time step 4: the target 'chip' has 3 time steps, counted from 1"),
        ({"chip": MASK}, {"input": "chip", "target": "chip"}, {},
         "occlusion: hides parts of images, and the target 'chip' is of kind mask"),
        ({"chip": STACK}, {"input": "chip", "target": "chip"}, {"masks": "other_time_steps"},
         'occlusion.masks: "other_time_steps" needs a mask of several time steps in the records'),
        ({"chip": STACK, "cloud_mask": MASK}, {"input": "chip", "target": "chip", "mask": "cloud_mask"},
         {"masks": "other_time_steps"}, "needs a mask of several time steps"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_dataset_is_one_line(seen, tmp_path, fields, roles, occlusion, message):
    with pytest.raises(UserError, match=message) as caught:
        seen(fields, roles, **occlusion)
    (line,) = caught.value.lines
    assert line.startswith(f"{tmp_path}/experiments/made/experiment.json: occlusion")


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ({"mask": "cloud_mask"}, ("cloud_mask", True, True)),
        ({"score_by": "cloud_mask"}, ("cloud_mask", False, True)),
        ({"input_mask": "cloud_mask"}, ("cloud_mask", False, False)),
        ({}, ("cloud_mask", False, True)),
    ],
)
def test_masks_of_time_steps_are_those_that_the_manifest_names(seen, roles, expected):
    fields = {"input_image": STACK, "target": STACK, "cloud_mask": MASKS}
    assert seen(fields, roles, masks="other_time_steps").occlusion.source == expected


class TestMasksOfADataset:
    @pytest.fixture
    def root(self, tmp_path):
        self.write(tmp_path, "chips", {"chip": STACK}, {"input": "chip", "target": "chip"})
        self.write(tmp_path, "clouds", {"cloud_mask": MASK}, {"input": "cloud_mask", "target": "cloud_mask"})
        (tmp_path / "environment.json").write_text('{"data_root": "data", "experiment_root": "experiments"}')
        return tmp_path

    @staticmethod
    def write(root, name, fields, roles, *, size=SIDE):
        manifest = Manifest(name=name, tilesize=size, fields=fields, split=Split(method="by hand"), **roles)
        with DatasetWriter(root / "data", manifest) as writer:
            for split in ("train", "val"):
                for number in range(2):
                    arrays = {key: np.full(field.shape, number, field.dtype) for key, field in fields.items()}
                    writer.write(split, f"{split}{number}", arrays)

    def listing(self, root, masks, **settings):
        folder = root / "experiments" / "x"
        folder.mkdir(parents=True, exist_ok=True)
        content = {"model_name": "gapfill", "dataset": "chips", "tilesize": SIDE, **settings}
        content["occlusion"] = {"positions": [[1]], "masks": masks}
        (folder / "experiment.json").write_text(json.dumps(content))
        experiment = open_experiment("x", Environment(root / "environment.json"), "a")
        return Listing(root / "data" / "chips" / str(SIDE), experiment.manifest)

    def test_are_found_by_name_and_are_part_of_the_identity(self, root):
        listing = self.listing(root, "clouds")
        assert listing.masks.folder == root / "data/clouds/8" and listing.masks.names("train") == ["train0", "train1"]
        described = identity.dataset(listing)
        assert described["occlusion"]["fingerprint"] == listing.masks.fingerprint
        assert "fingerprint" not in identity.dataset(listing, records=False)["occlusion"]
        assert self.listing(root, "synthetic").masks is None

    def test_a_name_that_does_not_exist_is_corrected(self, root):
        for wrong, right in (("cluods", "clouds"), ("synthetc", "synthetic"), ("other_timesteps", "other_time_steps")):
            with pytest.raises(UserError) as caught:
                _ = self.listing(root, wrong).masks
            (line,) = caught.value.lines
            assert f"occlusion.masks: there is no dataset '{wrong}' in {root / 'data'}; did you mean '{right}'?" in line

    def test_masks_of_another_size_and_datasets_without_a_mask_are_refused(self, root):
        large = MASK.model_copy(update={"shape": [16, 16, 1]})
        self.write(root, "large", {"cloud_mask": large}, {"input": "cloud_mask", "target": "cloud_mask"}, size=16)
        with pytest.raises(UserError, match=r"masks of .*large/16 have 16 x 16 pixels, and the target has 8 x 8"):
            _ = self.listing(root, "large").masks
        with pytest.raises(UserError, match=r"'chips' has no mask \(fields: chip\); name another"):
            _ = self.listing(root, "chips").masks
        both = {"shade": MASK, "haze": MASK}
        self.write(root, "two", both, {"input": "shade", "target": "haze"})
        with pytest.raises(UserError, match="'two' has several masks: shade, haze; state one as input_mask"):
            _ = self.listing(root, "two").masks

    def test_the_folder_of_the_experiments_tile_size_is_preferred(self, root):
        other = MASK.model_copy(update={"shape": [16, 16, 1]})
        self.write(root, "clouds", {"cloud_mask": other}, {"input": "cloud_mask", "target": "cloud_mask"}, size=16)
        assert self.listing(root, "clouds").masks.folder.name == "8"

    def test_records_are_read_with_the_fields_that_they_have(self, root):
        listing = self.listing(root, "clouds")
        arrays, metadata = read(listing.path("train", "train1"), listing.manifest)
        assert list(arrays) == ["chip"] and (arrays["chip"] == 1).all() and metadata["name"] == "train1"
        stored = load_manifest(listing.folder, "chips")
        assert listing.manifest.as_stored.fields == stored.fields

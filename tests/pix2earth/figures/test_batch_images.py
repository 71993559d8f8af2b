"""Sample images of every batch of a split."""

import matplotlib.image
import numpy as np
import pytest
import tensorflow as tf

from pix2earth.figures import batch_images, sample_image
from pix2earth.records.manifest import Field
from pix2earth.scoring.scorer import Scorer
from pix2earth.settings.errors import UserError

BANDS = ["B02", "B03", "B04"]
SOURCE = Field(dtype="float32", shape=[16, 16, 4], bands=[*BANDS, "B08"])
TARGET = Field(dtype="float32", shape=[16, 16, 3], bands=BANDS)
COUNT, BATCH = 8, 6


@pytest.fixture
def scorer(dataset_of, manifest_of, namespace, tmp_path):
    """A generator that copies the first three bands, and eight samples."""
    random = np.random.default_rng(4)
    data = {
        f"tile{index}": {
            name: random.uniform(0, 1, field.shape).astype(np.float32)
            for name, field in (("input_image", SOURCE), ("target", TARGET))
        }
        for index in range(COUNT)
    }
    gan = namespace(generator=lambda image, training: tf.identity(image[..., :3]))
    dataset = dataset_of(manifest_of(SOURCE, TARGET), data, batch_size=BATCH, normalize="none")
    return Scorer(dataset, gan, tmp_path / "mine.py", ["PSNR"])


@pytest.fixture
def drawn(monkeypatch):
    """The arguments of every call of `sample_image.draw`, which is replaced."""
    calls = []
    monkeypatch.setattr(sample_image, "draw", lambda *arguments, **options: calls.append(arguments))
    return calls


def test_a_figure_shows_five_tiles_of_a_batch_or_all_of_a_smaller_one(scorer):
    paths = batch_images.draw(scorer, "val", 3)
    assert [path.name for path in paths] == ["0.png", "1.png"]
    assert paths[0].parent == scorer.experiment.output.folder / "test" / scorer.experiment.TIMESTAMP
    heights = [matplotlib.image.imread(path).shape[0] for path in paths]
    assert heights[0] - heights[1] > 3 * 300  # three rows more, of five columns


def test_every_batch_starts_where_the_previous_one_ends(scorer, drawn):
    batch_images.draw(scorer, "val", 3, tiles=1)
    assert [call[1] for call in drawn] == [["tile0"], ["tile6"]]
    assert drawn[1][4] == "small_0101-0000, step 3, val, batch 1"
    images = drawn[1][2]
    np.testing.assert_allclose(images.inputs[..., :3], images.predictions)
    np.testing.assert_allclose(images.baselines, images.predictions)  # a copy of the input is the baseline
    error = ((images.targets - images.predictions) ** 2).mean()
    assert images.scores["prediction"]["PSNR"] == pytest.approx([-10 * np.log10(error)], abs=1e-3)


def test_images_of_a_longer_split_are_removed(scorer):
    stale = scorer.experiment.output.test_images / "7.png"
    stale.parent.mkdir(parents=True)
    stale.touch()
    batch_images.draw(scorer, "val", 3, tiles=1)
    assert sorted(path.name for path in stale.parent.iterdir()) == ["0.png", "1.png"]


def test_other_bands_can_be_shown(scorer, drawn):
    batch_images.draw(scorer, "val", 3, input_rgb=["B08", "B03", "B02"], target_rgb=["B04", "B03", "B02"])
    fields = drawn[0][0].fields
    assert fields["input_image"].rgb_indices == (3, 1, 0) and fields["target"].rgb_indices == (2, 1, 0)
    assert scorer.experiment.manifest.fields["target"].rgb is None
    with pytest.raises(UserError, match="bands of target: there is no 'B8'"):
        batch_images.draw(scorer, "val", 3, target_rgb=["B8"])


def test_columns_are_input_baseline_prediction_target_and_error(monkeypatch, scorer):
    titles = []
    monkeypatch.setattr(sample_image, "draw_rows", lambda rows, columns, *_, **__: titles.append(columns))
    batch_images.draw(scorer, "val", 3)
    assert titles == [["Input", "Copy", "Prediction", "Target", "Error"]] * 2

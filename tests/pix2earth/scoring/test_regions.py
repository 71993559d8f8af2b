"""Scores by region: time steps are scored separately, with the values that NumPy computes."""

import numpy as np
import pytest
import tensorflow as tf

from pix2earth.scoring import regions
from pix2earth.settings.scored_disk import ScoredDisk

RANDOM = np.random.default_rng(3)
DISK = {"radius": 0.4}


def test_masks_are_complements_within_the_valid_pixels():
    mask = RANDOM.integers(0, 2, (2, 3, 4, 5, 1)).astype("float32")
    valid = RANDOM.integers(0, 2, (2, 4, 5)).astype(bool)
    masks = regions.masks(tf.constant(mask), 3, regions.by_time_step(tf.constant(valid), 3))
    valid = valid.repeat(3, axis=0)
    inside = mask.reshape(6, 4, 5) > 0
    np.testing.assert_array_equal(masks["inside"], inside & valid)
    np.testing.assert_array_equal(masks["outside"], ~inside & valid)


def test_the_mean_ignores_time_steps_without_a_score():
    scores = tf.constant([1.0, float("nan"), 4.0, float("nan"), float("inf"), float("nan")])
    means = regions.mean_over_time_steps(scores, 3).numpy()
    assert means[0] == 2.5 and np.isnan(means[1])


@pytest.mark.parametrize("fold", [False, True])
def test_scores_by_region(fold, manifest_of, dataset_of, namespace, tmp_path):
    """MAE inside and outside of the gaps of every time step equals NumPy's; the MAE of the whole image too."""
    from pix2earth.records.manifest import Field
    from pix2earth.scoring.scorer import Scorer

    bands = {"bands": ["B02", "B03"], "scale": 1e-4, "valid_range": (0.0, 1.0)}
    stack = Field(dtype="uint16", shape=[3, 8, 8, 2], **bands)
    gap = Field(dtype="uint8", shape=[3, 8, 8, 1], kind="mask", bands=["gap"])
    arrays = {
        "input_image": RANDOM.integers(1, 10000, stack.shape, "uint16"),
        "target": RANDOM.integers(1, 10000, stack.shape, "uint16"),
        "gap": RANDOM.integers(0, 2, gap.shape, "uint8"),
    }
    arrays["gap"][1] = 0  # a time step without gaps has no score inside
    manifest = manifest_of(stack, stack, {"gap": gap}, score_by="gap")
    dataset = dataset_of(manifest, {"tile": arrays}, fold_dates=fold, normalize="none")
    gan = namespace(generator=lambda image, training: image)
    scorer = Scorer(dataset, gan, tmp_path / "mine.py", ["MAE"])
    assert scorer.columns == ["MAE", "MAE.inside", "MAE.outside"]
    (row,) = scorer.rows("val", ["tile"])
    error = np.abs(arrays["input_image"] * 1e-4 - arrays["target"] * 1e-4)
    inside = arrays["gap"][..., 0] > 0
    assert row["MAE"] == pytest.approx(error.mean(), rel=1e-5)
    assert row["MAE.inside"] == pytest.approx(np.mean([error[step][inside[step]].mean() for step in (0, 2)]), rel=1e-5)
    outside = np.mean([error[step][~inside[step]].mean() for step in range(3)])
    assert row["MAE.outside"] == pytest.approx(outside, rel=1e-5)
    assert Scorer(dataset, gan, tmp_path / "mine.py", ["MAE"], regions=False).columns == ["MAE"]


def test_a_disk_covers_the_pixels_with_their_centre_in_it():
    found = regions.disk(ScoredDisk(radius=0.5), (4, 4))
    assert found.astype(int).tolist() == [[0, 1, 1, 0], [1, 1, 1, 1], [1, 1, 1, 1], [0, 1, 1, 0]]
    corner = regions.disk(ScoredDisk(radius=0.25, row=0.0, column=1.0), (8, 4))
    assert np.argwhere(corner).tolist() == [[0, 2], [0, 3], [1, 3]]  # 1.58 of 2 pixels; radii are heights


def test_scores_in_a_disk_in_physical_units(manifest_of, dataset_of, namespace, tmp_path):
    """The network sees log10 of the values; scores are those of the values that it stands for, inside of the disk."""
    from pix2earth.records.manifest import Field
    from pix2earth.scoring.scorer import Scorer

    field = Field(
        dtype="float32", shape=[16, 16, 1], bands=["171"], units="DN", valid_range=(1.0, 1000.0),
        transform={"kind": "log10"},
    )  # fmt: skip
    target = np.exp(RANDOM.uniform(0.5, 6.5, field.shape)).astype("float32")
    image = (target * np.exp(RANDOM.normal(0, 0.1, field.shape))).clip(1, 1000).astype("float32")
    image[:2] = 1.0  # far off, outside of the disk
    dataset = dataset_of(manifest_of(field, field), {"tile": {"input_image": image, "target": target}}, score_disk=DISK)
    gan, metrics = namespace(generator=lambda x, training: x), ["FluxError", "PPE10"]
    scorer = Scorer(dataset, gan, tmp_path / "mine.py", metrics, baseline=False)
    assert scorer.columns == ["FluxError", "PPE10", "FluxError.disk", "PPE10.disk"]
    (row,) = scorer.rows("val", ["tile"])
    inside = np.hypot(*(np.mgrid[:16, :16] + 0.5 - 8)) <= 0.4 * 16
    assert not inside[:2].any()
    for where, suffix in ((np.ones_like(inside), ""), (inside, ".disk")):
        t, p = target[where], image[where]
        assert row[f"FluxError{suffix}"] == pytest.approx(100 * abs(p.sum() / t.sum() - 1), rel=1e-3)
        assert row[f"PPE10{suffix}"] == pytest.approx(100 * np.mean(np.abs(p - t) <= 0.1 * t))

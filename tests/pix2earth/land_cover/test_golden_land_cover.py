"""Pixel series and micro-averaged IoU against what the program of the RSGAN study computes."""

import numpy as np
import pytest

from pix2earth.land_cover.judging import Judge
from pix2earth.land_cover.pixel_series import GENERATED, TRUE, PixelSeries, pixel_features
from tests.golden_files import assert_golden, image, load, paths


@pytest.mark.parametrize("path", paths("rsgan_losses*.npz"))
def test_golden_features_labels_and_jaccard_index(path):
    arrays, _ = load(path)
    frames = {kind: image(arrays[f"in/fn_{name}"]) for kind, name in ((GENERATED, "estimated"), (TRUE, "target"))}
    labels = arrays["in/fn_annotation"][0]
    everywhere = np.ones(labels.shape, bool)
    np.testing.assert_array_equal(pixel_features(frames[GENERATED], everywhere), arrays["out/fn_features_estimated"])
    np.testing.assert_array_equal(labels[everywhere], arrays["out/fn_labels"])
    series = PixelSeries("series", labels, everywhere, frames)
    for kind, name in ((GENERATED, "estimated"), (TRUE, "target")):
        predicted = arrays[f"in/fn_pred_{name}"][arrays["out/fn_labels"] != 0]  # background is not judged
        judge = Judge(lambda features, found=predicted: found, np.unique(labels[labels != 0]).tolist(), None)
        judge.add(series)
        found = judge.result()["frames"][kind]["iou_micro"]
        assert_golden(found, arrays[f"out/fn_jaccard_{name}"], name, 1e-9)

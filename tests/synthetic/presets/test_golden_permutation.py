"""The preset series_study has the splits of the RSGAN study, as its golden file has them."""

import numpy as np
import pytest

from synthetic.presets import datasets
from synthetic.presets.permutation import permutation
from tests.golden_files import load, paths

SEED = 73
"""Of every split of the study."""


@pytest.fixture(params=paths("rsgan_losses*.npz"))
def arrays(request):
    return load(request.param)[0]


def test_golden_permutation_of_the_series(arrays):
    expected = arrays["out/fn_split_permutation_250"]
    np.testing.assert_array_equal(permutation(len(expected), SEED), expected)


def test_golden_splits_of_the_preset(arrays):
    """Each split holds the scenes that the study's series of the same numbers would be."""
    study = datasets.load(datasets.FILES / "series_study.yaml", "default")
    frames = [getattr(study.scenes, split) * study.dates for split in ("train", "val", "test")]
    assert frames == arrays["out/fn_split_lengths_7500"].tolist()
    drawn = permutation(study.scenes.total, study.permutation_seed)
    members = {split: [] for split in ("train", "val", "test")}
    for position in range(study.scenes.total):
        members[datasets.split_of(study, position)].append(drawn[position])
    ends = np.cumsum(arrays["out/fn_split_lengths_7500"])[:-1] // study.dates
    for found, expected in zip(members.values(), np.split(arrays["out/fn_split_permutation_250"], ends), strict=True):
        assert found == expected.tolist()

"""Sequences in groups have the order of the RSGAN study's loader, as its golden file has it."""

import pytest
import tensorflow as tf

from pix2earth.batches.sampling import of_groups
from tests.golden_files import load, paths

EVERY = {"train": 3, "val": 5}
"""Distance of the frames that are read of each series."""


@pytest.mark.parametrize("path", paths("rsgan_losses*.npz"))
def test_golden_order_of_recurrent_batches(path):
    arrays, _ = load(path)
    for split in EVERY:
        compare_order(arrays, split)


def compare_order(arrays, split):
    series, batch, horizon = arrays["in/fn_reorder_series_batch_horizon"].tolist()
    frames = {
        f"{number:03d}": [str(number * horizon + time) for time in range(horizon)] for number in range(series)
    }  # fmt: skip
    stream = of_groups(frames, ["target"], seed=0, lanes=batch, every=EVERY[split])
    expected = arrays[f"out/fn_reorder_{split}"]
    located = [stream.order(tf.constant(counter, tf.int64)) for counter in range(2 * expected.size)]
    found = [int(stream.names[int(each["index"])]) for each in located]
    assert found == 2 * expected.tolist()  # the next epoch is in the same order
    starts = [int(each["sequence_start"]) for each in located]
    steps = int(arrays[f"out/fn_reorder_horizon_{split}"])
    assert starts == [int(counter // batch % steps == 0) for counter in range(2 * expected.size)]

"""The model that users copy: it learns, and its error for a wrong image size."""

import pytest

from tests.networks import random_batch


def test_overfits_one_batch(build):
    """L1 decreases by more than 40 % in 25 steps."""
    gan = build("template", 64, learning_rate={"generator": 5e-3}, params={"filters": 16, "blocks": 1})
    batch = random_batch(gan.exp)
    batch["target"] = batch["input_image"][..., :3] * 0.5 + 0.3
    losses = [float(gan.train_step(**batch)["gen_l1"]) for _ in range(25)]
    assert losses[-1] < 0.6 * losses[0]


def test_a_wrong_size_is_an_error_with_both_sides(build):
    with pytest.raises(ValueError, match="multiples of 4, not 62 and 64"):
        build("template", 64, img_height=62)

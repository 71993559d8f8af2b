"""The model that users copy: it learns, and says what it cannot do."""

import pytest


def test_overfits_one_batch(plugin, experiment, batch):
    """L1 falls by more than 40 % in 25 steps."""
    exp = experiment(64, LEARNING_RATE={"generator": 5e-3, "discriminator": None}, PARAMS={"filters": 16, "blocks": 1})
    gan = plugin("template").GAN(exp)
    data = batch(exp)
    data["target"] = data["input_image"][..., :3] * 0.5 + 0.3
    values = [float(gan.train_step(**data)["gen_l1"]) for _ in range(25)]
    assert values[-1] < 0.6 * values[0]


def test_size(plugin, experiment):
    """The message names both sides."""
    with pytest.raises(ValueError, match="multiples of 4, not 62 and 64"):
        plugin("template").GAN(experiment(64, IMG_HEIGHT=62))

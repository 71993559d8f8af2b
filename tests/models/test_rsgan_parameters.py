"""The networks of the RSGAN study have the published numbers of parameters at their published width."""

import numpy as np
import pytest

pytestmark = pytest.mark.slow  # up to 155 million weights


def counts(gan):
    return {
        name: sum(int(np.prod(weight.shape)) for weight in getattr(gan, name).trainable_weights)
        for name in ("generator", "discriminator", "backward", "backward_discriminator")
        if hasattr(gan, name)
    }


@pytest.mark.parametrize(
    ("model", "bands", "expected"),
    [
        ("cgan", (6, 3), {"generator": 155_224_337, "discriminator": 2_772_673}),
        ("cgan_recurrent", (6, 3), {"generator": 155_227_409, "discriminator": 2_772_673}),
        (
            "cyclegan",
            (3, 5),
            {
                "generator": 51_402_643, "discriminator": 2_771_649, "backward": 51_403_537,
                "backward_discriminator": 2_771_649,
            },
        ),
    ],
)  # fmt: skip
def test_published_numbers_of_parameters(model, bands, expected, build_networks):
    gan = build_networks(
        model, 256, bands=bands, gen_loss={"gen_gan": 1, "gen_smooth_l1": 100}, disc_loss={"disc_bce": 1}
    )
    assert counts(gan) == expected

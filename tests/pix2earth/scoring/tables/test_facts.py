"""What names a run in a table: from its settings, and from file names of the original ARISGAN code."""

import pytest

from pix2earth.scoring.tables.facts import FACTS, facts, facts_of_name, mask


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("s5lw_inmask_alt12_aris-a_0314-1500", ["s5lw", "inmask", "alt12", "aris-a", "b16"]),
        ("s5lw_inmask_alt12_tarsgan_b8_0314-1500", ["s5lw", "inmask", "alt12", "tarsgan", "b8"]),
        ("s5lw_inmask_alt12_aris-a_0314-1500-2", ["s5lw", "inmask", "alt12", "aris-a", "b16"]),
        ("l1_all_demo_residual_upsampler_b4_0314-1500", ["l1", "all", "demo", "residual_upsampler", "b4"]),
        ("my_try_0314-1500", ["?", "?", "?", "my_try", "?"]),
    ],
)
def test_facts_of_a_file_name_of_the_original_code(name, expected):
    assert facts_of_name(name) == dict(zip(FACTS, expected, strict=True))


def test_facts_of_settings():
    weights = {"gen_gan": 1.0, "gen_nll": 0.0, "gen_ssim": None, "gen_l1": 100.0}
    settings = {"model_name": "aris-a", "dataset": "sea", "batch_size": 8, "gen_loss": weights}
    assert facts(settings | {"exclude_suffix": "notinmask"}) == {
        "loss": "1 gan + 100 l1", "mask": "inmask", "dataset": "sea", "model": "aris-a", "batch": "b8",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("enforced", "excluded", "name"),
    [
        (None, None, "all"),
        ("notinmask", None, "notinmask"),
        (None, "_notinmask", "inmask"),
        (None, "cloudy", "notcloudy"),
        ("a", "b", "a-notb"),
    ],
)
def test_the_mask_is_named_as_by_the_original_code(enforced, excluded, name):
    assert mask(enforced, excluded) == name

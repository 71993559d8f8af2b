"""Short names of axes and legends."""

from pix2earth.figures.short_names import LETTERS, shortened


def test_short_names_stay():
    assert shortened(["unet_a", "unet_b"]) == {"unet_a": "unet_a", "unet_b": "unet_b"}


def test_what_all_have_in_common_is_left_out_up_to_a_separator():
    names = ["experiments/demo/pix2pix-baseline_0101-0000", "experiments/demo/pix2pix-residual_0101-0000"]
    assert list(shortened(names).values()) == ["baseline", "residual"]


def test_names_are_cut_in_the_middle_and_stay_different():
    names = [f"{letter}{'x' * 60}{number}" for letter in "ab" for number in range(3)]
    found = shortened(names)
    assert len(set(found.values())) == 6 and {len(name) for name in found.values()} == {LETTERS}
    assert all("..." in name for name in found.values())


def test_names_that_differ_in_the_middle_alone_get_more_letters():
    names = ["a" * 40 + "1" + "b" * 40, "a" * 40 + "2" + "b" * 40, "c"]
    assert len(set(shortened(names).values())) == 3


def test_a_name_that_is_the_beginning_of_another():
    assert len(set(shortened(["a-very-long-name-of-a-model-", "a-very-long-name-of-a-model-x"]).values())) == 2


def test_no_names():
    assert shortened([]) == {}

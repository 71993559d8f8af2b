"""Configuration files of ``derive``: errors of steps in one line with file, line, column and key."""

import pytest

from synthetic.schema.derivation import DerivationFile


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("{type: speckle, lookz: 4}", "2:21: unknown key 'steps.0.lookz'; did you mean 'looks'?"),
        ("{type: noise, sigma: 4}", "2:19: unknown key 'steps.0.sigma'; did you mean 'sigma0'?"),
        ("{type: cloud, meen: .4}", "2:19: unknown key 'steps.0.meen'; did you mean 'mean'?"),
        ("{type: resample, factor: 0}", "2:30: steps.0.factor: must be greater than 0, not 0"),
        ("{type: resample}", "2:5: steps.0.factor: is missing; it is required"),
        ("{factor: 3}", "2:5: steps.0: type: is missing; it chooses the kind of the object"),
        ("noise", '2:5: steps.0: must be an object in braces {}, not the string "noise"'),
        ("{type: cloud, mean: 1.5}", "2:25: steps.0.mean: must be less than or equal to 1, not 1.5"),
        ("{type: cloud, limits: [.5, .9]}", "2:5: steps.0: mean 0.35 is outside of limits"),
        ("{type: gain, mul: [1.2, .8]}", "2:5: steps.0: mul must be a range [low, high], not [1.2, 0.8]"),
        ("{type: impulses, proportion: [.1, 2]}",
         "2:5: steps.0: proportion must be a range [low, high] within 0 to 1, not [0.1, 2]"),
        ("{type: impulses, proportion: [.1]}", "2:34: steps.0.proportion.1: is missing; it is required"),
        ("{type: bands, sensor: olci, names: [Oa088]}", "2:5: steps.0: olci has no band 'Oa088'; did you mean 'Oa08'?"),
    ],
)  # fmt: skip
def test_errors_of_steps(error_of, step, expected):
    assert error_of(f"steps:\n  - {step}\n", DerivationFile) == expected


def test_a_type_that_is_no_string_is_an_error(error_of):
    assert error_of("steps:\n  - {type: [cloud]}\n", DerivationFile).startswith("2:5: steps.0")


def test_an_unknown_type_gets_the_nearest_name(error_of):
    line = error_of("steps:\n  - {type: noise}\n  - {type: speckel}\n", DerivationFile)
    assert line.startswith("3:5: steps.1: type: must be one of gain, cloud, ")
    assert line.endswith("(did you mean 'speckle'?), not the string \"speckel\"")

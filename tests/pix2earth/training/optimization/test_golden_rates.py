"""The schedule of the example of CTGAN against the learning rates of the published program."""

import pytest

from experiment import PROJECT
from pix2earth.settings.commented_json import read
from pix2earth.settings.optimization import Schedule
from tests.golden_files import assert_golden, load, paths


@pytest.mark.parametrize("path", paths("ctgan_losses*.npz"))
def test_golden_rates_of_ctgan(path):
    expected = load(path)[0]["out/lr_per_epoch_100"]
    settings = read(PROJECT / "experiments" / "ctgan" / "experiment.json").data
    schedule = Schedule(**settings["schedule"])
    rates = [settings["learning_rate"] * schedule.share(epoch, len(expected)) for epoch in range(len(expected))]
    assert_golden(rates, expected, "lr_per_epoch", 1e-6)

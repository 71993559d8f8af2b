"""The budgets of the tables on synthetic data; separate from the tables, which need TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Example(NamedTuple):
    """A row: a shipped example and its budget.

    Attributes:
        preset: of the synthetic data that it is trained on.
        steps: fixed, so that the table does not depend on the machine.
        source: folder in ``experiments/``; "": that of the row's name.
        changes: keys of ``experiment.json`` that differ from the example.
    """

    preset: str
    steps: int
    source: str = ""
    changes: Mapping[str, Any] = {}


EXAMPLES = {
    "ctgan": Example("cloud_removal", 600),
    "rsgan/cgan": Example("cloud_removal", 4000),
    "gapfill": Example("gap_filling", 3000),
    "pix2pixcc": Example("sar_to_optical", 2000),
    "rsgan/cyclegan": Example("sar_to_optical", 1500),
    "rsgan/cgan_recurrent": Example("series", 4000),
}
"""Published models as their examples have them: about ten minutes each on two cores without a GPU."""

_TRAINING = {"learning_rate": {"generator": 1e-3, "discriminator": 2e-4}, "schedule": {"kind": "cosine", "warmup": 50}}
_L1 = {"gen_gan": 0.003, "gen_l1": 100}


def _started(steps: int, dataset: str, source: str, start: str, gen_loss: Mapping[str, Any], **more: Any) -> Example:
    changes = {"dataset": f"synthetic/{dataset}", "start_from": start, "gen_loss": dict(gen_loss), **_TRAINING, **more}
    return Example(dataset, steps, source, changes)


STARTED = {
    "cloud_removal/masked_unet": _started(
        1000, "cloud_removal", "synthetic/cloud_removal", "linear_fit", {"gen_gan": 0.003}
    ),
    "cloud_removal/cgan": _started(1000, "cloud_removal", "rsgan/cgan", "linear_fit", _L1),
    "cloud_removal/ctgan": _started(
        300, "cloud_removal", "ctgan", "linear_fit", {"gen_lsgan": 0.003, "gen_l1": 100, "gen_gan": None}
    ),
    "gap_filling/dated_unet": _started(
        1500, "gap_filling", "synthetic/gap_filling", "linear_in_time", {"gen_l1": 100, "gen_gan": None}
    ),
    "gap_filling/gapfill": _started(
        1000,
        "gap_filling",
        "gapfill",
        "linear_in_time",
        {"gen_hinge_hidden": 0.003, "gen_l2_hidden": None, "gen_l1": 100, "gen_gan": None},
    ),
    "sar_to_optical/cgan": _started(1500, "sar_to_optical", "rsgan/cgan", "regression", _L1, fold_dates=False),
    "sar_to_optical/pix2pixcc": _started(
        1000, "sar_to_optical", "pix2pixcc", "regression", {"gen_lsgan": 0.003, "gen_l1": 100, "gen_gan": None}
    ),
    "sar_to_optical/cyclegan": _started(
        500, "sar_to_optical", "rsgan/cyclegan", "regression", {"gen_gan": 0.003, "gen_cycle": 10}
    ),
    "series/masked_unet": _started(600, "series", "synthetic/series", "linear_fit", {"gen_gan": 0.003}),
    "series/cgan_recurrent": _started(600, "series", "rsgan/cgan_recurrent", "linear_fit", _L1),
}
"""Models that add to the hardest trivial answer: at most a quarter of an hour each on two cores without a GPU."""
ON_SYNTHETIC = {"published": EXAMPLES, "quarter_hour": STARTED}
"""The tables, by their folders below the experiment root."""

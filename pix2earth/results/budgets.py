"""The budgets of the published models' tables; separate from the tables, which need TensorFlow."""

from __future__ import annotations

from typing import NamedTuple


class Example(NamedTuple):
    """A shipped example and its budget.

    Attributes:
        preset: of the synthetic data that it is trained on.
        steps: about ten minutes on two cores without a GPU; fixed, so that the table does not depend on the machine.
    """

    preset: str
    steps: int


EXAMPLES = {
    "ctgan": Example("cloud_removal", 600),
    "rsgan/cgan": Example("cloud_removal", 4000),
    "gapfill": Example("gap_filling", 3000),
    "pix2pixcc": Example("sar_to_optical", 2000),
    "rsgan/cyclegan": Example("sar_to_optical", 1500),
    "rsgan/cgan_recurrent": Example("series", 4000),
}
"""Names of folders in ``experiments/``."""

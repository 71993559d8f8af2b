"""The samples that decide which checkpoint of a run is the best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

PART = "train part"
"""Name of a part of the training samples that is held out from training."""


class DecidingSamples(NamedTuple):
    """The samples that decide which checkpoint of a run is the best.

    Attributes:
        split: "val", "train part" or "test".
        samples: of a part of train: the names of the samples held out from training.
        left_out: names of the training samples that are not used because they share ground with these.
        detail: how the samples were chosen, in a sentence.
    """

    split: str
    samples: Sequence[str] = ()
    left_out: Sequence[str] = ()
    detail: str = ""

    @property
    def folder(self) -> str:
        """The split in whose folder the samples are."""
        return "train" if self.split == PART else self.split

    def __str__(self) -> str:
        """Return which samples these are, in a sentence."""
        if self.split == "val":
            return "selected on val"
        if self.split == PART:
            rest = f"; {len(self.left_out)} more share ground with them and are not used" if self.left_out else ""
            return f"selected on {len(self.samples)} training samples, which are held out: {self.detail}{rest}"
        return (
            f"selected on test ({self.detail}): scores of the best checkpoint on test are too good;"
            " write the dataset with a val split"
        )

    def record(self) -> dict[str, Any]:
        """Return the entry ``selection`` of checkpoints and ``run.json``."""
        return {
            name: list(value) if isinstance(value, list | tuple) else value for name, value in self._asdict().items()
        }

"""Occlusion: which parts of clear stacks of time steps a run hides from its network (``experiment.json``)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, FiniteFloat, PositiveInt, field_validator

from pix2earth.settings.base_schema import Schema
from pix2earth.settings.errors import inside

SYNTHETIC = "synthetic"
OTHER_TIME_STEPS = "other_time_steps"
INPUT, MASK = MADE = ("input_image", "cloud_mask")
"""Fields that are made: the target with hidden parts, and where they are (1)."""
KINDS = (OTHER_TIME_STEPS, SYNTHETIC)
"""Values of ``masks`` that name no dataset."""


def _dataset_or_kind(name: str) -> str:
    if not inside(name):
        raise ValueError(
            f"must be the name of a dataset below the data root, without '..' and not absolute, or {' or '.join(KINDS)}"
        )
    return name


class Occlusion(Schema):
    """How the input of a network is made from a clear target: which time steps get holes, and of which shape."""

    positions: list[list[PositiveInt]]
    """Combinations of time steps, counted from 1, such as [[1], [2], [1, 3]]. Each sample gets one of them, and each
    time step in it a mask of its own."""
    cloud_range: list[FiniteFloat] = [0.01, 1.0]
    """Smallest and largest share of a time step that a mask may hide, both included."""
    masks: Annotated[str, AfterValidator(_dataset_or_kind)]
    """Where masks come from: the name of a dataset with a mask, "other_time_steps" of the same sample, or "synthetic"
    ones."""

    @field_validator("positions")
    @classmethod
    def _check_positions(cls, combinations: list[list[int]]) -> list[list[int]]:
        if not combinations or not all(combinations):
            raise ValueError("must name at least one time step in each combination, such as [[1], [2], [1, 3]]")
        for combination in combinations:
            if len(set(combination)) < len(combination):
                raise ValueError(f"{combination} names a time step twice; name each once")
        return combinations

    @field_validator("cloud_range")
    @classmethod
    def _check_range(cls, ends: list[float]) -> list[float]:
        if len(ends) != 2 or not 0 <= ends[0] <= ends[1] <= 1 or ends[1] == 0:
            raise ValueError("must be [smallest, largest] share of hidden pixels between 0 and 1, such as [0.01, 1.0]")
        return ends

    @property
    def names_dataset(self) -> bool:
        """Whether masks come from a dataset."""
        return self.masks not in KINDS


class MaskField(NamedTuple):
    """A mask field in records, and what its values mean.

    Attributes:
        name: of the field.
        shows: whether 1 is what can be seen; otherwise 1 is what is hidden.
        own: whether its time steps are those of the target.
    """

    name: str
    shows: bool = False
    own: bool = False


class OcclusionInUse(NamedTuple):
    """An occlusion as it is applied to a dataset.

    Attributes:
        settings: what the experiment states.
        file: ``experiment.json``, for messages.
        data_root: folder of the datasets.
        tilesize: of the experiment; masks are read from a folder of this name where there is one.
        renamed: new names of stored fields whose names are those of fields that are made.
        source: the mask field of a sample that hides its other time steps; None where masks come from elsewhere.
    """

    settings: Occlusion
    file: Path
    data_root: Path
    tilesize: int
    renamed: Mapping[str, str]
    source: MaskField | None

    def seen(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is kept of stored fields, by the names that the run knows; the fields that are made are not."""
        return {
            self.renamed.get(name, name): values
            for name, values in stored.items()
            if name in self.renamed or name not in MADE
        }

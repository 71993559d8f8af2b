"""Schema of the key ``split`` of a description: which samples go to train, val and test."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from pix2earth.settings.base_schema import Schema

Share = Annotated[float, Field(ge=0, le=1, strict=False)]
SplitName = Literal["train", "val", "test"]


class Drawn(Schema):
    """Keys of all rules by which a seed draws."""

    train: Share = 0.8
    """Share of the samples for training."""
    test: Share = 0.1
    """Share for testing; what is left is for validation."""
    seed: NonNegativeInt = 0
    """What the draw depends on."""

    @model_validator(mode="after")
    def _at_most_all(self) -> Drawn:
        if not self.train or self.train + self.test > 1 + 1e-9:
            raise ValueError("split: train must be above 0, and train + test at most 1; the rest is val")
        return self


class BySample(Drawn):
    """Every scene for itself; the tiles of one stay together."""

    by: Literal["sample"]
    """Selects the rule."""


class ByGroup(Drawn):
    """Scenes with equal parts of their names stay together."""

    by: Literal["group"]
    """Selects the rule."""
    group: str
    """Template of the group, of named parts, such as "{season}_{scene}"."""


class ByPlace(Drawn):
    """Blocks of ground, whatever the date; tiles that cross a border are left out."""

    by: Literal["place"]
    """Selects the rule."""
    block: PositiveInt = 4
    """Side of a block in tiles."""


class ByDate(Schema):
    """By the day of acquisition: all times of a sample are on one side, or it is left out."""

    by: Literal["date"]
    """Selects the rule."""
    val_from: str | None = None
    """First day of val, ISO 8601; what is before is train. Null: there is no val."""
    test_from: str | None = None
    """First day of test. Null: there is no test."""

    @model_validator(mode="after")
    def _days(self) -> ByDate:
        from datetime import date

        days = [day for day in (self.val_from, self.test_from) if day is not None]
        for day in days:
            try:
                date.fromisoformat(day)
            except ValueError:
                raise ValueError(f"split: '{day}' is no day, such as 2017-01-01") from None
        if not days or days != sorted(days):
            raise ValueError("split: by date needs val_from, test_from, or both, val_from first")
        return self


class ByPart(Schema):
    """By a named part of the files' names, such as the folder that they lie in."""

    by: Literal["part"]
    """Selects the rule."""
    part: str
    """Name of the part."""
    values: dict[SplitName, list[str]]
    """What the part is in each split; samples with another value are left out."""


class ByLists(Schema):
    """By text files with a name a line."""

    by: Literal["lists"]
    """Selects the rule."""
    files: dict[SplitName, str]
    """The list of each split, relative to the input folder."""
    name: str
    """Template of the name in the lists, of named parts, such as "{tile}"."""


class ByTable(Schema):
    """By a column of a CSV file; samples that have no row, or another value, are left out."""

    by: Literal["table"]
    """Selects the rule."""
    table: str
    """Name of the table in ``tables``."""
    column: str
    """The column with the split."""
    values: dict[SplitName, list[str]] = {"train": ["train"], "val": ["val"], "test": ["test"]}
    """What the column says in each split."""


SplitRule = Annotated[BySample | ByGroup | ByPlace | ByDate | ByPart | ByLists | ByTable, Field(discriminator="by")]

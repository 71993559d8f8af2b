"""Dated images of a place: clear dates become targets, the nearest cloudy ones their inputs; splits are periods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from pix2earth.settings.errors import UserError
from preprocessing.importing.layout.scenes import BandSource, ImportScene
from preprocessing.sources.description import Layer, SourceDescription, SourceField

PLACES = 5
"""From so many places on, splits are by place, else by period."""
SHARES = (0.7, 0.85)
"""Where val and test begin, as shares of the targets in the order of time."""
PLACE = "series"
"""Name of the place of a series whose pattern names none."""


class DatedImage(NamedTuple):
    """One date of a place.

    Attributes:
        time: of acquisition.
        image: its file.
        mask: of clouds, or None.
        clouds: share of pixels that are cloud, or that are no measurement.
    """

    time: datetime
    image: Path
    mask: Path | None
    clouds: float


class Choice(NamedTuple):
    """How inputs are chosen for a target; see the options."""

    steps: int = 3
    position: str = "any"
    clear: float = 0.02
    cloudy: tuple[float, float] = (0.02, 0.95)


class Periods(NamedTuple):
    """Periods of train, val and test; without them splits are by place."""

    val_from: date | None = None
    test_from: date | None = None
    by_place: bool = False

    @classmethod
    def of(cls, options: Any, places: Mapping[str, Sequence[DatedImage]], choice: Choice) -> Periods:
        """Return the periods that options state, else by place where there are many, else by the dates of targets.

        Raises:
            UserError: a day is none.
        """
        days: list[date | None] = []
        for option, text in (("--val-from", options.val_from), ("--test-from", options.test_from)):
            try:
                days.append(date.fromisoformat(text) if text else None)
            except ValueError:
                raise UserError(f"{option} {text}: is no day, such as 2017-01-01") from None
        if any(days):
            if days[0] and days[1] and days[0] >= days[1]:
                raise UserError(f"--val-from {days[0]}: must be before --test-from {days[1]}")
            return cls(days[0], days[1])
        if len(places) >= PLACES:
            return cls(by_place=True)
        targets = sorted(one.time.date() for dates in places.values() for one in dates if one.clouds <= choice.clear)
        if len(targets) < PLACES:
            return cls()
        val, test = (targets[int(share * len(targets))] for share in SHARES)
        return cls(val if val < test else None, test)

    def of_time(self, time: datetime) -> str:
        """Return the split of a time; "" where splits are by place."""
        if self.by_place:
            return ""
        if self.test_from and time.date() >= self.test_from:
            return "test"
        return "val" if self.val_from and time.date() >= self.val_from else "train"

    def words(self) -> str:
        """Return how samples are split, for the user."""
        if self.by_place:
            return "splits are by place"
        begins = [f"{name} from {day}" for name, day in (("val", self.val_from), ("test", self.test_from)) if day]
        return f"splits are by period: {', '.join(begins)}" if begins else "all are for training: there are few dates"


def scenes_of(
    place: str,
    dates: Sequence[DatedImage],
    description: SourceDescription,
    choice: Choice,
    periods: Periods,
    classes: Path | None,
) -> tuple[list[ImportScene], list[str]]:
    """Return a scene for each clear date of a place that has enough inputs, and a line for others.

    Inputs are of the same period, so that no date is in two splits.
    """
    scenes, lacking = [], 0
    low, high = choice.cloudy
    cloudy = [one for one in dates if low <= one.clouds <= high] if any(one.clouds for one in dates) else list(dates)
    for target in dates:
        if target.clouds > choice.clear:
            continue
        split = periods.of_time(target.time)
        usable = [one for one in cloudy if one is not target and periods.of_time(one.time) == split]
        inputs = chosen_inputs(target.time, usable, choice)
        if inputs is None:
            lacking += 1
            continue
        scenes.append(_scene(place, target, inputs, description, classes, split))
    line = f"{place}: {lacking} clear dates have not {choice.steps} inputs of their period ({choice.position})"
    return scenes, [line] if lacking else []


def chosen_inputs(time: datetime, usable: Sequence[DatedImage], choice: Choice) -> list[DatedImage] | None:
    """Return the inputs nearest in time to a target, in the order of time; None where there are too few.

    Args:
        time: of the target.
        usable: other dates.
        choice: their number, and where the target lies: "last" (after all of them), "middle" (at least one before and
            one after), "any".
    """
    near = sorted((one for one in usable if one.time != time), key=lambda one: (abs(one.time - time), one.time))
    before, after = [one for one in near if one.time < time], [one for one in near if one.time > time]
    if choice.position == "last":
        near = before
    if choice.position == "middle":
        if not before or not after or choice.steps < 2:
            return None
        rest = [one for one in near if one not in (before[0], after[0])]
        near = [before[0], after[0], *rest]
    return sorted(near[: choice.steps], key=lambda one: one.time) if len(near) >= choice.steps else None


def _scene(
    place: str,
    target: DatedImage,
    inputs: Sequence[DatedImage],
    description: SourceDescription,
    classes: Path | None,
    split: str,
) -> ImportScene:
    """Return the scene of a target."""
    stamp = target.time.strftime("%Y%m%d" if target.time.time().isoformat() == "00:00:00" else "%Y%m%dT%H%M%S")

    def source(path: Path | None, field: SourceField) -> tuple[BandSource, ...]:
        assert path is not None
        return (BandSource(path, Layer(select=field.select, variable=field.variable)),)

    fields = {
        "input_image": tuple(source(one.image, description.fields["input_image"]) for one in inputs),
        "target": (source(target.image, description.fields["target"]),),
    }
    times = tuple(one.time.isoformat() for one in inputs)
    acquired = {"input_image": times, "target": (target.time.isoformat(),)}
    if "cloud_mask" in description.fields:
        fields["cloud_mask"] = tuple(source(one.mask, description.fields["cloud_mask"]) for one in inputs)
        fields["mask"] = (source(target.mask, description.fields["mask"]),)
        acquired |= {"cloud_mask": times, "mask": acquired["target"]}
    if classes is not None:
        fields["classes"] = (source(classes, description.fields["classes"]),)
    ordered = {name: fields[name] for name in description.fields if name in fields}
    return ImportScene(f"{place}_{stamp}", {"place": place, "date": stamp}, ordered, acquired, split)

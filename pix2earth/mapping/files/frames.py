"""Time steps of series: dated files of one place, their order, and the masks that belong to them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pix2earth.image_files.image_file import ImageFile
from pix2earth.mapping.files.dated_names import DIGITS, DatedName, dated
from pix2earth.mapping.files.outputs import stem_of
from pix2earth.settings.errors import UserError


class Frame(NamedTuple):
    """A time step of a series.

    Attributes:
        file: that holds it.
        step: its index among the time steps of the file, or None.
        time: ISO 8601, or "" where it is not known.
        key: what a mask of it has in its name too.
    """

    file: ImageFile
    step: int | None
    time: str
    key: str


def check_written(written: str | None) -> None:
    """Check how the user says that dates are written.

    Raises:
        UserError: it names no day, or has letters that are not read.
    """
    if written is None:
        return
    letters = set(re.findall("%.", written))
    if unknown := sorted(letters - set(DIGITS)):
        raise UserError(f"--dates {written}: '{unknown[0]}' is not read; use {', '.join(sorted(DIGITS))}")
    if not (letters & {"%Y", "%y"} and ("%j" in letters or {"%m", "%d"} <= letters)):
        raise UserError(f"--dates {written}: must name year and day, such as %Y%m%d or %Y%j")


def series_of(
    source: Path, files: Sequence[ImageFile], written: str | None, option: str = "--input "
) -> dict[str, list[Frame]]:
    """Return the series in some files: place -> its time steps in order.

    A file with time steps is a series of its own. Of others, those whose names differ in their dates alone are one
    place; words that all names have do not count, so that the place of a folder with one series has its name.

    Args:
        source: the folder or file.
        files: in it.
        written: as of ``dated``.
        option: words that name the folder on the command line, for messages.

    Raises:
        UserError: a file has no date, or two have the same.
    """
    stacks = {stem_of(file.path): _frames(file) for file in files if file.time_steps}
    single = [file for file in files if not file.time_steps]
    names = {file.path: _dated_file(file, written, option) for file in single}
    common = set.intersection(*(set(name.words) for name in names.values())) if names else set()
    places: dict[str, list[Frame]] = {}
    for file in single:
        name = names[file.path]
        place = "_".join(word for word in name.words if word not in common) or stem_of(source)
        places.setdefault(place, []).append(Frame(file, None, file.times[0] if file.times else name.time, name.text))
    for frames in places.values():
        frames.sort(key=lambda frame: (names[frame.file.path].time, frame.key))
        for one, other in itertools.pairwise(frames):
            if one.key == other.key:
                raise UserError(f"{option}{other.file.path}: has the date of {one.file.path.name}; remove one of them")
    if double := sorted(set(places) & set(stacks)):
        raise UserError(f"{option}{source}: a file and several files are called '{double[0]}'; rename the file")
    return {**places, **stacks}


def _frames(file: ImageFile) -> list[Frame]:
    """Return the time steps of a file that holds a series."""
    if file.samples is not None:
        raise UserError(f"{file.path}: holds several series; write each to a file of its own")
    times = file.times if len(file.times) == file.time_steps else [""] * (file.time_steps or 0)
    return [Frame(file, step, time, str(step)) for step, time in enumerate(times)]


def _dated_file(file: ImageFile, written: str | None, option: str) -> DatedName:
    """Return the date of a file with one time step: that of its name, else that which it states."""
    stem = stem_of(file.path)
    found = dated(stem, written)
    if found is None and file.times and written is None:
        found = DatedName(file.times[0], file.times[0], ())
    if found is None:
        how = (
            "such as 20240131 or 2024-01-31; --dates states another way" if written is None else f"written as {written}"
        )
        raise UserError(f"{option}{file.path}: has no date in its name, {how}")
    return found


def masks_of(
    series: Mapping[str, Sequence[Frame]], masks: Mapping[str, Sequence[Frame]], option: str
) -> dict[str, list[Frame]]:
    """Return the mask of each time step, by place.

    Args:
        series: of the input.
        masks: the same of the masks; those of one place have any name.
        option: words that name the masks, for messages.

    Raises:
        UserError: a place or a date has no mask.
    """
    found = {}
    for place, frames in series.items():
        only = next(iter(masks.values())) if len(masks) == 1 and len(series) == 1 else None
        of_place = only or masks.get(place)
        if of_place is None:
            raise UserError(f"{option}: has no masks of '{place}'; it has those of {', '.join(masks)}")
        by_key = {frame.key: frame for frame in of_place}
        if missing := [frame for frame in frames if frame.key not in by_key]:
            raise UserError(f"{option}: has no mask of {missing[0].key}, which {missing[0].file.path.name} has")
        found[place] = [by_key[frame.key] for frame in frames]
    return found

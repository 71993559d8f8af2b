"""The short way ``series``: dated rasters of one or many places."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pix2earth.settings.errors import UserError
from preprocessing.importing.layout.dated import PLACE, Choice, DatedImage, Periods, scenes_of
from preprocessing.importing.layout.matching import Matched
from preprocessing.importing.layout.scenes import BandSource, Found, ImportScene, Roots, files_below, matching, opened
from preprocessing.importing.options import described, known_fields
from preprocessing.sources.description import Layer, SourceDescription
from preprocessing.sources.patterns import moment, nearest_path, parts_of


def find(
    options: Any, own: Mapping[str, Any], keys: Mapping[str, Mapping[str, Any]], each: Any
) -> tuple[SourceDescription, Roots, Matched]:
    """Return the description of a series, its folders, and a scene for each target.

    Args:
        options: of the command line.
        own: keys of the description.
        keys: of its fields.
        each: calls a function for each item, as ``preprocessing.parallel.each`` does.

    Raises:
        UserError: no file has a date, or no target has enough inputs.
    """
    if not options.dates:
        raise UserError('--dates: is missing; name the date in the files\' names, such as "ndvi_{date:date}.tif"')
    description = description_of(options, own, keys)
    known_fields(description.fields, keys)
    roots = {"input": [options.input[0]]} | ({"mask": [options.mask]} if options.mask else {})
    places, rest = dated_files(options, description, each)
    classes = classes_of(options, places)
    defaults = Choice()
    choice = Choice(
        options.steps or defaults.steps, options.position or defaults.position,
        defaults.clear if options.clear is None else options.clear, tuple(options.cloudy or defaults.cloudy),
    )  # fmt: skip
    periods = Periods.of(options, places, choice)
    scenes: list[ImportScene] = []
    missing: list[str] = []
    for place, dates in places.items():
        found, lacking = scenes_of(place, dates, description, choice, periods, classes.get(place))
        scenes += found
        missing += lacking
    if not scenes:
        dates = [one for of_place in places.values() for one in of_place]
        clear = sum(one.clouds <= choice.clear for one in dates)
        low, high = choice.cloudy
        cloudy = sum(low <= one.clouds <= high for one in dates)
        raise UserError(
            f"{options.input[0]}: no date has {choice.steps} inputs: {clear} of {len(dates)} dates are clear (--clear"
            f" {choice.clear:g}), {cloudy} may be inputs (--cloudy {low:g} {high:g}); state other shares, or fewer"
            " --steps",
            *missing[:3],
        )
    for line in missing:
        print(line)
    print(f"{len(scenes)} of {sum(map(len, places.values()))} dates are targets; {periods.words()}")
    return description, roots, Matched(scenes, [], rest)


def description_of(options: Any, own: Mapping[str, Any], keys: Mapping[str, Mapping[str, Any]]) -> SourceDescription:
    """Return the description of a series.

    Raises:
        UserError: a key is wrong.
    """
    steps = options.steps or Choice().steps
    image = {"files": options.dates, "folder": "input"}
    dated: dict[str, Any] = {"steps": [[{}] for _ in range(steps)]}
    fields: dict[str, dict[str, Any]] = {"input_image": {**image, **dated}, "target": image}
    roles = {}
    if options.mask:
        mask = {"files": options.mask_pattern or options.dates, "folder": "mask", "kind": "mask"}
        fields["cloud_mask"] = {**mask, **dated}
        fields["mask"] = {**mask, "invert": True}
        roles = {"mask": "mask", "input_mask": "cloud_mask"}
    if options.classes:
        fields["classes"] = {"files": "*", "folder": "classes", "kind": "classes"}
    for name, own_keys in keys.items():
        if name in fields:
            fields[name] = fields[name] | dict(own_keys)
    # What a user says of the images holds for input and target.
    for name, other in (("input_image", "target"), ("target", "input_image")):
        fields[other] = {**{key: value for key, value in keys.get(name, {}).items()}, **fields[other]}
    for name, other in (("cloud_mask", "mask"), ("mask", "cloud_mask")):
        if other in fields:
            shared = {key: value for key, value in keys.get(name, {}).items() if key != "invert"}
            fields[other] = {**shared, **fields[other]}
    split = {"by": "group", "group": "{place}", **own.get("split", {})}
    if options.seed is not None:
        split["seed"] = options.seed
    stated: dict[str, Any] = {"title": "series of dated images", "fields": fields, **roles, **own, "split": split}
    return described(stated)


def dated_files(
    options: Any, description: SourceDescription, each: Any
) -> tuple[dict[str, list[DatedImage]], list[str]]:
    """Return the dates of each place in the order of time, and files that are none of them.

    Raises:
        UserError: a pattern names no date, nothing matches, or a mask is missing.
    """
    if "date" not in parts_of(options.dates):
        raise UserError(
            f'--dates {options.dates}: names no {{date}}; write it where the date is, such as "{{date:date}}"'
        )
    files = files_below([options.input[0]])
    found = matching(options.dates, files)
    if not found:
        names = [one.name for one in files]
        raise UserError(f"--dates {options.dates}: no file matches{nearest_path(options.dates, names)}")
    masks: dict[tuple[str, str], Found] = {}
    if options.mask:
        pattern = options.mask_pattern or options.dates
        masks = {_key(parts): file for parts, file in matching(pattern, files_below([options.mask]))}
        if not masks:
            raise UserError(f"--mask {options.mask}: no file matches '{pattern}'; name its pattern: --mask-pattern")
    images = {file.path for _, file in found}
    if same := [mask.path for mask in masks.values() if mask.path in images]:
        raise UserError(
            f"{same[0]}: is both an image of --dates and a mask; name the pattern of the masks: --mask-pattern"
        )
    absent: list[str] = []
    entries: list[tuple[str, datetime, Path, Path | None]] = []
    for parts, file in found:
        time = moment(parts["date"])
        if time is None:
            raise UserError(
                f"{file.path}: '{parts['date']}' is no date; make the pattern narrower, such as {{date:date}}"
            )
        mask = masks.get(_key(parts))
        if options.mask and mask is None:
            absent.append(f"{file.path}: has no mask of its date")
        else:
            entries.append(
                (parts.get("place", PLACE), datetime.fromisoformat(time), file.path, mask.path if mask else None)
            )
    if absent and description.missing == "stop":
        raise UserError(*absent[:20], f"{len(absent)} masks are missing; --leave_out missing leaves such dates out")
    count = functools.partial(clouds_of, description)
    shares, failures = each(count, [(entry[2], entry[3]) for entry in entries], title="clouds", unit="dates")
    if failures:
        raise UserError(*failures[:20])
    places: dict[str, list[DatedImage]] = {}
    for (place, stamp, image, mask_path), share in sorted(
        zip(entries, shares, strict=True), key=lambda one: one[0][:3]
    ):
        places.setdefault(place, []).append(DatedImage(stamp, image, mask_path, share))
    used = {entry[2] for entry in entries} | {mask.path for mask in masks.values()}
    return places, [
        one.name for one in files if one.path not in used and one.path not in {m.path for m in masks.values()}
    ]


def _key(parts: Mapping[str, str]) -> tuple[str, str]:
    return parts.get("place", PLACE), parts.get("date", "")


def clouds_of(description: SourceDescription, files: tuple[Path, Path | None]) -> float:
    """Return the share of an image that is cloud by its mask, or without one that is no measurement.

    Raises:
        UserError: a file is damaged.
    """
    from preprocessing.importing.layout.pixels import as_mask

    image, mask = files
    if mask is not None:
        field = description.fields["cloud_mask"]
        return float(as_mask(opened(BandSource(mask, Layer()), field).read().array, field).mean())
    field = description.fields["target"]
    file = opened(BandSource(image, Layer(variable=field.variable)), field)
    pixels = file.read()  # not kept, as ``file.array`` would be
    missing = file.missing(pixels)
    if field.nodata is not None:
        missing |= pixels.array == field.nodata
    return float(missing.any(axis=-1).mean())


def classes_of(options: Any, places: Mapping[str, Sequence[DatedImage]]) -> dict[str, Path]:
    """Return the raster of classes of each place: the file named, or the one whose name contains the place.

    Raises:
        UserError: a place has not exactly one.
    """
    if not options.classes:
        return {}
    if options.classes.is_file():
        return dict.fromkeys(places, options.classes)
    files = files_below([options.classes])
    if len(files) == 1:
        return dict.fromkeys(places, files[0].path)
    found = {}
    for place in places:
        own = [one.path for one in files if place in one.name]
        if len(own) != 1:
            raise UserError(
                f"--classes {options.classes}: has {len(own)} files for the place {place}; name them by place"
            )
        found[place] = own[0]
    return found

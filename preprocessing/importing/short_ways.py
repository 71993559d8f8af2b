"""The short way ``pairs``: two folders, two files, a list of pairs, images side by side, or two domains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pix2earth.image_files.reading import read_image_file
from pix2earth.records.manifest import SPLITS
from pix2earth.settings.errors import UserError
from preprocessing.importing.layout.matching import Matched, match
from preprocessing.importing.layout.scenes import BandSource, ImportScene, Roots
from preprocessing.importing.options import described
from preprocessing.sources.description import SourceDescription
from preprocessing.sources.tables import column, read_csv

BY_NAME = "{name:path}.{suffix:suffix}"
"""Pattern of files that are paired by their names without the suffix."""
ROLES = ("input", "target", "mask")
FIELDS = {"input": "input_image", "target": "target", "mask": "mask"}


class Pairs(NamedTuple):
    """What the command line says of pairs.

    Attributes:
        folders: of "input", "target" and "mask": a folder, or a file.
        patterns: one for all folders, or one for each in this order; none: by name.
        table: CSV file of pairs.
        side_by_side: order of input (A) and target (B) in one image, such as "AB".
        unpaired: whether the folders are two domains.
        axes: of arrays.
        keys: further keys of the description's fields, by field.
    """

    folders: Mapping[str, Path]
    patterns: Sequence[str] = ()
    table: Path | None = None
    side_by_side: str | None = None
    unpaired: bool = False
    axes: str | None = None
    keys: Mapping[str, Mapping[str, Any]] = {}


def roots_of(pairs: Pairs) -> Roots:
    """Return the input folders by role; that of a file is the one it lies in."""
    return {role: [path.parent if _is_image(path) else path] for role, path in pairs.folders.items()}


def _is_image(path: Path) -> bool:
    return (
        path.is_file() or (path / "zarr.json").is_file() or (path / ".zgroup").is_file() or (path / ".zarray").is_file()
    )


def description_of(pairs: Pairs, settings: Mapping[str, Any]) -> SourceDescription:
    """Return the description of pairs.

    Args:
        pairs: of the command line.
        settings: further keys of the description.

    Raises:
        UserError: the options do not fit each other.
    """
    fields: dict[str, dict[str, Any]] = {}
    roles = [role for role in ROLES if role in pairs.folders]
    if pairs.side_by_side is not None:
        if sorted(pairs.side_by_side) != ["A", "B"] or "target" in pairs.folders or pairs.unpaired:
            raise UserError(
                f"--side-by-side {pairs.side_by_side}: must be AB or BA, A the input and B the target, of one folder"
                " --input"
            )
        roles = ["input", "target"]
    elif "target" not in pairs.folders:
        raise UserError("--target: is missing; name the folder of the images to be generated, or --side-by-side AB")
    if len(pairs.patterns) > 1 and len(pairs.patterns) != len(roles):
        raise UserError(
            f"--pattern: {len(pairs.patterns)} patterns for {len(roles)} folders; give one, or one for each"
        )
    for number, role in enumerate(roles):
        pattern = pairs.patterns[number if len(pairs.patterns) > 1 else 0] if pairs.patterns else BY_NAME
        keys: dict[str, Any] = {"files": pattern, "folder": "input" if pairs.side_by_side else role}
        if pairs.side_by_side:
            keys |= {"pieces": 2, "piece": pairs.side_by_side.index("AB"[number]) + 1}
        if role == "mask":
            keys["kind"] = "mask"
        axes = pairs.axes or (_axes_of(pairs.folders[role]) if not pairs.side_by_side else None)
        if axes:
            keys["axes"] = axes
        fields[FIELDS[role]] = keys | dict(pairs.keys.get(FIELDS[role], {}))
    stated: dict[str, Any] = {"title": "pairs of images", "fields": fields, **settings}
    if not pairs.patterns:
        stated.setdefault("sample", "{name}")
    if "mask" in roles:
        stated["mask"] = "mask"
    if pairs.unpaired:
        if "mask" in roles:
            raise UserError("--mask: images without pairs have none; leave it out")
        stated["pools"] = {"input": ["input_image"], "target": ["target"]}
    return described(stated)


def _axes_of(path: Path) -> str | None:
    """Return the axes of a file with many samples: an array of four dimensions that is no raster."""
    if not _is_image(path):
        return None
    with_axes = path.suffix.lower() in (".npy", ".npz")
    try:
        return "NHWC" if with_axes and read_image_file(path).axes == "THWC" else None
    except UserError:
        return None  # it needs a variable; what is wrong otherwise is reported where the file is read


def find(pairs: Pairs, description: SourceDescription) -> Matched:
    """Return the pairs.

    Raises:
        UserError: a folder or file is missing, or nothing is paired.
    """
    if pairs.table is not None:
        return _of_table(pairs, description)
    files = {role: path for role, path in pairs.folders.items() if _is_image(path)}
    if files:
        if len(files) < len(pairs.folders):
            other = next(path for role, path in pairs.folders.items() if role not in files)
            raise UserError(f"{other}: is no file, and {next(iter(files.values()))} is one; name files or folders")
        fields = {
            name: ((BandSource(files[field.folder], field.layers[0][0]),),)
            for name, field in description.fields.items()
        }
        return Matched([ImportScene(files["input"].stem, {"name": files["input"].stem}, fields)], [], [])
    found = match(description, roots_of(pairs))
    if not found.scenes:
        raise UserError(
            "no two files have one name: "
            + "; ".join(f"--{role} {path} has {_example(path)}" for role, path in pairs.folders.items())
            + '; name what they share, as in --pattern "a_{name}.png" "b_{name}.png"'
        )
    return found


def _example(folder: Path) -> str:
    from preprocessing.importing.layout.scenes import files_below

    files = files_below([folder])
    return f"{len(files)} files, such as {files[0].name}" if files else "no files"


def _of_table(pairs: Pairs, description: SourceDescription) -> Matched:
    """Return the pairs of a CSV file with the columns input, target, and if wanted mask, split and name.

    Raises:
        UserError: a column or a file is missing.
    """
    assert pairs.table is not None
    rows = read_csv(pairs.table)
    roles = [role for role in ROLES if role in pairs.folders or role in rows[0]]
    for role in ("input", "target"):
        column(pairs.table, rows, role)
    scenes, missing = [], []
    names: set[str] = set()
    for number, row in enumerate(rows, 2):
        fields = {}
        for role in roles:
            path = _found(row.get(role, ""), pairs, role)
            if path is None:
                missing.append(f"{pairs.table}:{number}: {role}: there is no {row.get(role) or 'file'}")
                continue
            fields[FIELDS[role]] = ((BandSource(path, description.fields[FIELDS[role]].layers[0][0]),),)
        split = row.get("split", "")
        if split and split not in SPLITS:
            raise UserError(f"{pairs.table}:{number}: split '{split}' is none of {', '.join(SPLITS)}")
        if len(fields) == len(roles):
            name = row.get("name") or Path(row["target"]).name.split(".")[0]
            if name in names:
                name = f"{name}_{number - 2}"
            names.add(name)
            scenes.append(ImportScene(name.replace("/", "_"), {"name": name}, fields, split=split))
    if not scenes:
        raise UserError(f"{pairs.table}: none of its {len(rows)} rows has all files", *missing[:3])
    return Matched(sorted(scenes, key=lambda scene: scene.name), missing, [])


def _found(text: str, pairs: Pairs, role: str) -> Path | None:
    """Return the path of a file in a table, which is relative to its folder, or to the table."""
    assert pairs.table is not None
    places = [pairs.folders[role]] if role in pairs.folders else []
    return next((place / text for place in (*places, pairs.table.parent) if text and (place / text).exists()), None)

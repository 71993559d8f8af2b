"""Writing of the samples of a plan: resumable, by several processes, with a table of the files that they come from."""

from __future__ import annotations

import csv
import functools
import hashlib
import io
import json
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pix2earth.records.manifest import Manifest
from pix2earth.records.resuming import Recipe
from pix2earth.records.writer import DatasetWriter
from pix2earth.settings import atomic
from preprocessing.importing.day_fields import days_of
from preprocessing.importing.layout.pixels import Stored, stored
from preprocessing.importing.layout.tiles import ImportTile
from preprocessing.importing.planning import ImportPlan, Request
from preprocessing.sources.description import SourceDescription

RECIPE = "import.json"
"""File beside the manifest that says how the dataset was imported."""
SOURCES = "sources.csv"
"""File beside the manifest with the files of every sample."""
THREADS = 2
"""Samples that are read, encoded and written at once: decoders, hashes and files wait for no other."""
HEADERS = "headers"
"""Folder beside the manifest with the FITS headers of the targets."""


class Work(NamedTuple):
    """What a process needs to write samples."""

    writer: DatasetWriter
    description: SourceDescription


def recipe_of(plan: ImportPlan) -> Recipe:
    """Return what identifies the import: the description, the tile size, and the files of every sample."""
    content: dict[str, Any] = {
        "description": plan.description.model_dump(mode="json", exclude_defaults=True),
        "tilesize": plan.manifest.tilesize,
        "samples": len(plan.tiles),
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    for tile in plan.tiles:
        places = [one.file.name for steps in tile.scene.fields.values() for step in steps for one in step]
        digest.update(f"{plan.splits[tile.name]} {tile.name} {places}\n".encode())
    return Recipe(RECIPE, {**content, "digest": digest.hexdigest()})


def write_tile(work: Work, item: tuple[str, ImportTile]) -> str:
    """Write one sample, unless it is written already.

    Returns:
        "" where it is written now or was before, "empty" where too few of its pixels are measured.

    Raises:
        UserError: a file is damaged.
    """
    split, tile = item
    writer, description = work
    if writer.valid(split, tile.name):
        return ""
    fields = {
        name: stored(description.fields[name], writer.manifest.fields[name], steps, tile.placements[name])
        for name, steps in tile.scene.fields.items()
    }
    if description.valid and measured_share(fields, description, tile) < description.valid:
        return "empty"
    arrays = {name: one.array for name, one in fields.items()} | days_of(description, writer.manifest.fields, tile)
    writer.write(
        split, tile.name, arrays, crs=tile.crs, transform=tile.transform,
        acquired={name: list(times) for name, times in tile.acquired.items()},
    )  # fmt: skip
    return ""


def measured_share(fields: dict[str, Stored], description: SourceDescription, tile: ImportTile) -> float:
    """Return the share of a target's pixels that are measured in all bands, in the least measured time step."""
    lead = description.target if description.target in fields else next(iter(fields))
    missing = fields[lead].missing
    if missing is None:
        return 1.0
    per_pixel = missing.any(axis=-1)
    return float(1 - per_pixel.reshape(-1, *per_pixel.shape[-2:]).mean(axis=(1, 2)).max())


def write(plan: ImportPlan, request: Request, writer: DatasetWriter, each: Any) -> tuple[Manifest, list[str]]:
    """Write all samples that are missing; index and manifest only where none failed, or failures are to be left out.

    Args:
        plan: of the import.
        request: of the command line.
        writer: of the dataset.
        each: calls a function for each item, as ``preprocessing.parallel.each`` does.

    Returns:
        The manifest with counts and fingerprint, and a line for each sample that failed.
    """
    states: Counter[str] = Counter()
    items = [(plan.splits[tile.name], tile) for tile in plan.tiles]
    work = Work(writer, plan.description)
    # Readers hide warnings, which they cannot do in several threads; what is odd about a file was said before.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results, failures = each(
            functools.partial(write_tile, work), items, title=plan.manifest.name, unit="samples", threads=THREADS
        )
    states.update(results)
    if states["empty"]:
        share = plan.description.valid
        print(f"{states['empty']} samples are left out: less than {share:.0%} of their pixels are measured (valid)")
    if failures and plan.description.odd == "stop":
        return writer.manifest, failures
    write_sources(plan, request, writer.folder)
    return writer.finish(), failures


def write_sources(plan: ImportPlan, request: Request, folder: Path) -> None:
    """Write the table of the files of every sample, and the FITS headers of targets."""
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(["split", "name", "row", "column", "field", "step", "file", "sample", "acquired"])
    roots = [Path(root).resolve() for some in request.roots.values() for root in some]
    for tile in plan.tiles:
        for name, steps in tile.scene.fields.items():
            times = tile.acquired.get(name, ())
            for number, step in enumerate(steps):
                time = times[number] if number < len(times) else (times[0] if len(times) == 1 else "")
                for source in step:
                    file = _relative(source.file, roots)
                    sample = "" if source.sample is None else source.sample
                    rows.writerow(
                        [plan.splits[tile.name], tile.name, tile.row, tile.column, name, number, file, sample, time]
                    )
    atomic.write_text(folder / SOURCES, table.getvalue())
    for tile in plan.tiles:
        target = tile.scene.fields.get(plan.description.target)
        if target and _is_fits(target[0][0].file):
            _write_header(plan.description, tile, folder)


def _relative(path: Path, roots: Sequence[Path]) -> str:
    """Return a path relative to the input folder that it lies in."""
    resolved = path.resolve()
    inside = [root for root in roots if resolved.is_relative_to(root)]
    return resolved.relative_to(inside[0]).as_posix() if inside else path.name


def _is_fits(path: Path) -> bool:
    return path.name.lower().endswith((".fits", ".fits.gz", ".fit", ".fts", ".fz"))


def _write_header(description: SourceDescription, tile: ImportTile, folder: Path) -> None:
    """Write the FITS header of a target as text, which ``astropy.io.fits.Header.fromtextfile`` reads."""
    from preprocessing.importing.layout.scenes import opened

    path = folder / HEADERS / f"{tile.name}.txt"
    if not path.is_file():
        source = tile.scene.fields[description.target][0][0]
        header = opened(source, description.fields[description.target]).header
        if header is not None:
            atomic.write_text(path, header.tostring(sep="\n", endcard=False, padding=False) + "\n")

"""What ``--dry-run`` prints: samples, sizes, bands, percentiles, files without a partner, suspicions, the manifest."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from pix2earth.records.ranges import PERCENTILES
from pix2earth.records.splitting.splits import counts
from preprocessing.importing.planning import ImportPlan

SHOWN = 10
"""Lines of one kind; the others are counted."""


def show(plan: ImportPlan, missing: Sequence[str], unmatched: Sequence[str], suspicious: Sequence[str]) -> None:
    """Print the findings of a dry run."""
    print(f"{len(plan.tiles)} samples: {counts(plan.splits[tile.name] for tile in plan.tiles)}")
    scenes = len({tile.scene.name for tile in plan.tiles})
    if scenes < len(plan.tiles):
        print(f"  tiles of {plan.manifest.tilesize} x {plan.manifest.tilesize} pixels from {scenes} scenes")
    _fields(plan)
    _lines("files are missing", missing)
    _lines("files belong to no sample", unmatched)
    for note in plan.notes:
        print(note)
    _lines("suspicious", suspicious) if suspicious else print("nothing suspicious in the samples that were read")
    print("dataset.json:")
    print(json.dumps(plan.manifest.model_dump(mode="json", exclude_defaults=True), indent=2, ensure_ascii=False))


def _fields(plan: ImportPlan) -> None:
    """Print a table with a row for each band of each field."""
    table = Table(
        "field", "kind", "type", "shape", "band", "lowest", *(f"{one:g} %" for one in PERCENTILES), "highest",
        "missing", box=None,
    )  # fmt: skip
    for name, field in plan.manifest.fields.items():
        shape = " x ".join(map(str, field.shape))
        for index, band in enumerate(field.bands):
            numbers = ["-"] * (len(PERCENTILES) + 3)
            if name in plan.ranges:
                found = plan.ranges[name][index]
                numbers = [f"{value:.4g}" for value in (found.lowest, *found.percentiles, found.highest)]
                numbers.append(f"{found.nodata + found.not_finite:.1%}")
            head = (name, field.kind, field.dtype, shape) if index == 0 else ("", "", "", "")
            table.add_row(*head, band, *numbers)
    Console(width=None if Console().is_terminal else 200, highlight=False).print(table)


def _lines(title: str, lines: Sequence[str]) -> None:
    """Print some lines below a title with their number."""
    if lines:
        print(f"{len(lines)} {title}:" if title != "suspicious" else "suspicious:")
        for line in lines[:SHOWN]:
            print(f"  {line}")
        if len(lines) > SHOWN:
            print(f"  and {len(lines) - SHOWN} more")


def kinds(names: Sequence[str]) -> str:
    """Return how many files there are by the end of their names."""
    ends = Counter(name.rsplit(".", 1)[-1] if "." in name else "no suffix" for name in names)
    return ", ".join(f"{count} {end}" for end, count in ends.most_common())

"""Verification of all records of a dataset."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pix2earth.console.progress import tracked
from pix2earth.records.format import defects
from pix2earth.records.listing import Listing, record_of
from pix2earth.records.manifest import INDEX, Manifest
from pix2earth.records.metadata import read_metadata, stored_times
from pix2earth.settings.errors import InvalidData


def verify(listing: Listing) -> int:
    """Verify every record of a dataset against its hashes, the index and the manifest.

    Prints each defect to stderr and a summary to stdout.

    Returns:
        Number of damaged records; a wrong fingerprint of the dataset counts as one more.
    """
    samples = listing.all_samples()
    days: dict[str, set[str]] = {}

    def lines_of(sample: tuple[str, str]) -> list[str]:
        split, name = sample
        path = listing.path(split, name)
        damage = defects(path, listing.manifest) or _defects_of_times(path, name, listing.manifest, days)
        if not damage and listing.indexed is not None and record_of(path, split) != listing.indexed[split].get(name):
            damage = [f"is not as {INDEX} lists it: it was written again, exchanged or added"]
        return [f"{path}: {defect}" for defect in damage]

    damaged = 0
    with ThreadPoolExecutor() as pool:
        for lines in tracked(pool.map(lines_of, samples), "verify", len(samples), "records"):
            damaged += bool(lines)
            for line in lines:
                print(line, file=sys.stderr)
    if listing.manifest.fingerprint not in ("", listing.fingerprint):
        print(f"{listing.folder}: the fingerprint of {INDEX} is not the manifest's", file=sys.stderr)
        damaged += 1
    print(f"{len(samples)} records checked, {damaged} damaged")
    for field in listing.manifest.fields:
        if field in days:
            print(f"  {field}: acquired from {min(days[field])} to {max(days[field])}")
    return damaged


def _defects_of_times(path: Path, name: str, manifest: Manifest, days: dict[str, set[str]]) -> list[str]:
    """Return what is wrong with the times of acquisition of single fields in an intact record.

    Args:
        path: of the record.
        name: of the sample.
        manifest: of the dataset.
        days: by field; those of the record are added.
    """
    if manifest.legacy:
        return []
    acquired = read_metadata(path).get("acquired") or []
    if not isinstance(acquired, Mapping):
        return []
    try:
        times = stored_times(name, acquired, manifest.fields_of(manifest.pool_of(name)))
    except InvalidData as error:
        return [str(error)]
    for field in times:
        days.setdefault(field, set()).update(time[:10] for time in acquired[field])
    return []

"""Verification of all records of a dataset."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from pix2earth.console.progress import tracked
from pix2earth.records.format import defects
from pix2earth.records.listing import Listing, record_of
from pix2earth.records.manifest import INDEX


def verify(listing: Listing) -> int:
    """Verify every record of a dataset against its hashes, the index and the manifest.

    Prints each defect to stderr and a summary to stdout.

    Returns:
        Number of damaged records; a wrong fingerprint of the dataset counts as one more.
    """
    samples = listing.all_samples()

    def lines_of(sample: tuple[str, str]) -> list[str]:
        split, name = sample
        path = listing.path(split, name)
        damage = defects(path, listing.manifest)
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
    return damaged

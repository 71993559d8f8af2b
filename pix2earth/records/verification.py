"""Checking every record of a dataset."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from pix2earth.console.progress import tracked
from pix2earth.records.format import defects
from pix2earth.records.listing import Listing, record_of
from pix2earth.records.manifest import INDEX


def verify(listing: Listing) -> int:
    """Check every record of a dataset; print what is wrong; return the number of damaged records."""
    items = listing.everything()

    def examine(item: tuple[str, str]) -> list[str]:
        path = listing.path(*item)
        found = defects(path, listing.manifest)
        if (
            not found
            and listing.indexed is not None
            and record_of(path, item[0]) != listing.indexed[item[0]].get(item[1])
        ):
            found = [f"is not as {INDEX} lists it: it was written again, exchanged or added"]
        return [f"{path}: {defect}" for defect in found]

    damaged = 0
    with ThreadPoolExecutor() as pool:
        for found in tracked(pool.map(examine, items), "verify", len(items), "records"):
            damaged += bool(found)
            for line in found:
                print(line, file=sys.stderr)
    if listing.manifest.fingerprint not in ("", listing.fingerprint):
        print(f"{listing.folder}: the fingerprint of {INDEX} is not the manifest's", file=sys.stderr)
        damaged += 1
    print(f"{len(items)} records checked, {damaged} damaged")
    return damaged

"""The six datasets that step 50 writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pix2earth.records.manifest import Manifest, Split
from pix2earth.records.resuming import open_dataset, refuse_another
from pix2earth.records.writer import DatasetWriter
from preprocessing.tiles.tile_records import KINDS, Source, manifest


def manifests(dataset: str, tilesize: int, split: Split, description: str) -> dict[str, Manifest]:
    """Return the manifest of every kind."""
    return {kind: manifest(kind, dataset, tilesize, split, description) for kind in KINDS}


def open_writers(
    data_root: Path, requested: dict[str, Manifest], sources: Sequence[Source], *, replace: bool
) -> dict[str, DatasetWriter]:
    """Open a writer for every dataset that is not complete.

    Args:
        data_root: folder of the datasets.
        requested: their manifests by kind.
        sources: all tiles with their splits.
        replace: remove existing datasets first.

    Raises:
        UserError: a folder holds another dataset.
    """
    planned = {(source.split, source.path.stem) for source in sources}
    if not replace:
        for manifest in requested.values():
            refuse_another(data_root, manifest, planned)  # all, before one of them is touched
    writers = {
        kind: open_dataset(data_root, manifest, planned, replace=replace) for kind, manifest in requested.items()
    }
    return {kind: writer for kind, writer in writers.items() if writer}

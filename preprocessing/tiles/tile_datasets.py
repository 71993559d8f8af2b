"""The six datasets of step 50 on disk: begun, continued, replaced, or found complete."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pix2earth.records.listing import Listing
from pix2earth.records.manifest import FILE, SUFFIX, UNFINISHED, Manifest, Split
from pix2earth.records.writer import DatasetWriter
from pix2earth.settings.errors import UserError
from pix2earth.settings.validation import load
from preprocessing.tiles.tile_records import KINDS, Source, manifest


def manifests(dataset: str, tilesize: int, split: Split, description: str) -> dict[str, Manifest]:
    """Return the manifest of every kind."""
    return {kind: manifest(kind, dataset, tilesize, split, description) for kind in KINDS}


def open_writers(
    data_root: Path, wanted: dict[str, Manifest], sources: Sequence[Source], *, replace: bool
) -> dict[str, DatasetWriter]:
    """Open a writer for every dataset that is not complete.

    Args:
        data_root: folder of the datasets.
        wanted: their manifests by kind.
        sources: all tiles with their splits.
        replace: remove what is there first.

    Raises:
        UserError: a dataset is there that holds something else; none is touched then.
    """
    folders = {kind: data_root / about.name / str(about.tilesize) for kind, about in wanted.items()}
    if not replace:
        present = [kind for kind, about in wanted.items() if _is_complete(folders[kind], about, sources)]
        for kind, folder in folders.items():
            if kind not in present:
                _refuse_strangers(folder, sources)
        wanted = {kind: about for kind, about in wanted.items() if kind not in present}
    # With a manifest but still marked unfinished, writing stopped at the very end.
    return {
        kind: DatasetWriter(data_root, about, replace=replace or (folders[kind] / FILE).exists())
        for kind, about in wanted.items()
    }


def _is_complete(folder: Path, wanted: Manifest, sources: Sequence[Source]) -> bool:
    """Tell whether a dataset is there as wanted.

    Raises:
        UserError: it is complete, but made of other tiles or with other options.
    """
    if not (folder / FILE).is_file() or (folder / UNFINISHED).exists():
        return False
    found = load(folder / FILE, Manifest)
    indexed = Listing(folder, found).indexed or {}
    tiles = {(split, name) for split, names in indexed.items() for name in names}
    if found.split != wanted.split:
        reason = f"was split otherwise ({found.split.method}, seed {found.split.seed})"
    elif found.fields != wanted.fields:
        reason = "has other fields"
    elif tiles != {(source.split, source.path.stem) for source in sources}:
        reason = f"holds {len(tiles)} samples of other tiles than the {len(sources)} that there are now"
    else:
        return True
    raise UserError(f"{folder}: exists and {reason}; choose another --dataset, or replace it with --replace")


def _refuse_strangers(folder: Path, sources: Sequence[Source]) -> None:
    """Make sure that an unfinished dataset holds nothing but samples of these tiles.

    Raises:
        UserError: there are records of another split or of other tiles.
    """
    known = {folder / source.split / f"{source.path.stem}{SUFFIX}" for source in sources}
    strangers = sorted(set(folder.glob(f"*/*{SUFFIX}")) - known)
    if strangers:
        raise UserError(
            f"{strangers[0]}: does not belong to this dataset (another split?), nor do {len(strangers) - 1} more;"
            " --replace removes all records and writes the dataset again"
        )

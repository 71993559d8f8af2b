"""Which samples a dataset has, and which of them an experiment uses. Imports no TensorFlow."""

from __future__ import annotations

import csv
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pix2earth.records.manifest import FILE, INDEX, SPLITS, SUFFIX, Manifest, Record, fingerprint, load_manifest
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from experiment import Experiment


class Listing:
    """The names of a dataset's samples, checked against its index. Imports no TensorFlow."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        """Keep the folder ``<data_root>/<dataset>/<tilesize>`` and its manifest."""
        self.folder = folder
        self.manifest = manifest

    @cached_property
    def indexed(self) -> dict[str, dict[str, Record]] | None:
        """Records by split and name as ``records.csv`` lists them, or None for a dataset without an index."""
        path = self.folder / INDEX
        if not path.is_file():
            if not self.manifest.legacy:
                raise UserError(f"{path}: is missing, though the dataset has a manifest; write the dataset again")
            return None
        listed: dict[str, dict[str, Record]] = {split: {} for split in SPLITS}
        with path.open(newline="", encoding="utf-8") as lines:
            try:
                for row in csv.DictReader(lines, strict=True):
                    record = Record(row["split"], row["name"], int(row["bytes"]), row["crc32c"])
                    listed[record.split][record.name] = record
            except (KeyError, TypeError, ValueError, csv.Error):
                raise UserError(f"{path}: is damaged; copy or write the dataset again") from None
        return listed

    def names(self, split: str) -> list[str]:
        """Return the names of a split's samples, sorted.

        Raises:
            UserError: a record of the index is missing, or a file is there that the index does not know.
        """
        present = {path.stem for path in (self.folder / split).glob(f"*{SUFFIX}")}
        if self.indexed is None:
            return sorted(present)
        listed = self.indexed[split].keys()
        lines = [f"{self.path(split, name)}: the record is missing" for name in sorted(listed - present)]
        lines += [f"{self.path(split, name)}: is not in {INDEX}; remove it" for name in sorted(present - listed)]
        if lines:
            raise UserError(*lines[:20], *([f"{self.folder}: and {len(lines) - 20} more"] if len(lines) > 20 else []))
        return sorted(listed)

    def everything(self) -> list[tuple[str, str]]:
        """Return (split, name) of all samples that are listed or present, whether that agrees or not."""
        found = {(split, path.stem) for split in SPLITS for path in (self.folder / split).glob(f"*{SUFFIX}")}
        found |= {(split, name) for split, names in (self.indexed or {}).items() for name in names}
        return sorted(found)

    def path(self, split: str, name: str) -> Path:
        """Return the file of a sample."""
        return self.folder / split / f"{name}{SUFFIX}"

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over names, sizes and checksums: from the index, or from the files where there is none."""
        if self.indexed is not None:
            return fingerprint(record for split in self.indexed.values() for record in split.values())
        return fingerprint(record_of(self.path(split, name), split) for split in SPLITS for name in self.names(split))


def record_of(path: Path, split: str) -> Record:
    """Return what ``records.csv`` says of a file: its size, and the masked CRC-32C that ends a TFRecord file."""
    content = path.read_bytes()
    return Record(split, path.stem, len(content), content[-4:][::-1].hex())


def chosen_names(listing: Listing, split: str, experiment: Experiment) -> list[str]:
    """Return the samples of a split that an experiment uses: filtered by suffix, then drawn by the seed, sorted.

    Raises:
        UserError: nothing is left, or more samples are asked for than there are.
    """
    names = listing.names(split)
    if experiment.ENFORCE_SUFFIX:
        names = [name for name in names if name.endswith(experiment.ENFORCE_SUFFIX)]
    if experiment.EXCLUDE_SUFFIX:
        names = [name for name in names if not name.endswith(experiment.EXCLUDE_SUFFIX)]
    if not names:
        raise UserError(
            f"{experiment.file}: no sample is left in {listing.folder / split}"
            f" (enforce_suffix {experiment.ENFORCE_SUFFIX}, exclude_suffix {experiment.EXCLUDE_SUFFIX})"
        )
    key = "sample_train" if split == "train" else "sample_val"
    wanted = experiment.SAMPLE_TRAIN if split == "train" else experiment.SAMPLE_VAL
    if wanted is None:
        return names
    if split == "train" and wanted > len(names):
        raise UserError(f"{experiment.file}: {key}: asks for {wanted} of {len(names)} samples in {split}; lower it")
    import numpy as np

    order = np.random.default_rng([experiment.SEED, SPLITS.index(split)]).permutation(len(names))
    return sorted(names[index] for index in order[:wanted])


def open_folder(named: str) -> Listing:
    """Return the listing of a dataset folder that a command line names (with or without the tile size).

    Raises:
        UserError: there is no such dataset, or it has several tile sizes and none is named.
    """
    folder = Path(named)
    if folder.is_dir() and not any((folder / split).is_dir() for split in SPLITS):
        sizes = [path for path in folder.iterdir() if path.is_dir() and path.name.isdigit()]
        if len(sizes) > 1:
            raise UserError(f"{folder}: has several tile sizes; name one of {', '.join(sorted(map(str, sizes)))}")
        folder = sizes[0] if sizes else folder
    return Listing(folder, load_manifest(folder, folder.resolve().parent.name))


def is_dataset(path: Path) -> bool:
    """Tell whether a path is a dataset, with or without its tile size."""
    folders = [path, *(child for child in path.iterdir() if child.name.isdecimal())] if path.is_dir() else []
    return any((folder / FILE).is_file() or any((folder / split).is_dir() for split in SPLITS) for folder in folders)


def listing_of(path: Path, experiment: Experiment) -> Listing:
    """Return the listing of a dataset that an experiment's network can read.

    Raises:
        UserError: its samples differ.
    """
    sized = path / str(experiment.TILESIZE)
    listing = open_folder(str(sized if sized.is_dir() else path))
    mine, other = experiment.manifest, listing.manifest
    if (mine.input, mine.target, mine.fields) != (other.input, other.target, other.fields):
        differing = [
            name for name in {**mine.fields, **other.fields} if mine.fields.get(name) != other.fields.get(name)
        ]
        raise UserError(
            f"--input {listing.folder}: {', '.join(differing) or 'input and target'} differ from those of"
            f" {experiment.DATA_ROOT}, from which '{experiment.NAME}' learnt"
        )
    return listing

"""Names of the samples of a dataset, and of those that an experiment uses. Imports no TensorFlow."""

from __future__ import annotations

import csv
from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pix2earth.records.manifest import FILE, INDEX, SPLITS, SUFFIX, Manifest, Record, fingerprint, load_manifest
from pix2earth.records.transforms import with_transforms
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from experiment import Experiment


class Listing:
    """The names of a dataset's samples, checked against its index."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        """Keep folder and manifest; files are read when they are needed.

        Args:
            folder: ``<data_root>/<dataset>/<tilesize>``.
            manifest: of the dataset.
        """
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
        with path.open(newline="", encoding="utf-8-sig") as lines:
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
            UserError: a record of the index has no file, or a file is not in the index.
        """
        files = {path.stem for path in (self.folder / split).glob(f"*{SUFFIX}")}
        if self.indexed is None:
            return sorted(files)
        listed = self.indexed[split].keys()
        lines = [f"{self.path(split, name)}: the record is missing" for name in sorted(listed - files)]
        lines += [f"{self.path(split, name)}: is not in {INDEX}; remove it" for name in sorted(files - listed)]
        if lines:
            raise UserError(*lines[:20], *([f"{self.folder}: and {len(lines) - 20} more"] if len(lines) > 20 else []))
        return sorted(listed)

    def all_samples(self) -> list[tuple[str, str]]:
        """Return (split, name) of all samples that are in the index or have a file, also where the two differ."""
        samples = {(split, path.stem) for split in SPLITS for path in (self.folder / split).glob(f"*{SUFFIX}")}
        samples |= {(split, name) for split, names in (self.indexed or {}).items() for name in names}
        return sorted(samples)

    def path(self, split: str, name: str) -> Path:
        """Return the file of a sample."""
        return self.folder / split / f"{name}{SUFFIX}"

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over names, sizes and checksums of all records: from the index, or from the files without one."""
        if self.indexed is not None:
            return fingerprint(record for split in self.indexed.values() for record in split.values())
        return fingerprint(record_of(self.path(split, name), split) for split in SPLITS for name in self.names(split))


def record_of(path: Path, split: str) -> Record:
    """Return the line of ``records.csv`` for a file: its size, and the masked CRC-32C at its end."""
    content = path.read_bytes()
    return Record(split, path.stem, len(content), content[-4:][::-1].hex())


def admitted_names(listing: Listing, split: str, experiment: Experiment, pool: str = "") -> list[str]:
    """Return the names of the samples of a split that the suffixes of an experiment admit, sorted.

    Args:
        listing: of the dataset.
        split: "train", "val" or "test".
        experiment: its suffixes apply.
        pool: of the samples, where the dataset has pools; "" for those of any.

    Raises:
        UserError: no sample is left.
    """
    names = [name for name in listing.names(split) if not pool or listing.manifest.pool_of(name) == pool]
    if experiment.ENFORCE_SUFFIX:
        names = [name for name in names if name.endswith(experiment.ENFORCE_SUFFIX)]
    if experiment.EXCLUDE_SUFFIX:
        names = [name for name in names if not name.endswith(experiment.EXCLUDE_SUFFIX)]
    if not names:
        raise UserError(
            f"{experiment.file}: no sample is left in {listing.folder / split}"
            f" (enforce_suffix {experiment.ENFORCE_SUFFIX}, exclude_suffix {experiment.EXCLUDE_SUFFIX})"
        )
    return names


def chosen_names(
    listing: Listing, split: str, experiment: Experiment, held_out: Collection[str] = frozenset(), pool: str = ""
) -> list[str]:
    """Return the names of the samples that an experiment uses, sorted: filtered by suffix, then drawn with the seed.

    Args:
        listing: of the dataset.
        split: "train", "val" or "test".
        experiment: its suffixes, sample numbers and seed apply.
        held_out: names of samples that are not used.
        pool: as of ``admitted_names``.

    Raises:
        UserError: no sample is left, or the experiment asks for more training samples than there are.
    """
    names = [name for name in admitted_names(listing, split, experiment, pool) if name not in held_out]
    key = "sample_train" if split == "train" else "sample_val"
    count = experiment.SAMPLE_TRAIN if split == "train" else experiment.SAMPLE_VAL
    if count is None:
        return names
    if split == "train" and count > len(names):
        others = " that are not held out for validation" if held_out else ""
        raise UserError(
            f"{experiment.file}: {key}: asks for {count} of {len(names)} samples in {split}{others}; lower it"
        )
    import numpy as np

    order = np.random.default_rng([experiment.SEED, SPLITS.index(split)]).permutation(len(names))
    return sorted(names[index] for index in order[:count])


def open_folder(path: str) -> Listing:
    """Return the listing of the dataset in a folder.

    Args:
        path: ``<data_root>/<dataset>/<tilesize>``, or without the tile size where the dataset has only one.

    Raises:
        UserError: there is no such dataset, or it has several tile sizes and the path has none.
    """
    folder = Path(path)
    if folder.is_dir() and not any((folder / split).is_dir() for split in SPLITS):
        sizes = [path for path in folder.iterdir() if path.is_dir() and path.name.isdigit()]
        if len(sizes) > 1:
            raise UserError(f"{folder}: has several tile sizes; name one of {', '.join(sorted(map(str, sizes)))}")
        folder = sizes[0] if sizes else folder
    return Listing(folder, load_manifest(folder, folder.resolve().parent.name))


def is_dataset(path: Path) -> bool:
    """Return whether a path is the folder of a dataset, with or without its tile size."""
    folders = [path, *(child for child in path.iterdir() if child.name.isdecimal())] if path.is_dir() else []
    return any((folder / FILE).is_file() or any((folder / split).is_dir() for split in SPLITS) for folder in folders)


def listing_of(path: Path, experiment: Experiment) -> Listing:
    """Return the listing of another dataset for an experiment, which must have the same fields.

    Args:
        path: folder of the dataset, with or without the tile size.
        experiment: its manifest describes the fields that its network was trained with.

    Raises:
        UserError: the fields differ.
    """
    sized = path / str(experiment.TILESIZE)
    listing = open_folder(str(sized if sized.is_dir() else path))
    settings = experiment.settings
    other = with_transforms(listing.manifest, settings.transforms, settings.normalize, experiment.file)
    trained = experiment.manifest
    if (trained.input, trained.target, trained.fields) != (other.input, other.target, other.fields):
        differing = [
            name for name in {**trained.fields, **other.fields} if trained.fields.get(name) != other.fields.get(name)
        ]
        raise UserError(
            f"--input {listing.folder}: {', '.join(differing) or 'input and target'} differ from those of"
            f" {experiment.DATA_ROOT}, with which '{experiment.NAME}' was trained"
        )
    return Listing(listing.folder, other)

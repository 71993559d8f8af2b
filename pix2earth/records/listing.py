"""Names of the samples of a dataset, and of those that an experiment uses. Imports no TensorFlow."""

from __future__ import annotations

import csv
from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pix2earth.records.loading import load_manifest
from pix2earth.records.manifest import FILE, INDEX, SPLITS, SUFFIX, Manifest, Record, fingerprint
from pix2earth.records.overrides.occlusion import mask_field
from pix2earth.records.overrides.seen import seen_manifest
from pix2earth.settings.errors import UserError, nearest
from pix2earth.settings.occlusion import KINDS, OcclusionInUse

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

    @cached_property
    def masks(self) -> Listing | None:
        """The dataset whose masks hide parts of the samples; None where they do not come from a dataset.

        Raises:
            UserError: there is no such dataset, or it has no mask of the target's size.
        """
        occlusion = self.manifest.occlusion
        return _open_masks(occlusion, self.manifest) if occlusion and occlusion.settings.names_dataset else None


def _open_masks(occlusion: OcclusionInUse, hidden: Manifest) -> Listing:
    """Return the listing of the dataset that an occlusion names.

    Args:
        occlusion: of an experiment.
        hidden: manifest of the samples of which parts are hidden.

    Raises:
        UserError: there is none, it has several tile sizes and none is that of the experiment, or its masks do not have
            the size of the target.
    """
    root, name = occlusion.data_root, occlusion.settings.masks
    place, folder = f"{occlusion.file}: occlusion.masks", root / name
    sizes = _sizes(folder)
    if not sizes:
        folders = {path.parent for path in (*root.glob("*/*"), *root.glob("*/*/*")) if path.name.isdecimal()}
        names = [path.relative_to(root).as_posix() for path in folders]
        raise UserError(f"{place}: there is no dataset '{name}' in {root}{nearest(name, [*KINDS, *names])}")
    size = str(occlusion.tilesize) if str(occlusion.tilesize) in sizes else sizes[0]
    if size != str(occlusion.tilesize) and len(sizes) > 1:
        raise UserError(f"{place}: '{name}' has the tile sizes {', '.join(sizes)}, and none is {occlusion.tilesize}")
    listing = Listing(folder / size, load_manifest(folder / size, name))
    masks, target = listing.manifest.fields[mask_field(listing.manifest, place).name], hidden.fields[hidden.target]
    if masks.size != target.size:
        of_masks, of_target = (f"{height} x {width}" for height, width in (masks.size, target.size))
        raise UserError(
            f"{place}: masks of {listing.folder} have {of_masks} pixels, and the target has {of_target}; write them"
            " with that size, or name another dataset"
        )
    return listing


def _sizes(folder: Path) -> list[str]:
    """Return the tile sizes of a dataset, the names of its folders."""
    return sorted(path.name for path in folder.glob("*") if path.is_dir() and path.name.isdecimal())


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
    if split == "train" and experiment.TRAINING_LENGTH:
        return _drawn(names, min(experiment.TRAINING_LENGTH, len(names)), split, experiment.SEED)
    key = "sample_train" if split == "train" else "sample_val"
    count = experiment.SAMPLE_TRAIN if split == "train" else experiment.SAMPLE_VAL
    if count is None:
        return names
    if split == "train" and count > len(names):
        others = " that are not held out for validation" if held_out else ""
        raise UserError(
            f"{experiment.file}: {key}: asks for {count} of {len(names)} samples in {split}{others}; lower it"
        )
    return _drawn(names, count, split, experiment.SEED)


def _drawn(names: list[str], count: int, split: str, seed: int) -> list[str]:
    """Return so many names, sorted; those of a smaller number are among those of a larger one."""
    import numpy as np

    order = np.random.default_rng([seed, SPLITS.index(split)]).permutation(len(names))
    return sorted(names[index] for index in order[:count])


def fewer_than_asked(experiment: Experiment, training: Collection[str]) -> list[str]:
    """Return a line where ``training_length`` is more than the training samples that there are, else nothing."""
    asked = experiment.TRAINING_LENGTH or 0
    if asked <= len(training):
        return []
    return [
        f"{experiment.file}: training_length: is {asked}, and there are {len(training)} training samples; all are used"
    ]


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
    data_root = Path(experiment.environment.DATA_ROOT)
    other = seen_manifest(listing.manifest, experiment.settings, experiment.file, data_root)
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

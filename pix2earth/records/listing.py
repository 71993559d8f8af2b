"""Which samples a dataset has, and which of them an experiment uses. Imports no TensorFlow."""

from __future__ import annotations

import csv
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pix2earth.records.manifest import INDEX, SPLITS, SUFFIX, Manifest, Record, fingerprint
from pix2earth.settings.errors import Mistake

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
                raise Mistake(f"{path}: is missing, though the dataset has a manifest; write the dataset again")
            return None
        listed: dict[str, dict[str, Record]] = {split: {} for split in SPLITS}
        with path.open(newline="", encoding="utf-8") as lines:
            try:
                for row in csv.DictReader(lines, strict=True):
                    record = Record(row["split"], row["name"], int(row["bytes"]), row["crc32c"])
                    listed[record.split][record.name] = record
            except (KeyError, TypeError, ValueError, csv.Error):
                raise Mistake(f"{path}: is damaged; copy or write the dataset again") from None
        return listed

    def names(self, split: str) -> list[str]:
        """Return the names of a split's samples, sorted.

        Raises:
            Mistake: a record of the index is missing, or a file is there that the index does not know.
        """
        present = {path.stem for path in (self.folder / split).glob(f"*{SUFFIX}")}
        if self.indexed is None:
            return sorted(present)
        listed = self.indexed[split].keys()
        lines = [f"{self.path(split, name)}: the record is missing" for name in sorted(listed - present)]
        lines += [f"{self.path(split, name)}: is not in {INDEX}; remove it" for name in sorted(present - listed)]
        if lines:
            raise Mistake(*lines[:20], *([f"{self.folder}: and {len(lines) - 20} more"] if len(lines) > 20 else []))
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
        Mistake: nothing is left, or more samples are asked for than there are.
    """
    names = listing.names(split)
    if experiment.ENFORCE_SUFFIX:
        names = [name for name in names if name.endswith(experiment.ENFORCE_SUFFIX)]
    if experiment.EXCLUDE_SUFFIX:
        names = [name for name in names if not name.endswith(experiment.EXCLUDE_SUFFIX)]
    if not names:
        raise Mistake(
            f"{experiment.file}: no sample is left in {listing.folder / split}"
            f" (enforce_suffix {experiment.ENFORCE_SUFFIX}, exclude_suffix {experiment.EXCLUDE_SUFFIX})"
        )
    key = "sample_train" if split == "train" else "sample_val"
    wanted = experiment.SAMPLE_TRAIN if split == "train" else experiment.SAMPLE_VAL
    if wanted is None:
        return names
    if split == "train" and wanted > len(names):
        raise Mistake(f"{experiment.file}: {key}: asks for {wanted} of {len(names)} samples in {split}; lower it")
    import numpy as np

    order = np.random.default_rng([experiment.SEED, SPLITS.index(split)]).permutation(len(names))
    return sorted(names[index] for index in order[:wanted])

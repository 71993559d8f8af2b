"""The writer of datasets: every importer yields samples, and this puts them on disk."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pix2earth.records import format
from pix2earth.records.listing import record_of
from pix2earth.records.manifest import FILE, INDEX, SPLITS, SUFFIX, UNFINISHED, Manifest, Record, fingerprint
from pix2earth.records.metadata import Acquired, stored_times
from pix2earth.records.started import REPLACING, manifest_difference, started_manifest
from pix2earth.settings import atomic
from pix2earth.settings.errors import InvalidData, UserError, inside


class DatasetWriter:
    """Writes a dataset; as a context manager it writes index and manifest when the block ends without an error.

    A dataset whose writing was interrupted is continued: ``has`` tells which samples are complete.
    """

    def __init__(self, data_root: str | Path, manifest: Manifest, *, replace: bool = False) -> None:
        """Open ``<data_root>/<name>/<tilesize>``.

        Args:
            data_root: folder of the datasets.
            manifest: fields, roles and split; counts and fingerprint are filled in at the end.
            replace: write a complete dataset of this name again.

        Raises:
            UserError: a complete dataset of this name exists, and ``replace`` is False.
        """
        if not inside(manifest.name):
            raise UserError(f"dataset name '{manifest.name}': must be a name below the data root, without '..'")
        self.folder = Path(data_root) / manifest.name / str(manifest.tilesize)
        self.manifest = manifest
        if (self.folder / FILE).exists() and not replace:
            raise UserError(f"{self.folder}: the dataset exists; remove the folder to write it again")
        self.folder.mkdir(parents=True, exist_ok=True)
        if replace:
            self._remove()
        elif (started := started_manifest(self.folder)) and (reason := manifest_difference(started, manifest)):
            raise UserError(f"{self.folder}: writing was started and {reason}; remove the folder to write it again")
        manifest.save(self.folder, UNFINISHED)

    def __enter__(self) -> DatasetWriter:
        """Return the writer."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Finish the dataset unless an error ended the block."""
        if kind is None:
            self.finish()

    def _remove(self) -> None:
        """Remove the dataset that exists; until all of it is gone, its folder is marked."""
        atomic.write_text(self.folder / UNFINISHED, REPLACING)
        (self.folder / FILE).unlink(missing_ok=True)
        for path in self.folder.glob(f"*/*{SUFFIX}"):
            path.unlink()

    def path(self, split: str, name: str) -> Path:
        """Return the file of a sample."""
        return self.folder / split / f"{name}{SUFFIX}"

    def has(self, split: str, name: str) -> bool:
        """Tell whether a sample is written (records are complete or absent)."""
        return self.path(split, name).is_file()

    def valid(self, split: str, name: str) -> bool:
        """Return whether a sample is written and undamaged."""
        path = self.path(split, name)
        return path.is_file() and not format.defects(path, self.manifest)

    def write(
        self,
        split: str,
        name: str,
        fields: Mapping[str, np.ndarray],
        *,
        crs: str | None = None,
        transform: Sequence[float] | None = None,
        acquired: Acquired = (),
    ) -> None:
        """Write one sample.

        Args:
            split: "train", "val" or "test".
            name: name of the tile, unique in its split; it names the file.
            fields: every field of the manifest, or of the sample's pool, with its dtype and shape, in any byte order.
            crs: coordinate reference system of the target, as "EPSG:32618" or WKT.
            transform: the six numbers a, b, c, d, e, f of the target's affine transform (x = a*column + b*row + c).
            acquired: times of acquisition, ISO 8601: by field, one for each time step or one; or a list for the record.

        Raises:
            InvalidData: a field is missing, unknown, or has another dtype or shape than the manifest states; or times
                of acquisition do not fit the fields.
            OSError: the disk is full; the record is then absent.
        """
        if split not in SPLITS:
            raise InvalidData(f"{name}: there is no split '{split}', only {', '.join(SPLITS)}")
        if not name or "/" in name or name.startswith("."):
            raise InvalidData(f"'{name}' cannot name a file")
        try:
            pool = self.manifest.pool_of(name)
        except UserError as error:
            raise InvalidData(*error.args) from None
        present = self.manifest.fields_of(pool)
        ordered = {field: self._checked(name, field, fields) for field in present}
        unknown = set(fields) - set(ordered)
        if unknown:
            place = f"samples of the pool '{pool}' have" if pool else "the manifest has"
            raise InvalidData(f"{name}: {place} no field '{min(unknown)}'")
        metadata: dict[str, Any] = {"name": name, "crs": crs, "acquired": stored_times(name, acquired, present)}
        metadata["transform"] = None if transform is None else [float(value) for value in tuple(transform)[:6]]
        atomic.write_bytes(self.path(split, name), format.framed(format.encode(ordered, metadata)))

    def _checked(self, name: str, field: str, fields: Mapping[str, np.ndarray]) -> np.ndarray:
        if field not in fields:
            raise InvalidData(f"{name}: field '{field}' is missing")
        array, stated = np.asarray(fields[field]), self.manifest.fields[field]
        if array.dtype.newbyteorder("=") != np.dtype(stated.dtype) or list(array.shape) != stated.shape:
            raise InvalidData(
                f"{name}: field '{field}' is {array.dtype} {list(array.shape)},"
                f" the manifest says {stated.dtype} {stated.shape}"
            )
        return array

    def finish(self) -> Manifest:
        """Write ``records.csv`` and ``dataset.json``; from now on the dataset can be read."""
        records = [
            record_of(path, split) for split in SPLITS for path in sorted((self.folder / split).glob(f"*{SUFFIX}"))
        ]
        for split in SPLITS:
            atomic.sweep(self.folder / split)
        table = io.StringIO()
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(Record._fields)
        writer.writerows(records)
        atomic.write_text(self.folder / INDEX, table.getvalue())
        counts = {split: sum(record.split == split for record in records) for split in SPLITS}
        self.manifest = self.manifest.model_copy(update={"records": counts, "fingerprint": fingerprint(records)})
        self.manifest.save(self.folder)
        (self.folder / UNFINISHED).unlink()
        return self.manifest

"""Whether a folder holds a dataset, complete or started, and how that differs from another."""

from __future__ import annotations

from pathlib import Path

from pix2earth.records.manifest import FILE, UNFINISHED, Manifest
from pix2earth.settings.errors import UserError
from pix2earth.settings.validation import load

REPLACING = "the former dataset is being removed"
"""Content of the file that marks a dataset as unfinished, until the records of the former one are gone."""


def is_finished(folder: Path) -> bool:
    """Return whether a folder holds a complete dataset."""
    return (folder / FILE).is_file() and not (folder / UNFINISHED).exists()


def started_manifest(folder: Path) -> Manifest | None:
    """Return the manifest of a dataset, complete or started; None where there is none.

    Datasets that former versions have started do not record theirs.

    Raises:
        UserError: the file is damaged, or removing a former dataset was interrupted.
    """
    unfinished = folder / UNFINISHED
    if unfinished.is_file() and unfinished.read_bytes() == REPLACING.encode():
        raise UserError(f"{folder}: replacing this dataset was interrupted; replace it again, or remove the folder")
    for path in (folder / FILE, unfinished):
        if path.is_file() and path.stat().st_size:
            return load(path, Manifest)
    return None


def manifest_difference(existing: Manifest, manifest: Manifest) -> str | None:
    """Return how the manifest of an existing dataset differs from another in fields, roles or split, or None."""
    if existing.fields != manifest.fields:
        return "has other fields (another factor?)"
    roles = [(one.input, one.target, one.mask, one.score_by, one.guide, one.reduced) for one in (existing, manifest)]
    if roles[0] != roles[1]:
        return "has other roles of its fields"
    # Former versions did not state it, and averaged.
    former = existing.degradation is None and manifest.degradation is not None and not manifest.degradation.fwhm
    if existing.degradation != manifest.degradation and not former:
        return "has inputs that were made otherwise from their targets (degradation)"
    if (existing.split.method, existing.split.seed) != (manifest.split.method, manifest.split.seed):
        return f"was split otherwise ({existing.split.method}, seed {existing.split.seed})"
    return None

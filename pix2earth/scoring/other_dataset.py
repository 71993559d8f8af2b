"""Another dataset than that of a run, on which its network is scored: which it may be, and what training saw of it.

It must have the fields of the run's dataset with the same meaning, since the network reads their numbers as it learnt
to, and the same tile size, since networks are built, and metrics compared, at one size.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pix2earth.records.listing import Listing, admitted_names
from pix2earth.records.loading import load_manifest
from pix2earth.records.manifest import FILE, SPLITS
from pix2earth.records.metadata import acquisition_times, read_metadata
from pix2earth.records.overrides.seen import seen_manifest
from pix2earth.records.splitting.leaks import GroundExtent, sharing_ground_and_date
from pix2earth.runs import identity
from pix2earth.settings.errors import UserError, inside, nearest

if TYPE_CHECKING:
    from experiment import Experiment


class OtherDataset(NamedTuple):
    """Another dataset than that of a run, with the same fields.

    Attributes:
        name: its name below the data root, such as "demo" or "synthetic/clouds".
        listing: its samples.
        trained_on: the samples of the run's own dataset.
    """

    name: str
    listing: Listing
    trained_on: Listing


class Seen(NamedTuple):
    """What training has seen of samples: the same ground on the same date.

    Attributes:
        samples: names of those samples, sorted.
        known: whether the records of both datasets state where samples are.
        dated: whether dates were compared; otherwise samples count that show the same ground on whatever date.
    """

    samples: list[str]
    known: bool
    dated: bool


def open_other(named: str, experiment: Experiment) -> OtherDataset:
    """Return the dataset of ``--dataset``.

    Args:
        named: its name below the data root or the path of its folder, with or without the tile size.
        experiment: of the run, as it was trained.

    Raises:
        UserError: there is no such dataset, it is the run's own, or its tile size or fields differ from those of the
            run's own.
    """
    name, folder = _located(named, experiment)
    trained_on = Listing(Path(experiment.DATA_ROOT), experiment.manifest)
    if folder.resolve() == trained_on.folder.resolve():
        raise UserError(f"--dataset {named}: is the dataset of '{experiment.NAME}' itself; leave --dataset out")
    data_root = Path(experiment.environment.DATA_ROOT)
    manifest = seen_manifest(load_manifest(folder, name), experiment.settings, experiment.file, data_root)
    other = OtherDataset(name, Listing(folder, manifest), trained_on)
    if differences := _differences(other):
        raise UserError(
            f"--dataset {named}: {folder / FILE} differs from {trained_on.folder / FILE}, the dataset of"
            f" '{experiment.NAME}': {'; '.join(differences)}; name a dataset with the same fields"
        )
    return other


def _located(named: str, experiment: Experiment) -> tuple[str, Path]:
    """Return the name of a dataset below the data root, and the folder with the tile size of the run."""
    root, size = Path(experiment.environment.DATA_ROOT), str(experiment.TILESIZE)
    text = named.rstrip("/")
    folder = root / text if inside(text) and (root / text).is_dir() else Path(os.path.abspath(text))
    if not folder.is_dir():
        raise UserError(f"--dataset {named}: there is no folder {root / text}{nearest(text, _datasets(root))}")
    if not folder.is_relative_to(root) and folder.resolve().is_relative_to(root.resolve()):
        folder = root / folder.resolve().relative_to(root.resolve())  # the root is a link
    if not folder.is_relative_to(root):
        raise UserError(f"--dataset {named}: is not below the data root {root}; move or link it there")
    if folder.name.isdecimal() and ((folder / FILE).is_file() or any((folder / split).is_dir() for split in SPLITS)):
        folder, sizes = folder.parent, [folder.name]
    else:
        sizes = sorted(path.name for path in folder.iterdir() if path.is_dir() and path.name.isdecimal())
    if size not in sizes:
        raise UserError(
            f"--dataset {named}: has tile size {', '.join(sizes) or 'none'}, and '{experiment.NAME}' was trained with"
            f" {size}: a network is scored at the size that it was built for; name a dataset with tile size {size}"
        )
    return folder.relative_to(root).as_posix(), folder / size


def _datasets(root: Path) -> Collection[str]:
    """Return the names of the datasets in the data root."""
    return {path.parent.name for path in root.glob("*/*") if path.name.isdecimal() and path.is_dir()}


def _differences(other: OtherDataset) -> list[str]:
    """Return in words what differs between the manifests of both datasets in the meaning of the numbers."""
    # A manifest that does not state the degradation differs here from one that does: plug-ins are built by it.
    before, now = (
        {"degradation": None} | identity.dataset(listing, records=False)
        for listing in (other.trained_on, other.listing)
    )
    words = []
    for key, was, current in (each[1:] for each in identity.manifest_differences(before, now)):
        if key.startswith("field "):
            words.append(f"there is no {key}" if was else f"there is a further {key}")
        else:
            words.append(f"{key} is {json.dumps(current)} instead of {json.dumps(was)}")
    return words


def seen_in_training(other: OtherDataset, split: str, names: Iterable[str], experiment: Experiment) -> Seen:
    """Return which samples show ground on dates that the training samples of the run's own dataset show.

    Training samples are all that the suffixes of the experiment admit. In datasets of sequences, and where dates are
    not stated, the same ground on any date counts.

    Args:
        other: the dataset.
        split: of the samples.
        names: of the samples.
        experiment: of the run.
    """
    own = other.trained_on
    trained = _extents(own, "train", admitted_names(own, "train", experiment))
    scored = _extents(other.listing, split, names)
    dated = own.manifest.sequence is None and all(extent.date for extent in (*trained, *scored))
    if not dated:
        trained, scored = ([extent._replace(date="") for extent in extents] for extents in (trained, scored))
    side = own.manifest.fields[own.manifest.target].size[0]
    return Seen(sharing_ground_and_date(scored, trained, side), bool(trained and scored), dated)


def _extents(listing: Listing, split: str, names: Iterable[str]) -> list[GroundExtent]:
    """Return place and dates of samples, one for each date; without those whose records do not state their place."""
    extents: list[GroundExtent] = []
    for name in () if listing.manifest.legacy else names:
        content = read_metadata(listing.path(split, name))
        if content.get("crs") and content.get("transform"):
            dates = sorted({time[:10] for time in acquisition_times(content) or ("",)})
            extents += [GroundExtent(split, name, date, content["crs"], content["transform"]) for date in dates]
    return extents

"""The field with the classes of pixels: which one it is, in which pools, and whether two of them mean the same."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pix2earth.batches.pools import pools_of
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from pix2earth.batches.dataset import Dataset
    from pix2earth.records.listing import Listing
    from pix2earth.records.manifest import Manifest

LAND_COVER = "land_cover"


class LabelledPool(NamedTuple):
    """A pool whose samples hold classes.

    Attributes:
        pool: its name; "" where the dataset has no pools.
        field: name of the field with the classes.
    """

    pool: str
    field: str


def class_field(manifest: Manifest, folder: Path, pool: str = "") -> str:
    """Return the name of the field with the classes.

    It is "land_cover", else the only one whose name begins so, else the only one.

    Args:
        manifest: of the dataset.
        folder: of the dataset, for messages.
        pool: of the samples.

    Raises:
        UserError: there is none, or several may be meant.
    """
    found = [name for name, field in manifest.fields_of(pool).items() if field.kind == "classes"]
    named = [name for name in found if name == LAND_COVER] or [name for name in found if name.startswith(LAND_COVER)]
    chosen = named or found
    if len(chosen) == 1:
        return chosen[0]
    where = f"the pool '{pool}'" if pool else "dataset.json"
    there = f"has several: {', '.join(chosen)}; name one of them land_cover" if chosen else "has none"
    raise UserError(f"{folder}: --classifier: needs a field of kind 'classes', and {where} {there}")


def pools_of_truth(listing: Listing, split: str) -> list[LabelledPool]:
    """Return the pools of a split whose samples hold the target, its mask and classes; without pools that of "".

    Raises:
        UserError: there is none, or classes of several differ in their meaning.
    """
    manifest = listing.manifest
    if not manifest.pools:
        return [LabelledPool("", class_field(manifest, listing.folder))]
    needed = {manifest.target, *([manifest.mask] if manifest.mask else [])}
    found = [pool for pool in pools_of(listing, split) if needed <= manifest.fields_of(pool).keys()]
    labelled = [
        LabelledPool(pool, class_field(manifest, listing.folder, pool))
        for pool in found
        if any(field.kind == "classes" for field in manifest.fields_of(pool).values())
    ]
    if not labelled:
        raise UserError(
            f"{listing.folder / split}: --classifier: no sample holds both {' and '.join(sorted(needed))} and classes;"
            " write samples of a pool with them"
        )
    for other in labelled[1:]:
        require_agreement(manifest, listing.folder, labelled[0].field, other.field)
    return labelled


def pool_of_judged(dataset: Dataset, split: str) -> LabelledPool:
    """Return the pool of the samples that are judged: those that evaluations score.

    Raises:
        UserError: it holds no classes.
    """
    manifest, names = dataset.manifest, dataset.names(split)
    pool = manifest.pool_of(names[0])
    return LabelledPool(pool, class_field(manifest, dataset.listing.folder, pool))


def require_agreement(manifest: Manifest, folder: Path, one: str, other: str) -> None:
    """Check that two fields of classes state the same classes: the same name of the band, which may name them.

    Raises:
        UserError: they do not.
    """
    named = [manifest.fields[name].bands for name in (one, other)]
    if named[0] != named[1]:
        words = [f"{name} states {', '.join(bands)}" for name, bands in zip((one, other), named, strict=True)]
        raise UserError(
            f"{folder}: --classifier: classes differ: {words[0]}, and {words[1]}; write both with the same classes"
        )

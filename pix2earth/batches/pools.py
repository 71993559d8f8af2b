"""Pools: samples that hold some fields only, and how they are combined where nothing may be random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pix2earth.records.manifest import SPLITS
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from pix2earth.records.listing import Listing
    from pix2earth.records.manifest import Manifest

SEQUENCE_START = "sequence_start"
UNPAIRED = "no sample holds both input and target, so that distances of distributions alone are computed"
"""What is said of a split of which inputs and targets are no pairs."""


def pools_of(listing: Listing, split: str) -> dict[str, list[str]]:
    """Return the names of the samples of each pool of a split, in the order of the manifest, without empty pools."""
    found: dict[str, list[str]] = {pool: [] for pool in listing.manifest.pools or ("",)}
    for name in listing.names(split):
        found[listing.manifest.pool_of(name)].append(name)
    return {pool: names for pool, names in found.items() if names}


def holds_pairs(manifest: Manifest, pool: str) -> bool:
    """Return whether the samples of a pool hold input and target."""
    return {manifest.input, manifest.target} <= manifest.fields_of(pool).keys()


def pool_of_pairs(listing: Listing, split: str) -> str:
    """Return the pool of a split whose samples hold input and target.

    Raises:
        UserError: the split has none.
    """
    for pool in pools_of(listing, split):
        if holds_pairs(listing.manifest, pool):
            return pool
    manifest = listing.manifest
    raise UserError(
        f"{listing.folder / split}: no sample holds both {manifest.input} and {manifest.target}, which are needed to"
        ' score and to train on pairs; write such samples, or train a model with sampling = "pools"'
    )


def unpaired_inputs(listing: Listing, split: str) -> list[str]:
    """Return the samples with an input of a split that holds inputs and targets, but no pairs; else [].

    They are as many as there are targets, evenly chosen, where there are more: every target is used once at most.
    """
    manifest = listing.manifest
    pools = pools_of(listing, split) if manifest.pools else {}
    if not pools or any(holds_pairs(manifest, pool) for pool in pools):
        return []
    inputs, targets = (
        next((names for pool, names in pools.items() if role in manifest.fields_of(pool)), [])
        for role in (manifest.input, manifest.target)
    )
    count = min(len(inputs), len(targets))
    return [inputs[index * len(inputs) // count] for index in range(count)]


def pool_of_samples(listing: Listing, split: str) -> str:
    """Return the pool whose samples are those that are scored: of pairs, or of inputs where there are no pairs.

    Raises:
        UserError: the split has no input, or no target.
    """
    if names := unpaired_inputs(listing, split):
        return listing.manifest.pool_of(names[0])
    return pool_of_pairs(listing, split)


def partners(listing: Listing, split: str, names: Sequence[str]) -> dict[str, list[str]]:
    """Return for each pool that completes samples the names that belong to them; they are always the same.

    Args:
        listing: of the dataset.
        split: of the samples.
        names: of samples of one pool, with the input.

    Returns:
        Pool -> as many names as ``names``; the pool of ``names`` comes first. Without pools, ``names`` are those of "".

    Raises:
        UserError: the split has no sample of a pool that holds further fields.
    """
    import numpy as np

    manifest = listing.manifest
    if not manifest.pools:
        return {"": list(names)}
    pools = pools_of(listing, split)
    main = manifest.pool_of(names[0]) if names else pool_of_samples(listing, split)
    inputs = unpaired_inputs(listing, split)
    ordered = inputs if set(names) <= set(inputs) else pools[main]
    position = {name: index for index, name in enumerate(ordered)}
    result, held = {main: list(names)}, set(manifest.fields_of(main))
    for number, pool in enumerate(manifest.pools):
        if manifest.fields_of(pool).keys() <= held:
            continue
        if pool not in pools:
            raise UserError(
                f"{listing.folder / split}: has no sample of the pool '{pool}', which holds"
                f" {', '.join(manifest.pools[pool])}; write some"
            )
        held |= manifest.fields_of(pool).keys()
        order = np.random.default_rng([SPLITS.index(split), number]).permutation(len(pools[pool]))
        result[pool] = [pools[pool][order[position[name] % len(order)]] for name in names]
    return result

"""Products of any sensor that has one module in ``sensors``, as scenes, and their clouds as masks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pix2earth.mapping.scene import as_stored
from pix2earth.mapping.sources import Source
from pix2earth.records.manifest import Field, Manifest
from pix2earth.settings.errors import UserError
from sensors import GranuleReader, granule_at


def granules_at(sources: Iterable[Source]) -> list[GranuleReader]:
    """Return the granules among some sources.

    Raises:
        UserError: some of them are none, or one cannot be read.
    """
    sources = list(sources)
    found = [granule_at(source) if isinstance(source, Path) else None for source in sources]
    granules = [granule for granule in found if granule is not None]
    if granules and len(granules) < len(found):
        other = sources[found.index(None)]
        raise UserError(f"--input {other}: is no product like {granules[0].name}; give all time steps in one form")
    return granules


class GranuleScene:
    """The bands of a field in a granule as a scene."""

    def __init__(self, granule: GranuleReader, field: Field) -> None:
        """Prepare to read a field.

        Args:
            granule: the open product.
            field: of the dataset, with one time step.

        Raises:
            UserError: a band is missing, or the field has several time steps.
        """
        if field.time_steps:
            raise UserError(
                f"--input {granule.path}: is one time step, and the network reads {field.time_steps}: name as many"
                " products in their order"
            )
        self.granule, self.field, self.bands = granule, field, granule.named(field.bands)
        self.name, self.crs, self.transform, self.size = granule.name, granule.crs, granule.transform, granule.size
        self.tags = {"ACQUIRED": granule.acquired.isoformat()}

    @property
    def summary(self) -> str:
        """What is read, in one line."""
        pairs = zip(self.field.bands, self.bands, strict=True)
        bands = [band if band == own else f"{band} ({own})" for band, own in pairs]
        return f"{self.name}: of {self.granule.acquired:%Y-%m-%d %H:%M}, {', '.join(bands)}"

    def read(self, row: int, column: int, height: int, width: int) -> np.ndarray:
        """Return a window; see ``Scene``."""
        return as_stored(self.granule.read(self.bands, row, column, height, width), self.field)

    def identity(self) -> dict[str, Any]:
        """Return the product and its bands, for JSON."""
        return {"granule": str(self.granule.path.resolve()), "name": self.name, "bands": self.bands}


class CloudScene:
    """The clouds of a granule as a mask: 1 where they hide the ground, or where it is clear."""

    def __init__(self, granule: GranuleReader, *, clear: bool) -> None:
        """Prepare to read the clouds; ``clear``: 1 is where there are none."""
        self.granule, self.clear = granule, clear
        self.name, self.crs, self.transform, self.size = granule.name, granule.crs, granule.transform, granule.size
        self.tags: dict[str, str] = {}

    def read(self, row: int, column: int, height: int, width: int) -> np.ndarray:
        """Return a window; see ``Scene``."""
        return (self.granule.clouds(row, column, height, width) != self.clear)[..., None].astype(np.float32)

    def identity(self) -> dict[str, Any]:
        """Return the product and what 1 means, for JSON."""
        return {"clouds": str(self.granule.path.resolve()), "clear": self.clear}


def cloud_scenes(granules: Sequence[GranuleReader], name: str, manifest: Manifest) -> list[CloudScene]:
    """Return the clouds of granules as a mask of a dataset, one for each time step.

    A dataset's ``mask`` is 1 where pixels are valid, all others where something hides them.

    Raises:
        UserError: the field is no mask, or a granule does not state its clouds.
    """
    if manifest.fields[name].kind != "mask":
        raise UserError(f"--field {name}={granules[0].path}: of a product only masks are read, and {name} is none")
    if without := next((granule for granule in granules if not granule.has_clouds), None):
        raise UserError(f"--field {name}={without.path}: has no file with its clouds; give a raster")
    clear = name == manifest.mask and name != manifest.input_mask
    return [CloudScene(granule, clear=clear) for granule in granules]


def masks_in(sources: Sequence[Source], read: Collection[str], manifest: Manifest) -> dict[str, list[Source]]:
    """Return the masks of clouds that a network reads and granules state, each with the granules as its files.

    Args:
        sources: of ``--input``.
        read: names of the fields that the network reads and that have no files of their own.
        manifest: of the dataset.
    """
    granules = granules_at(sources)
    if not granules or not all(granule.has_clouds for granule in granules):
        return {}
    return {name: list(sources) for name in read if name in (manifest.hidden_field, manifest.mask)}

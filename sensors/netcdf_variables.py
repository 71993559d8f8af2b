"""Variables of netCDF-4 files from outside: opened only where their numbers lie in the file itself.

HDF5, which netCDF-4 is written in, lets a name stand for a variable of another file, or a variable be put together
from the bytes of others. A product that does so could have any file of this machine read, so it is refused.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    import h5py

MOST_NUMBERS = 100_000_000
"""Of one variable, and of one chunk of it; the 4091 x 4865 pixels of a frame are a fifth."""


def open_variable(opened: h5py.File, name: str, label: str) -> h5py.Dataset:
    """Return a variable of an open file.

    Args:
        opened: the file.
        name: of a variable at its top.
        label: what messages call the file.

    Raises:
        UserError: there is no such variable, it leads to another file, or is no array of a size that products have.
    """
    import h5py

    # Asked before the name is looked up, which would follow it.
    link = opened.get(name, getlink=True)
    if link is not None and not isinstance(link, h5py.HardLink):
        raise UserError(f"{label}: {name} is a link, which no product has; do not trust it")
    found = opened.get(name)
    if not isinstance(found, h5py.Dataset):
        raise UserError(f"{label}: has no variable {name}; download the product again")
    if found.is_virtual or found.external:
        raise UserError(f"{label}: {name} is put together from other files, which no product does; do not trust it")
    if found.dtype.kind not in "iuf":
        raise UserError(f"{label}: {name} holds no numbers; download the product again")
    if max(math.prod(found.shape), math.prod(found.chunks or ())) > MOST_NUMBERS:
        size = " x ".join(map(str, found.shape))
        raise UserError(f"{label}: {name} claims to hold {size} numbers; this is not a product as distributed")
    return found

"""Open variables of untrusted netCDF-4 files only if their numbers are stored in the file itself.

HDF5, the format below netCDF-4, allows a name to link to a variable of another file, and a variable to be assembled
from the bytes of other files. Such a product could make this program read any file of the machine, so it is refused.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    import h5py

MOST_NUMBERS = 100_000_000
"""Numbers that a variable, or one chunk of it, may have; the 4091 x 4865 pixels of a frame are a fifth of that."""


def open_variable(opened: h5py.File, name: str, label: str) -> h5py.Dataset:
    """Return a variable of an open file.

    Args:
        opened: the file.
        name: of a variable in the root group.
        label: name of the file in messages.

    Raises:
        UserError: there is no such variable, it links to another file, holds no numbers, or is larger than products
            have it.
    """
    import h5py

    # The link is read before the name is resolved, which would follow it.
    link = opened.get(name, getlink=True)
    if link is not None and not isinstance(link, h5py.HardLink):
        raise UserError(f"{label}: {name} is a link, which no product has; do not trust it")
    variable = opened.get(name)
    if not isinstance(variable, h5py.Dataset):
        raise UserError(f"{label}: has no variable {name}; download the product again")
    if variable.is_virtual or variable.external:
        raise UserError(f"{label}: {name} is put together from other files, which no product does; do not trust it")
    if variable.dtype.kind not in "iuf":
        raise UserError(f"{label}: {name} holds no numbers; download the product again")
    if max(math.prod(variable.shape), math.prod(variable.chunks or ())) > MOST_NUMBERS:
        size = " x ".join(map(str, variable.shape))
        raise UserError(f"{label}: {name} claims to hold {size} numbers; this is not a product as distributed")
    return variable

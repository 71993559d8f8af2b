"""Options of the command line that name what is sharpened: products, folders of band files, or two rasters."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from preprocessing.sharpening.two_resolutions import TwoResolutions


def check(options: Any) -> None:
    """Find options that exclude each other.

    Raises:
        UserError: one line.
    """
    if bool(options.input) == bool(options.fine or options.coarse):
        raise UserError("--input: name products or folders, or two rasters by --fine and --coarse instead")
    if bool(options.fine) != bool(options.coarse):
        raise UserError("--fine, --coarse: name both rasters")
    for option, paths in (("--input", options.input), ("--fine", [options.fine]), ("--coarse", [options.coarse])):
        for path in filter(None, paths):
            if not Path(path).exists():
                raise UserError(f"{option} {path}: there is no such file or folder")
    if options.scale is not None and not 0 < options.scale < math.inf:
        raise UserError(f"--scale {options.scale:g}: must be a finite number above 0")
    if options.offset is not None and not math.isfinite(options.offset):
        raise UserError(f"--offset {options.offset:g}: must be a finite number")


def open_scenes(options: Any) -> list[TwoResolutions]:
    """Open what the command line names.

    Raises:
        UserError: something cannot be read, or does not fit.
    """
    from pix2earth.mapping.products import is_product
    from preprocessing.sharpening.opening import open_band_files, open_pair, open_product

    if options.fine:
        return [open_pair(Path(options.fine), Path(options.coarse), options.scale, options.offset)]
    scenes = []
    for path in map(Path, options.input):
        if is_product(path):
            if options.scale is not None or options.offset is not None:
                raise UserError(f"--scale, --offset: {path} is a product, whose metadata state them; leave them out")
            scenes.append(open_product(path))
        elif path.is_dir():
            scenes.append(open_band_files(path, options.scale, options.offset))
        else:
            raise UserError(f"--input {path}: is neither a product nor a folder; name rasters by --fine and --coarse")
    return scenes

"""Whether a product on disk is what its index says."""

from __future__ import annotations

import itertools
from pathlib import Path

import h5py

from synthetic.products import product


def defects(folder: Path) -> list[str]:
    """Compare a product's index with what is on disk; return a line for each difference.

    Raises:
        UserError: there is no product.
    """
    index = product.load_index(folder)
    listed = {name for entry in index["files"].values() if entry for name in entry.values()}
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*/*") if path.is_file()}
    lines = [f"{folder / name}: is missing" for name in sorted(listed - present)]
    lines += [f"{folder / name}: is not in {product.INDEX}" for name in sorted(present - listed)]
    dates = [product.date_of(index, number) for number in product.frames_of(index)]
    if any(one >= other for one, other in itertools.pairwise(dates)):
        lines.append(f"{folder / product.INDEX}: dates do not rise")
    if index["features"]["nframes"] != len(dates):
        lines.append(f"{folder / product.INDEX}: counts {index['features']['nframes']} frames, lists {len(dates)}")
    for name in sorted(listed & present):
        lines += _shape_defects(folder / name, index["features"])
    return lines


def _shape_defects(path: Path, features: dict[str, int]) -> list[str]:
    """Say what is wrong with one file."""
    size = features["height"], features["width"]
    try:
        shapes = _shapes(path)
    except OSError as error:
        return [f"{path}: is damaged ({error})"]
    return [f"{path}: '{name}' is {shape}, the index says {size}" for name, shape in shapes.items() if shape != size]


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return (height, width) of the arrays of a file; reads all of them, which is what finds damage."""
    if path.suffix == ".jpg":
        from PIL import Image

        with Image.open(path) as picture:
            picture.load()
            return {"picture": (picture.height, picture.width)}
    with h5py.File(path) as file:
        return {name: data[:].shape[:2] for name, data in file.items()}

"""Comparison of a product on disk with its index."""

from __future__ import annotations

import itertools
from pathlib import Path

import h5py

from synthetic.products import product


def defects(folder: Path) -> list[str]:
    """Return a line for each difference between a product's index and its files.

    Raises:
        UserError: there is no product.
    """
    index = product.load_index(folder)
    listed = {name for entry in index["files"].values() if entry for name in entry.values()}
    existing = {path.relative_to(folder).as_posix() for path in folder.rglob("*/*") if path.is_file()}
    lines = [f"{folder / name}: is missing" for name in sorted(listed - existing)]
    lines += [f"{folder / name}: is not in {product.INDEX}" for name in sorted(existing - listed)]
    times = [product.acquisition_time(index, number) for number in product.frame_numbers(index)]
    if any(time >= following for time, following in itertools.pairwise(times)):
        lines.append(f"{folder / product.INDEX}: dates do not rise")
    if index["features"]["nframes"] != len(times):
        lines.append(f"{folder / product.INDEX}: counts {index['features']['nframes']} frames, lists {len(times)}")
    for name in sorted(listed & existing):
        lines += _file_defects(folder / name, index["features"])
    return lines


def _file_defects(path: Path, features: dict[str, int]) -> list[str]:
    """Return a line for a damaged file, and one for each array of another size than the index has."""
    size = features["height"], features["width"]
    try:
        shapes = _shapes(path)
    except OSError as error:
        return [f"{path}: is damaged ({error})"]
    return [f"{path}: '{name}' is {shape}, the index has {size}" for name, shape in shapes.items() if shape != size]


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return (height, width) of the arrays of a file by name; reads all data, so that damage is found."""
    if path.suffix == ".jpg":
        from PIL import Image

        with Image.open(path) as image:
            image.load()
            return {"image": (image.height, image.width)}
    with h5py.File(path) as file:
        return {name: data[:].shape[:2] for name, data in file.items()}

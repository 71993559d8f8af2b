"""Reading the manifest of a dataset, or deriving that of a dataset of the original ARISGAN code, which has none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pix2earth.records.field import Field
from pix2earth.records.manifest import FILE, SPLITS, SUFFIX, UNFINISHED, Manifest, Split
from pix2earth.settings.errors import UserError
from pix2earth.settings.validation import load


def load_manifest(folder: Path, dataset: str) -> Manifest:
    """Read the manifest of a dataset, or derive it for a dataset of the original ARISGAN code, which has none.

    Args:
        folder: ``<data_root>/<dataset>/<tilesize>``.
        dataset: name of the dataset.

    Raises:
        UserError: folder or manifest are missing, the dataset is not finished, or its manifest has errors.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: there is no such dataset folder; {_existing_datasets(folder)}")
    if (folder / UNFINISHED).exists():
        raise UserError(
            f"{folder}: is being written, or writing it was interrupted; run the command that writes it again"
        )
    if (folder / FILE).is_file():
        return load(folder / FILE, Manifest)
    if any(next((folder / split).glob(f"*{SUFFIX}"), None) for split in SPLITS):
        return arisgan_layout(folder, dataset)
    raise UserError(f"{folder}: holds neither {FILE} nor records in train/, val/ or test/; write the dataset first")


def _existing_datasets(folder: Path) -> str:
    """Return a phrase that lists the tile sizes, or the datasets, beside a folder that does not exist."""
    if folder.name.isdecimal() and folder.parent.is_dir():
        sizes = sorted(path.name for path in folder.parent.iterdir() if path.is_dir() and path.name.isdecimal())
        return f"of this dataset there are the tile sizes: {', '.join(sizes) or 'none'}"
    root = folder.parent.parent if folder.name.isdecimal() else folder.parent
    names = sorted({path.parent.name for path in root.glob("*/*") if path.name.isdecimal() and path.is_dir()})
    return f"in {root} there are: {', '.join(names) or 'no datasets'}"


OLCI_BANDS = [f"Oa{number:02d}" for number in range(1, 22)]
SENTINEL2_BANDS = ["B02", "B03", "B04"]
"""Bands of ARISGAN's own datasets: they have no manifest that names them, and this package imports no sensors."""


def arisgan_layout(folder: Path, dataset: str) -> Manifest:
    """Return the manifest of a dataset of the original ARISGAN code.

    Its records hold float lists: the target ``raw_s2``, and as input ``raw_s3`` or, where the name of the dataset
    starts with "alt", ``raw_s2_alt``.

    Args:
        folder: ``<data_root>/<dataset>/<tilesize>``.
        dataset: name of the dataset, such as "alt12": the number is the factor between the pixel sizes.

    Raises:
        UserError: the folder is not named by its tile size.
    """
    if not folder.name.isdecimal():
        raise UserError(f"{folder}: without {FILE} a folder of records must be named for its tile size, such as 256")
    tilesize = int(folder.name)
    reflectance: dict[str, Any] = {"dtype": "float32", "units": "1", "valid_range": (0.0, 1.0)}
    rgb = SENTINEL2_BANDS[::-1]
    target = Field(shape=[tilesize, tilesize, 3], bands=SENTINEL2_BANDS, rgb=rgb, gsd=10.0, **reflectance)
    if dataset.startswith("alt"):
        factor = "".join(character for character in dataset[3:].split("_")[0] if character.isdigit())
        gsd = 10.0 * int(factor) if factor else None
        coarse = Field(shape=[tilesize, tilesize, 3], bands=SENTINEL2_BANDS, rgb=rgb, gsd=gsd, **reflectance)
        name = "raw_s2_alt"
    else:
        name = "raw_s3"
        # 650 covers the saturation radiance of OLCI's blue bands over snow and cloud.
        coarse = Field(
            dtype="float32", shape=[tilesize, tilesize, 21], bands=OLCI_BANDS, units="mW m-2 sr-1 nm-1",
            valid_range=(0.0, 650.0), rgb=["Oa17", "Oa06", "Oa03"], gsd=300.0,
        )  # fmt: skip
    return Manifest(
        name=dataset, tilesize=tilesize, fields={name: coarse, "raw_s2": target}, input=name, target="raw_s2",
        split=Split(method="unknown", detail="written by the original ARISGAN code, tile by tile"), legacy=True,
    )  # fmt: skip

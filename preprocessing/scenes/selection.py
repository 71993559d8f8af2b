"""Which products step 40 cuts: the selection file, and for each selected scene its best partner."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import NonNegativeInt

from pix2earth.settings.errors import UserError, inside, nearest
from pix2earth.settings.schema import Schema
from pix2earth.settings.validation import load

if TYPE_CHECKING:
    import pandas as pd


class Selection(Schema):
    """A selection, ``_inventory/<selection>.json``: rows of an inventory, as step 30's page saves them."""

    inventory: str
    """Name of the inventory, such as ``inv_T17XNA_10h``."""
    s2_indices: list[NonNegativeInt]
    """Values of the inventory's column ``index``, one for each scene to cut."""


class SelectedPair(NamedTuple):
    """A Sentinel-2 scene and its Sentinel-3 partner; ``number`` is the inventory's index of the row."""

    number: int
    selected: int
    s2: str
    s3: str

    @property
    def label(self) -> str:
        """The index as files carry it, five digits."""
        return f"{self.number:05d}"


def read_selection(folder: Path, name: str) -> Selection:
    """Read ``<folder>/<name>.json``.

    Args:
        folder: ``<data_root>/_inventory``.
        name: name of the selection, without ``.json``.

    Raises:
        UserError: the file is missing or wrong, or is called like its inventory.
    """
    if not inside(name) or "/" in name:
        raise UserError(f"--selection {name}: must be the name of a file in {folder}, without folder and '.json'")
    path = folder / f"{name}.json"
    if not path.is_file():
        there = nearest(name, (file.stem for file in folder.glob("*.json")))
        raise UserError(f"--selection {name}: there is no {path}{there or '; step 30 makes one'}")
    selection = load(path, Selection)
    selection = selection.model_copy(update={"inventory": selection.inventory.removesuffix(".csv")})
    if not inside(selection.inventory) or "/" in selection.inventory:
        raise UserError(f"{path}: inventory: '{selection.inventory}' must be the name of a file in {folder}")
    if selection.inventory == name:
        raise UserError(f"{path}: is called like its inventory, whose pictures would be overwritten; rename it")
    if not selection.s2_indices:
        raise UserError(f"{path}: s2_indices: is empty; select at least one scene")
    return selection


def best_pairs(
    indices: list[int], inventory: pd.DataFrame, overlap: float, measure: Callable[[str, str], float]
) -> tuple[list[SelectedPair], list[str]]:
    """Return, for each selected row, the row of the same Sentinel-2 product that is nearest in time.

    Args:
        indices: the selection's ``s2_indices``.
        inventory: as ``preprocessing.scenes.inventory.read`` returns it.
        overlap: least share of the Sentinel-2 footprint that the partner must cover.
        measure: returns that share for a row that states none (the published program leaves it empty for zips),
            from the names of both products.

    Returns:
        The pairs in the order of the selection, each once, and a line for every scene that has no partner.

    Raises:
        UserError: an index is not in the inventory.
    """
    rows = inventory.set_index(inventory["index"].rename(None))
    unknown = sorted(set(indices) - set(rows.index))
    if unknown:
        raise UserError(f"s2_indices: {unknown[0]} is no row of the inventory, which has {len(rows)}; select again")
    pairs: dict[int, SelectedPair] = {}
    lines: list[str] = []
    for selected in indices:
        scene = str(rows.loc[selected, "s2"])
        same = rows[(rows["s2"] == scene) & (rows["s3"] != "")].copy()
        for index in same.index[same["overlap"].isna()]:
            try:
                same.loc[index, "overlap"] = measure(scene, str(same.loc[index, "s3"]))
            except UserError as error:
                lines.extend(error.lines)
        fit = same[same["overlap"] >= overlap]
        if fit.empty:
            most = same["overlap"].fillna(0.0).max() if len(same) else 0.0
            lines.append(f"{selected}: no partner of {scene} covers {overlap:g} of it (at best {most:.2f})")
            continue
        best = fit.assign(gap=fit["timediff"].abs()).sort_values(["gap", "index"]).iloc[0]
        index = int(best["index"])
        pairs.setdefault(index, SelectedPair(index, selected, scene, str(best["s3"])))
    return list(pairs.values()), list(dict.fromkeys(lines))

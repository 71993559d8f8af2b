"""Read a selection of scenes, and choose the Sentinel-3 frame that step 40 uses for each of them."""

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
    """A row of the inventory to cut: a Sentinel-2 scene and a Sentinel-3 frame."""

    number: int
    """The row's ``index`` in the inventory."""
    selected: int
    """The ``index`` in the selection, of a row of the same scene."""
    s2: str
    s3: str

    @property
    def label(self) -> str:
        """The index as in names of files, with five digits."""
        return f"{self.number:05d}"


def read_selection(folder: Path, name: str) -> Selection:
    """Read ``<folder>/<name>.json``.

    Args:
        folder: ``<data_root>/_inventory``.
        name: name of the selection, without ``.json``.

    Raises:
        UserError: the file is missing or wrong, or has the name of its inventory.
    """
    if not inside(name) or "/" in name:
        raise UserError(f"--selection {name}: must be the name of a file in {folder}, without folder and '.json'")
    path = folder / f"{name}.json"
    if not path.is_file():
        hint = nearest(name, (file.stem for file in folder.glob("*.json")))
        raise UserError(f"--selection {name}: there is no {path}{hint or '; step 30 creates one'}")
    selection = load(path, Selection)
    selection = selection.model_copy(update={"inventory": selection.inventory.removesuffix(".csv")})
    if not inside(selection.inventory) or "/" in selection.inventory:
        raise UserError(f"{path}: inventory: '{selection.inventory}' must be the name of a file in {folder}")
    if selection.inventory == name:
        raise UserError(f"{path}: has the name of its inventory, whose previews would be overwritten; rename it")
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
        overlap: smallest share of the Sentinel-2 footprint that the frame must cover.
        measure: returns that share from the names of both products, for rows without it (the original ARISGAN code
            leaves it empty for zips).

    Returns:
        The pairs in the order of the selection, each once, and a line for every scene without a frame.

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
        covering = same[same["overlap"] >= overlap]
        if covering.empty:
            largest = same["overlap"].fillna(0.0).max() if len(same) else 0.0
            lines.append(f"{selected}: no frame covers {overlap:g} of {scene} (at most {largest:.2f})")
            continue
        best = covering.assign(gap=covering["timediff"].abs()).sort_values(["gap", "index"]).iloc[0]
        index = int(best["index"])
        pairs.setdefault(index, SelectedPair(index, selected, scene, str(best["s3"])))
    return list(pairs.values()), list(dict.fromkeys(lines))

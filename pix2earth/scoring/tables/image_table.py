"""The scores of one run as a table of images, with the share of each image that is hidden."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from pix2earth.runs.folders import EVALUATION
from pix2earth.scoring.tables.csv_files import csvs, metric_of
from pix2earth.scoring.tiles import places
from pix2earth.scoring.tiles.tile_folder import tile_folder
from pix2earth.settings.errors import UserError, nearest

HIDDEN = "hidden"


def of_run(root: Path, run: str, split: str | None = None) -> pd.DataFrame:
    """Return one row for each image, by its name, and one column for each metric of the predictions.

    The column `HIDDEN` is the share of hidden pixels, such as those below clouds, from 0 to 1; it is there where the
    evaluation has recorded it for any image.

    Args:
        root: the experiment root.
        run: name of its CSV without suffix, ``<experiment>_<timestamp>``.
        split: "val" or "test"; None: test where it was evaluated, else val.

    Raises:
        UserError: the run has no scores of that split, or a file is damaged.
    """
    evaluated = {csv.path.stem: csv for csv in csvs(root)}
    if run not in evaluated:
        raise UserError(f"{root / EVALUATION}: has no scores of the run '{run}'{nearest(run, evaluated)}")
    parts = dict(evaluated[run].splits())
    chosen = split or ("test" if "test" in parts else next(iter(parts), ""))
    if chosen not in parts:
        raise UserError(f"{evaluated[run].path}: has no scores of {chosen}; there are those of {', '.join(parts)}")
    rows = parts[chosen]
    names = {column: parsed[0] for column in rows if (parsed := metric_of(str(column))) and not parsed[1]}
    table = rows[list(names)].rename(columns=names).astype(float)
    folder = tile_folder(root, evaluated[run].basis(chosen))
    recorded = places.load(folder) if folder else None
    if recorded is not None and recorded["hidden"].reindex(table.index).notna().any():
        table[HIDDEN] = recorded["hidden"].reindex(table.index)
    return table

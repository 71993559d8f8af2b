"""Curves of a run as CSV, one column a loss or metric: for ``dvc plots`` and programs that read no JSON Lines."""

from __future__ import annotations

from pathlib import Path

from pix2earth.figures.comparison_page.curves import curves
from pix2earth.settings import atomic

LOSSES, VALIDATION = "losses.csv", "validation.csv"
_PREFIX = "validation "


def write(journal: Path) -> list[Path]:
    """Write the losses and the validations of a journal beside it; return the files, without one that would be empty.

    Both have a column ``step`` and at most as many rows as `curves` has points. Cells of values that were not finite
    are empty.

    Args:
        journal: the run's ``train.jsonl``.

    Raises:
        OSError: the disk is full; files that exist stay as they were.
    """
    import pandas as pd

    tables: dict[str, dict[str, pd.Series]] = {LOSSES: {}, VALIDATION: {}}
    for name, (steps, values) in curves(journal).items():
        table = tables[VALIDATION if name.startswith(_PREFIX) else LOSSES]
        table[name.removeprefix(_PREFIX)] = pd.Series(values, index=steps)
    written = []
    for file, columns in tables.items():
        if columns:
            path = journal.with_name(file)
            text = pd.DataFrame(columns).sort_index().to_csv(index_label="step", lineterminator="\n")
            atomic.write_text(path, text)
            written.append(path)
    return written

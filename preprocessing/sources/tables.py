"""CSV files with facts on samples: splits, conditions, dates."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from pix2earth.settings.errors import UserError, nearest
from preprocessing.sources.description import RowCondition, Table

Row = Mapping[str, str]


def read_csv(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file by its header.

    Raises:
        UserError: it cannot be read, is empty, or a row has more cells than the header.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{path}: is no text in UTF-8; save it as CSV") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    rows = list(csv.DictReader(io.StringIO(text), delimiter=separator))
    if not rows:
        raise UserError(f"{path}: has no rows below its header")
    for number, row in enumerate(rows, 2):
        if None in row:
            raise UserError(f"{path}:{number}: has more cells than the header")
    return [{key.strip(): (value or "").strip() for key, value in row.items()} for row in rows]


def column(path: Path, rows: list[dict[str, str]], name: str) -> str:
    """Return the name of a column.

    Raises:
        UserError: there is no such column.
    """
    if name not in rows[0]:
        raise UserError(f"{path}: has no column '{name}'{nearest(name, rows[0])}")
    return name


def read_table(root: Path, table: Table) -> dict[str, Row]:
    """Return the rows of a table by the names of samples; of several rows for one name the last counts.

    Raises:
        UserError: it cannot be read or has no such column.
    """
    path = root / table.file
    rows = read_csv(path)
    key = column(path, rows, table.key)
    return {row[key]: row for row in rows}


def holds(condition: RowCondition, row: Row, path: Path) -> bool:
    """Return whether a row meets a condition.

    Raises:
        UserError: the column does not exist, or holds no number where one is compared.
    """
    text = row[column(path, [dict(row)], condition.column)]
    if condition.equals is not None:
        return _same(text, condition.equals)
    try:
        number = float(text)
    except ValueError:
        raise UserError(f"{path}: column {condition.column}: '{text}' is no number") from None
    return (condition.below is None or number < condition.below) and (
        condition.above is None or number > condition.above
    )


def _same(text: str, value: str | int | float) -> bool:
    if isinstance(value, str):
        return text == value
    try:
        return float(text) == float(value)
    except ValueError:
        return False


def lines(path: Path) -> list[str]:
    """Return the names in a list, one a line; empty lines and those that begin with # are skipped.

    Raises:
        UserError: it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{path}: is no text in UTF-8") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]

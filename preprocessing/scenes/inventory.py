"""Write and read the inventory of a tile: pairs of Sentinel-2 scenes and Sentinel-3 frames near in time.

An inventory is a CSV file in ``<data_root>/_inventory`` with the columns ``COLUMNS`` and one row a pair. Those of the
original ARISGAN code are read as well: products by bare name or absolute path, time differences with a sign, empty
overlaps.
"""

from __future__ import annotations

import csv
import functools
import io
import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError, inside, nearest
from sensors.locating.finding import bare_name, path_below

if TYPE_CHECKING:
    import pandas as pd

    from experiment import Environment

FOLDER = "_inventory"
COLUMNS = ("index", "year", "month", "s2", "s2date", "s3", "s3date", "timediff", "s3filetype", "overlap")


class Pair(NamedTuple):
    """One row: a Sentinel-2 scene and a Sentinel-3 frame, their times (UTC), and the covered share of the scene."""

    s2: str
    s2date: datetime
    s3: str
    s3date: datetime
    timediff: timedelta
    s3filetype: str
    overlap: float


# ---- folders and products ----------------------------------------------------------------------------------


def folder(environment: Environment) -> Path:
    """Return ``<data_root>/_inventory``."""
    return Path(environment.DATA_ROOT) / FOLDER


def product_root(environment: Environment, key: str) -> Path:
    """Return the folder of products, or the one product, in ``s2_root`` or ``s3_root`` of environment.json.

    Raises:
        UserError: the key is not set, or there is no such folder.
    """
    root = getattr(environment, key.upper())
    file = environment.path or "environment.json (there is none; copy environment.json.example)"
    if root is None:
        raise UserError(f"{file}: {key}: is not set; name the folder of the products there")
    if not os.path.exists(root):
        raise UserError(f"{file}: {key}: there is no folder {root}")
    return Path(root)


def file(environment: Environment, argument: str) -> Path:
    """Return the CSV file of an inventory that a command line names (with or without ``.csv``).

    Raises:
        UserError: there is none.
    """
    name = argument.removesuffix(".csv")
    path = folder(environment) / f"{name}.csv"
    if not inside(name) or "/" in name or not path.is_file():
        existing = [inventory.stem for inventory in folder(environment).glob("inv_*.csv")]
        hint = nearest(name, existing) or "; create one with preprocessing/20_create_inventory.py"
        raise UserError(f"--inventory {argument}: there is no such inventory in {folder(environment)}{hint}")
    return path


def locate(root: Path, product: str) -> Path:
    """Return the path of a product in an inventory: ``root / product``, or one of this name anywhere below ``root``.

    Raises:
        UserError: there is none.
    """
    if inside(product) and os.path.exists(path_below(root, product)):
        return path_below(root, product)
    name = bare_name(PurePosixPath(product.replace("\\", "/")).name).upper()
    path = _products_by_name(root, name.startswith("S3")).get(name)
    if path is None:
        raise UserError(f"{product}: is not below {root}; fetch it, or create the inventory again")
    return path


@functools.lru_cache(maxsize=8)
def _products_by_name(root: Path, is_sentinel3: bool) -> dict[str, Path]:
    """Return every product below a root by its name without suffix, in upper case."""
    from sensors import sentinel2, sentinel3

    reader = sentinel3 if is_sentinel3 else sentinel2
    return {bare_name(path.name).upper(): path for path in reader.products(root)}


# ---- the CSV file ------------------------------------------------------------------------------------------


def encode(pairs: Iterable[Pair], limit: timedelta) -> bytes:
    """Return the CSV file of pairs, sorted by Sentinel-2 time, then by time difference.

    Args:
        pairs: in any order.
        limit: largest time difference; all differences have as many digits of days, so that strings sort as times.
    """
    lines = io.StringIO()
    rows = csv.writer(lines, lineterminator="\n")
    rows.writerow(COLUMNS)
    ordered = sorted(pairs, key=lambda pair: (pair.s2date, pair.s2, pair.timediff, pair.s3date, pair.s3))
    for index, pair in enumerate(ordered):
        rows.writerow(
            [
                index, pair.s2date.year, pair.s2date.month, pair.s2, _time(pair.s2date), pair.s3, _time(pair.s3date),
                _difference(pair.timediff, len(str(limit.days))), pair.s3filetype, f"{pair.overlap:.6f}",
            ]
        )  # fmt: skip
    return lines.getvalue().encode()


def _time(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S.%f")


def _difference(difference: timedelta, digits: int) -> str:
    """Return a time difference as pandas writes it, always with the same number of digits."""
    minutes, seconds = divmod(difference.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    clock = f"{hours:02d}:{minutes:02d}:{seconds:02d}.{difference.microseconds:06d}"
    return f"{difference.days:0{digits}d} days {clock}"


def write(path: Path, content: bytes, *, replace: bool) -> bool:
    """Write an inventory unless the file has this content already; return whether it was written.

    Raises:
        UserError: the file has other content, to whose row numbers previews and selections may refer.
    """
    if path.is_file() and not replace:
        existing = path.read_bytes()
        if existing == content:
            return False
        before, after = (text.count(b"\n") - 1 for text in (existing, content))
        raise UserError(
            f"{path}: exists with other rows ({before}, now {after}): products or --timediff have changed; previews"
            " and selections refer to its rows, so write it again with --replace only if they may become invalid"
        )
    atomic.write_bytes(path, content)
    return True


def read(path: Path) -> pd.DataFrame:
    """Read an inventory of this project or of the original ARISGAN code.

    Returns:
        A row a pair in the file's order: index, year, month (int); s2, s3, s3filetype (str, "" where empty);
        s2date, s3date (Timestamp, UTC, NaT where empty); timediff (Timedelta without sign, NaT where empty);
        overlap (float, share of the Sentinel-2 footprint, NaN where empty).

    Raises:
        UserError: a column is missing, or a value cannot be read.
    """
    import pandas as pd

    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (ValueError, OSError) as error:
        raise UserError(f"{path}: is no inventory: {str(error).splitlines()[0]}") from None
    missing = [column for column in COLUMNS if column not in table]
    if missing:
        raise UserError(f"{path}: is no inventory: it lacks the column {', '.join(missing)}")
    table = table[list(COLUMNS)].copy()
    read_as = {
        **dict.fromkeys(("index", "year", "month"), lambda text: pd.to_numeric(text).astype(int)),
        **dict.fromkeys(("s2date", "s3date"), lambda text: pd.to_datetime(text, utc=True, format="ISO8601")),
        "timediff": lambda text: pd.to_timedelta(text).abs(),
        "overlap": lambda text: pd.to_numeric(text).astype(float),
    }
    for column, convert in read_as.items():
        try:
            table[column] = convert(table[column].where(table[column] != "", None))
        except (ValueError, TypeError) as error:
            raise UserError(f"{path}: column '{column}': {str(error).splitlines()[0]}") from None
    repeated = table["index"][table["index"].duplicated()]
    if len(repeated):
        raise UserError(f"{path}: column 'index': {repeated.iloc[0]} occurs more than once")
    return table


def candidates(table: pd.DataFrame, overlap: float) -> pd.DataFrame:
    """Return the first row of every Sentinel-2 product, of the rows whose frame covers at least ``overlap`` of it."""
    return table[table["overlap"] >= overlap].drop_duplicates("s2")

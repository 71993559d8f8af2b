"""The inventory of a tile: which Sentinel-3 frame was taken near in time to which Sentinel-2 scene.

A CSV in ``<data_root>/_inventory`` with the columns ``COLUMNS``, one row a pair. Those of the published program are
read as well: products by bare name or absolute path, time differences with a sign, overlaps that are empty.
"""

from __future__ import annotations

import csv
import functools
import io
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError, inside, nearest
from sensors.archives import bare_name

if TYPE_CHECKING:
    import pandas as pd

    from experiment import Environment

FOLDER = "_inventory"
COLUMNS = ("index", "year", "month", "s2", "s2date", "s3", "s3date", "timediff", "s3filetype", "overlap")


class Pair(NamedTuple):
    """One row: a Sentinel-2 observation and a Sentinel-3 frame."""

    s2: str
    s2date: datetime
    s3: str
    s3date: datetime
    timediff: timedelta
    s3filetype: str
    overlap: float


# ---- places ------------------------------------------------------------------------------------------------


def folder(environment: Environment) -> Path:
    """Return ``<data_root>/_inventory``."""
    return Path(environment.DATA_ROOT) / FOLDER


def product_root(environment: Environment, key: str) -> Path:
    """Return the folder of products that ``s2_root`` or ``s3_root`` of environment.json names.

    Raises:
        UserError: the key is not set, or there is no such folder.
    """
    root = getattr(environment, key.upper())
    place = environment.path or "environment.json (there is none; copy environment.json.example)"
    if root is None:
        raise UserError(f"{place}: {key}: is not set; name the folder of the products there")
    if not Path(root).is_dir():
        raise UserError(f"{place}: {key}: there is no folder {root}")
    return Path(root)


def file(environment: Environment, named: str) -> Path:
    """Return the CSV of an inventory that a command line names (with or without ``.csv``).

    Raises:
        UserError: there is none.
    """
    name = named.removesuffix(".csv")
    path = folder(environment) / f"{name}.csv"
    if not inside(name) or "/" in name or not path.is_file():
        known = [found.stem for found in folder(environment).glob("inv_*.csv")]
        hint = nearest(name, known) or "; make one with preprocessing/20_create_inventory.py"
        raise UserError(f"--inventory {named}: there is no such inventory in {folder(environment)}{hint}")
    return path


def locate(root: Path, product: str) -> Path:
    """Return the path of a product that an inventory names: at that place below the root, or anywhere below it.

    Raises:
        UserError: it is not there.
    """
    if inside(product) and (root / product).exists():
        return root / product
    name = bare_name(PurePosixPath(product.replace("\\", "/")).name)
    found = _by_name(root, name.startswith("S3")).get(name)
    if found is None:
        raise UserError(f"{product}: is not below {root}; fetch it, or make the inventory again")
    return found


@functools.lru_cache(maxsize=8)
def _by_name(root: Path, sentinel3_named: bool) -> dict[str, Path]:
    """Return every product below a root by its name without ending."""
    from sensors import sentinel2, sentinel3

    reader = sentinel3 if sentinel3_named else sentinel2
    return {bare_name(path.name): path for path in reader.products(root)}


# ---- the file ----------------------------------------------------------------------------------------------


def encode(pairs: Iterable[Pair], widest: timedelta) -> bytes:
    """Return the CSV of pairs, sorted by Sentinel-2 time, then by time difference.

    Args:
        pairs: in any order.
        widest: the limit of the time difference; so many digits get its days, so that text sorts as time does.
    """
    lines = io.StringIO()
    rows = csv.writer(lines, lineterminator="\n")
    rows.writerow(COLUMNS)
    ordered = sorted(pairs, key=lambda pair: (pair.s2date, pair.s2, pair.timediff, pair.s3date, pair.s3))
    for index, pair in enumerate(ordered):
        rows.writerow(
            [
                index, pair.s2date.year, pair.s2date.month, pair.s2, _time(pair.s2date), pair.s3, _time(pair.s3date),
                _difference(pair.timediff, len(str(widest.days))), pair.s3filetype, f"{pair.overlap:.6f}",
            ]
        )  # fmt: skip
    return lines.getvalue().encode()


def _time(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S.%f")


def _difference(difference: timedelta, digits: int) -> str:
    """Write a time difference as pandas does, always with the same number of digits."""
    minutes, seconds = divmod(difference.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    clock = f"{hours:02d}:{minutes:02d}:{seconds:02d}.{difference.microseconds:06d}"
    return f"{difference.days:0{digits}d} days {clock}"


def write(path: Path, content: bytes, *, replace: bool) -> bool:
    """Write an inventory unless the same one is there; return whether it was written.

    Raises:
        UserError: another one of this name is there, to whose row numbers previews and selections may refer.
    """
    if path.is_file() and not replace:
        present = path.read_bytes()
        if present == content:
            return False
        before, after = (text.count(b"\n") - 1 for text in (present, content))
        raise UserError(
            f"{path}: is there with other rows ({before}, now {after}): products or --timediff have changed; previews"
            " and selections refer to its rows, so write it again with --replace only if they may go"
        )
    atomic.write_bytes(path, content)
    return True


def read(path: Path) -> pd.DataFrame:
    """Read an inventory of ours or of the published program.

    Returns:
        A row a pair in the file's order: index, year, month (int); s2, s3, s3filetype (text, "" where empty);
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
        raise UserError(f"{path}: column 'index': {repeated.iloc[0]} is there more than once")
    return table


def candidates(table: pd.DataFrame, overlap: float) -> pd.DataFrame:
    """Return the first row of every distinct Sentinel-2 product that a Sentinel-3 frame covers by enough."""
    return table[table["overlap"] >= overlap].drop_duplicates("s2")

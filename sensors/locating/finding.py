"""Find satellite products below a folder: one place decides, for all commands, what is a product and what is not."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pix2earth.settings.errors import UserError
from sensors.archives import open_members

PACKED = re.compile(r".*\.(tar|tgz|gz|bz2|tbz2|xz|txz|z|zst|7z|rar)", re.IGNORECASE)
UNFINISHED = re.compile(r".*\.(incomplete|part|partial|filepart|crdownload|download|tmp|aria2)", re.IGNORECASE)


class Kind(NamedTuple):
    """What the products of one reader are called and hold."""

    title: str
    """For messages."""
    name: re.Pattern[str]
    """Of a product's folder or .zip, without ``.SAFE``, ``.SEN3`` and ``.zip``."""
    holds: Callable[[Sequence[str]], bool]
    """Whether files of these names lie in a product's folder; then its name does not matter."""
    similar: re.Pattern[str]
    """The beginning of names that look like a product's, of the same mission."""


class Findings(NamedTuple):
    """Products, and what looks like them."""

    products: list[Path]
    """Sorted by name."""
    unread: list[str]
    """One line for everything that looks like a product and is not read, with the reason."""


def find(root: Path, kind: Kind) -> Findings:
    """Return the products below a folder, flat or nested, or the product that ``root`` itself is.

    A folder is a product by its name, with ``.SAFE`` or ``.SEN3``, or by the files in it; a .zip by its name. Upper and
    lower case are the same. Products are not searched; links to folders are followed, each folder once. Of folders and
    .zip files with one name the folder is returned, unless files are missing in it. A product that is a broken link or
    cannot be opened is returned as well: reading it tells why.

    Raises:
        UserError: ``root`` is neither a folder nor a product.
    """
    if _is_product_file(root, kind) or (os.path.isdir(root) and is_product_folder(root, kind)):
        return Findings([root], [])
    if not os.path.isdir(root):
        raise UserError(f"{root}: is not a folder; name the folder that holds the products")
    copies: dict[str, list[Path]] = {}
    candidates: list[Path] = []
    unread: list[str] = []
    for path in _entries(root, kind, unread):
        if _is_product_file(path, kind) or is_product_folder(path, kind):
            copies.setdefault(bare_name(path.name).upper(), []).append(path)
        else:
            candidates.append(path)
    products = []
    for key in sorted(copies):
        product, lines = _best(copies[key])
        products.append(product)
        unread += lines
    # A folder that only wraps a product, or a file beside one, is no other product.
    inside = {parent for product in products for parent in product.parents}
    unread += [f"{path}: {reason}" for path in candidates if path not in inside and (reason := _reason(path, kind))]
    return Findings(products, sorted(unread))


def bare_name(name: str) -> str:
    """Return a product's name without ``.zip``, ``.SAFE`` and ``.SEN3``."""
    return re.sub(r"(\.SAFE|\.SEN3)?(\.zip)?$", "", name, flags=re.IGNORECASE)


def name_below(root: Path, product: Path) -> str:
    """Return the path of a product below a root, with "/"; its name where it is the root itself."""
    return product.name if product == root else product.relative_to(root).as_posix()


def path_below(root: Path, name: str) -> Path:
    """Return the path of a product from a root and ``name_below``."""
    return root if name == root.name and not os.path.lexists(root / name) else root / name


def _entries(root: Path, kind: Kind, unread: list[str]) -> Iterator[Path]:
    """Yield what is a product or looks like one; a line for each folder that cannot be listed goes to ``unread``."""
    searched = set()

    def report(error: OSError) -> None:
        unread.append(f"{error.filename}: cannot be read ({error.strerror}); change its permissions")

    for parent, folders, files in os.walk(root, followlinks=True, onerror=report):
        real = os.path.realpath(parent)
        enter = []
        for name in sorted(folders) if real not in searched else ():
            path = Path(parent) / name
            is_product = is_product_folder(path, kind)
            if is_product or kind.similar.match(name):
                yield path
            if not is_product:
                enter.append(name)
        folders[:] = enter
        if real not in searched:
            yield from (Path(parent) / name for name in sorted(files) if kind.similar.match(name))
        searched.add(real)


def _is_product_file(path: Path, kind: Kind) -> bool:
    """Return whether a path is a .zip, or a broken link, that is named like a product."""
    is_file = os.path.isfile(path)
    suffixes = (".zip",) if is_file else (".zip", ".safe", ".sen3")
    named = path.name.lower().endswith(suffixes) and kind.name.fullmatch(bare_name(path.name)) is not None
    return named and (is_file or (path.is_symlink() and not os.path.exists(path)))


def is_product_folder(path: Path, kind: Kind) -> bool:
    """Return whether a folder is a product by its name or by its files."""
    bare = bare_name(path.name)
    if not os.path.isdir(path):
        return False
    if bare != path.name and kind.name.fullmatch(bare):
        return True
    try:
        return kind.holds([entry.name for entry in os.scandir(path) if not entry.is_dir()])
    except OSError:  # named by the walk, which cannot list it either
        return False


def _best(copies: Sequence[Path]) -> tuple[Path, list[str]]:
    """Return the most complete of products with one name, and a line for each incomplete folder."""
    folders = [path for path in copies if os.path.isdir(path)]
    best = (folders or list(copies))[0]
    lines = []
    for other in copies:
        missing = _missing(best, other) if other != best else []
        if missing:
            lines.append(f"{best}: lacks {len(missing)} files, such as {missing[0]}; {other} is read in its place")
            best = other
    return best, lines


def _missing(product: Path, other: Path) -> list[str]:
    """Return the files of another copy that a product lacks, or has shorter."""
    try:
        theirs = open_members(other).sizes
    except UserError:
        return []
    try:
        own = open_members(product).sizes
    except UserError:
        own = {}
    return sorted(name for name, size in theirs.items() if own.get(name, -1) < size)


def _reason(path: Path, kind: Kind) -> str | None:
    """Return why something that looks like a product is not read; None for files that lie beside products."""
    name = path.name
    if path.is_symlink() and not os.path.exists(path):
        return f"is a link to {os.readlink(path)}, which does not exist"
    if UNFINISHED.fullmatch(name):
        return "was not downloaded to the end"
    if PACKED.fullmatch(name):
        return "is packed, but not as .zip; unpack it"
    if os.path.isdir(path) or path.suffix.lower() in ("", ".zip", ".safe", ".sen3"):
        return f"is no {kind.title} product"
    return None


def unread_lines(root: Path, unread: Iterable[str], shown: int = 5) -> list[str]:
    """Return the lines of a command about what it does not read below a root: a count, and the first names."""
    lines = [line if line.isprintable() else repr(line) for line in unread]
    if not lines:
        return []
    more = [f"... and {len(lines) - shown} more"] if len(lines) > shown else []
    return [f"{root}: not read, though named like products: {len(lines)}", *lines[:shown], *more]

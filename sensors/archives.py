"""Read satellite products in place, as folders or .zip files: nothing is ever extracted to the disk.

GDAL reads images through ``/vsizip/``; metadata and netCDF files are read into memory. The table of contents of a .zip
is checked before any member is read: a .zip with links, with paths that lead outside, or that unpacks to far more than
a product has, is refused.
"""

from __future__ import annotations

import io
import lzma
import os
import re
import stat
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pix2earth.settings.errors import UserError
from sensors.wrappers import inside_its_wrapper, is_leftover, product_folder

if TYPE_CHECKING:
    from rasterio.io import MemoryFile

MIB = 1 << 20
LARGEST_PRODUCT = 16 << 30
"""Bytes that the members of a .zip may declare in all; the largest real products (15 tiles in one) have about 8e9."""
LARGEST_RATIO = 200
"""Unpacked by packed size of a member above ``SUSPICIOUS_SIZE``; real XML stays below 30, images and netCDF near 1."""
SUSPICIOUS_SIZE = 16 * MIB
MOST_MEMBERS = 20_000
"""A SAFE of 15 tiles has about 2000; reading a table of contents takes 20 us a member."""
LARGEST_METADATA = 16 * MIB
"""A granule's XML has about 1.2 MB; parsing takes up to 0.1 s for a MiB."""
LARGEST_NETCDF = 1 << 30
LARGEST_KEPT = 256 * MIB
"""An unpacked netCDF file up to this size stays in memory until the next; the positions of a frame take 130 MB."""
END_RECORD = 66_000
"""Bytes at the end of a .zip that can hold its end record: a comment of at most 65535, and the records themselves."""
READ_BY_GDAL = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Compressions of images that are read in place; others are unpacked into memory."""
OTHER_COMPRESSIONS = {9: "Deflate64", 93: "Zstandard", 95: "XZ", 98: "PPMd"}
"""Names of the numbers in archives that Python does not read."""
_DRIVE = re.compile(r"[A-Za-z]:")


class Members(ABC):
    """The files of one product, by their names relative to its SAFE or SEN3 folder, with ``/`` between the parts."""

    def __init__(self, path: Path, name: str, sizes: dict[str, int]) -> None:
        """Keep where the product is, the name of its folder, and the size of each member in bytes."""
        self.path, self.name, self.sizes = path, name, sizes

    def __contains__(self, member: str) -> bool:
        """Return whether the product has a file of this name."""
        return member in self.sizes

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the files in alphabetical order."""
        return iter(sorted(self.sizes))

    def read(self, member: str, limit: int = LARGEST_METADATA) -> bytes:
        """Return the bytes of a member.

        Raises:
            UserError: it is missing, larger than ``limit`` bytes, or damaged.
        """
        if member not in self.sizes:
            raise UserError(f"{self.label(member)}: is missing; download the product again")
        if self.sizes[member] > limit:
            raise UserError(
                f"{self.label(member)}: has {self.sizes[member]} bytes, more than such a file ever has"
                f" ({limit}); download the product again"
            )
        return self._bytes(member)

    def label(self, member: str) -> str:
        """Return the name of a member for messages."""
        return f"{self.path}/{member}"

    @abstractmethod
    def gdal_path(self, member: str) -> str:
        """Return the path under which GDAL reads a member in place."""

    @abstractmethod
    def netcdf(self, member: str) -> str | io.BytesIO:
        """Return what h5py can open: the path of a file, or a file object in memory for a member of a .zip.

        Raises:
            UserError: it is missing or damaged.
        """

    @abstractmethod
    def _bytes(self, member: str) -> bytes:
        """Return the bytes of a member that exists."""


class Folder(Members):
    """A product that is a folder."""

    def __init__(self, path: Path) -> None:
        """List the files of the folder.

        Raises:
            UserError: a link leads outside, a name has control characters, or a folder may not be read.
        """
        sizes, root = {}, os.path.realpath(path)

        def refuse(error: OSError) -> None:
            raise _unreadable(error.filename, error)

        for parent, folders, names in os.walk(path, onerror=refuse):
            for name in folders + names:
                entry = Path(parent) / name
                member = entry.relative_to(path).as_posix()
                if is_leftover(member):
                    continue
                reason = None if member.isprintable() else "has control characters in its name"
                if entry.is_symlink() and not os.path.realpath(entry).startswith(root + os.sep):
                    reason = "is a link that leads outside"
                if reason:
                    raise UserError(f"{path}: the member {member!r} {reason}; this is not a product as distributed")
                if name in names and os.path.isfile(entry):
                    sizes[member] = entry.stat().st_size
        self._root = inside_its_wrapper(path)
        start = f"{self._root.relative_to(path).as_posix()}/" if self._root != path else ""
        found = {member.removeprefix(start): size for member, size in sizes.items() if member.startswith(start)}
        super().__init__(path, self._root.name, found)

    def gdal_path(self, member: str) -> str:
        """Return the file's own path.

        Raises:
            UserError: it may not be read.
        """
        try:
            (self._root / member).open("rb").close()
        except OSError as error:
            raise _unreadable(self.label(member), error) from None
        return str(self._root / member)

    def netcdf(self, member: str) -> str | io.BytesIO:
        """Return the file's own path."""
        if member not in self:
            raise UserError(f"{self.label(member)}: is missing; download the product again")
        return self.gdal_path(member)

    def _bytes(self, member: str) -> bytes:
        try:
            return (self._root / member).read_bytes()
        except OSError as error:
            raise _unreadable(self.label(member), error) from None


class Zip(Members):
    """A product in a .zip."""

    def __init__(self, path: Path) -> None:
        """Read and check the table of contents.

        Raises:
            UserError: the file is damaged, hostile, or holds several products.
        """
        try:
            count = _declared_count(path)
        except OSError as error:
            raise _unreadable(path, error) from None
        if count > MOST_MEMBERS:
            raise UserError(f"{path}: claims to hold {count} members; this is not a product as distributed")
        try:
            with zipfile.ZipFile(path) as archive:
                infos = archive.infolist()
        except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
            raise UserError(f"{path}: cannot be read as a .zip ({error}); download it again") from None
        _check_contents(path, infos)
        files = [info for info in infos if not info.is_dir() and not is_leftover(info.filename)]
        self.prefix = product_folder(path, [info.filename for info in files])
        start = len(self.prefix)
        sizes = {info.filename[start:]: info.file_size for info in files if info.filename.startswith(self.prefix)}
        super().__init__(path, self.prefix.rstrip("/").rpartition("/")[2] or path.name, sizes)
        self._last: tuple[str, bytes] | None = None
        self._to_unpack = {info.filename[start:] for info in files if info.compress_type not in READ_BY_GDAL}
        self._unpacked: dict[str, MemoryFile] = {}

    def gdal_path(self, member: str) -> str:
        """Return a /vsizip/ path; the braces let the archive have any name, but for braces that are no pairs."""
        if member in self._to_unpack:
            return self._in_memory(member)
        archive = str(self.path.absolute())
        return f"/vsizip/{archive if set(archive) & set('{}') else f'{{{archive}}}'}/{self.prefix}{member}"

    def _in_memory(self, member: str) -> str:
        """Return the path in memory under which GDAL reads a member whose compression it does not know."""
        from rasterio.io import MemoryFile

        if member not in self._unpacked:
            self._unpacked[member] = MemoryFile(self.read(member, LARGEST_NETCDF))
        return str(self._unpacked[member].name)

    def netcdf(self, member: str) -> io.BytesIO:
        """Return the unpacked bytes as a file object.

        A radiance file has about 25 MB: unpacking it into memory takes 0.15 s, once for a product and band.
        HDF5 seeks back and forth, for which a member would have to be unpacked many times. The last one stays in
        memory, because latitude and longitude lie in one file and are read in two steps, coarse and fine.
        """
        if self._last is None or self._last[0] != member:
            content = self.read(member, LARGEST_NETCDF)
            self._last = (member, content) if len(content) <= LARGEST_KEPT else None
            return io.BytesIO(content)
        return io.BytesIO(self._last[1])

    def _bytes(self, member: str) -> bytes:
        try:
            with zipfile.ZipFile(self.path) as archive:
                return archive.read(self.prefix + member)
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, RuntimeError) as error:
            raise UserError(f"{self.label(member)}: is damaged ({error}); download the product again") from None


def open_members(path: Path) -> Members:
    """Return the members of a product's folder or .zip.

    Raises:
        UserError: it does not exist, its .zip is damaged or hostile, or its name cannot be printed.
    """
    if not path.name.isprintable():
        raise UserError(f"{path.parent}/{path.name!r}: has control characters in its name; rename or remove it")
    try:
        path.stat()
    except FileNotFoundError:
        link = f"is a link to {os.readlink(path)}, which does not exist" if path.is_symlink() else "does not exist"
        raise UserError(f"{path}: {link}; expected a product's folder or .zip") from None
    except OSError as error:
        raise _unreadable(path, error) from None
    return Folder(path) if path.is_dir() else Zip(path)


def _unreadable(path: str | Path, error: OSError) -> UserError:
    return UserError(f"{path}: cannot be read ({error.strerror}); change its permissions, or copy it to where you may")


def _declared_count(path: Path) -> int:
    """Return the number of members that the end of a .zip states, before its table of contents is read."""
    with path.open("rb") as file:
        file.seek(-min(path.stat().st_size, END_RECORD), os.SEEK_END)
        tail = file.read()
    at, large = tail.rfind(b"PK\x05\x06"), tail.rfind(b"PK\x06\x06")
    if at < 0:
        return 0
    count = int.from_bytes(tail[at + 10 : at + 12], "little")
    return int.from_bytes(tail[large + 32 : large + 40], "little") if count == 0xFFFF and large >= 0 else count


def _check_contents(path: Path, infos: list[zipfile.ZipInfo]) -> None:
    """Refuse a table of contents that no real product has."""
    names = set()
    for info in infos:
        if info.compress_type not in (*READ_BY_GDAL, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
            method = OTHER_COMPRESSIONS.get(info.compress_type, f"method {info.compress_type}")
            raise UserError(f"{path}: is compressed by {method}, which is not read; unpack it and name its folder")
        reason = _refusal(info)
        if info.filename in names:
            reason = "exists twice"
        if reason:
            raise UserError(f"{path}: the member {info.filename!r} {reason}; this is not a product as distributed")
        names.add(info.filename)
    size = path.stat().st_size
    if any(not 0 <= info.header_offset < size for info in infos):
        raise UserError(f"{path}: cannot be read as a .zip (members lie outside it); download it again")
    declared, packed = sum(info.file_size for info in infos), sum(info.compress_size for info in infos)
    if declared > LARGEST_PRODUCT or packed > size:
        raise UserError(f"{path}: claims to hold {declared} bytes; this is not a product as distributed")


def _refusal(info: zipfile.ZipInfo) -> str | None:
    """Return the reason to refuse a member, or None."""
    # zipfile turns the system's separator into "/", so the name is checked as the archive has it.
    name = info.orig_filename.replace("\\", "/")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if name.startswith("/") or _DRIVE.match(name) or ".." in PurePosixPath(name).parts or "\0" in name:
        return "would lie outside its folder"
    if not name.isprintable():
        return "has control characters in its name"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device"
    if info.flag_bits & 1:
        return "is encrypted"
    if info.file_size > SUSPICIOUS_SIZE and info.file_size > LARGEST_RATIO * info.compress_size:
        return f"claims to unpack from {info.compress_size} to {info.file_size} bytes"
    return None

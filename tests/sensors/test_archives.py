"""Finding products and reading them in place: hostile archives are refused at once, and nothing is written."""

import copy
import io
import os
import random
import shutil
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from experiment import PROJECT
from pix2earth.settings.errors import UserError
from sensors import archives
from sensors.archives import Folder, Zip, open_members
from sensors.locating.finding import bare_name, find
from sensors.sentinel2 import Safe
from sensors.sentinel2_layout import KIND
from sensors.sentinel3 import Sen3
from tests.products import write_safe, write_sen3


def with_member(name: str, *, mode: int = 0, content: bytes = b"evil"):
    def write(archive: zipfile.ZipFile) -> None:
        info = zipfile.ZipInfo("harmless")
        # Set afterwards: the constructor would tidy the name.
        info.filename = info.orig_filename = name
        info.external_attr = mode << 16
        archive.writestr(info, content)

    return write


def bomb(archive: zipfile.ZipFile) -> None:
    archive.writestr("X.SAFE/MTD_MSIL1C.xml", bytes(64 << 20), zipfile.ZIP_DEFLATED)


def overlapping(archive: zipfile.ZipFile) -> None:
    archive.writestr("X.SAFE/a", random.Random(1).randbytes(2000))
    again = copy.copy(archive.filelist[0])
    again.filename = "X.SAFE/b"
    archive.filelist.append(again)


def many(archive: zipfile.ZipFile) -> None:
    archive.writestr("X.SAFE/0", "")
    for number in range(1, 70_000):
        again = copy.copy(archive.filelist[0])
        again.filename = f"X.SAFE/{number}"
        archive.filelist.append(again)


def twice(archive: zipfile.ZipFile) -> None:
    for content in ("one", "two"):
        with pytest.warns(UserWarning) if content == "two" else open(os.devnull):
            archive.writestr("X.SAFE/manifest.safe", content)


HOSTILE = {
    "parent": (with_member("X.SAFE/../../evil"), "outside its folder"),
    "parent, other separator": (with_member("X.SAFE\\..\\..\\evil"), "outside its folder"),
    "absolute": (with_member("/tmp/evil"), "outside its folder"),
    "drive": (with_member("C:/evil"), "outside its folder"),
    "link": (with_member("X.SAFE/manifest.safe", mode=stat.S_IFLNK | 0o777, content=b"/etc/passwd"), "is a link"),
    "device": (with_member("X.SAFE/manifest.safe", mode=stat.S_IFCHR | 0o666), "is a link or a device"),
    "bomb": (bomb, "claims to unpack"),
    "overlapping": (overlapping, "claims to hold"),
    "many": (many, "claims to hold 70000 members"),
    "twice": (twice, "exists twice"),
    "line feed in a name": (with_member("X.SAFE/a\nb"), "has control characters"),
    "escape sequence in a name": (with_member("X.SAFE/a\x1b[2Jb"), "has control characters"),
}


def everything(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.lstat().st_size for path in folder.rglob("*")}


@pytest.fixture
def archive(tmp_path):
    """``archive(write)``: a .zip with the content that ``write`` adds, some folders below the test's folder."""

    def write_zip(write, compression=zipfile.ZIP_STORED) -> Path:
        path = tmp_path / "deep" / "down" / "S2A_MSIL1C_20200702T172901_N0209_R012_T17XNA_20200702T203040.zip"
        path.parent.mkdir(parents=True)
        with zipfile.ZipFile(path, "w", compression) as file:
            write(file)
        return path

    return write_zip


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_archives_are_refused_in_one_line_without_reading_or_writing(kind, archive, tmp_path, monkeypatch):
    write, reason = HOSTILE[kind]
    path = archive(write)
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    before, started = everything(tmp_path), time.process_time()
    with pytest.raises(UserError, match=reason) as refused:
        open_members(path)
    assert time.process_time() - started < 1
    assert everything(tmp_path) == before
    assert len(refused.value.lines) == 1
    assert refused.value.lines[0].startswith(f"{path}: ")


READ_ALL = """
import sys
written = []
def record(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        if isinstance(mode, str) and set(mode) & set("wax+") or (flags or 0) & 3:
            written.append(str(path))
    elif event in ("os.mkdir", "os.rename", "os.symlink", "os.link", "shutil.unpack_archive", "tempfile.mkstemp"):
        written.append(event)
sys.addaudithook(record)
from pathlib import Path
from sensors.sentinel2 import Safe
from sensors.sentinel3 import Sen3
with Safe.open(Path(sys.argv[1])) as safe:
    safe.read(safe.bands)
sen3 = Sen3.open(Path(sys.argv[2]))
for band in sen3.bands:
    sen3.reflectance(band)
sen3.flags(), sen3.latitude_longitude()
print([path for path in written if path != "/dev/null"])
"""


def test_reading_zips_writes_no_file_at_all(tmp_path):
    """Audit events of a Python process that reads every array of both missions, and the folders before and after."""
    safe, sen3 = write_safe(tmp_path / "in", zipped=True, size=(60, 60)), write_sen3(tmp_path / "in", zipped=True)
    (tmp_path / "tmp").mkdir()
    before = everything(tmp_path)
    done = subprocess.run(
        [sys.executable, "-B", "-c", READ_ALL, safe, sen3], cwd=tmp_path, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(PROJECT), "TMPDIR": str(tmp_path / "tmp")}, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
    assert everything(tmp_path) == before


@pytest.mark.parametrize("where", ["manifest.safe", "GRANULE/elsewhere"])
def test_links_in_a_folder_that_lead_outside_are_refused(where, tmp_path):
    safe = write_safe(tmp_path, bands=())
    outside = tmp_path / "outside"
    outside.mkdir()
    target = outside if "GRANULE" in where else outside / "secret"
    (outside / "secret").write_text("secret")
    (safe / where).unlink(missing_ok=True)
    (safe / where).symlink_to(target)
    with pytest.raises(UserError, match=f"the member '{where}' is a link that leads outside") as refused:
        open_members(safe)
    assert len(refused.value.lines) == 1 and "\n" not in refused.value.lines[0]


def test_links_to_a_product_and_inside_it_are_followed(tmp_path):
    safe = write_safe(tmp_path / "store", bands=())
    (safe / "again.xml").symlink_to("MTD_MSIL1C.xml")
    (tmp_path / safe.name).symlink_to(safe)
    members = open_members(tmp_path / safe.name)
    assert members.read("again.xml") == members.read("MTD_MSIL1C.xml")


@pytest.mark.parametrize("evil", ["\n", "\x1b[2J", "\udcff"])
@pytest.mark.parametrize("zipped", [False, True])
def test_products_whose_names_cannot_be_printed_are_found_and_refused(evil, zipped, tmp_path):
    product = write_safe(tmp_path, bands=(), zipped=zipped)
    product.rename(product.with_name(product.name.replace("_R012_", f"_R012{evil}_")))
    (renamed,) = find(tmp_path, KIND).products
    with pytest.raises(UserError, match="control characters in its name; rename or remove it") as refused:
        open_members(renamed)
    assert refused.value.lines[0].isprintable()


def test_a_netcdf_file_is_unpacked_once_for_consecutive_reads(tmp_path, monkeypatch):
    path = write_sen3(tmp_path, zipped=True)
    unpacked = []
    inner = zipfile.ZipFile.read
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda file, name: unpacked.append(name) or inner(file, name))
    sen3 = Sen3.open(path)
    unpacked.clear()
    for _ in range(2):
        sen3.latitude_longitude()
        sen3.radiance("Oa01")
    assert [Path(name).name for name in unpacked] == ["geo_coordinates.nc", "Oa01_radiance.nc"] * 2


def test_a_zip_in_a_zip_is_not_opened(archive, tmp_path):
    inner = write_safe(tmp_path, bands=(), zipped=True)
    path = archive(lambda file: file.write(inner, inner.name))
    with pytest.raises(UserError, match="is no Sentinel-2 L1C or L2A product"):
        Safe.open(path)


def test_a_member_that_unpacks_to_more_than_it_declares_is_not_unpacked(archive):
    path = archive(bomb, zipfile.ZIP_DEFLATED)
    small, large = (1000).to_bytes(4, "little"), (64 << 20).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(large, small))
    members = open_members(path)
    with pytest.raises(UserError, match=r"MTD_MSIL1C.xml: is damaged"):
        members.read("MTD_MSIL1C.xml")


def test_metadata_of_excessive_size_are_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "SUSPICIOUS_SIZE", 1 << 40)
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("X.SAFE/MTD_MSIL1C.xml", bytes((16 << 20) + 1))
    with pytest.raises(UserError, match=r"MTD_MSIL1C\.xml: has 16777217 bytes"):
        open_members(path).read("MTD_MSIL1C.xml")


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "cannot be read as a .zip"), (b"PK\x03\x04 nonsense", "cannot be read as a .zip")],
)
def test_a_file_that_is_no_zip_is_an_error(tmp_path, content, reason):
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    with pytest.raises(UserError, match=reason) as refused:
        open_members(path)
    assert refused.value.lines[0].startswith(f"{path}: ")


def test_a_truncated_zip_is_an_error(tmp_path):
    path = write_safe(tmp_path, zipped=True, size=(60, 60))
    path.write_bytes(path.read_bytes()[:-4000])
    with pytest.raises(UserError, match=r"cannot be read as a \.zip"):
        open_members(path)


def test_members_that_lie_outside_the_file_are_refused(archive):
    path = archive(with_member("X.SAFE/manifest.safe"))
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02") + 42
    content[at : at + 4] = (1 << 30).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(UserError, match="members lie outside it"):
        open_members(path)


def test_encrypted_members_are_refused(archive):
    path = archive(with_member("X.SAFE/manifest.safe"))
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match="is encrypted"):
        open_members(path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zips_of_other_compressions_are_read(compression, tmp_path):
    folder = write_safe(tmp_path / "folder", size=(120, 60))
    packed = write_safe(tmp_path, size=(120, 60), zipped=True, compression=compression)
    with Safe.open(folder) as expected, Safe.open(packed) as safe:
        np.testing.assert_array_equal(safe.read(["B02", "B05"]), expected.read(["B02", "B05"]))
    swath = write_sen3(tmp_path / "folder", edge=0)
    frame = Sen3.open(write_sen3(tmp_path, edge=0, zipped=True, compression=compression))
    np.testing.assert_array_equal(frame.radiance("Oa05"), Sen3.open(swath).radiance("Oa05"))


def test_a_damaged_image_in_another_compression_is_an_error(tmp_path):
    path = write_safe(tmp_path, size=(60, 60), zipped=True, compression=zipfile.ZIP_BZIP2)
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        (image,) = (info for info in archive.infolist() if info.filename.endswith("_B02.jp2"))
    at = image.header_offset + 30 + len(image.filename)
    content[at + 20 : at + 60] = bytes(40)
    path.write_bytes(content)
    with Safe.open(path) as safe, pytest.raises(UserError, match=r"B02\.jp2: is damaged"):
        safe.read(["B02"])


@pytest.mark.parametrize(("method", "named"), [(9, "Deflate64"), (93, "Zstandard"), (77, "method 77")])
def test_a_compression_that_cannot_be_read_is_named(method, named, archive):
    path = archive(with_member("X.SAFE/manifest.safe"))
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 10] = method
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"is compressed by {named}, which is not read; unpack it and name its folder"):
        open_members(path)


def test_a_zip_has_the_members_of_its_folder(tmp_path):
    folder, packed = write_safe(tmp_path / "a", size=(60, 60)), write_safe(tmp_path / "b", size=(60, 60), zipped=True)
    unpacked, zipped = open_members(folder), open_members(packed)
    assert isinstance(unpacked, Folder) and isinstance(zipped, Zip)
    assert list(unpacked) == list(zipped)
    assert unpacked.name == zipped.name == folder.name
    assert all(unpacked.read(name) == zipped.read(name) for name in unpacked)
    assert isinstance(zipped.netcdf("manifest.safe"), io.BytesIO)


@pytest.mark.parametrize("prefix", ["", "X.SAFE/", "some/folder/X.SAFE/", "renamed/"])
def test_the_products_folder_is_found_anywhere_in_the_zip(archive, prefix):
    path = archive(lambda file: [file.writestr(f"{prefix}{name}", name) for name in ("manifest.safe", "a/b.xml")])
    members = open_members(path)
    assert list(members) == ["a/b.xml", "manifest.safe"]
    assert members.read("a/b.xml") == b"a/b.xml"


def leave_behind(folder: Path) -> None:
    """Write what macOS leaves beside real files."""
    for name in (".DS_Store", "._manifest.safe", "__MACOSX/._y"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"Mac")


def test_doubled_folders_and_leftovers_of_macos_are_no_part_of_a_product(tmp_path):
    product = write_safe(tmp_path / "once")
    expected = open_members(product).sizes
    wrapper = tmp_path / "twice" / product.name
    shutil.copytree(product, wrapper / product.name)
    for folder in (wrapper, wrapper / product.name):
        leave_behind(folder)
    members = open_members(wrapper)
    assert members.sizes == expected and members.name == product.name
    assert Safe.open(wrapper).tile == Safe.open(product).tile
    path = tmp_path / f"{product.name}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in wrapper.rglob("*"):
            archive.write(file, file.relative_to(wrapper.parent))
        archive.writestr(f"__MACOSX/{product.name}/._manifest.safe", b"Mac")
    assert open_members(path).sizes == expected
    assert Safe.open(path).footprint.equals(Safe.open(product).footprint)


@pytest.mark.parametrize("name", ["a}b", "{", "a{b}c", "}{"])
def test_archives_in_folders_with_braces_are_read_by_gdal(name, tmp_path):
    import rasterio

    members = open_members(write_safe(tmp_path / name, zipped=True))
    image = next(member for member in members.sizes if member.endswith("B02.jp2") or member.endswith("B02_10m.jp2"))
    with rasterio.open(members.gdal_path(image)) as raster:
        assert raster.read(1).any()


def test_a_zip_of_two_products_is_refused(archive):
    path = archive(lambda file: [file.writestr(f"{name}.SAFE/manifest.safe", "") for name in "AB"])
    with pytest.raises(UserError, match="holds 2 products"):
        open_members(path)


def test_missing_files_and_folders_are_errors(tmp_path):
    with pytest.raises(UserError, match=r"gone\.zip: does not exist"):
        open_members(tmp_path / "gone.zip")
    with pytest.raises(UserError, match="gone: is not a folder"):
        find(tmp_path / "gone", KIND)
    folder = write_safe(tmp_path, bands=())
    with pytest.raises(UserError, match=r"INSPIRE\.xml: is missing"):
        open_members(folder).read("INSPIRE.xml")


def test_flat_and_nested_products_are_found_once_each(tmp_path):
    paths = [
        write_safe(tmp_path / place, sensing=f"{time}T172901", bands=(), zipped=zipped)
        for place, time, zipped in [
            (".", "20200703", False),
            ("2019/07", "20190702", True),
            ("2020/07", "20200702", False),
        ]
    ]
    write_safe(tmp_path / "copies", sensing="20200703T172901", bands=(), zipped=True)
    write_sen3(tmp_path / "2020" / "07")
    (tmp_path / "notes.zip").write_bytes(b"")
    (tmp_path / "2020" / "loop").symlink_to(tmp_path)
    assert [path.resolve() for path in find(tmp_path, KIND).products] == [paths[1], paths[2], paths[0]]


def test_the_bare_name_has_no_suffix():
    assert {bare_name(f"S2A_x{suffix}") for suffix in (".SAFE", ".zip", ".SAFE.zip", "")} == {"S2A_x"}

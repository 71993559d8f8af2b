"""Steps 10 and 20 on products as people keep them: what is read, and what is named because it is not."""

import errno
import os
from pathlib import Path

import pytest

from pix2earth.settings.errors import UserError
from preprocessing.scenes import inventory
from sensors.sentinel2 import Safe
from sensors.sentinel3 import Sen3
from tests.product_roots import step, write_environment
from tests.products import write_safe, write_sen3

COUNT, PAIR = "10_identify_unique_tilecodes.py", "20_create_inventory.py"
OTHER = {"sensing": "20210101T172901", "discriminator": "20210101T203040"}


def pairs(environment: Path, *, code: int = 0):
    """Run step 20; return its (scene, frame) pairs and what it printed."""
    done = step(PAIR, environment, "--tile", "T17XNA", "--timediff", "3", "--replace")
    assert done.returncode == code, done.stderr
    table = inventory.read(environment.parent / "data" / "_inventory" / "inv_T17XNA_3h.csv")
    return list(zip(table["s2"], table["s3"], strict=True)), done


@pytest.mark.parametrize(
    "form",
    [
        {"bare": True}, {"lower": True}, {"bare": True, "lower": True}, {"zipped": True, "lower": True},
        {"zipped": True, "bare": True},
    ],
    ids=str,
)  # fmt: skip
def test_names_without_suffix_and_in_lower_case_are_read(form, tmp_path):
    environment = write_environment(tmp_path)
    scene, frame = write_safe(tmp_path / "s2", bands=(), **form), write_sen3(tmp_path / "s3" / "2020", **form)
    (pair,), done = pairs(environment)
    assert pair == (scene.name, f"2020/{frame.name}")
    assert "not read" not in done.stderr
    counted = step(COUNT, environment)
    assert "T17XNA         1" in counted.stdout and not counted.stderr
    located = [inventory.locate(tmp_path / root, name) for root, name in zip(("s2", "s3"), pair, strict=True)]
    assert located == [scene, frame]
    Safe.open(scene)
    Sen3.open(frame)


def test_renamed_folders_are_products_by_what_they_hold(tmp_path):
    environment = write_environment(tmp_path)
    write_safe(tmp_path / "s2", bands=()).rename(tmp_path / "s2" / "summer")
    write_sen3(tmp_path / "s3").rename(tmp_path / "s3" / "pass")
    assert pairs(environment)[0] == [("summer", "pass")]
    assert "T17XNA         1" in step(COUNT, environment).stdout


@pytest.mark.parametrize("packed", ["tar", "tgz"])
def test_what_looks_like_a_product_and_is_not_read_is_counted_and_named(packed, tmp_path):
    environment = write_environment(tmp_path)
    scene = write_safe(tmp_path / "s2", bands=())
    frame = write_sen3(tmp_path / "s3", packed=packed)
    slstr = tmp_path / "s3" / "S3A_SL_1_RBT____20200702T161401_20200702T161403_x.SEN3"
    slstr.mkdir()
    none, done = pairs(environment)
    assert not none
    assert f"{tmp_path / 's3'}: not read, though named like products: 2" in done.stderr
    assert f"{frame}: is packed, but not as .zip; unpack it" in done.stderr
    assert f"{slstr}: is no Sentinel-3 OLCI Level-1B product" in done.stderr
    write_safe(tmp_path / "s2", packed=packed, bands=(), **OTHER)
    assert "packed, but not as .zip" in step(COUNT, environment).stderr
    assert pairs(environment)[1].stderr.count("packed, but not as .zip") == 2
    assert scene.exists()


def test_step_10_counts_what_step_20_reads(tmp_path):
    """Files beside products, unfinished ones and other products are none; old products have several tiles."""
    environment, s2 = write_environment(tmp_path), tmp_path / "s2"
    scene = write_safe(s2, bands=())
    old = write_safe(s2, long_naming=True, other_tiles=["T17XMA"], bands=(), **OTHER)
    for beside in (".md5", "-ql.jpg", ".zip.incomplete", ".zip.part"):
        (s2 / f"{scene.name.replace('T17XNA', 'T17XNB')}{beside}").touch()
    (s2 / "L1C_T17XNA_A026253_20200702T172901").mkdir()
    (s2 / "T17XNA").mkdir()
    write_safe(s2 / "T17XNA" / scene.stem, baseline="04.00", bands=())
    done = step(COUNT, environment)
    assert done.stdout.splitlines()[1:] == [
        "T17XNA         3", "T17XMA         1", f"3 products of 2 tiles in {s2}; 0 have no tile",
    ]  # fmt: skip
    unread = done.stderr.splitlines()
    assert unread[0] == f"{s2}: not read, though named like products: 3"
    assert [line.split(": ")[1] for line in unread[1:]] == [
        "is no Sentinel-2 L1C or L2A product", *["was not downloaded to the end"] * 2,
    ]  # fmt: skip
    write_sen3(tmp_path / "s3")
    write_sen3(tmp_path / "s3", start="20210101T161401")
    assert [s2_name for s2_name, _ in pairs(environment)[0]] == [
        f"T17XNA/{scene.stem}/{scene.name.replace('N0209', 'N0400')}", old.name,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "archive", ["L1C_T17XNA_A026253_20200702T172901.zip", "l1c_t17xna_a026253_20200702t172901.ZIP"]
)
def test_archives_of_the_usgs_are_read(archive, tmp_path):
    environment = write_environment(tmp_path)
    write_safe(tmp_path / "s2", bands=(), zipped=True).rename(tmp_path / "s2" / archive)
    frame = write_sen3(tmp_path / "s3")
    assert "T17XNA         1" in step(COUNT, environment).stdout
    assert pairs(environment)[0] == [(archive, frame.name)]


@pytest.mark.parametrize("zipped", [False, True])
def test_a_root_may_be_one_product(zipped, tmp_path):
    environment = write_environment(tmp_path)
    scene, frame = write_safe(tmp_path / "one", bands=(), zipped=zipped), write_sen3(tmp_path / "one", zipped=zipped)
    environment.write_text(f'{{"data_root": "data", "s2_root": "one/{scene.name}", "s3_root": "one/{frame.name}"}}')
    assert "T17XNA         1" in step(COUNT, environment).stdout
    assert pairs(environment)[0] == [(scene.name, frame.name)]
    assert inventory.locate(scene, scene.name) == scene


def test_frames_of_reduced_resolution_are_counted(tmp_path):
    environment = write_environment(tmp_path)
    write_safe(tmp_path / "s2", bands=())
    write_sen3(tmp_path / "s3", kind="ERR")
    none, done = pairs(environment)
    assert not none
    assert "1 Sentinel-3 products are left out: they are of reduced resolution" in done.stdout


@pytest.mark.parametrize("removed", ["*_B02.jp2", "MTD_MSIL1C.xml"])
def test_a_complete_zip_wins_over_a_folder_that_was_extracted_in_part(removed, tmp_path):
    environment = write_environment(tmp_path)
    folder = write_safe(tmp_path / "s2", size=(60, 60))
    archive = write_safe(tmp_path / "zips", size=(60, 60), zipped=True).rename(tmp_path / "s2" / f"{folder.stem}.zip")
    frame = write_sen3(tmp_path / "s3")
    (pair,), done = pairs(environment)
    assert pair == (folder.name, frame.name) and "lacks" not in done.stderr
    next(folder.rglob(removed)).unlink()
    (pair,), done = pairs(environment)
    assert pair == (archive.name, frame.name)
    assert f"{folder}: lacks 1 files, such as " in done.stderr
    assert f"; {archive} is read in its place" in done.stderr


# ---- links and permissions ---------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".SAFE", ".zip"])
def test_a_dangling_link_is_left_out_and_named(suffix, tmp_path):
    environment = write_environment(tmp_path)
    scene, frame = write_safe(tmp_path / "s2", bands=()), write_sen3(tmp_path / "s3")
    links = [
        tmp_path / "s2" / f"{scene.stem.replace('20200702', '20210101')}{suffix}",
        tmp_path / "s3" / f"{frame.stem.replace('T161401_', 'T161801_')}{suffix.replace('SAFE', 'SEN3')}",
    ]
    for link in links:
        link.symlink_to(tmp_path / "gone")
    (pair,), done = pairs(environment, code=1)
    assert pair == (scene.name, frame.name)
    for link in links:
        assert f"{link}: is a link to {tmp_path / 'gone'}, which does not exist" in done.stderr
    assert "2 products failed and were left out" in done.stderr
    counted = step(COUNT, environment)
    assert counted.returncode == 0 and "T17XNA         2" in counted.stdout


@pytest.fixture
def forbid(monkeypatch):
    """``forbid(path)``: a folder or file may not be read; permissions do not stop the superuser, who may run this."""
    paths: set[str] = set()
    scandir, opening = os.scandir, Path.open

    def check(path):
        if str(path) in paths:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    def checked_scandir(path="."):
        check(path)
        return scandir(path)

    def checked_open(path, *arguments, **options):
        check(path)
        return opening(path, *arguments, **options)

    monkeypatch.setattr(os, "scandir", checked_scandir)
    monkeypatch.setattr(Path, "open", checked_open)
    return lambda path: paths.add(str(path))


@pytest.mark.parametrize("what", ["", "GRANULE", "MTD_MSIL1C.xml"])
def test_what_may_not_be_read_is_not_called_damaged(what, forbid, tmp_path):
    environment = write_environment(tmp_path)
    scene, frame = write_safe(tmp_path / "s2", bands=()), write_sen3(tmp_path / "s3")
    forbidden = write_safe(tmp_path / "s2", bands=(), **OTHER) / what
    forbid(forbidden)
    (pair,), done = pairs(environment, code=1)
    assert pair == (scene.name, frame.name)
    assert f"{forbidden}: cannot be read (Permission denied); change its permissions" in done.stderr
    assert "download" not in done.stderr


def test_a_folder_of_products_that_may_not_be_read_is_named(forbid, tmp_path):
    environment = write_environment(tmp_path)
    write_safe(tmp_path / "s2", bands=())
    frame = write_sen3(tmp_path / "s3")
    write_safe(tmp_path / "s2" / "2021", bands=(), **OTHER)
    forbid(tmp_path / "s2" / "2021")
    (pair,), done = pairs(environment)
    assert pair[1] == frame.name
    for printed in (done.stderr, step(COUNT, environment).stderr):
        assert f"{tmp_path / 's2' / '2021'}: cannot be read (Permission denied); change its permissions" in printed


@pytest.mark.parametrize("zipped", [False, True])
def test_an_image_that_may_not_be_read_is_not_called_damaged(zipped, forbid, tmp_path):
    path = write_safe(tmp_path, size=(60, 60), zipped=zipped)
    forbidden = path if zipped else next(path.rglob("*_B02.jp2"))
    forbid(forbidden)
    with pytest.raises(UserError, match=f"{forbidden.name}: cannot be read .Permission denied.; change"):
        Safe.open(path).read(["B02"])
    frame = write_sen3(tmp_path, zipped=zipped)
    forbidden = frame if zipped else frame / "Oa05_radiance.nc"
    forbid(forbidden)
    with pytest.raises(UserError, match=f"{forbidden.name}: cannot be read .Permission denied.; change"):
        Sen3.open(frame).radiance("Oa05")

"""Variables of hostile netCDF files: links to other files and excessive sizes are refused before they are read."""

import time

import h5py
import numpy as np
import pytest

from pix2earth.settings.errors import UserError
from sensors.sentinel3 import Sen3
from sensors.swath import netcdf_variables
from sensors.swath.netcdf_variables import open_variable
from tests.products import write_sen3

NAME = "Oa01_radiance"


def external_link(file: h5py.File, secret) -> None:
    file[NAME] = h5py.ExternalLink(str(secret), "secret")


def soft_link_through_an_external_one(file: h5py.File, secret) -> None:
    file["outside"] = h5py.ExternalLink(str(secret), "/")
    file[NAME] = h5py.SoftLink("/outside/secret")


def virtual(file: h5py.File, secret) -> None:
    layout = h5py.VirtualLayout((8, 8), np.uint16)
    layout[...] = h5py.VirtualSource(str(secret), "secret", (8, 8))
    file.create_virtual_dataset(NAME, layout)


def external_bytes(file: h5py.File, secret) -> None:
    file.create_dataset(NAME, (8, 8), np.uint16, external=[(str(secret), 0, 128)])


def huge(file: h5py.File, secret) -> None:
    file.create_dataset(NAME, (1 << 20, 1 << 20), np.uint16, chunks=(1024, 1024), compression="gzip")


def huge_chunk(file: h5py.File, secret) -> None:
    file.create_dataset(NAME, (8, 8), np.uint8, maxshape=(None, None), chunks=(1 << 15, 1 << 15), compression="gzip")


def text(file: h5py.File, secret) -> None:
    file[NAME] = ["no", "numbers"]


def folder(file: h5py.File, secret) -> None:
    file.create_group(NAME)


HOSTILE = {
    external_link: "is a link",
    soft_link_through_an_external_one: "is a link",
    virtual: "is put together from other files",
    external_bytes: "is put together from other files",
    huge: "claims to hold 1048576 x 1048576 numbers",
    huge_chunk: "claims to hold 8 x 8 numbers",
    text: "holds no numbers",
    folder: "has no variable Oa01_radiance",
}


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("write", HOSTILE, ids=lambda write: write.__name__)
def test_hostile_files_are_refused_in_one_line_without_reading(write, zipped, tmp_path):
    from tests.products import zip_folder

    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["secret"] = np.full((8, 8), 4711, np.uint16)
    product = write_sen3(tmp_path)
    with h5py.File(product / f"{NAME}.nc", "w") as file:
        write(file, secret)
    sen3 = Sen3.open(zip_folder(product) if zipped else product)
    started = time.process_time()
    with pytest.raises(UserError, match=HOSTILE[write]) as refused:
        sen3.radiance("Oa01")
    assert time.process_time() - started < 1
    assert len(refused.value.lines) == 1 and f"{NAME}.nc: " in refused.value.lines[0]


def test_h5py_alone_would_read_the_other_file(tmp_path):
    """The refusals are needed: h5py itself follows all of these."""
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["secret"] = np.full((8, 8), 4711, np.uint16)
    for write in (external_link, soft_link_through_an_external_one, virtual):
        with h5py.File(tmp_path / f"{write.__name__}.nc", "w") as file:
            write(file, secret)
        with h5py.File(tmp_path / f"{write.__name__}.nc") as file:
            assert (file[NAME][...] == 4711).all()


def test_variables_of_products_are_opened(tmp_path, monkeypatch):
    with h5py.File(write_sen3(tmp_path) / f"{NAME}.nc") as file:
        assert open_variable(file, NAME, "label").shape == file[NAME].shape
        monkeypatch.setattr(netcdf_variables, "MOST_NUMBERS", file[NAME].size - 1)
        with pytest.raises(UserError, match=r"label: .*claims"):
            open_variable(file, NAME, "label")

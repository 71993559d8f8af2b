"""What the fake products of both missions share: packing into a .zip, and times as XML has them."""

import shutil
import tarfile
import zipfile
from pathlib import Path


def repack(product: Path, *, bare: bool = False, lower: bool = False, packed: str = "") -> Path:
    """Rename or pack a product as people keep it, in place; return its path.

    ``bare``: without ``.SAFE`` or ``.SEN3``. ``lower``: in lower case. ``packed``: as "tar" or "tgz".
    """
    name = product.name.removesuffix(".SAFE").removesuffix(".SEN3") if bare else product.name
    path = product.rename(product.with_name(name.lower() if lower else name))
    if not packed:
        return path
    archive = path.with_name(f"{path.name.partition('.')[0]}.{packed}")
    with tarfile.open(archive, "w:gz" if packed == "tgz" else "w") as file:
        file.add(path, path.name)
    shutil.rmtree(path)
    return archive


def zip_folder(folder: Path, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    """Replace a product's folder by a .zip that holds it, named as distributors do."""
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", compression) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder.parent))
    shutil.rmtree(folder)
    return path


def iso(time: str) -> str:
    return f"{time[:4]}-{time[4:6]}-{time[6:8]}T{time[9:11]}:{time[11:13]}:{time[13:15]}.000Z"

"""What the fake products of both missions share: packing into a .zip, and times as XML has them."""

import shutil
import zipfile
from pathlib import Path


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

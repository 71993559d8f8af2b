"""The real Sentinel-2 scenes in ``samples/``, read window by window."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    import numpy as np

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
BANDS = ("B02", "B03", "B04", "B08")
GSD = 10.0
"""Ground sampling distance of these bands in metres."""


class SourceScene(NamedTuple):
    """One scene of ``samples/``: a file for each of ``BANDS``, or one file with bands of these names."""

    name: str
    acquired: str
    files: tuple[Path, ...]


def scenes() -> tuple[SourceScene, list[SourceScene]]:
    """Return the large scene, which is cut into all splits, and the small ones, which are for testing.

    Raises:
        UserError: a file is missing.
    """
    files = tuple(SAMPLES / "s2_18svg" / f"T18SVG_20160112_{band}.jp2" for band in BANDS)
    large = SourceScene("18svg", "2016-01-12", files)
    times = ("2015-07-11T10:00:08", "2015-08-30T10:05:47")
    small = []
    for time in times:
        day = time[:10].replace("-", "")
        small.append(SourceScene(f"slovenia_{day}", time, (SAMPLES / "s2_slovenia" / f"S2A_L1C_{day}.tif",)))
    missing = [file for scene in (large, *small) for file in scene.files if not file.is_file()]
    if missing:
        raise UserError(*(f"{file}: is missing; restore it from the repository" for file in missing))
    return large, small


class Raster:
    """The bands of an open scene, read window by window."""

    def __init__(self, bands: list[tuple[Any, int]]) -> None:
        """Keep an open rasterio dataset and a band number for each of ``BANDS``; all lie on one grid."""
        self.bands = bands
        self.grid = bands[0][0]

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.grid.height, self.grid.width

    def read(self, row: int, column: int, side: int) -> np.ndarray:
        """Return the digital numbers of a square as uint16 (side, side, band); only that window is read.

        Raises:
            UserError: a file is damaged.
        """
        import numpy as np
        from rasterio.errors import RasterioIOError
        from rasterio.windows import Window

        window, layers = Window(column, row, side, side), []
        for source, number in self.bands:
            try:
                layers.append(source.read(number, window=window))
            except RasterioIOError:
                raise UserError(f"{source.name}: is damaged; restore it from the repository") from None
        return np.stack(layers, axis=-1)

    def transform(self, row: int, column: int) -> tuple[float, ...]:
        """Return the six numbers of the affine transform of a window that begins at (row, column)."""
        a, b, c, d, e, f = self.grid.transform[:6]
        return a, b, a * column + b * row + c, d, e, d * column + e * row + f


@contextmanager
def opened(scene: SourceScene) -> Iterator[Raster]:
    """Open the files of a scene.

    Raises:
        UserError: a file cannot be read.
    """
    import rasterio

    with ExitStack() as stack:
        try:
            sources = [stack.enter_context(rasterio.open(file)) for file in scene.files]
        except rasterio.errors.RasterioIOError as error:
            raise UserError(f"{error}; restore {scene.files[0].parent} from the repository") from None
        if len(sources) == len(BANDS):
            yield Raster([(source, 1) for source in sources])
        else:
            yield Raster([(sources[0], sources[0].descriptions.index(band) + 1) for band in BANDS])

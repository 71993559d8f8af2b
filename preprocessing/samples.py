"""The demo dataset: super-resolution tiles of the real Sentinel-2 imagery in ``samples/``.

``python -m preprocessing.samples`` writes ``<data_root>/demo/96``. A sample's ``target`` holds the 10 m bands
of a tile, its ``input_image`` the same bands averaged over ``factor`` x ``factor`` pixels. Digital numbers
are kept: reflectance at the top of the atmosphere is 1e-4 times them, and 0 means no data.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from experiment import Environment
from pix2earth.records.grid_splits import BLOCK, GROUP, block_splits
from pix2earth.records.manifest import SPLITS, Field, Manifest, Split
from pix2earth.settings.errors import UserError, inside, reports_errors

if TYPE_CHECKING:
    import numpy as np

    from pix2earth.records.writer import DatasetWriter

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
BANDS = ("B02", "B03", "B04", "B08")
GSD = 10.0
"""Metres a pixel of these bands."""
DESCRIPTION = (
    "Sentinel-2 L1C, reflectance at the top of the atmosphere. 18svg_*: eastern shore of Virginia,"
    " 2016-01-12; slovenia_*: Slovenia, summer 2015. Contains modified Copernicus Sentinel data 2015-2016."
    " Sources and licences: samples/*/README.md."
)


class Recipe(NamedTuple):
    """What the user may choose about the dataset."""

    dataset: str
    tilesize: int
    factor: int
    seed: int
    suffix: str = ""

    @property
    def ending(self) -> str:
        """What the name of every tile ends with."""
        return f"_{self.suffix}" if self.suffix else ""

    def check(self) -> None:
        """Find what cannot work before anything is read.

        Raises:
            UserError: one line for each mistake.
        """
        lines = []
        if not inside(self.dataset) or "/" in self.dataset or self.dataset.startswith("."):
            lines.append(f"--dataset {self.dataset}: must be a plain name, without '/' or a leading '.'")
        if self.suffix and not self.suffix.isidentifier():
            lines.append(f"--suffix {self.suffix}: must be letters, digits and '_', such as notinmask")
        if self.tilesize < 1:
            lines.append(f"--tilesize {self.tilesize}: must be at least 1")
        if self.factor < 2:
            lines.append(f"--factor {self.factor}: must be at least 2, or there is nothing to learn")
        elif self.tilesize % self.factor:
            lower = max(self.tilesize // self.factor, 1) * self.factor
            lines.append(
                f"--factor {self.factor}: does not divide --tilesize {self.tilesize};"
                f" --tilesize {lower} or {lower + self.factor} would do"
            )
        if lines:
            raise UserError(*lines)

    def manifest(self) -> Manifest:
        """Return the manifest of the dataset, without counts and fingerprint."""
        # (0, 1) although these scenes end at 0.75 and 99 % of them at 0.4: it clips nothing, leaves room for
        # snow and cloud, and makes PSNR comparable with what is published for reflectance.
        fields = {
            name: Field(
                dtype="uint16", shape=[side, side, len(BANDS)], bands=list(BANDS), units="1", scale=1e-4,
                nodata=0, valid_range=(0.0, 1.0), rgb=["B04", "B03", "B02"], gsd=gsd,
            )
            for name, side, gsd in (
                ("input_image", self.tilesize // self.factor, GSD * self.factor),
                ("target", self.tilesize, GSD),
            )
        }  # fmt: skip
        detail = (
            f"18svg: blocks of up to {BLOCK} x {BLOCK} tiles (of 1, if those were fewer than 3);"
            f" of about {GROUP} neighbouring blocks the seed draws one for val, one for test. Blocks share no"
            " pixels but adjoin: there is no guard gap, and the one date is on both sides."
            " slovenia: another region and season, whole scenes, test only."
            f"{f' All names end with {self.ending}.' if self.ending else ''}"
        )
        split = Split(method="spatial block, and scene", seed=self.seed, detail=detail)
        return Manifest(
            name=self.dataset, tilesize=self.tilesize, description=DESCRIPTION, fields=fields, split=split,
        )  # fmt: skip


# ---- scenes ------------------------------------------------------------------------------------------------


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


# ---- tiles and their splits --------------------------------------------------------------------------------


class PlannedTile(NamedTuple):
    """A square of a scene; row and column of its upper left pixel."""

    name: str
    split: str
    scene: SourceScene
    row: int
    column: int


def plan(recipe: Recipe) -> list[PlannedTile]:
    """Return all tiles that the scenes have room for; none overlaps another of its scene.

    Raises:
        UserError: a file is missing or damaged, or the tiles are too large.
    """
    large, small = scenes()
    side = recipe.tilesize
    with opened(large) as raster:
        rows, columns = (length // side for length in raster.size)
        if rows * columns < len(SPLITS):
            height, width = raster.size
            most = max(min(height, width // 3), min(height // 2, width // 2), min(height // 3, width))
            raise UserError(f"--tilesize {side}: leaves no tile for some of the splits; use at most {most}")
    tiles = [
        PlannedTile(f"{large.name}_r{row:02d}_c{column:02d}{recipe.ending}", split, large, row * side, column * side)
        for (row, column), split in block_splits(rows, columns, recipe.seed).items()
    ]
    for scene in small:
        with opened(scene) as raster:
            if min(raster.size) < side:
                height, width = raster.size
                print(f"{scene.name}: is left out, {height} x {width} pixels hold no tile of {side} x {side}")
            else:
                tiles.append(PlannedTile(f"{scene.name}{recipe.ending}", "test", scene, 0, 0))
    return tiles


# ---- writing -----------------------------------------------------------------------------------------------


def make(recipe: Recipe, data_root: Path, *, replace: bool = False) -> None:
    """Write the dataset, or what is missing of it; print what was done.

    Args:
        recipe: sizes and names.
        data_root: folder of the datasets.
        replace: remove all records first.

    Raises:
        UserError: the recipe cannot work, a scene is missing or damaged, or the folder holds another dataset.
    """
    from pix2earth.console.quiet import quieten_tensorflow
    from pix2earth.records.resuming import open_dataset

    recipe.check()
    folder = data_root / recipe.dataset / str(recipe.tilesize)
    tiles = plan(recipe)
    quieten_tensorflow()
    planned = [(tile.split, tile.name) for tile in tiles]
    writer = open_dataset(data_root, recipe.manifest(), planned, replace=replace, complete=False)
    if writer is None:
        print(f"{folder}: is complete already; --replace writes it again")
        return
    manifest = write(writer, recipe, tiles)
    print(f"{folder}: {', '.join(f'{count} {split}' for split, count in manifest.records.items())}")


def write(writer: DatasetWriter, recipe: Recipe, tiles: Sequence[PlannedTile]) -> Manifest:
    """Write the tiles that are missing or damaged, check the dataset for leaks, and write the manifest.

    Returns:
        The manifest with counts and fingerprint.
    """
    from pix2earth.console.progress import tracked
    from pix2earth.records.degradation import square_mean
    from pix2earth.records.leaks import check_for_leaks

    empty = 0
    with writer, ExitStack() as stack:
        rasters = {scene: stack.enter_context(opened(scene)) for scene in {tile.scene for tile in tiles}}
        for tile in tracked(tiles, recipe.dataset, len(tiles), "tiles"):
            if writer.valid(tile.split, tile.name):
                continue
            raster = rasters[tile.scene]
            target = raster.read(tile.row, tile.column, recipe.tilesize)
            if not target.all():
                empty += 1
                continue
            writer.write(
                tile.split, tile.name, {"input_image": square_mean(target, recipe.factor), "target": target},
                crs=raster.grid.crs.to_string(), transform=raster.transform(tile.row, tile.column),
                acquired=[tile.scene.acquired],
            )  # fmt: skip
        # Before the block ends, for then the dataset counts as complete.
        print(check_for_leaks(writer.folder, writer.manifest))
    if empty:
        print(f"{empty} tiles with pixels of nodata are left out")
    return writer.manifest


@reports_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Write the demo dataset."""
    arguments = argparse.ArgumentParser(
        prog="python -m preprocessing.samples",
        description="Write the demo dataset from the imagery in samples/.",
    )
    arguments.add_argument("--env", metavar="PATH", help="environment.json, for its data_root")
    arguments.add_argument("--dataset", default="demo", help="name of the dataset (default demo)")
    arguments.add_argument("--tilesize", type=int, default=96, help="side of a target in pixels (default 96)")
    arguments.add_argument("--factor", type=int, default=3, help="how much coarser the input is (default 3)")
    arguments.add_argument("--seed", type=int, default=0, help="seed of the split (default 0)")
    arguments.add_argument(
        "--suffix", default="", help="end every tile's name with _SUFFIX, for experiments with enforce_suffix"
    )
    arguments.add_argument("--replace", action="store_true", help="write an existing dataset again")
    options: Any = arguments.parse_args(argv)
    recipe = Recipe(options.dataset, options.tilesize, options.factor, options.seed, options.suffix)
    make(recipe, Path(Environment(options.env).DATA_ROOT), replace=options.replace)
    return 0


if __name__ == "__main__":
    main()

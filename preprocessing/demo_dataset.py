"""The demo dataset: super-resolution tiles of the real Sentinel-2 scenes in ``samples/``.

A sample's ``target`` holds the 10 m bands of a tile, its ``input_image`` the same bands averaged over ``factor`` x
``factor`` pixels, after a Gaussian filter where ``fwhm`` is given. Digital numbers are kept: top-of-atmosphere
reflectance is 1e-4 times them, and 0 is nodata.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pix2earth.records.degradation_schema import Degradation
from pix2earth.records.manifest import SPLITS, Field, Manifest, Split
from pix2earth.records.splitting.grid_splits import BLOCK, GROUP, block_splits
from pix2earth.settings.errors import UserError, inside
from preprocessing.sample_scenes import BANDS, GSD, SourceScene, opened, scenes

if TYPE_CHECKING:
    from pix2earth.records.writer import DatasetWriter

DESCRIPTION = (
    "Sentinel-2 L1C, reflectance at the top of the atmosphere. 18svg_*: eastern shore of Virginia,"
    " 2016-01-12; slovenia_*: Slovenia, summer 2015. Contains modified Copernicus Sentinel data 2015-2016."
    " Sources and licences: samples/*/README.md."
)


class DemoRecipe(NamedTuple):
    """What the user may choose about the dataset."""

    dataset: str
    tilesize: int
    factor: int
    seed: int
    suffix: str = ""
    fwhm: float | None = None

    @property
    def ending(self) -> str:
        """What the name of every tile ends with."""
        return f"_{self.suffix}" if self.suffix else ""

    @property
    def degradation(self) -> Degradation:
        """How inputs are made from targets."""
        return Degradation(kind="gaussian" if self.fwhm else "average", factor=self.factor, fwhm=self.fwhm)

    def check(self) -> None:
        """Find what cannot work before anything is read.

        Raises:
            UserError: one line for each error.
        """
        lines = []
        if not inside(self.dataset) or "/" in self.dataset or self.dataset.startswith("."):
            lines.append(f"--dataset {self.dataset}: must be a plain name, without '/' or a leading '.'")
        if self.suffix and not self.suffix.isidentifier():
            lines.append(f"--suffix {self.suffix}: must be letters, digits and '_', such as notinmask")
        if self.tilesize < 1:
            lines.append(f"--tilesize {self.tilesize}: must be at least 1")
        if self.fwhm is not None and not 0 < self.fwhm <= self.tilesize:
            lines.append(f"--fwhm {self.fwhm:g}: must be above 0 and at most --tilesize {self.tilesize}")
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
            degradation=self.degradation,
        )  # fmt: skip


class PlannedTile(NamedTuple):
    """A square of a scene; row and column of its upper left pixel."""

    name: str
    split: str
    scene: SourceScene
    row: int
    column: int


def plan(recipe: DemoRecipe) -> list[PlannedTile]:
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


def make(recipe: DemoRecipe, data_root: Path, *, replace: bool = False) -> None:
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


def write(writer: DatasetWriter, recipe: DemoRecipe, tiles: Sequence[PlannedTile]) -> Manifest:
    """Write the tiles that are missing or damaged, check the dataset for leaks, and write the manifest.

    Returns:
        The manifest with counts and fingerprint.
    """
    from pix2earth.console.progress import tracked
    from pix2earth.records.degradation import degraded_stored
    from pix2earth.records.splitting.leaks import check_for_leaks

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
            arrays = {"input_image": degraded_stored(target, recipe.degradation), "target": target}
            writer.write(
                tile.split, tile.name, arrays, crs=raster.grid.crs.to_string(),
                transform=raster.transform(tile.row, tile.column), acquired=[tile.scene.acquired],
            )  # fmt: skip
        # Before the block ends, for then the dataset counts as complete.
        print(check_for_leaks(writer.folder, writer.manifest))
    if empty:
        print(f"{empty} tiles with pixels of nodata are left out")
    return writer.manifest

"""What a dataset for sharpening is: its tiles, their splits and its manifest, before anything is written."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pix2earth.records.degradation_schema import Degradation
from pix2earth.records.manifest import SPLITS, Field, Manifest, Split
from pix2earth.records.splitting.leaks import GroundExtent, Leak, refuse_leaks
from pix2earth.records.splitting.splits import Shares, by_group
from pix2earth.settings.errors import UserError, inside
from preprocessing.sharpening.two_resolutions import BandStack, TwoResolutions

if TYPE_CHECKING:
    import numpy as np

FALSE_COLOUR = ["B12", "B8A", "B05"]
"""Shown as red, green and blue: short-wave infrared, near infrared, red edge."""
BLOCKS = (4, 2, 1)
"""Sides of blocks in tiles; the largest of which a scene has ``ENOUGH`` is taken."""
ENOUGH = 36


class SharpeningRecipe(NamedTuple):
    """What the user may choose about the dataset.

    Attributes:
        dataset: its name.
        tilesize: side of a target in its own pixels.
        shares: of the splits; None: all tiles are for testing.
        seed: of the split, and of the choice of tiles.
        tiles: at most so many from each scene; None: all.
        valid: share of the pixels of a tile that must be measured.
        valid_range: of the physical values.
    """

    dataset: str
    tilesize: int
    shares: Shares | None
    seed: int
    tiles: int | None
    valid: float
    valid_range: tuple[float, float] | None

    def check(self) -> None:
        """Find what cannot work before anything is read.

        Raises:
            UserError: one line for each error.
        """
        lines = []
        if not inside(self.dataset) or "/" in self.dataset or self.dataset.startswith("."):
            lines.append(f"--dataset {self.dataset}: must be a plain name, without '/' or a leading '.'")
        if self.tilesize < 4:
            lines.append(f"--tilesize {self.tilesize}: must be at least 4")
        if self.tiles is not None and self.tiles < len(SPLITS):
            lines.append(f"--tiles {self.tiles}: must be at least {len(SPLITS)}")
        if not 0 < self.valid <= 1:
            lines.append(f"--valid {self.valid:g}: must be a share above 0, at most 1")
        if self.valid_range and not -math.inf < self.valid_range[0] < self.valid_range[1] < math.inf:
            low, high = self.valid_range
            lines.append(f"--valid_range {low:g} {high:g}: must be two finite numbers, low, then high")
        if lines:
            raise UserError(*lines)
        if self.shares:
            self.shares.check()


class SharpeningTile(NamedTuple):
    """A square of a scene; row and column of its upper left pixel, in coarse pixels."""

    name: str
    split: str
    scene: TwoResolutions
    row: int
    column: int


def plan(recipe: SharpeningRecipe, scenes: Sequence[TwoResolutions]) -> list[SharpeningTile]:
    """Return the tiles of all scenes with their splits, scene by scene in reading order.

    Tiles of one grid (such as products of several dates of one place) are in the same split at the same place.

    Raises:
        UserError: the tiles are too large, two scenes have one name, or scenes overlap in different splits.
    """
    side = recipe.tilesize
    names = [scene.name for scene in scenes]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UserError(f"{twice}: is named twice; rename one of the two, for names of tiles begin with it")
    grids = [_grid(scene, side) for scene in scenes]
    block = min(map(_block, grids))
    tiles = []
    for scene, (rows, columns) in zip(scenes, grids, strict=True):
        places = [(row, column) for row in range(rows) for column in range(columns)]
        blocks = {(row, column): f"{row // block} {column // block}" for row, column in places}
        for row, column in _drawn(recipe, scene, blocks):
            name = f"{scene.name}_r{row:02d}_c{column:02d}"
            tiles.append((blocks[row, column], SharpeningTile(name, "test", scene, row * side, column * side)))
    if recipe.shares is None:
        return [tile for _, tile in tiles]
    groups = {tile.name: f"{_ground(tile.scene)} {block}" for block, tile in tiles}
    splits = by_group(groups, recipe.shares, recipe.seed)
    if splits is None:
        raise UserError(
            f"--tilesize {side}: leaves {len(set(groups.values()))} blocks of tiles, too few for all splits; choose a"
            " smaller one"
        )
    return without_leaks([tile._replace(split=splits[groups[tile.name]]) for _, tile in tiles], side)


def without_leaks(tiles: list[SharpeningTile], side: int) -> list[SharpeningTile]:
    """Return the tiles if none shows the ground of one of another split on the same date; scenes with coordinates only.

    Raises:
        UserError: two tiles do.
    """
    extents = []
    for tile in tiles:
        if tile.scene.crs:
            transform = tile.scene.coarse.transform
            corner = transform @ type(transform).translation(tile.column, tile.row)
            extents.append(GroundExtent(tile.split, tile.name, tile.scene.acquired[:10], tile.scene.crs, corner[:6]))
    try:
        refuse_leaks(extents, side)
    except Leak as leak:
        raise UserError(f"{leak}; leave one of the scenes out, or write it as a dataset of its own") from None
    return tiles


def _grid(scene: TwoResolutions, side: int) -> tuple[int, int]:
    """Return the rows and columns of tiles of a scene.

    Raises:
        UserError: there is no tile, or coarse pixels of averages would cross its border.
    """
    if side % scene.ratio:
        raise UserError(f"--tilesize {side}: must be a multiple of {scene.ratio}, the ratio of the pixel sizes")
    height, width = scene.coarse.size
    if min(height, width) < side:
        raise UserError(f"--tilesize {side}: is larger than {scene.name}, which has {height} x {width} coarse pixels")
    return height // side, width // side


def _block(grid: tuple[int, int]) -> int:
    """Return the side of the blocks of a grid of tiles."""
    rows, columns = grid
    return next((side for side in BLOCKS if -(-rows // side) * -(-columns // side) >= ENOUGH), BLOCKS[-1])


def _drawn(
    recipe: SharpeningRecipe, scene: TwoResolutions, blocks: Mapping[tuple[int, int], str]
) -> list[tuple[int, int]]:
    """Return the places of tiles of a scene, all or as many as the recipe allows, drawn by whole blocks."""
    if recipe.tiles is None or len(blocks) <= recipe.tiles:
        return list(blocks)

    def key(place: tuple[int, int]) -> tuple[bytes, tuple[int, int]]:
        # A hash, because the order that random generators draw in may change between versions.
        return hashlib.sha256(f"{recipe.seed} {_ground(scene)} {blocks[place]}".encode()).digest(), place

    print(f"{scene.name}: {recipe.tiles} of its {len(blocks)} tiles are drawn (--tiles)")
    return sorted(sorted(blocks, key=key)[: recipe.tiles])


def _ground(scene: TwoResolutions) -> str:
    """Return what scenes of one grid share; the name of a scene without coordinates."""
    transform = scene.coarse.transform
    return f"{scene.crs} {transform.c:.1f} {transform.f:.1f}" if scene.crs else scene.name


def offset_of(scenes: Sequence[TwoResolutions]) -> float:
    """Return the offset of the dataset's numbers, the lowest of the scenes': numbers of the others become larger.

    Raises:
        UserError: the scenes differ in what cannot be converted without loss.
    """
    first = scenes[0]
    for scene in scenes[1:]:
        for what, own, others in (
            ("fine bands", list(scene.fine.names), list(first.fine.names)),
            ("coarse bands", list(scene.coarse.names), list(first.coarse.names)),
            ("types of numbers", (scene.fine.dtype, scene.coarse.dtype), (first.fine.dtype, first.coarse.dtype)),
            ("pixels", (scene.pixel, scene.ratio), (first.pixel, first.ratio)),
            ("scale", scene.numbers.scale, first.numbers.scale),
            ("nodata values", scene.numbers.nodata, first.numbers.nodata),
        ):
            if own != others:
                raise UserError(f"{scene.name}: has other {what} than {first.name} ({own}, {others})")
    lowest = min(scene.numbers.offset for scene in scenes)
    for scene in scenes:
        steps = (scene.numbers.offset - lowest) / scene.numbers.scale
        if abs(steps - round(steps)) > 1e-6:
            raise UserError(
                f"{scene.name}: its offset {scene.numbers.offset:g} and {lowest:g} are no whole number of steps of"
                f" {scene.numbers.scale:g} apart; write two datasets"
            )
    return lowest


def manifest(recipe: SharpeningRecipe, scenes: Sequence[TwoResolutions]) -> Manifest:
    """Return the manifest of the dataset, without counts and fingerprint.

    Raises:
        UserError: the scenes do not fit together.
    """
    scene, offset = scenes[0], offset_of(scenes)
    side, ratio = recipe.tilesize, scene.ratio
    low, high = valid_range(recipe, scenes, offset)

    def field(bands: BandStack, size: int, gsd: float) -> Field:
        nodata = scene.numbers.nodata if "int" in bands.dtype else None
        rgb = FALSE_COLOUR if set(FALSE_COLOUR) <= set(bands.names) else None
        stated: dict[str, Any] = {"dtype": bands.dtype, "shape": [size, size, len(bands.names)]}
        return Field(
            **stated, bands=list(bands.names), scale=scene.numbers.scale, offset=offset, nodata=nodata,
            valid_range=(low, high), rgb=rgb, gsd=gsd,
        )  # fmt: skip

    only_test = recipe.shares is None
    return Manifest(
        name=recipe.dataset,
        tilesize=side,
        description="Wald's protocol: fine and coarse bands are averaged by the ratio of their pixel sizes, and the"
        f" coarse bands as they were measured are the target. {', '.join(one.name for one in scenes)}.",
        fields={
            "input_image": field(scene.coarse, side // ratio, scene.pixel * ratio),
            "guide": field(scene.fine, side, scene.pixel),
            "target": field(scene.coarse, side, scene.pixel),
        },
        guide="guide",
        reduced=ratio,
        degradation=Degradation(kind="average", factor=ratio),
        split=Split(
            method="whole scene, for testing" if only_test else "spatial block",
            seed=None if only_test else recipe.seed,
            detail="" if only_test else "Blocks of tiles are drawn; they share no pixels but adjoin.",
        ),
    )


def valid_range(recipe: SharpeningRecipe, scenes: Sequence[TwoResolutions], offset: float) -> tuple[float, float]:
    """Return the range of physical values: as given, 0 to 1 for reflectance, else measured over all scenes."""
    if recipe.valid_range:
        return recipe.valid_range
    if scenes[0].numbers.scale != 1.0:
        return 0.0, 1.0
    ends = [end for scene in scenes for bands in (scene.fine, scene.coarse) for end in _ends(scene, bands)]
    # Outwards to whole numbers of two digits, so that scenes of one kind are likely to have one range.
    step = 10.0 ** (math.floor(math.log10(max(map(abs, ends)) or 1.0)) - 1)
    low, high = math.floor(min(ends) / step) * step + offset, math.ceil(max(ends) / step) * step + offset
    print(f"values from {low:g} to {high:g} are the valid range, as measured (--valid_range)")
    return low, high


def _ends(scene: TwoResolutions, bands: BandStack) -> tuple[float, float]:
    """Return the smallest and largest number of all valid pixels."""
    rows, ends = 256, []
    for row in range(0, bands.size[0], rows):
        values = bands.read(row, 0, min(rows, bands.size[0] - row), bands.size[1])
        valid: np.ndarray = values[~scene.numbers.invalid(values)]
        if valid.size:
            ends += [float(valid.min()), float(valid.max())]
    if not ends:
        raise UserError(f"{scene.name}: has no valid pixel in {', '.join(bands.names)}")
    return min(ends), max(ends)

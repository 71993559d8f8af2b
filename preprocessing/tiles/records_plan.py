"""Plan step 50: check the options, read the headers of an inventory's tiles, and assign every tile to a split."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pix2earth.records.manifest import Split
from pix2earth.records.splitting.leaks import GroundExtent, Leak, refuse_leaks
from pix2earth.records.splitting.splits import BLOCK, Shares, by_block, by_group
from pix2earth.settings.errors import UserError, inside, nearest
from preprocessing.scenes import inventory
from preprocessing.tiles import tile_rasters
from preprocessing.tiles.tile_records import KINDS, Source

if TYPE_CHECKING:
    from experiment import Environment

METHODS = {"scene": "date of the scene", "block": "spatial block", "random": "random"}


class DatasetRequest(NamedTuple):
    """The options of the command line."""

    inventory: str
    dataset: str
    tilesize: int
    shares: Shares
    method: str
    seed: int

    def check(self) -> None:
        """Check the options before any file is read.

        Raises:
            UserError: the first invalid option.
        """
        if not inside(self.dataset) or "/" in self.dataset or self.dataset.startswith("."):
            raise UserError(f"--dataset {self.dataset}: must be a plain name, without '/' or a leading '.'")
        least = max(factor or 1 for factor in KINDS.values())
        if self.tilesize < least:
            raise UserError(f"--tilesize {self.tilesize}: must be at least {least}, or alt{least} has no pixel")
        self.shares.check()

    def split(self) -> Split:
        """Return the description of the split for the manifests."""
        details = {
            "scene": "All tiles of one date of Sentinel-2 stay together; the same ground may recur on other dates.",
            "block": f"Blocks of {BLOCK} x {BLOCK} tiles' sides, all dates of one together; tiles that cross a border"
            " between splits are left out.",
            "random": "Tile by tile: neighbours and other dates of the same ground are on both sides.",
        }
        shares = f"Ratio of train {self.shares.train:g}, of test {self.shares.test:g}."
        return Split(method=METHODS[self.method], seed=self.seed, detail=f"{details[self.method]} {shares}")


class Header(NamedTuple):
    """The metadata of a tile."""

    path: Path
    crs: str
    transform: tuple[float, ...]
    times: tuple[str, ...]
    product: str

    @property
    def date(self) -> str:
        """Day of the Sentinel-2 scene; the inventory's index where the day is unknown."""
        return self.times[0][:10] if self.times else self.path.stem.split("_")[0]


def tiles_of(environment: Environment, request: DatasetRequest) -> list[Header]:
    """Return the tiles ``<data_root>/_tif/<inventory>/<tilesize>/*.tif``, sorted.

    Raises:
        UserError: there are none, or a file is no tile of this size.
    """
    name = request.inventory.removesuffix(".csv")
    root = Path(environment.DATA_ROOT) / "_tif"
    folder = root / name / str(request.tilesize)
    paths = sorted(folder.glob("*.tif")) if inside(name) else []
    if not paths:
        existing = [path.name for path in root.glob("*") if path.is_dir()]
        hint = nearest(name, existing) if name not in existing else f"; sizes: {_sizes(root / name)}"
        raise UserError(f"--inventory {request.inventory}: there are no tiles in {folder}{hint}; step 40 creates them")
    table = inventory.folder(environment) / f"{name}.csv"
    rows = inventory.read(table).set_index("index") if table.is_file() else None
    return [_header(path, request.tilesize, rows) for path in paths]


def _sizes(folder: Path) -> str:
    return ", ".join(sorted(path.name for path in folder.iterdir() if path.is_dir())) or "none"


def _header(path: Path, side: int, rows: Any) -> Header:
    """Read a tile's header; times that files of the original ARISGAN code lack are taken from the inventory."""
    import rasterio

    try:
        with rasterio.open(path) as raster:
            shape, crs, transform, tags = (raster.count, *raster.shape), raster.crs, raster.transform, raster.tags()
    except rasterio.errors.RasterioIOError as error:
        raise UserError(f"{path}: is damaged ({error}); remove it and run step 40 again") from None
    expected = (len(tile_rasters.BANDS), side, side)
    if shape != expected or crs is None:
        shown = " x ".join(map(str, shape)) if shape != expected else "no coordinate reference system"
        raise UserError(f"{path}: is no tile: it has {shown}, not {' x '.join(map(str, expected))}; move it elsewhere")
    times = tuple(tags[key] for key in ("S2_SENSING_TIME", "S3_START_TIME") if key in tags)
    product, index = tags.get("S2_PRODUCT", ""), tile_rasters.index_of(path)
    if not times and rows is not None and index in rows.index:
        row = rows.loc[index]
        # NaT differs from itself. Without the time of Sentinel-2 that of OLCI is not used either.
        stated = (row[key] for key in ("s2date", "s3date") if row["s2date"] == row["s2date"] and row[key] == row[key])
        times = tuple(time.strftime("%Y-%m-%dT%H:%M:%SZ") for time in stated)
        product = str(row["s2"])
    return Header(path, crs.to_string(), transform[:6], times, product)


def split_tiles(tiles: Sequence[Header], request: DatasetRequest) -> dict[str, str]:
    """Return the split of every tile by its name; tiles on the border between two splits have none.

    Raises:
        UserError: there are too few dates or blocks, or tiles of different splits would share ground.
    """
    shares, seed = request.shares, request.seed
    if request.method == "block":
        side = BLOCK * request.tilesize * abs(tiles[0].transform[0])
        splits = by_block(_bounds(tiles, request.tilesize), side, shares, seed)
        advice = "cut more tiles, or use --split random"
    else:
        groups = {tile.path.stem: tile.date if request.method == "scene" else tile.path.stem for tile in tiles}
        of_group = by_group(groups, shares, seed)
        splits = None if of_group is None else {name: of_group[group] for name, group in groups.items()}
        advice = "use --split block or random" if request.method == "scene" else "cut more tiles"
    if splits is None:
        dates = len({tile.date for tile in tiles})
        raise UserError(
            f"--split {request.method}: {len(tiles)} tiles of {dates} dates are too few for the splits; {advice}"
        )
    return splits


def _bounds(tiles: Sequence[Header], side: int) -> dict[str, tuple[float, float, float, float]]:
    """Return left, bottom, right, top of every tile in the CRS of the first one."""
    from rasterio.transform import Affine, array_bounds
    from rasterio.warp import transform_bounds

    crs = min(tile.crs for tile in tiles)
    return {
        tile.path.stem: transform_bounds(tile.crs, crs, *array_bounds(side, side, Affine(*tile.transform)))
        for tile in tiles
    }


def check(tiles: Sequence[Header], splits: dict[str, str], request: DatasetRequest) -> str:
    """Make sure that no pixels are in two splits; return a line about the check.

    Raises:
        UserError: two tiles overlap.
    """
    ground = [
        GroundExtent(splits[tile.path.stem], tile.path.stem, date, tile.crs, tile.transform)
        for tile in tiles
        if tile.path.stem in splits
        for date in dict.fromkeys([tile.date, *(time[:10] for time in tile.times)])  # also the days of OLCI
    ]
    try:
        return refuse_leaks(ground, request.tilesize, any_date=request.method == "block")
    except Leak as leak:
        others = "block" if request.method == "scene" else "scene or block"  # days of OLCI may be in several scenes
        raise UserError(f"--split {request.method}: {leak}; use --split {others}, or remove one of them") from None


def sources(tiles: Sequence[Header], splits: dict[str, str]) -> list[Source]:
    """Return the tiles that have a split."""
    return [Source(tile.path, splits[tile.path.stem], tile.times) for tile in tiles if tile.path.stem in splits]


def description(tiles: Sequence[Header], request: DatasetRequest) -> str:
    """Return the origin of the data, with the attribution that they require."""
    years = sorted({time[:4] for tile in tiles for time in tile.times})
    scenes = len({tile.product or tile.date for tile in tiles})
    credit = f"Contains modified Copernicus Sentinel data{' ' + ', '.join(years) if years else ''}."
    origin = f"{len(tiles)} tiles of {scenes} Sentinel-2 scenes and their OLCI partners"
    return f"{origin}, inventory {request.inventory}. {credit}"

"""Command: a figure of a sharpened map: coarse pixels, bicubic, the map, and the fine bands, at chosen places."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pix2earth.console.arguments import CommandArguments
from pix2earth.settings.errors import UserError, reports_errors

if TYPE_CHECKING:
    import numpy as np

    from pix2earth.figures.images import Panel
    from pix2earth.figures.panels.contrast import Contrast
    from preprocessing.sharpening.two_resolutions import TwoResolutions

SIDE = 48
"""Side of the places in coarse pixels."""
WIDTH = 1100
"""Of the figure in pixels, to be read at the width of a page."""
BORDER = 2
"""Pixels at the border of a scene whose high frequencies are not known."""


class Place(NamedTuple):
    """Upper left coarse pixel of a place, and what it shows."""

    row: int
    column: int
    name: str


@reports_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Draw the figure."""
    arguments = CommandArguments(
        prog="python -m preprocessing.sharpening.figure",
        description="Draw a sharpened map beside its coarse pixels, bicubic interpolation and the fine bands: where the"
        " map has most detail, and where the coarse bands have most detail that the fine bands do not show, so that no"
        " map can have it.",
    )
    arguments.add_argument("--input", metavar="PRODUCT", help="what was sharpened: a product or a folder of band files")
    arguments.add_argument("--fine", metavar="TIF", help="instead: the raster with the fine bands")
    arguments.add_argument("--coarse", metavar="TIF", help="and the one with the coarse bands")
    arguments.add_argument("--map", required=True, metavar="TIF", help="output of predict.py")
    arguments.add_argument("--output", required=True, metavar="PNG", help="the figure")
    arguments.add_argument(
        "--place", nargs=2, type=int, action="append", metavar=("ROW", "COLUMN"),
        help="upper left coarse pixel of a place (default: the two places above); may be given several times",
    )  # fmt: skip
    options: Any = arguments.parse_args(argv)
    from pix2earth.console.quiet import quieten_tensorflow
    from preprocessing.sharpening.options import check, open_scenes

    options.input = [options.input] if options.input else []
    options.scale = options.offset = None
    check(options)
    scene = open_scenes(options)[0]
    rows, columns = scene.coarse.size
    if min(rows, columns) < SIDE + 2 * BORDER:
        raise UserError(f"{scene.name}: has {rows} x {columns} coarse pixels, fewer than a place of the figure")
    places = [Place(row, column, f"row {row}, column {column}") for row, column in options.place or ()]
    for place in places:
        if not (0 <= place.row <= rows - SIDE and 0 <= place.column <= columns - SIDE):
            raise UserError(f"--place {place.row} {place.column}: {scene.name} has {rows} x {columns} coarse pixels")
    quieten_tensorflow()
    draw(scene, Path(options.map), places, Path(options.output))
    print(options.output)
    return 0


def draw(scene: TwoResolutions, map_path: Path, places: Sequence[Place], output: Path) -> None:
    """Draw a map of a scene at some places; without places at those that say most.

    Raises:
        UserError: the map cannot be read, or is not of this scene.
    """
    from pix2earth.figures.images import draw_rows
    from pix2earth.figures.panels.contrast import in_words

    coarse = read(scene, "coarse")
    sharpened = read_map(map_path, scene)
    places = list(places) or chosen_places(scene, coarse, sharpened)
    rows, contrasts = _rows(scene, coarse, sharpened, places)
    pixel, fine = scene.pixel, scene.pixel / scene.ratio
    shown = ", ".join(scene.coarse.names[index] for index in colours(scene.coarse.names))
    titles = [f"{pixel:g} m ({shown})", f"bicubic, {fine:g} m", f"sharpened, {fine:g} m", f"fine bands, {fine:g} m"]
    text = {"Source": map_path.name}
    words = f"{scene.name} (colours: {in_words(contrasts)})"
    draw_rows(
        rows,
        titles,
        [place.name for place in places],
        output,
        caption=words,
        text=text,
        width=WIDTH,
        side_by_side=False,
    )


def read(scene: TwoResolutions, which: str) -> np.ndarray:
    """Return the ``fine`` or ``coarse`` bands of a scene in physical units, float32, NaN without data."""
    import numpy as np

    bands = getattr(scene, which)
    stored = bands.read(0, 0, *bands.size)
    values = stored.astype(np.float32) * np.float32(scene.numbers.scale) + np.float32(scene.numbers.offset)
    values[scene.numbers.invalid(stored)] = np.nan
    return values


def read_map(path: Path, scene: TwoResolutions) -> np.ndarray:
    """Return a map, float32 (height, width, band).

    Raises:
        UserError: it cannot be read, or has other bands or pixels than the sharpened scene.
    """
    import numpy as np

    from preprocessing.sharpening.two_resolutions import open_raster

    with open_raster(path, "--map") as raster:
        if list(raster.descriptions) != list(scene.coarse.names) or raster.shape != scene.fine.size:
            raise UserError(
                f"--map {path}: is no map of {scene.name}: it has {raster.height} x {raster.width} pixels of"
                f" {', '.join(map(str, raster.descriptions))}"
            )
        return np.moveaxis(raster.read(), 0, -1)


def chosen_places(scene: TwoResolutions, coarse: np.ndarray, sharpened: np.ndarray) -> list[Place]:
    """Return the place where the map has most detail, and the one whose coarse detail the fine bands show least."""
    ratio = scene.ratio
    added = (sharpened - coarse.repeat(ratio, 0).repeat(ratio, 1)) ** 2
    per_pixel = added.sum(-1).reshape(coarse.shape[0], ratio, coarse.shape[1], ratio).mean((1, 3))
    first = _place(per_pixel, "most detail")
    rest = unexplained(scene, coarse)
    rest[first.row : first.row + SIDE, first.column : first.column + SIDE] = 0  # another place, where there is room
    return [first, _place(rest, "detail that no\nfine band shows")]


def unexplained(scene: TwoResolutions, coarse: np.ndarray) -> np.ndarray:
    """Return the squared detail of the coarse bands that no linear combination of the fine bands has, (row, column).

    Detail is what remains of an image without its average over 5 x 5 coarse pixels; of the combination, every band has
    the least squares one of the whole scene.
    """
    import numpy as np
    from scipy import ndimage

    fine = read(scene, "fine")
    height, width = coarse.shape[:2]
    means = fine.reshape(height, scene.ratio, width, scene.ratio, -1).mean((1, 3))
    own, shown = (image - ndimage.uniform_filter(image, (5, 5, 1)) for image in (coarse, means))
    valid = np.isfinite(own).all(-1) & np.isfinite(shown).all(-1)
    weights = np.linalg.lstsq(shown[valid].astype(np.float64), own[valid].astype(np.float64), rcond=None)[0]
    return ((own - shown @ weights) ** 2).sum(-1)


def _place(values: np.ndarray, name: str) -> Place:
    """Return the place with the largest sum of some values (row, column), apart from the border."""
    import numpy as np

    values = np.nan_to_num(values)
    sums = np.pad(values.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    totals = sums[SIDE:, SIDE:] - sums[:-SIDE, SIDE:] - sums[SIDE:, :-SIDE] + sums[:-SIDE, :-SIDE]
    inner = totals[BORDER:-BORDER, BORDER:-BORDER]
    row, column = np.unravel_index(inner.argmax(), inner.shape)
    return Place(int(row) + BORDER, int(column) + BORDER, name)


def _rows(
    scene: TwoResolutions, coarse: np.ndarray, sharpened: np.ndarray, places: Sequence[Place]
) -> tuple[list[list[Panel]], dict[str, Contrast]]:
    """Return the panels of all places, and the contrast of the coarse bands and of the fine ones."""
    import numpy as np

    from pix2earth.figures.images import Panel
    from pix2earth.figures.panels.contrast import of_reflectance, of_values
    from sensors import lexicon

    shown = {"coarse bands": list(colours(scene.coarse.names))}
    shown["fine bands"] = list(lexicon.true_colour(list(scene.fine.names)) or colours(scene.fine.names))
    images = [_images(scene, coarse, sharpened, place, *shown.values()) for place in places]
    contrasts = {}
    for (words, indices), column, bands in zip(shown.items(), (0, -1), (scene.coarse, scene.fine), strict=True):
        known = lexicon.described(list(bands.names))
        values = np.concatenate([row[column].ravel() for row in images])
        contrasts[words] = of_reflectance([known[index] for index in indices], values) or of_values(values)
    of_columns = [contrasts["coarse bands"]] * 3 + [contrasts["fine bands"]]
    rows = [[Panel(image, each) for image, each in zip(row, of_columns, strict=True)] for row in images]
    return rows, contrasts


def _images(
    scene: TwoResolutions,
    coarse: np.ndarray,
    sharpened: np.ndarray,
    place: Place,
    shown: Sequence[int],
    shown_fine: Sequence[int],
) -> list[np.ndarray]:
    """Return coarse pixels, bicubic interpolation, the map and the fine bands of a place, (height, width, 3) each."""
    from pix2earth.baselines.upsampling import bicubic_image

    ratio, side = scene.ratio, SIDE * scene.ratio
    top, left = place.row * ratio, place.column * ratio
    part = coarse[place.row : place.row + SIDE, place.column : place.column + SIDE, list(shown)]
    fine = scene.fine.read(top, left, side, side) * scene.numbers.scale + scene.numbers.offset
    of_map = sharpened[top : top + side, left : left + side, list(shown)]
    return [part, bicubic_image(part, ratio), of_map, fine[..., list(shown_fine)]]


def colours(names: Sequence[str]) -> tuple[int, int, int]:
    """Return the indices of the bands shown as red, green and blue: for Sentinel-2 as in datasets, else the first."""
    from preprocessing.sharpening.recipe import FALSE_COLOUR

    if set(FALSE_COLOUR) <= set(names):
        red, green, blue = (list(names).index(band) for band in FALSE_COLOUR)
        return red, green, blue
    last = len(names) - 1
    return 0, min(1, last), min(2, last)


if __name__ == "__main__":
    main()

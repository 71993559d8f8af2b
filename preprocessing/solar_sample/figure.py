"""Command: a figure of a prediction of the image of the Sun in ``samples/``, in blocks that training has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pix2earth.console.arguments import CommandArguments
from pix2earth.settings.errors import UserError, reports_errors
from preprocessing.solar_sample.image import FACTOR, TILESIZE, averaged, image, tiles

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

    from preprocessing.solar_sample.image import SunTile

METRICS = ("CC", "CCC", "RMSE", "FluxError", "PPE10")
COLOURS = {"val": "tab:orange", "test": "tab:red"}
BLOCK = 2 * TILESIZE
"""Side of a block of a split in pixels."""


@reports_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Draw the figure."""
    arguments = CommandArguments(
        prog="python -m preprocessing.solar_sample.figure",
        description="Draw a prediction of the image of the Sun in samples/ beside its input, bicubic interpolation and"
        " the image itself, in two blocks of the test split, with scores over all of its blocks.",
    )
    arguments.add_argument("--map", required=True, metavar="FITS", help="output of predict.py")
    arguments.add_argument("--output", required=True, metavar="PNG", help="the figure")
    options: Any = arguments.parse_args(argv)
    from pix2earth.console.quiet import quieten_tensorflow

    quieten_tensorflow()
    original = image().array.astype("float32")
    predicted = read_map(Path(options.map), original.shape)
    results = draw(original, predicted, Path(options.output))
    for name, scores in results.items():
        print(f"{name}, test blocks: {', '.join(f'{metric} {value:.4g}' for metric, value in scores.items())}")
    print(options.output)
    return 0


def read_map(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Return a prediction, float32 (height, width, 1).

    Raises:
        UserError: it is no FITS file, or has other pixels than the image.
    """
    from pix2earth.image_files.reading import read_image_file

    file = read_image_file(path)
    if file.shape != shape:
        sizes = [" x ".join(map(str, each)) for each in (file.shape, shape)]
        raise UserError(f"--map {path}: has {sizes[0]} pixels, the image of samples/ {sizes[1]}")
    return file.array.astype("float32")


def scores(original: np.ndarray, prediction: np.ndarray, held_out: np.ndarray) -> dict[str, float]:
    """Return the scores of a prediction over some pixels of the image.

    Args:
        original: (height, width, 1), DN.
        prediction: of the same shape and unit.
        held_out: bool (height, width), the pixels.
    """
    from metrics import Scale, score

    computed = score(original[None], prediction[None], Scale(2950.0), METRICS, held_out[None])
    return {name: float(values[0]) for name, values in computed.items()}


def split_mask(split: str, size: tuple[int, int]) -> np.ndarray:
    """Return where the tiles of a split are, bool (height, width)."""
    import numpy as np

    mask = np.zeros(size, bool)
    for tile in tiles(size):
        mask[tile.row : tile.row + TILESIZE, tile.column : tile.column + TILESIZE] |= tile.split == split
    return mask


def shown_blocks(original: np.ndarray) -> list[SunTile]:
    """Return the first tiles of two test blocks: that with most contrast, and the one in the middle of their order."""
    every = [tile for tile in tiles(original.shape[:2]) if not (tile.row % BLOCK or tile.column % BLOCK)]
    blocks = [tile for tile in every if tile.split == "test"]
    ranked = sorted(blocks, key=lambda tile: -part(original, tile).std())
    return [ranked[0], ranked[len(ranked) // 2]]


def part(values: np.ndarray, tile: SunTile, factor: int = 1) -> np.ndarray:
    """Return the block that begins with a tile, (height, width), of an image with pixels ``factor`` times as large."""
    row, column, side = tile.row // factor, tile.column // factor, BLOCK // factor
    return values[row : row + side, column : column + side, 0]


def draw(original: np.ndarray, predicted: np.ndarray, path: Path) -> dict[str, dict[str, float]]:
    """Draw the figure and return the scores in it, by method.

    Args:
        original: (height, width, 1), DN.
        predicted: of the same shape and unit.
        path: of the PNG.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    from pix2earth.baselines.upsampling import bicubic_image
    from pix2earth.settings import atomic

    coarse = averaged(original)
    bicubic = bicubic_image(coarse, FACTOR)
    test = split_mask("test", original.shape[:2])
    results = {"bicubic": scores(original, bicubic, test), "pix2pixCC": scores(original, predicted, test)}
    figure = Figure(figsize=(14, 10.4), layout="constrained", dpi=90)
    parts: Any = figure.subfigures(2, 1, height_ratios=(1, 1.05))
    upper, lower = parts
    _draw_blocks(upper, shown_blocks(original), coarse, {"bicubic": bicubic, "pix2pixCC": predicted}, original)
    whole, table = lower.subplots(1, 2, width_ratios=(1, 1.1))
    _draw_whole(whole, original, shown_blocks(original))
    _draw_table(table, results, float(test.mean()))
    with atomic.replacing(path) as temporary:
        figure.savefig(temporary, format="png")
    return results


def _draw_blocks(
    figure: Any, blocks: Sequence[SunTile], coarse: np.ndarray, methods: Mapping[str, np.ndarray], original: np.ndarray
) -> None:
    """Draw blocks, one a row: input, methods, the image, and the errors of the methods."""
    import numpy as np
    from matplotlib.colors import LogNorm

    axes = figure.subplots(len(blocks), 2 + 2 * len(methods), squeeze=False)
    for row, tile in zip(axes, blocks, strict=True):
        truth = part(original, tile)
        images = {"input, 2 arcsec": part(coarse, tile, FACTOR)}
        images |= {f"{name}, 0.5 arcsec": part(values, tile) for name, values in methods.items()}
        images["TRACE, 0.5 arcsec"] = truth
        low, high = np.percentile(truth, (0.5, 99.8))
        for axis, (name, values) in zip(row, images.items(), strict=False):
            axis.imshow(values, origin="lower", cmap="gray", norm=LogNorm(max(low, 1), high), interpolation="nearest")
            axis.set_title(name, fontsize=9)
        errors = {name: part(values, tile) / truth - 1 for name, values in methods.items()}
        for axis, (name, error) in zip(row[len(images) :], errors.items(), strict=True):
            shown = axis.imshow(100 * error, origin="lower", cmap="RdBu_r", vmin=-20, vmax=20, interpolation="nearest")
            axis.set_title(f"error of {name}", fontsize=9)
        figure.colorbar(shown, ax=row[-1], label="%", fraction=0.05)
        for axis in row:
            axis.set_xticks([])
            axis.set_yticks([])
        row[0].set_ylabel(f"row {tile.row}, column {tile.column}", fontsize=8)


def _draw_whole(axis: Axes, original: np.ndarray, blocks: Sequence[SunTile]) -> None:
    """Draw the whole image with the blocks that are held out, and those that are shown."""
    import numpy as np
    from matplotlib.colors import LogNorm
    from matplotlib.patches import Rectangle

    low, high = np.percentile(original, (0.5, 99.8))
    axis.imshow(original[..., 0], origin="lower", cmap="gray", norm=LogNorm(low, high))
    for tile in tiles(original.shape[:2]):
        if tile.split in COLOURS and not (tile.row % BLOCK or tile.column % BLOCK):
            thick = 3 if tile in blocks else 1.2
            corner = (tile.column, tile.row)
            axis.add_patch(Rectangle(corner, BLOCK, BLOCK, fill=False, color=COLOURS[tile.split], linewidth=thick))
    axis.set_title("held out: test (red; thick: shown above) and validation (orange)", fontsize=10)
    axis.set_xticks([])
    axis.set_yticks([])


def _draw_table(axis: Axes, results: Mapping[str, Mapping[str, float]], share: float) -> None:
    """Write the scores, and what they can show."""
    from metrics import LOWER_IS_BETTER, UNITS

    units = {"data": "DN"}
    axis.set_axis_off()
    labels = [f"{name} ({units.get(UNITS[name], UNITS[name])})" if name in UNITS else name for name in METRICS]
    better = ["lower" if name in LOWER_IS_BETTER else "higher" for name in METRICS]
    columns = [[f"{values[name]:.4g}" for name in METRICS] for values in results.values()]
    cells = [list(row) for row in zip(labels, better, *columns, strict=True)]
    table = axis.table(cells, colLabels=["", "better", *results], loc="upper center", cellLoc="center")
    table.auto_set_font_size(False)
    table.set_fontsize(11)
    table.scale(1, 1.8)
    axis.text(
        0.02, 0.38,
        f"Over all pixels of the test blocks, {100 * share:.0f} % of the image.\n\n"
        "What this can show: that files of FITS go in and come out, and that\n"
        "a network learns. What it cannot: how well a network does on other\n"
        "days or regions, for test blocks are of the same image as training.\n"
        "The input is made from the target and has no noise of its own, which\n"
        "favours interpolation; the errors of both contain the noise of TRACE.",
        transform=axis.transAxes, fontsize=11, va="top",
    )  # fmt: skip


if __name__ == "__main__":
    main()

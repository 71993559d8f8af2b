"""Command: a trained generator over a whole scene, as a GeoTIFF on the map."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluate import open_run, trained
from experiment import Environment, Experiment
from records.manifest import FILE
from settings.mistakes import Mistake, reports_mistakes

if TYPE_CHECKING:
    from mapping.inference import Network
    from runs.scoring import Scorer


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the command line's options."""
    arguments = argparse.ArgumentParser(prog="predict.py", description="Apply a trained network to a scene.")
    arguments.add_argument("--exp", required=True, metavar="NAME", help="experiment below the experiment root")
    arguments.add_argument("--env", metavar="PATH", help="environment.json (default: PIX2EARTH_ENV, ./, ../)")
    arguments.add_argument("--timestamp", help="the run (default: the newest one that has a checkpoint)")
    arguments.add_argument("--step", default="last", help="best, last (default) or a number")
    arguments.add_argument(
        "--input", required=True, metavar="PATH",
        help="a GeoTIFF with the bands of the network's input; or the experiment's dataset: one file a sample",
    )  # fmt: skip
    arguments.add_argument("--output", required=True, metavar="PATH", help="the GeoTIFF; of a dataset, the folder")
    arguments.add_argument("--bbox", nargs=4, type=float, metavar=("WEST", "SOUTH", "EAST", "NORTH"), help="in degrees")
    arguments.add_argument("--overlap", type=float, default=0.5, help="of neighbouring windows (default 0.5)")
    arguments.add_argument("--split", choices=("val", "test"), help="of a dataset: test where it has one, else val")
    return arguments.parse_args(argv)


@reports_mistakes
def main(argv: Sequence[str] | None = None) -> None:
    """Predict from the command line."""
    options = parse(argv)
    if not 0.25 <= options.overlap <= 0.75:
        raise Mistake(f"--overlap {options.overlap:g}: must be between 0.25 and 0.75 of a window")
    source, output = Path(options.input), Path(options.output)
    if not source.exists() and "://" not in options.input and not options.input.startswith("/vsi"):
        raise Mistake(f"--input {source}: there is no such file or folder")
    experiment = open_run(Environment(options.env), options.exp, options.timestamp)
    if source.is_dir():
        check_dataset(source, experiment)
        scorer, split, step = trained(experiment, options.split, options.step)
        predict_dataset(scorer, split, step, output)
        return
    if output.suffix.lower() not in (".tif", ".tiff"):
        raise Mistake(f"--output {output}: must end with .tif")
    scorer, _, step = trained(experiment, None, options.step)
    from mapping.inference import Network
    from mapping.scene import Scene

    network = Network(experiment, scorer.gan, scorer.plugin)
    scene = Scene(source, network.source, tuple(options.bbox) if options.bbox else None)
    predict_scene(network, scene, step, round(options.overlap * network.side), output)


def tags(experiment: Experiment, step: int) -> dict[str, str]:
    """Return what a GeoTIFF says of its origin."""
    return {
        "EXPERIMENT": experiment.NAME, "RUN": experiment.TIMESTAMP, "STEP": str(step), "MODEL": experiment.MODEL_NAME,
        "SOFTWARE": "pix2earth",
    }  # fmt: skip


def predict_scene(network: Network, scene: Any, step: int, overlap: int, output: Path) -> None:
    """Write the prediction of a scene, going on where an earlier process was stopped."""
    from affine import Affine

    from mapping.inference import strips
    from mapping.raster_writer import RasterWriter
    from mapping.windows import starts
    from runs.progress import tracked

    experiment, factor = network.experiment, network.factor
    height, width = (side * factor for side in scene.size)
    identity = {"run": experiment.output.run_name, "step": step, "overlap": overlap, **scene.identity()}
    writer = RasterWriter(output, (height, width, len(network.bands)), identity)
    if writer.done:
        print(f"{output}: goes on after row {writer.done} of {height}")
    rows = len(starts(scene.size[0], network.side, overlap))
    for strip in tracked(strips(network, scene, overlap, writer.done), "predict", rows, "rows of windows"):
        if len(strip):
            writer.write(strip)
    transform = scene.transform * Affine.scale(1 / factor)
    writer.finish(scene.raster.crs, transform, network.bands, tags(experiment, step), network.target.units)
    print(f"{output}: {width} x {height} pixels, {len(network.bands)} bands ({', '.join(network.bands)})")


def check_dataset(folder: Path, experiment: Experiment) -> None:
    """Make sure that a folder is the dataset of the experiment.

    Raises:
        Mistake: it is not.
    """
    own = Path(experiment.DATA_ROOT).resolve()
    if folder.resolve() not in (own, own.parent):
        found = "another dataset" if any(folder.rglob(FILE)) else "no dataset"
        raise Mistake(f"--input {folder}: is {found}; the experiment reads {own}")


def predict_dataset(scorer: Scorer, split: str, step: int, folder: Path) -> None:
    """Write one GeoTIFF a sample, placed on the map by what its record says."""
    import numpy as np

    from records.format import read
    from runs.progress import tracked
    from runs.scoring import flat

    names, dataset = scorer.dataset.names(split), scorer.dataset
    facts = tags(scorer.experiment, step)
    bands = scorer.target.bands * (scorer.target.dates or 1)
    batches = iter(dataset.batches(split, names, 1))
    for name in tracked(names, f"predict {split}", len(names), "samples"):
        made = np.asarray(flat(scorer.predict(next(batches))[2]))[0]
        about = read(dataset.listing.path(split, name), dataset.manifest)[1]
        write_tile(folder / f"{name}.tif", made, about, scorer.target.size, bands, facts, scorer.target.units)
    print(f"{folder}: {len(names)} files")


def write_tile(
    path: Path, made: Any, about: dict[str, Any], size: tuple[int, int], bands: Sequence[str], facts: dict[str, str], units: str
) -> None:  # fmt: skip
    """Write one sample's prediction ``(height, width, band)``."""
    import numpy as np
    import rasterio
    from affine import Affine

    from settings import atomic

    height, width, count = made.shape
    transform = Affine(*about["transform"]) if about.get("transform") else Affine.identity()
    profile = {
        "driver": "GTiff", "height": height, "width": width, "count": count, "dtype": "float32", "nodata": np.nan,
        "crs": about.get("crs") or None, "transform": transform * Affine.scale(size[1] / width, size[0] / height),
        "compress": "deflate", "predictor": 3,
    }  # fmt: skip
    with atomic.replacing(path) as temporary:
        with rasterio.open(temporary, "w", **profile) as raster:
            raster.write(np.moveaxis(made, -1, 0))
            raster.descriptions, raster.units = tuple(bands), (units,) * count
            raster.update_tags(**facts, **({"ACQUIRED": ", ".join(about["acquired"])} if about.get("acquired") else {}))


if __name__ == "__main__":
    main()

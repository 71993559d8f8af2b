"""Prediction of a whole scene as one GeoTIFF."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from pix2earth.mapping.inference import Network
    from pix2earth.mapping.scene import Scene
    from pix2earth.mapping.sources import Source
    from pix2earth.records.field import Field
    from pix2earth.runs.origin import Origin

CACHE = 512 * 2**20
"""Size of GDAL's cache of decoded blocks in bytes; its default grows with the machine's memory."""
WAITING = 4
"""Batches that are computed at most while the strip before is written."""


def check_output(path: Path, sources: Iterable[tuple[str, Source]], *, overwrite: bool) -> None:
    """Check that the output can be written.

    Args:
        path: of the output.
        sources: option and source of everything that is read, which must not be replaced.
        overwrite: replace an output that exists.

    Raises:
        UserError: it exists, is a folder or (a part of) the input, or does not end with .tif.
    """
    files = [(option, [source] if isinstance(source, Path) else source.files) for option, source in sources]
    for option, source in ((option, file) for option, found in files for file in found):
        same = path.exists() and source.exists() and path.samefile(source)
        if same or source.resolve() in path.resolve().parents:
            raise UserError(f"--output {path}: is the same file as {option}, or in its folder; name another file")
    if path.suffix.lower() not in (".tif", ".tiff"):
        raise UserError(f"--output {path}: must end with .tif")
    if path.is_dir():
        raise UserError(f"--output {path}: is a folder; name a file in it")
    if path.exists() and not overwrite:
        raise UserError(f"--output {path}: exists; --overwrite replaces it")


def map_scene(
    network: Network,
    scene: Scene,
    further: Mapping[str, Scene],
    origin: Origin,
    overlap: float,
    output: Path,
    of_dates: Mapping[Path, dict[str, str]] = MappingProxyType({}),
) -> None:
    """Write the prediction of a scene; an unfinished prediction of an earlier process is resumed.

    Args:
        network: predicts the windows.
        scene: provides the input.
        further: provide the further fields that the network reads.
        origin: of the network's weights.
        overlap: of neighbouring windows, as part of a window.
        output: path of the GeoTIFF.
        of_dates: paths of several GeoTIFFs instead, one for each date that the network predicts, and tags of each.
    """
    import rasterio
    from affine import Affine

    from pix2earth.console.progress import tracked
    from pix2earth.mapping.dataset_maps import band_names, band_tags
    from pix2earth.mapping.inference import Plan
    from pix2earth.mapping.raster_writer import Description, RasterWriter
    from pix2earth.mapping.strips.ahead import ahead
    from pix2earth.runs import identity

    experiment, factor, target = network.experiment, network.geometry.factor, network.target
    height, width = network.geometry.window
    plan = Plan(network, scene, (round(overlap * height), round(overlap * width)), further)
    shape = (plan.rows.length, plan.columns.length, network.geometry.bands)
    roots = [Path(root) for root in experiment.environment.MODELS_ROOT]
    unfinished: dict[str, Any] = {
        "checkpoint": origin.checkpoint, "step": origin.step, "overlap": overlap,
        "plugin": identity.code(network.plugin, Path(experiment.PROJECT_ROOT), roots)["plugin"]["sha256"],
        "manifest": identity.digest(experiment.manifest.model_dump(mode="json")),
    }  # fmt: skip
    if further:
        unfinished["fields"] = {name: each.identity() for name, each in further.items()}
    with RasterWriter(output, shape, {**unfinished, **scene.identity()}) as writer, rasterio.Env(GDAL_CACHEMAX=CACHE):
        if writer.done:
            print(f"{output}: resumed after row {writer.done} of {shape[0]}")
        remaining = (len(plan.rows) - writer.strips) * len(plan.columns)
        # While strips are blended and written here, the network computes the next ones.
        with ahead(plan.predictions(writer.strips), plan.batch * WAITING) as computed:
            predictions = tracked(computed, "predict", remaining, "windows")
            for strip, carried in plan.strips(predictions, writer.strips, writer.carried):
                writer.write(strip, carried)
            next(predictions, None)  # completes the progress bar
        transform = scene.transform @ Affine.scale(1 / factor) if not scene.transform.is_identity else None
        overviews = "AVERAGE" if target.kind == "image" else "NEAREST"
        bands, about_bands = band_names(target.bands, target.time_steps), band_tags(target, target.units)
        maps = of_dates or {output: scene.tags}
        writer.finish(
            *(
                Description(
                    scene.crs, transform, bands, target.units, {**origin.tags(), **tags}, overviews, about_bands, path
                )
                for path, tags in maps.items()
            )
        )
    for path in maps:
        print(f"{path}: {shape[1]} x {shape[0]} pixels, {', '.join(bands)}")
        print(draw_preview(path, target))


def draw_preview(output: Path, target: Field) -> Path:
    """Draw the preview of a map beside it, of its first time step, and return the path."""
    import numpy as np
    import rasterio

    from pix2earth.figures import preview

    with rasterio.open(output) as raster:
        scale = min(1.0, preview.SIDE / max(raster.shape))
        size = tuple(max(1, round(side * scale)) for side in raster.shape)
        values = raster.read(list(range(1, len(target.bands) + 1)), out_shape=(len(target.bands), *size))
    image = preview.shown("", np.moveaxis(values, 0, -1), target)
    return preview.draw([image], target, preview.path_beside(output), output.name)

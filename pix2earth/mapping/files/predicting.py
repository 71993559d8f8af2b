"""The network that predicts files of images, and the prediction of pixels in memory."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pix2earth.batches.time_steps import fold, unfold
from pix2earth.image_files.image_file import ImageFile
from pix2earth.mapping.files.file_scene import PixelScene
from pix2earth.mapping.files.jobs import FileOptions
from pix2earth.mapping.files.outputs import OutputFolder
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from experiment import Experiment
    from pix2earth.mapping.geometry import Geometry
    from pix2earth.mapping.inference import Network
    from pix2earth.mapping.scene import Scene
    from pix2earth.records.manifest import Field
    from pix2earth.runs.origin import Origin


def opened_network(experiment: Experiment, options: FileOptions, further: set[str]) -> tuple[Network, Origin]:
    """Return the restored network for windows of files, and the origin of its weights.

    Args:
        experiment: of the run.
        options: of the user.
        further: names of the further fields that are given.

    Raises:
        UserError: it needs other fields, or its windows cannot be joined.
    """
    from pix2earth.mapping.fields import check_names
    from pix2earth.mapping.geometry import geometry_of
    from pix2earth.plugins import finding
    from pix2earth.training.trained import restored_network

    check_names(further, experiment, finding.find(experiment))
    geometry = geometry_of(experiment, degrade=options.degrade)
    gan, plugin, origin = restored_network(experiment, options.step, force=options.force)
    from pix2earth.mapping.inference import Network

    return Network(experiment, gan, plugin, geometry, further), origin


def open_folder(network: Network, origin: Origin, options: FileOptions) -> OutputFolder:
    """Return the folder of outputs; see ``OutputFolder``."""
    from pix2earth.runs import identity

    experiment = network.experiment
    roots = [Path(root) for root in experiment.environment.MODELS_ROOT]
    made_of = {
        "checkpoint": origin.checkpoint, "step": origin.step, "experiment": origin.experiment, "run": origin.timestamp,
        "plugin": identity.code(network.plugin, Path(experiment.PROJECT_ROOT), roots)["plugin"]["sha256"],
        "manifest": identity.digest(experiment.manifest.model_dump(mode="json")), "overlap": options.overlap,
        "degrade": options.degrade, "dates": options.dates, "position": options.position,
    }  # fmt: skip
    made_of |= {name: stated for name in ("variable", "axes") if (stated := getattr(options, name))}
    return OutputFolder(options.output, made_of, overwrite=options.overwrite)


class Remarks:
    """Prints remarks on files, each that differs in more than the name of the file once."""

    def __init__(self) -> None:
        """Begin without remarks."""
        self._said: set[str] = set()

    def __call__(self, line: str) -> None:
        """Print a remark ``<name>: <text>`` to the standard error, unless another file had it."""
        _, _, text = line.partition(": ")
        if text not in self._said:
            print(line, file=sys.stderr)
        self._said.add(text)


def predicted_values(
    network: Network,
    pixels: np.ndarray,
    further: Mapping[str, np.ndarray],
    file: ImageFile,
    overlap: float,
    remarks: Remarks,
) -> np.ndarray:
    """Return the prediction of pixels in memory, float32 ``(height, width, band)`` or with time steps before.

    Args:
        network: predicts the windows.
        pixels: ``(time step, height, width, band)`` as the dataset stores the input, NaN where missing.
        further: the same of each further field that the network reads.
        file: whose place on the ground they have.
        overlap: of neighbouring windows, as part of a window.
        remarks: receives what a user should know.

    Raises:
        UserError: a further field has other pixels than the input.
    """
    from pix2earth.mapping.arrays import blended
    from pix2earth.mapping.opening import fitted

    scene = fitted(PixelScene(fold(pixels), file), network.source, network.geometry, remarks)
    scenes: dict[str, Any] = {}
    for name, values in further.items():
        field = network.further[name]
        steps = field.time_steps or 1
        if len(values) not in (1, steps):
            raise UserError(f"--field {name}: has {len(values)} time steps where the network reads {steps}")
        scenes[name] = PixelScene(fold(np.broadcast_to(values, (steps, *values.shape[1:]))), file)
        check_size(name, scenes[name], field, scene, network.geometry)
    result = blended(network, scene, scenes, overlap)
    return np.asarray(unfold(result, network.target.time_steps) if network.target.time_steps else result)


def check_size(name: str, of_field: Scene, field: Field, scene: Scene, geometry: Geometry) -> None:
    """Check that a further field has as many pixels as belong to the input.

    Raises:
        UserError: it has others.
    """
    from pix2earth.mapping.fields import ONE_PIXEL
    from pix2earth.mapping.grids import grid_of

    grid = grid_of(scene).divided(field.size, geometry.window)
    expected = ONE_PIXEL if field.size == ONE_PIXEL else grid and grid.size
    if of_field.size != expected:
        found, of, needed = (" x ".join(map(str, size)) for size in (of_field.size, scene.size, expected or (0, 0)))
        raise UserError(f"{of_field.name}: its {name} has {found} pixels, the input {of}; it must have {needed}")

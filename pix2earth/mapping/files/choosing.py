"""Prediction of a file or folder of images: one by one, or as series, as the network reads them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pix2earth.image_files.image_file import ImageFile
from pix2earth.image_files.reading import read_image_file
from pix2earth.mapping.files.images import predict_images
from pix2earth.mapping.files.jobs import FileOptions, image_files
from pix2earth.mapping.files.series import predict_series
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from experiment import Experiment


def predict_files(source: Path, experiment: Experiment, options: FileOptions) -> None:
    """Predict a file of images, or all in a folder; a network with time steps reads them as series.

    Args:
        source: the file or folder.
        experiment: of the trained run.
        options: of the user.

    Raises:
        UserError: a file cannot be read, does not fit the network, or an output cannot be written.
    """
    files = image_files(source, "--input ", variable=options.variable, axes=options.axes)
    if (experiment.manifest.fields[experiment.manifest.input].time_steps or 1) > 1:
        predict_series(source, files, experiment, options)
        return
    for name, value in (("mask", options.mask), ("dates", options.dates), ("position", options.position)):
        if value is not None:
            raise UserError(f"--{name}: is for series, and this network reads single images; leave it out")
    predict_images(source, [of_samples(file, options.variable, options.axes) for file in files], experiment, options)


def of_samples(file: ImageFile, variable: str | None = None, axes: str | None = None) -> ImageFile:
    """Return a file for a network that reads single images: the first of four axes of an array counts samples.

    Args:
        file: as it is read without this knowledge.
        variable: name of the array in it, where it holds several.
        axes: of the array, as the user states them; nothing is assumed then.
    """
    if axes is None and file.format in ("NPY", "NPZ") and file.axes == "THWC":
        return read_image_file(file.path, variable=variable, axes="NHWC")
    return file

"""Prediction of files of images one by one, each into a file of the same format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pix2earth.image_files.image_file import ImageFile
from pix2earth.image_files.writing import NewImage, write_image_file
from pix2earth.mapping.files.file_scene import stored_pixels
from pix2earth.mapping.files.jobs import FileOptions, Job, jobs_of
from pix2earth.mapping.files.outputs import check_distinct, new_image, suffix_for
from pix2earth.mapping.files.predicting import Remarks, open_folder, opened_network, predicted_values
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from experiment import Experiment
    from pix2earth.figures.preview import Shown
    from pix2earth.mapping.inference import Network
    from pix2earth.records.manifest import Field
    from pix2earth.runs.origin import Origin


def predict_images(source: Path, files: Sequence[ImageFile], experiment: Experiment, options: FileOptions) -> None:
    """Predict every image of some files; see ``choosing.predict_files``."""
    from pix2earth.console.progress import tracked
    from pix2earth.figures import preview

    jobs = jobs_of(files, options, experiment)
    field = experiment.manifest.fields[experiment.manifest.input]
    for job in jobs:
        check_image(job.file, field)
    alone = not source.is_dir() or files[0].path == source
    outputs = outputs_of(jobs, options, alone=alone and len(jobs) == 1)
    network, origin = opened_network(experiment, options, set(options.fields))
    folder = None if outputs[0] == options.output else open_folder(network, origin, options)
    remaining = [
        (job, output) for job, output in zip(jobs, outputs, strict=True)
        if not (folder and folder.has(output, [job.file.path, *(each.path for each in job.fields.values())]))
    ]  # fmt: skip
    if folder:
        folder.begin()
        if len(remaining) < len(jobs):
            print(f"{options.output}: resumed, {len(jobs) - len(remaining)} of {len(jobs)} files exist")
    images: list[Shown] = []
    remarks = Remarks()
    looked_at = {remaining[place][1] for place in preview.places_shown(len(remaining))}
    for job, output in tracked(remaining, "predict", len(remaining), "images"):
        image = predicted(job, network, origin, options.overlap, remarks)
        write_image_file(output, image)
        images += [_shown(image, network.target, output)] if output in looked_at else []
    if images:
        caption, beside = f"{origin.experiment}: {options.output.name}", preview.path_beside(options.output)
        print(preview.draw(images, network.target, beside, caption, len(remaining)))
    print(f"{options.output}: {len(jobs)} image{'s' * (len(jobs) > 1)}, {', '.join(network.target.bands)}")


def outputs_of(jobs: Sequence[Job], options: FileOptions, *, alone: bool) -> list[Path]:
    """Return the path of the output of each image.

    Args:
        jobs: the images.
        options: of the user.
        alone: there is one, and ``--output`` may name its file.

    Raises:
        UserError: two have the same, one is an input, or a file exists.
    """
    from pix2earth.figures import preview
    from pix2earth.image_files.writing import ALSO, NOT_WRITTEN, WRITERS

    suffix = options.output.suffix.lower()
    if suffix in NOT_WRITTEN and not options.output.is_dir():
        raise UserError(f"--output {options.output}: '{suffix}' is not written; end with {', '.join(WRITERS)}")
    if alone and (suffix in WRITERS or suffix in ALSO) and not options.output.is_dir():
        if options.format and suffix_for(jobs[0].file, options.format) != ALSO.get(suffix, suffix):
            raise UserError(f"--format {options.format}: --output {options.output} has another ending; leave one out")
        check_distinct([(jobs[0].file.path, options.output)])
        if options.output.exists() and not options.overwrite:
            raise UserError(f"--output {options.output}: exists; --overwrite replaces it")
        outputs = [options.output]
    else:
        if suffix in WRITERS and not options.output.is_dir():
            raise UserError(f"--output {options.output}: {len(jobs)} images need a folder, without '{suffix}'")
        outputs = [options.output / f"{job.name}{suffix_for(job.file, options.format)}" for job in jobs]
        check_distinct([(job.file.path, output) for job, output in zip(jobs, outputs, strict=True)])
    beside = preview.path_beside(options.output)
    if any(beside.resolve() == job.file.path.resolve() for job in jobs):
        raise UserError(
            f"--output {options.output}: its preview {beside.name} is an input; name another folder or file"
        )
    return outputs


def check_image(file: ImageFile, field: Field) -> None:
    """Check what a file states against the input of a network that reads single images.

    Raises:
        UserError: it has time steps, or other bands.
    """
    from pix2earth.mapping.files.file_scene import band_indices

    band_indices(file, field)
    if (file.time_steps or 1) > 1:
        raise UserError(f"{file.path}: holds {file.time_steps} time steps; the network reads single images; split it")


def predicted(job: Job, network: Network, origin: Origin, overlap: float, remarks: Remarks) -> NewImage:
    """Return the prediction of an image."""
    pixels = stored_pixels(job.file, network.source, job.sample)
    further = {name: stored_pixels(file, network.further[name]) for name, file in job.fields.items()}
    values = predicted_values(network, pixels, further, job.file, overlap, remarks)
    return new_image(values, network, origin, job.file, times=job.file.times)


def _shown(image: NewImage, field: Field, output: Path) -> Shown:
    """Return an output for the preview."""
    from pix2earth.figures import preview

    values = image.values if image.values.ndim == 3 else image.values[0]
    upwards = image.source is not None and image.source.format == "FITS"
    return preview.shown(output.name, values, field, upwards=upwards)

"""The baselines of each preset, and their scores on a dataset."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from pix2earth.baselines import time_steps
from pix2earth.baselines.radar_regression import WINDOW, fitted, radar_baselines
from pix2earth.baselines.samples import BaselineSet, PhysicalDataset, Predictor, Sample, days_between, time_steps_of
from pix2earth.baselines.upsampling import ITERATIONS, back_projected, bicubic_image
from pix2earth.documentation.page_sections import write_section
from pix2earth.records.degradation import degraded
from pix2earth.scoring.baseline_scores import rows, table
from pix2earth.settings.errors import UserError
from synthetic.observing import optics
from synthetic.presets.datasets import ABOUT
from synthetic.presets.super_resolution import coarse_sensor
from synthetic.schema.dataset import PRESETS, DatasetConfiguration, SuperResolution
from synthetic.tables.sensors import sensor

PAGE = Path(__file__).resolve().parents[2] / "docs" / "results.md"
SECTION = "synthetic"
SAME_BAND_NM = 40.0
"""Bands of two sensors whose centres differ by no more record nearly the same."""


class SyntheticDataset(PhysicalDataset):
    """A dataset that ``python -m synthetic make`` has written, with its configuration."""

    def __init__(self, path: str) -> None:
        """Open the dataset at DATA_ROOT/NAME or DATA_ROOT/NAME/SIZE.

        Raises:
            UserError: there is none, it is not synthetic, or of another version of the toolkit.
        """
        super().__init__(path)
        self.configuration = self._configuration()

    def _configuration(self) -> Any:
        path = self.folder / ABOUT
        if not path.is_file():
            raise UserError(f"{self.folder}: has no {ABOUT}: `python -m synthetic make` did not write this dataset")
        try:
            data = json.loads(path.read_text(encoding="utf-8"))["configuration"]
            configuration: DatasetConfiguration = PRESETS[data["preset"]].model_validate(data, strict=False)
        except (ValueError, KeyError, TypeError, ValidationError):
            raise UserError(f"{path}: is damaged or of another version; write the dataset again") from None
        return configuration


# ---- the baselines of each preset ------------------------------------------------------------------------------


def cloud_removal(dataset: PhysicalDataset) -> BaselineSet:
    """Return the baselines from a stack of clouded time steps to the last of them."""
    return BaselineSet(
        {
            "copy of the input": lambda sample: sample.fields["input_image"][-1],
            "copy of the date before": lambda sample: sample.fields["input_image"][-2],
            "nearest clear date": _nearest_clear_date,
            "median over dates": lambda sample: np.median(sample.fields["input_image"], axis=0),
            "mean over clear dates": lambda sample: time_steps.mean_of_clear(
                sample.fields["input_image"], _clear(sample), sample.fields["input_image"][-1]
            ),
        },
        regions={"under clouds": ("inside", "cloud_mask"), "clear": ("outside", "cloud_mask")},
        notes="Where no date is clear, the nearest clear date and the mean over clear dates take the input as it is."
        " Clear is what neither cloud nor shadow covers.",
    )


def _clear(sample: Sample) -> np.ndarray:
    """Return where each time step is free of clouds and shadows, bool (time step, height, width, 1)."""
    return sample.fields["cloud_class"] == 0


def _nearest_clear_date(sample: Sample) -> np.ndarray:
    distance = np.abs(days_between(_in_order_of_the_stack(sample.acquired), sample.acquired[0]))
    return time_steps.nearest_clear(sample.fields["input_image"], _clear(sample), distance)


def _in_order_of_the_stack(acquired: list[datetime]) -> list[datetime]:
    """Return the times as the stack has them: records list the target's first, the stack has it last."""
    return [*acquired[1:], acquired[0]]


def gap_filling(dataset: PhysicalDataset) -> BaselineSet:
    """Return the baselines that fill the gaps of a stack and keep its clear pixels."""
    return BaselineSet(
        {
            "mean over clear dates": lambda sample: time_steps.filled_with_mean(
                sample.fields["input_image"], _not_masked(sample)
            ),
            "linear in time": _linear_in_time,
        },
        regions={"gaps": ("inside", "cloud_mask")},
        notes="Linear in time is between the clear dates before and after, and a copy of the only one where one side"
        " has none. Where no date is clear, both take the mean of all that is clear in the stack, band by band.",
    )


def _not_masked(sample: Sample) -> np.ndarray:
    return sample.fields["cloud_mask"] == 0


def super_resolution(dataset: SyntheticDataset) -> BaselineSet:
    """Return bicubic interpolation and back-projection, for the bands that input and target share.

    Raises:
        UserError: they share none.
    """
    pairs = shared_bands(dataset.configuration)
    if not pairs:
        raise UserError(f"{dataset.folder}: input and target share no band; only training can predict the target")
    factor, fwhm = dataset.configuration.factor, dataset.configuration.coarse.psf_fwhm_px
    observe: Callable[[np.ndarray], np.ndarray]
    if dataset.manifest.degradation:
        observe = functools.partial(degraded, degradation=dataset.manifest.degradation)
    else:  # the input is not made from the target, but its sensor is known
        observe = functools.partial(optics.observed, factor=factor, fwhm_px=fwhm)
    input_bands = dataset.manifest.fields[dataset.manifest.input].bands
    names = {dataset.target.bands[target]: input_bands[source] for source, target in pairs}
    replaced = ", ".join(f"{source} for {target}" for target, source in names.items() if source != target)

    def coarse(sample: Sample) -> np.ndarray:
        return sample.fields["input_image"][..., [source for source, _ in pairs]]

    return BaselineSet(
        {
            "bicubic": lambda sample: bicubic_image(coarse(sample), factor),
            "PSF-aware": lambda sample: back_projected(coarse(sample), factor, observe),
        },
        bands=[target for _, target in pairs],
        notes=f"PSF-aware: {ITERATIONS} iterations of back-projection (Irani and Peleg 1991) from bicubic on, with the"
        " input's point spread function; its misregistration and calibration stay unknown."
        + (f" Bands of the input: {replaced}." if replaced else ""),
    )


def shared_bands(configuration: SuperResolution) -> list[tuple[int, int]]:
    """Return (position in the input, position in the target) of the bands with nearly the same wavelength."""
    coarse = coarse_sensor(configuration).centres
    fine = sensor("sentinel2", tuple(configuration.bands)).centres
    nearest = [int(np.abs(np.subtract(coarse, centre)).argmin()) for centre in fine]
    return [
        (source, target) for target, source in enumerate(nearest) if abs(coarse[source] - fine[target]) <= SAME_BAND_NM
    ]


def series(dataset: PhysicalDataset) -> BaselineSet:
    """Return the baselines of sequences: other time steps, and a regression from radar, fitted on the training split.

    Raises:
        UserError: there is no training split, or a record is damaged.
    """
    single, averaged = (fit.regression() for fit in fitted(dataset, "radar"))
    return BaselineSet(
        {
            "copy of the input": lambda sequence: sequence.fields["input_image"],
            "previous clear date": lambda sequence: time_steps.previous_clear(
                sequence.fields["input_image"], _not_masked(sequence)
            ),
            "nearest clear date": _nearest_clear_dates,
            "linear in time": _linear_in_time,
            "regression from radar": lambda sequence: _each_time_step(single, sequence),
            f"regression from radar, {WINDOW} x {WINDOW}": lambda sequence: _each_time_step(averaged, sequence),
        },
        regions={"under clouds": ("inside", "cloud_mask"), "clear": ("outside", "cloud_mask")},
        notes="Clear is what cloud_mask does not cover. The previous clear date takes the input as it is where no date"
        " before is clear, the nearest one where no date of the sequence is. Linear in time is between the clear dates"
        " before and after, a copy of the only one where one side has none, and the mean of all that is clear in the"
        " sequence where none is, band by band. The regressions are those of sar_to_optical, on the radar image of the"
        " same time step alone.",
    )


def _nearest_clear_dates(sequence: Sample) -> np.ndarray:
    days, clear = days_between(sequence.acquired, sequence.acquired[0]), _not_masked(sequence)
    images = sequence.fields["input_image"]
    return np.stack([time_steps.nearest_clear(images, clear, np.abs(days - day)) for day in days])


def _linear_in_time(stack: Sample) -> np.ndarray:
    days = days_between(stack.acquired, stack.acquired[0])
    return time_steps.filled_linearly(stack.fields["input_image"], _not_masked(stack), days)


def _each_time_step(predict: Predictor, sequence: Sample) -> np.ndarray:
    return np.stack([predict(sample) for sample in time_steps_of(sequence)])


BASELINES: Mapping[str, Callable[[Any], BaselineSet]] = {
    "super_resolution": super_resolution,
    "cloud_removal": cloud_removal,
    "gap_filling": gap_filling,
    "sar_to_optical": radar_baselines,
    "series": series,
}


# ---- the report ------------------------------------------------------------------------------------------------


def report(paths: Sequence[str], *, page: bool = False) -> None:
    """Print the baselines of some datasets, and write them into ``docs/results.md`` where asked.

    Raises:
        UserError: a folder holds no synthetic dataset, or the page has no place for the tables.
    """
    datasets = [SyntheticDataset(path) for path in paths]
    sections = []
    for dataset in datasets:
        sections.append(section(dataset))
        print(sections[-1], end="\n\n")
    if page:
        write_section(PAGE, SECTION, "\n\n".join(sections))


def section(dataset: SyntheticDataset) -> str:
    """Return the heading, table and notes of a dataset as Markdown."""
    preset = dataset.configuration.preset
    baselines = BASELINES[preset](dataset)
    bands = dataset.target.bands
    if baselines.bands is not None:
        bands = [bands[position] for position in baselines.bands]
    lines = [f"### {preset}", "", *table(rows(dataset, baselines))]
    return "\n".join([*lines, "", f"{description(dataset, bands)} {baselines.notes}".strip()])


def description(dataset: SyntheticDataset, bands: Sequence[str]) -> str:
    """Return a sentence that says what was scored."""
    configuration, shape = dataset.configuration, dataset.target.shape
    dates = dataset.target.time_steps or (configuration.dates if dataset.manifest.sequence else None)
    stack = f"{dates} dates, " if dates else ""
    return (
        f"Test split: {len(dataset.names('test'))} samples of {configuration.scenes.test} scenes, {stack}"
        f"{shape[-3]} x {shape[-2]} pixels, {', '.join(bands)}; seed {configuration.seed};"
        f" fingerprint {dataset.manifest.fingerprint[:19]}."
    )

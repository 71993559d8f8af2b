"""All figures of a comparison: ``compare.py --figures DIR``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from pix2earth.figures.comparison_page.pictures import belongs
from pix2earth.figures.publication import bands, correlations, per_image, plane, training_curves
from pix2earth.figures.publication.style import save
from pix2earth.runs.folders import RunFolders
from pix2earth.scoring.tables.comparison import Group
from pix2earth.scoring.tables.gains import Statistics, by_measure
from pix2earth.scoring.tables.methods import Method
from pix2earth.scoring.tables.summary import file_name
from pix2earth.scoring.tiles.measurements import Measurements, load
from pix2earth.scoring.tiles.tile_folder import pictures_of_run, pictures_of_sample, tile_folder
from pix2earth.settings.errors import UserError

MOST = 7
"""Of more methods, the best so many are shown, so that their colours differ."""

Drawing = tuple[str, Callable[[], Figure | None], str]
"""Name of a figure, the function that draws it, and why it may be missing."""


def write(
    folder: Path, root: Path, groups: Sequence[Group], statistics: Sequence[Statistics], measures: Sequence[str | None]
) -> tuple[list[Path], list[str]]:
    """Write the figures of each group into a folder of its own, as PDF and PNG.

    Args:
        folder: of all figures.
        root: the experiment root.
        groups: the runs that may be compared.
        statistics: of each group, over all scores.
        measures: of each group, the score by which methods are sorted.

    Returns:
        The files, and a line for each figure that is missing, which says why.

    Raises:
        UserError: a file of an evaluation is damaged.
        OSError: a file cannot be written.
    """
    paths: list[Path] = []
    missing: list[str] = []
    for group, of_group, measure in zip(groups, statistics, measures, strict=True):
        place = folder / file_name(group.title)
        for name, draw, reason in _drawings(root, group, of_group, measure):
            try:
                figure = draw()
            except UserError as error:
                figure, reason = None, "; ".join(error.lines)
            if figure is None:
                missing.append(f"{group.title}: no {name}: {reason}")
            else:
                paths += save(figure, place, file_name(name))
    return paths, missing


def _drawings(root: Path, group: Group, statistics: Statistics, measure: str | None) -> Iterator[Drawing]:
    """Yield the figures of a group."""
    best = by_measure(statistics, measure)[:MOST] if measure else []
    methods = [method for method in statistics.methods if method.baseline] + best
    yield "training_curves", partial(_curves, root, group, best), ""
    whole = [name for name in statistics.shared.defined if "." not in name]
    for metric in dict.fromkeys([*whole, *([measure] if measure else [])]):
        yield f"images_{metric}", partial(_images, statistics, methods, metric), ""
    for method in best[:1]:
        yield "metric_correlations", partial(_correlated, statistics, method), ""
    perception = plane.perception_of(whole) if plane.DISTORTION in whole else None
    reason = f"it needs PSNR and one of {', '.join(plane.PERCEPTION)}; name them in the key metrics and evaluate again"
    means = {method.name: statistics.means[method.name] for method in methods}
    yield "distortion_perception", partial(plane.draw, means, perception) if perception else _nothing, reason
    measured = _measured(root, group, methods)
    reason = "no evaluation of these runs has kept measurements of bands; evaluate one again"
    complete = "no kept image is complete, and power spectra know no masks" if measured else reason
    series = "the target has no time steps, or no bands of red and near infrared" if measured else reason
    for name, draw, missing in (
        ("band_errors", bands.draw_errors, reason),
        ("band_relations", bands.draw_relations, reason),
        ("error_maps", bands.draw_error_maps, reason),
        ("power_spectra", bands.draw_spectra, complete),
        ("ndvi", bands.draw_ndvi, series),
    ):
        yield name, partial(draw, measured) if measured else _nothing, missing
    shown = next((method.name for method in best if method.name in measured), None)
    yield "band_correlations", partial(bands.draw_correlations, measured[shown], shown) if shown else _nothing, reason


def _nothing() -> None:
    return None


def _images(statistics: Statistics, methods: Sequence[Method], metric: str) -> Figure:
    return per_image.draw(_long(statistics, methods, metric), metric)


def _curves(root: Path, group: Group, methods: Sequence[Method]) -> Figure:
    """Return the training curves of the first run of each method."""
    first = {method.runs[0]: method.name for method in methods}
    journals = {
        first[run.name]: RunFolders(root, run.files.experiment, run.files.timestamp).journal
        for run in group.runs
        if run.name in first and run.files
    }
    if not journals:
        raise UserError("no run has a journal")
    return training_curves.draw(journals)


def _long(statistics: Statistics, methods: Sequence[Method], metric: str) -> pd.DataFrame:
    """Return the scores of a metric on the tiles on which all are defined, as ``per_image.draw`` takes them."""
    defined = statistics.shared.defined[metric]
    tiles = np.array(statistics.shared.tiles)[defined]
    parts = []
    for method in methods:
        values = method.scores(statistics.shared, [metric], defined)[..., 0].mean(axis=0)
        columns = {"label": method.name, "baseline": method.baseline, "tile": tiles, "metric": metric, "value": values}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def _correlated(statistics: Statistics, method: Method) -> Figure:
    """Return the correlations between all scores of a method and the share of hidden pixels."""
    names = [name for name in statistics.shared.defined if "." not in name]
    everywhere = np.ones(len(statistics.shared.tiles), bool)
    scores = method.scores(statistics.shared, names, everywhere).mean(axis=0)
    table = pd.DataFrame(scores, columns=names, index=statistics.shared.tiles)
    return correlations.draw_table(table.assign(hidden=statistics.blocks.hidden), method.name)


def _measured(root: Path, group: Group, methods: Sequence[Method]) -> dict[str, Measurements]:
    """Return the measurements of the methods whose evaluations have kept some, of the first run of each."""
    folder = next(filter(None, (tile_folder(root, run.basis) for run in group.runs)), None)
    found: dict[str, Measurements] = {}
    if folder is None:
        return found
    for method in methods:
        place = pictures_of_sample(folder, method.name.strip("()"))
        if not method.baseline:
            run = next(run for run in group.runs if run.name == method.runs[0])
            place = pictures_of_run(folder, run.files.path.stem if run.files else run.name)
            if not belongs(place, run):
                continue
        if (measured := load(place)) is not None:
            found[method.name] = measured
    return found

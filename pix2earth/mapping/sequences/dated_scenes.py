"""The dates of a sequence: scenes in the order of time, and the map of each."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pix2earth.batches.pools import SEQUENCE_START
from pix2earth.mapping.files.dated_names import dated
from pix2earth.mapping.geometry import Geometry
from pix2earth.mapping.opening import joined, open_scene
from pix2earth.mapping.raster_scene import Chosen
from pix2earth.mapping.scene import Scene
from pix2earth.mapping.sources import Source
from pix2earth.plugins import needs
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from experiment import Experiment


class DatedScenes(NamedTuple):
    """Scenes of one place as one scene.

    Attributes:
        scene: their bands, one date after the other.
        geometry: of the windows of one date.
        times: of the dates, rising.
    """

    scene: Scene
    geometry: Geometry
    times: list[datetime]


def reads_sequences(experiment: Experiment, plugin: Path) -> bool:
    """Return whether a plug-in's ``predict`` carries a state from one time step to the next."""
    return SEQUENCE_START in (needs.check(experiment, plugin).parameters.get("predict") or ())


def open_sequence(
    sources: Sequence[Source], experiment: Experiment, *, degrade: bool, chosen: Chosen | None
) -> DatedScenes:
    """Open dated scenes in the order of time.

    Args:
        sources: of ``--input``, one for each date, in any order.
        experiment: of the trained run.
        degrade: average the scenes to the pixel size of the network's input.
        chosen: what the command line states of rasters.

    Raises:
        UserError: one cannot be read, has no date or that of another one, or another grid.
    """
    opened = [open_scene([source], None, experiment, degrade=degrade, chosen=chosen) for source in sources]
    times = [time_of(scene, source) for (scene, _), source in zip(opened, sources, strict=True)]
    order = sorted(range(len(sources)), key=times.__getitem__)
    for one, other in itertools.pairwise(order):
        if times[one] == times[other]:
            raise UserError(f"--input {sources[other]}: has the date of {sources[one]}; leave one of them out")
    scene = joined([opened[number][0] for number in order], "--input ")
    return DatedScenes(scene, opened[0][1], [times[number] for number in order])


def time_of(scene: Scene, source: Source) -> datetime:
    """Return when a scene was acquired (UTC): as it states it, else by the date in its name.

    Raises:
        UserError: neither is there.
    """
    texts = [scene.tags.get("ACQUIRED", "").replace("Z", "+00:00")]
    if name := dated(Path(source).stem, None):
        texts.append(name.time)
    for text in texts:
        try:
            time = datetime.fromisoformat(text)
        except ValueError:
            continue
        return time if time.tzinfo else time.replace(tzinfo=UTC)
    raise UserError(
        f"--input {source}: the network reads dates in their order, and there is neither a tag ACQUIRED nor a date in"
        " the name, such as 20240131; rename it"
    )


def outputs_of(output: Path, times: Sequence[datetime]) -> list[Path]:
    """Return the map of each date, such as ``map_20240131.tif``, with the time where dates are not enough."""
    form = "%Y%m%d" if len({time.date() for time in times}) == len(times) else "%Y%m%dT%H%M%S"
    return [output.with_name(f"{output.stem}_{time.strftime(form)}{output.suffix}") for time in times]

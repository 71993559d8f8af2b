"""The journal of a run: ``train.jsonl``, one line of JSON a step; for TensorBoard the same, images and settings.

Other modules read ``train.jsonl`` only.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams.summary_v2 import hparams_pb
from tensorboard.summary import Writer
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from pix2earth.figures.live_page import LivePage
from pix2earth.settings import atomic


class Journal:
    """Writes losses and validations as lines of ``train.jsonl`` and as TensorBoard scalars."""

    page: LivePage | None = None
    """Receives all entries too, and is written after each image."""

    def __init__(self, path: Path, finished_steps: int) -> None:
        """Open the journal of a run that has finished ``finished_steps`` steps, and remove the lines of later steps.

        Such lines exist where a run was killed after its last checkpoint; the resumed run writes them again.
        """
        self.path = path
        if path.exists():
            atomic.write_text(
                path, "".join(f"{json.dumps(entry)}\n" for entry in read(path) if entry["step"] <= finished_steps)
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lines = path.open("a", buffering=1)
        # Makes TensorBoard discard what an earlier process wrote of later steps; it ignores the first such event.
        events = EventFileWriter(str(path.parent), filename_suffix=".start")
        events.add_event(Event(step=finished_steps + 1, session_log=SessionLog(status=SessionLog.START)))
        events.close()
        self._scalars = Writer(str(path.parent))
        self._events = EventFileWriter(str(path.parent), filename_suffix=".images")

    def losses(self, step: int, epoch: float, losses: dict[str, float]) -> None:
        """Write the losses of a step."""
        self._write({"step": step, "epoch": round(epoch, 4), "losses": _as_json(losses)})
        for name, value in losses.items():
            self._scalars.add_scalar(name, value, step)

    def validation(self, step: int, scores: dict[str, float]) -> None:
        """Write the means of the metrics over the validation samples."""
        self._write({"step": step, "validation": _as_json(scores)})
        for name, value in scores.items():
            self._scalars.add_scalar(f"validation/{name}", value, step)

    def image(self, step: int, path: Path) -> None:
        """Write a sample image, a PNG, for TensorBoard."""
        content = path.read_bytes()
        with Image.open(path) as opened:
            width, height = opened.size
        image = Summary.Image(encoded_image_string=content, width=width, height=height, colorspace=4)
        summary = Summary(value=[Summary.Value(tag="samples", image=image)])
        self._events.add_event(Event(step=step, wall_time=time.time(), summary=summary))
        if self.page:
            self.page.write()

    def hyperparameters(self, settings: Mapping[str, Any]) -> None:
        """Write the settings of the run for TensorBoard's table of hyperparameters; nested ones by dotted names."""
        values = flat_settings(settings)
        self._events.add_event(Event(step=0, wall_time=time.time(), summary=hparams_pb(values)))

    def _write(self, entry: dict[str, Any]) -> None:
        self._lines.write(json.dumps(entry, allow_nan=False) + "\n")
        if self.page:
            self.page.add(entry)

    def sync(self) -> None:
        """Write everything to the disk; a checkpoint is saved only after the journal of its steps is safe."""
        self._lines.flush()
        os.fsync(self._lines.fileno())
        self._scalars.flush()
        self._events.flush()

    def close(self) -> None:
        """Close ``train.jsonl`` and the TensorBoard file."""
        self.sync()
        self._lines.close()
        self._scalars.close()
        self._events.close()


def flat_settings(settings: Mapping[str, Any], prefix: str = "") -> dict[str, float | bool | str]:
    """Return nested settings by dotted names, as numbers, booleans and text; null is left out."""
    values: dict[str, float | bool | str] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            values |= flat_settings(value, f"{prefix}{name}.")
        elif value is not None:
            values[f"{prefix}{name}"] = value if isinstance(value, int | float) else str(value)
    return values


def _as_json(values: dict[str, float]) -> dict[str, float | None]:
    """Return the values with None (null in JSON) for those that are not finite: JSON has no NaN."""
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def read(path: Path) -> list[dict[str, Any]]:
    """Return the entries of a journal, without a last line that is incomplete because the process was killed.

    Raises:
        ValueError: another line is not JSON; with its number.
    """
    entries = []
    lines = path.read_text().splitlines(keepends=True)
    for number, line in enumerate(lines, start=1):
        try:
            entries.append(json.loads(line))
        except ValueError:
            if number < len(lines):
                raise ValueError(f"{path}:{number}: is not JSON") from None
    return entries

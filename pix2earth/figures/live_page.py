"""``samples/index.html``: how a run is doing, for a browser tab that loads it again by itself.

It needs no server of its own: ``python -m http.server`` in the folder shows it over ssh. All is in the file but the
sample images, which lie beside it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from pix2earth.settings import atomic

MOST_POINTS = 400
"""Of a curve; neighbours are averaged where there are more."""
MOST_IMAGES = 40
"""Sample images in the strip, evenly drawn from all, the newest one among them."""
SECONDS_BETWEEN_WRITES = 30.0
WIDTH, HEIGHT = 320, 90
STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { margin: 1rem auto; max-width: 1400px; padding: 0 1rem }
h1 { font-size: 1.3rem; overflow-wrap: anywhere }
img { max-width: 100%; height: auto }
.strip { display: flex; gap: .5rem; overflow-x: auto; padding-bottom: .5rem }
.strip figure { margin: 0; flex: none } .strip img { height: 150px; max-width: none }
.curves { display: flex; flex-wrap: wrap; gap: 1rem } .curves figure { margin: 0 }
svg { display: block; border: 1px solid color-mix(in srgb, CanvasText 25%, transparent) }
polyline { fill: none; stroke: light-dark(#1a6b3c, #7fd3a0); stroke-width: 1.5 }
figcaption { font-size: .85rem }
"""


class ShownRun(NamedTuple):
    """What the page says of a run.

    Attributes:
        name: of experiment and run, as in the names of its sample images.
        model: its model and dataset in words.
        steps: number of all steps.
        images: the folder of its sample images, in which the page lies.
    """

    name: str
    model: str
    steps: int
    images: Path


class Curve:
    """Values over steps, thinned by averaging neighbours once there are many."""

    def __init__(self) -> None:
        """Begin without values."""
        self.points: list[tuple[float, float]] = []
        self._waiting: list[tuple[float, float]] = []
        self._together = 1

    def add(self, step: int, value: float | None) -> None:
        """Add a value; None and what is not finite are left out."""
        if value is None or not math.isfinite(value):
            return
        self._waiting.append((step, value))
        if len(self._waiting) < self._together:
            return
        self.points.append(_mean(self._waiting))
        self._waiting = []
        if len(self.points) >= 2 * MOST_POINTS:
            self.points = [_mean(self.points[first : first + 2]) for first in range(0, len(self.points), 2)]
            self._together *= 2


class LivePage:
    """Keeps the page of a run up to date: after each sample image, and every half a minute."""

    def __init__(self, run: ShownRun, entries: Iterable[Mapping[str, Any]] = ()) -> None:
        """Prepare the page; nothing is written yet.

        Args:
            run: the run.
            entries: of the journal so far, as ``train.jsonl`` has them.
        """
        self.run, self.path = run, run.images / "index.html"
        self.losses: dict[str, Curve] = {}
        self.validation: dict[str, Curve] = {}
        self.step = self._first = 0
        for entry in entries:
            self._take(entry)
        self._first = self.step
        self._started = self._written = time.monotonic()

    def add(self, entry: Mapping[str, Any]) -> None:
        """Take an entry of the journal; write the page where it was not written for some time."""
        self._take(entry)
        if time.monotonic() - self._written >= SECONDS_BETWEEN_WRITES:
            self.write()

    def _take(self, entry: Mapping[str, Any]) -> None:
        self.step = max(self.step, int(entry["step"]))
        for kind, curves in (("losses", self.losses), ("validation", self.validation)):
            for name, value in entry.get(kind, {}).items():
                curves.setdefault(name, Curve()).add(entry["step"], value)

    def write(self, outcome: str | None = None) -> None:
        """Write the page.

        Args:
            outcome: how the run ended; None: it goes on, and the page loads itself again.
        """
        self._written = time.monotonic()
        self.run.images.mkdir(parents=True, exist_ok=True)
        atomic.write_text(self.path, self.content(outcome, time.strftime("%Y-%m-%d %H:%M:%S")))

    def content(self, outcome: str | None, written: str) -> str:
        """Return the page as HTML; all text is escaped."""
        run, state = self.run, outcome or f"running{self._time_left()}"
        refresh = "" if outcome else '<meta http-equiv="refresh" content="20">'
        images = sorted(run.images.glob(f"{_literal(run.name)}_*.png"), key=lambda path: _step_of(path) or 0)
        images = [path for path in images if _step_of(path) is not None]
        return "\n".join(
            [
                f'<!doctype html><html lang="en"><head><meta charset="utf-8">{refresh}',
                '<meta name="viewport" content="width=device-width, initial-scale=1">',
                f"<title>{escape(run.name)}: step {self.step}</title><style>{STYLE}</style></head><body><main>",
                f"<h1>{escape(run.name)}</h1><p>{escape(run.model)}</p>",
                f"<p><strong>{escape(state)}</strong>, step {self.step} of {run.steps}; written {escape(written)}</p>",
                *_pictures(images),
                "<h2>Validation</h2>" if self.validation else "",
                _curves(self.validation),
                "<h2>Losses</h2>" if self.losses else "",
                _curves(self.losses),
                "</main></body></html>\n",
            ]
        )

    def _time_left(self) -> str:
        """Return how long the run will still take in words, or nothing before its second step."""
        done = self.step - self._first
        if done < 2:
            return ""
        minutes = (time.monotonic() - self._started) / done * (self.run.steps - self.step) / 60
        return f", about {minutes:.0f} minutes left" if minutes < 120 else f", about {minutes / 60:.1f} hours left"


def _pictures(images: list[Path]) -> list[str]:
    """Return the newest sample image, and a strip of all with their steps."""
    if not images:
        return []
    stride = -(-len(images) // MOST_IMAGES)
    shown = images[::-1][::stride]
    newest = quote(images[-1].name)
    strip = [
        f'<figure><a href="{quote(path.name)}"><img src="{quote(path.name)}" alt="samples of step {_step_of(path)}"'
        f' loading="lazy"></a><figcaption>step {_step_of(path)}</figcaption></figure>'
        for path in shown
    ]
    return [
        f"<h2>Samples of step {_step_of(images[-1])}</h2>",
        f'<a href="{newest}"><img src="{newest}" alt="newest samples"></a>',
        f'<div class="strip" role="group" tabindex="0" aria-label="samples of all steps">{"".join(strip)}</div>',
    ]


def _curves(curves: Mapping[str, Curve]) -> str:
    drawn = [_drawn(name, curve.points) for name, curve in curves.items() if curve.points]
    return f'<div class="curves">{"".join(drawn)}</div>' if drawn else ""


def _drawn(name: str, points: list[tuple[float, float]]) -> str:
    """Return a curve as SVG with its name, range and newest value."""
    steps, values = zip(*points, strict=True)
    low, high, first = min(values), max(values), min(steps)
    wide, tall = (max(steps) - first) or 1.0, (high - low) or 1.0
    places = " ".join(
        f"{3 + (step - first) / wide * (WIDTH - 6):.1f},{HEIGHT - 3 - (value - low) / tall * (HEIGHT - 6):.1f}"
        for step, value in points
    )
    words = f"{name}: {values[-1]:.4g} ({low:.4g} to {high:.4g})"
    return (
        f'<figure><svg width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{escape(words)}">'
        f'<polyline points="{places}"/></svg><figcaption>{escape(words)}</figcaption></figure>'
    )


def _mean(points: list[tuple[float, float]]) -> tuple[float, float]:
    return sum(step for step, _ in points) / len(points), sum(value for _, value in points) / len(points)


def _step_of(path: Path) -> int | None:
    """Return the step of a sample image, None for another file."""
    text = path.stem.rpartition("_")[2]
    return int(text) if text.isdigit() else None


def _literal(name: str) -> str:
    """Return a name for a pattern of files in which no character has a meaning."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in name)

"""What step 40 cuts, in words: the draw of windows, a pair to cut, and what became of it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from preprocessing.scenes.selection import SelectedPair


class Draw(NamedTuple):
    """What decides which windows a scene gives; tiles of different draws may overlap and are never mixed."""

    tilesize: int
    seed: int = 0
    tile_overlap: float = 0.0
    visible: float = 0.95
    masks: tuple[str, ...] = ()
    method: str = "nearest"


class CutJob(NamedTuple):
    """One pair of products to cut."""

    pair: SelectedPair
    s2: Path
    s3: Path
    inventory: str
    draw: Draw
    quantity: int
    masks: tuple[Path, ...]
    tiles: Path
    """Folder of the GeoTIFFs."""
    review: Path
    """Folder of the overlay plot and of the account of what was cut."""

    @property
    def plot(self) -> Path:
        """The overlay plot."""
        return self.review / f"{self.pair.number}.png"

    @property
    def account(self) -> Path:
        """What was cut, and with which options."""
        return self.review / f"{self.pair.number}.json"


class Window(NamedTuple):
    """A window that was cut; column and row of its upper left pixel."""

    column: int
    row: int
    in_mask: bool | None

    def name(self, pair: SelectedPair) -> str:
        """Return the name of its files."""
        from preprocessing.tiles.tile_rasters import NOTINMASK

        return f"{pair.label}_{self.column}x{self.row}{NOTINMASK if self.in_mask is False else ''}"


class CutOutcome(NamedTuple):
    """What became of a pair."""

    number: int
    windows: list[Window]
    written: int
    rejected: dict[str, int]
    exhausted: bool

    @property
    def line(self) -> str:
        """Say it."""
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.rejected.items() if count)
        short = "; there is no place left for more" if self.exhausted else ""
        return (
            f"{self.number}: {len(self.windows)} tiles, {self.written} new{short}{f' ({reasons})' if reasons else ''}"
        )

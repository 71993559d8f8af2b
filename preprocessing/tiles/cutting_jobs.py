"""The classes of step 40: the draw of windows, a pair to cut, one window, and the outcome."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from preprocessing.scenes.selection import SelectedPair


class Draw(NamedTuple):
    """The options that the windows of a scene depend on; tiles of different draws may overlap and are never mixed."""

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
    """Folder of the overlay plot and of the summary."""

    @property
    def plot(self) -> Path:
        """The overlay plot."""
        return self.review / f"{self.pair.number}.png"

    @property
    def summary(self) -> Path:
        """The options and the outcome as JSON."""
        return self.review / f"{self.pair.number}.json"


class Window(NamedTuple):
    """A window that was cut: column and row of its upper left pixel; ``in_mask`` is None where there are no masks."""

    column: int
    row: int
    in_mask: bool | None

    def name(self, pair: SelectedPair) -> str:
        """Return the name of its file, without suffix."""
        from preprocessing.tiles.tile_rasters import NOTINMASK

        return f"{pair.label}_{self.column}x{self.row}{NOTINMASK if self.in_mask is False else ''}"


class CutOutcome(NamedTuple):
    """The outcome of cutting a pair; its fields are stored in the summary."""

    number: int
    """The row's ``index`` in the inventory."""
    windows: list[Window]
    """All windows of the pair."""
    written: int
    """How many of them were written now."""
    rejected: dict[str, int]
    """Number of rejected positions by reason."""
    exhausted: bool
    """Whether there are fewer windows than requested, because no position was left."""

    @property
    def line(self) -> str:
        """One line for the user."""
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.rejected.items() if count)
        short = "; no position is left for more" if self.exhausted else ""
        return (
            f"{self.number}: {len(self.windows)} tiles, {self.written} new{short}{f' ({reasons})' if reasons else ''}"
        )

"""Tables of baselines, printed and frozen in the page of results."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from metrics import UNITS

if TYPE_CHECKING:
    from synthetic.baselines.scoring import ScoreRow
    from synthetic.baselines.stored import Stored

PAGE = Path(__file__).resolve().parents[2] / "docs" / "results.md"
SECTION = "synthetic"


def report(paths: Sequence[str], *, page: bool = False) -> None:
    """Print the baselines of some datasets, and freeze them in ``docs/results.md`` where asked.

    Raises:
        UserError: a folder holds no dataset of the made-up Earth, or the page has no place for the tables.
    """
    from pix2earth.console.quiet import quieten_tensorflow

    quieten_tensorflow()
    from pix2earth.documentation.page_sections import write_section
    from synthetic.baselines.stored import Stored

    sources = [Stored(path) for path in paths]
    sections = []
    for source in sources:
        sections.append(section(source))
        print(sections[-1], end="\n\n")
    if page:
        write_section(PAGE, SECTION, "\n\n".join(sections))


def section(source: Stored) -> str:
    """Return the heading, table and notes of a dataset as Markdown."""
    from synthetic.baselines.scoring import rows

    module = importlib.import_module(f"synthetic.baselines.{source.configuration.preset}")
    chosen = module.baselines(source)
    bands = source.target.bands if chosen.bands is None else [source.target.bands[at] for at in chosen.bands]
    lines = [f"### {source.configuration.preset}", "", *table(rows(source, chosen))]
    return "\n".join([*lines, "", f"{about(source, bands)} {chosen.notes}".strip()])


def about(source: Stored, bands: Sequence[str]) -> str:
    """Say in a sentence what was scored."""
    configuration, shape = source.configuration, source.target.shape
    dates = f"{source.target.time_steps} dates, " if source.target.time_steps else ""
    return (
        f"Test split: {len(source.names('test'))} samples of {configuration.scenes.test} scenes, {dates}"
        f"{shape[-3]} x {shape[-2]} pixels, {', '.join(bands)}; seed {configuration.seed};"
        f" fingerprint {source.manifest.fingerprint[:19]}."
    )


def table(rows: Sequence[ScoreRow]) -> list[str]:
    """Return the lines of a Markdown table."""
    metrics = list(rows[0].scores)
    titles = [f"{name} ({UNITS[name]})" if UNITS.get(name, "data") != "data" else name for name in metrics]
    lines = [f"| region | baseline | {' | '.join(titles)} | samples |", f"|---|---|{'---:|' * (len(metrics) + 1)}"]
    for row in rows:
        numbers = [DIGITS[name] % row.scores[name] for name in metrics]
        lines.append(f"| {row.region} | {row.baseline} | {' | '.join(numbers)} | {row.samples} |")
    return lines


DIGITS = {"PSNR": "%.2f", "SSIM": "%.4f", "SAM": "%.4f", "RMSE": "%.5f"}

"""Command: compare the metrics of runs on the samples that they have in common."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from experiment import Environment
from metrics import ALL_METRICS, WITHOUT_DIRECTION
from pix2earth.console.arguments import CommandArguments
from pix2earth.runs.folders import COMPARISON, EVALUATION
from pix2earth.scoring.tables.columns import base_of, is_score
from pix2earth.scoring.tables.comparison import compare, groups, load, measure_of
from pix2earth.scoring.tables.documents import FORMATS, as_json, as_table, scores_of
from pix2earth.scoring.tables.gains import Statistics, statistics_of
from pix2earth.scoring.tables.printing import show
from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError, nearest, reports_errors


@reports_errors
def main(argv: Sequence[str] | None = None) -> None:
    """Compare runs from the command line."""
    arguments = CommandArguments(prog="compare.py", description="Compare the metrics of runs on their common samples.")
    arguments.add_argument(
        "--exp", nargs="+", default=[""], metavar="PREFIX", help="only experiments whose names start so"
    )
    arguments.add_argument("--env", metavar="PATH", help="environment.json (default: PIX2EARTH_ENV, ./, ../)")
    arguments.add_argument(
        "--by", metavar="METRIC", help="sort by this metric and test it, such as SSIM or PSNR.inside (default: PSNR)"
    )
    output = arguments.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print everything as JSON, and nothing else")
    output.add_argument("--table", choices=FORMATS, help="print a table of means for a paper, and nothing else")
    arguments.add_argument(
        "--page", metavar="OUT.html", type=Path, help="write a page with tables, plots and pictures: one file"
    )
    arguments.add_argument(
        "--figures", metavar="DIR", type=Path, help="write figures for publications, each as PDF and PNG"
    )
    options = arguments.parse_args(argv)
    if options.by and not is_score(options.by):
        raise UserError(f"--by {options.by}: is no metric{nearest(options.by, ALL_METRICS)}")
    if options.figures and options.figures.exists() and not options.figures.is_dir():
        raise UserError(f"--figures {options.figures}: is a file; name a folder")
    if options.by and base_of(options.by) in WITHOUT_DIRECTION:
        raise UserError(f"--by {options.by}: neither higher nor lower values are better; name another metric")
    root = Path(Environment(options.env).EXPERIMENT_ROOT)
    runs = load(root, options.exp)
    frame = compare(runs, options.by)
    path = root / EVALUATION / COMPARISON
    with atomic.replacing(path) as temporary:
        frame.to_csv(temporary, index=False, lineterminator="\n")
    parts = groups(runs)
    measures = [measure_of(scores_of(group), options.by) for group in parts]

    def found(*, every_score: bool) -> list[Statistics]:
        """Return the statistics of each group; p is corrected for the number of scores that are shown together."""
        chosen = [
            scores_of(group) if every_score else list(filter(None, [measure]))
            for group, measure in zip(parts, measures, strict=True)
        ]
        return [statistics_of(root, *each) for each in zip(parts, chosen, measures, strict=True)]

    every = found(every_score=True) if options.json or options.table or options.page or options.figures else []
    if options.page:
        from pix2earth.figures.comparison_page import page

        page.write(options.page, root, parts, every, measures)
    if options.figures:
        from pix2earth.figures.publication import comparison

        _, missing = comparison.write(options.figures, root, parts, every, measures)
        print("\n".join(missing), end="\n" if missing else "", file=sys.stderr)
    if options.json:
        print(json.dumps(as_json(parts, every, options.by), indent=2, allow_nan=False))
    elif options.table:
        tables = [as_table(*each, options.table, options.by) for each in zip(parts, every, strict=True)]
        print("\n".join(tables), end="")
    else:
        statistics = dict(zip((group.title for group in parts), found(every_score=False), strict=True))
        show(frame, statistics=statistics, measures=dict(zip(statistics, measures, strict=True)))
        print(path, *filter(None, [options.page, options.figures]), sep="\n")


if __name__ == "__main__":
    main()

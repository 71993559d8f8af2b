"""Command: train the models of a table of ``docs/results.md`` with one budget, and write the table.

``python results.py`` trains the ten architectures of ARISGAN on real Sentinel-2 of ``samples/``, ``python results.py
started`` the same from back-projection on, ``python results.py published`` the published models on synthetic data,
``python results.py quarter_hour`` models that add to a trivial answer there, and ``python results.py adversarial`` the
super-resolution demo with an adversarial loss. Beside each are baselines, which need no training. The command makes the
datasets, and an experiment for each model below ``<experiment_root>/<table>/``, trains what is not trained yet, and
writes the table. It resumes where it was interrupted, and with more ``--steps`` where the runs ended. ``--figures``
draws some tiles by all trained rows.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiment import PROJECT, Environment
from pix2earth.console.arguments import CommandArguments
from pix2earth.documentation.page_sections import write_section
from pix2earth.results import adversarial, architectures, started
from pix2earth.results.budgets import ON_SYNTHETIC
from pix2earth.results.trained import TIMESTAMP
from pix2earth.settings.errors import Stopped, UserError, reports_errors
from pix2earth.training import queue

PAGE = PROJECT / "docs" / "results.md"
TABLES = {
    architectures.FOLDER: architectures.MODELS, started.FOLDER: started.MODELS,
    adversarial.FOLDER: adversarial.MODELS, **{table: tuple(rows) for table, rows in ON_SYNTHETIC.items()},
}  # fmt: skip
"""The tables, with the models of each."""
OF_SENTINEL2: dict[str, Any] = {architectures.FOLDER: architectures, started.FOLDER: started}
"""The tables of architectures on real Sentinel-2, with their modules."""
MODULES = {**OF_SENTINEL2, adversarial.FOLDER: adversarial}
"""All tables that are one list of rows."""
OF_ARCHITECTURES = {"batch_size": 4, "tilesize": 64, "factor": 4}
"""Options of these tables alone, with their defaults; those of the other one are those of the shipped examples."""


@reports_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Train what is missing and write the table."""
    options = arguments().parse_args(argv)
    check(options)
    environment = Environment(options.env)
    if options.table in MODULES:
        MODULES[options.table].prepare(environment, options)
    else:
        from pix2earth.results import published

        published.prepare(environment, options)
    failure = None
    training = argparse.Namespace(exp=options.table, env=options.env, timestamp=TIMESTAMP, force=False, dry_run=False)
    try:
        status = queue.train_all(training, environment, PROJECT / "train.py")
    except Stopped as stopped:
        failure, status = stopped, stopped.status
    if status > 1:
        return status
    if options.table in MODULES:
        module = MODULES[options.table]
        text = module.table([module.row(environment, model) for model in TABLES[options.table]], options)
    else:
        text = published.tables(environment, options)
    print(text)
    if not options.no_page:
        write_section(PAGE, options.table, text)
    if options.figures:
        try:
            print(*drawn(environment, options), sep="\n")
        except UserError as error:
            raise failure or error from None  # where trainings failed, that is what to mend
    if failure:
        raise failure
    return 0


def drawn(environment: Environment, options: argparse.Namespace) -> list[Path]:
    """Draw the figures of a table in the folder ``--figures``; return their paths.

    Raises:
        UserError: no row is trained.
    """
    if options.table in MODULES:
        paths: list[Path] = MODULES[options.table].figures(environment, options.figures)
        return paths
    from pix2earth.results import published

    return published.figures(environment, options.figures, options.table)


def arguments() -> argparse.ArgumentParser:
    """Return the parser of the command's options."""
    parser = CommandArguments(prog="results.py", description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "table", nargs="?", choices=tuple(TABLES), default=architectures.FOLDER, help="default: the first"
    )
    parser.add_argument("--env", metavar="PATH", help="environment.json (default: PIX2EARTH_ENV, ./, ../)")
    parser.add_argument(
        "--steps",
        type=int,
        help="of each model (default: 400 on Sentinel-2, a budget each on synthetic data, 8000 of L1 in adversarial)",
    )
    parser.add_argument("--batch-size", type=int, help="tiles a step, of real Sentinel-2 only (default 4)")
    parser.add_argument("--tilesize", type=int, help="side of a tile in pixels, of real Sentinel-2 only (default 64)")
    parser.add_argument("--factor", type=int, help="how much coarser the input is, of real Sentinel-2 only (default 4)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the runs (default 0)")
    parser.add_argument("--models", nargs="+", metavar="MODEL", help="default: all of the table")
    parser.add_argument(
        "--figures", metavar="DIR", type=Path, help="draw five held-out tiles by all trained rows of the table too"
    )
    parser.add_argument("--no-page", action="store_true", help="print the table only")
    return parser


def check(options: argparse.Namespace) -> None:
    """Complete the options.

    Raises:
        UserError: a number is out of range, a model is not in the table, an option is of the other table, or the folder
            of figures is a file.
    """
    for name in ("steps", *OF_ARCHITECTURES):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise UserError(f"--{name.replace('_', '-')} {value}: must be at least 1")
    for name, default in OF_ARCHITECTURES.items():
        if options.table not in OF_SENTINEL2 and getattr(options, name) is not None:
            raise UserError(f"--{name.replace('_', '-')}: of the tables {' and '.join(OF_SENTINEL2)} only")
        setattr(options, name, getattr(options, name) or default)
    if options.table in OF_SENTINEL2:
        options.steps = options.steps or 400
    if options.figures and options.figures.is_file():
        raise UserError(f"--figures {options.figures}: is a file; name a folder")
    models = TABLES[options.table]
    for model in options.models or ():
        if model not in models:
            raise UserError(f"--models {model}: not in the table {options.table!r}, which has {', '.join(models)}")
    options.models = options.models or models


if __name__ == "__main__":
    main()

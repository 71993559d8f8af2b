"""Command: the metrics of every sample of a run."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiment import Environment, Experiment, open_experiment
from metrics import UNITS
from pix2earth.runs import provenance
from pix2earth.runs.folders import RunFolders, check_timestamp, checkpoint_steps, newest_run
from pix2earth.settings.errors import Mistake, reports_mistakes

if TYPE_CHECKING:
    import pandas as pd

    from dataset import Dataset
    from pix2earth.scoring.scorer import Scorer


def evaluation_split(dataset: Dataset, wanted: str | None) -> str:
    """Return the split to evaluate: as wanted, else test where the dataset has one, else val.

    Raises:
        Mistake: the dataset does not have it.
    """
    split = wanted or ("test" if dataset.has("test") else "val")
    if not dataset.has(split):
        raise Mistake(f"{dataset.listing.folder}: has no samples in {split}/; use another --split")
    return split


def choose_step(experiment: Experiment, wanted: str) -> int:
    """Return the step of the checkpoint that ``--step`` names.

    Raises:
        Mistake: the run has no such checkpoint.
    """
    from pix2earth.training import checkpoints

    folder = experiment.output.checkpoints
    steps = checkpoint_steps(folder)
    if not steps:
        raise Mistake(f"{folder}: has no checkpoint; train first: python train.py --exp {experiment.NAME}")
    if wanted in ("last", "best"):
        newest = checkpoints.newest_intact(folder, print)
        if newest is None:
            raise Mistake(f"{folder}: no checkpoint is intact; train again")
        if wanted == "last":
            return newest
        best = checkpoints.about(folder, newest)["best"]
        if best is None or best["step"] not in steps:
            raise Mistake(f"{folder}: no best step is kept; use --step last")
        return best["step"]
    if not wanted.isdigit() or int(wanted) not in steps:
        raise Mistake(f"--step {wanted}: there are best, last, {', '.join(map(str, steps))}")
    return int(wanted)


def evaluate(scorer: Scorer, split: str, step: int, path: Path) -> pd.DataFrame:
    """Score every sample of a split and write the CSV; rows of other splits in it are kept.

    Returns:
        The rows of this split: index, tile, split, step, one column a metric, and the baseline's columns.
    """
    import pandas as pd

    from pix2earth.console.progress import tracked
    from pix2earth.settings import atomic

    names = scorer.dataset.names(split)
    rows = list(tracked(scorer.rows(split, names), f"evaluate {split}", len(names), "samples"))
    table = pd.DataFrame(rows, columns=["tile", *scorer.columns])
    table.insert(1, "split", split)
    table.insert(2, "step", step)
    whole = table
    if path.is_file():
        before = pd.read_csv(path, index_col="index", dtype={"tile": str})
        others = before[before["split"] != split]
        whole = pd.concat([others, table], ignore_index=True) if len(others) else table
    with atomic.replacing(path) as temporary:
        whole.to_csv(temporary, index_label="index", lineterminator="\n")
    return table


def summarise(table: pd.DataFrame, scorer: Scorer, title: str) -> Any:
    """Return a rich table: mean, median, 5th and 95th percentile of each metric, and the baseline's mean."""
    import numpy as np
    from rich.table import Table

    from pix2earth.scoring.undefined import mean_of_finite

    shown = Table(title=title, title_justify="left")
    shown.add_column("metric", no_wrap=True)
    baseline = scorer.baseline[0] if scorer.baseline else None
    for heading in ("mean", "median", "5 %", "95 %", *([baseline] if baseline else []), "undefined"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for name in scorer.measures:
        values = table[name].to_numpy(float)
        finite = values[np.isfinite(values)]
        numbers = [mean_of_finite(values), *(np.percentile(finite, [50, 5, 95]) if finite.size else [np.nan] * 3)]
        if baseline:
            numbers.append(mean_of_finite(table[f"{name}_{baseline}"]))
        unit = UNITS.get(name.split(".")[0], "")
        unit = scorer.target.units if unit == "data" else unit
        label = f"{name} ({unit})" if unit not in ("", "1") else name
        shown.add_row(label, *(f"{number:.4g}" for number in numbers), str(len(values) - len(finite)))
    return shown


def evaluate_and_show(scorer: Scorer, split: str, step: int) -> pd.DataFrame:
    """Evaluate a split at a step, print the summary and where the CSV is."""
    from rich.console import Console

    output = scorer.experiment.output
    table = evaluate(scorer, split, step, output.evaluation)
    units = scorer.target.units
    title = f"{output.run_name}, step {step}: {len(table)} samples of {split}, data range {scorer.scale.data_range:g}"
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 120)  # in a file, numbers are worth more than the 80 columns of a terminal
    console.print(summarise(table, scorer, title + (f" {units}" if units != "1" else "")))
    print(output.evaluation)
    return table


@reports_mistakes
def main(argv: Sequence[str] | None = None) -> None:
    """Evaluate a run from the command line."""
    arguments = argparse.ArgumentParser(prog="evaluate.py", description="Write the metrics of every sample of a run.")
    arguments.add_argument("--exp", required=True, metavar="NAME", help="experiment below the experiment root")
    arguments.add_argument("--env", metavar="PATH", help="environment.json (default: PIX2EARTH_ENV, ./, ../)")
    arguments.add_argument("--timestamp", help="the run (default: the newest one that has a checkpoint)")
    arguments.add_argument("--split", choices=("val", "test"), help="default: test where the dataset has one, else val")
    arguments.add_argument("--step", default="last", help="best, last (default) or a number")
    options = arguments.parse_args(argv)
    experiment = open_run(Environment(options.env), options.exp, options.timestamp)
    evaluate_and_show(*trained(experiment, options.split, options.step))


def open_run(environment: Environment, named: str, timestamp: str | None = None) -> Experiment:
    """Return the experiment of a run as it was when it ran; without a timestamp the newest that has a checkpoint.

    Raises:
        Mistake: there is no such experiment or run.
    """
    name = environment.experiment_name(named)
    root = Path(environment.EXPERIMENT_ROOT)
    timestamp = check_timestamp(timestamp) if timestamp else newest_run(root / name, name)
    run = provenance.load(RunFolders(root, name, timestamp).run_file) or {}
    return open_experiment(name, environment, timestamp, restore=True, recorded=run.get("settings"))


def trained(experiment: Experiment, wanted_split: str | None, wanted_step: str) -> tuple[Scorer, str, int]:
    """Return a scorer of a run's trained network, and the split and the step that are meant.

    Raises:
        Mistake: the dataset has no such split, or the run no such checkpoint.
    """
    from dataset import Dataset
    from pix2earth.plugins import contract

    contract.find(experiment)
    dataset = Dataset(experiment)
    split = evaluation_split(dataset, wanted_split)
    gan, plugin, step = restored(experiment, wanted_step)
    from pix2earth.scoring.scorer import Scorer

    return Scorer(dataset, gan, plugin, experiment.METRICS), split, step


def restored(experiment: Experiment, wanted_step: str) -> tuple[Any, Path, int]:
    """Return the plug-in of a run with its trained weights, its file, and the step that is meant.

    Raises:
        Mistake: there is no such plug-in, or the run has no such checkpoint.
    """
    from pix2earth.console.quiet import quieten_tensorflow
    from pix2earth.plugins import contract

    plugin = contract.find(experiment)
    experiment.environment.choose_keras()
    quieten_tensorflow()
    from pix2earth.training import checkpoints, devices

    step = choose_step(experiment, wanted_step)
    devices.prepare_single(experiment)
    gan = contract.build(experiment, plugin)
    checkpoints.restore(gan, experiment.output.checkpoints, step)
    return gan, plugin, step


if __name__ == "__main__":
    main()

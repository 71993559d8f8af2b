"""Command: train all architectures of ARISGAN on one dataset with one budget, and write a table of their scores.

``python results.py`` makes the dataset (real Sentinel-2 of ``samples/``) and an experiment for each model below
``<experiment_root>/architectures/``, trains what is not trained yet, and writes the table to ``docs/results.md``.
It resumes where it was interrupted, and with more ``--steps`` where the runs ended.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from experiment import PROJECT, Environment
from pix2earth.documentation.page_sections import write_section
from pix2earth.runs import provenance
from pix2earth.runs.folders import RunFolders
from pix2earth.settings import atomic
from pix2earth.settings.errors import Stopped, UserError, reports_errors
from pix2earth.training import queue

MODELS = ("aris-a", "aris-b", "aris-c", "pix2pix", "srgan", "dsen2w", "dmnet", "psgan", "srs3", "tarsgan")
METRICS = ("PSNR", "SSIM", "SAM", "ERGAS", "HPSI")
FOLDER = "architectures"
TIMESTAMP = "results"
PAGE = PROJECT / "docs" / "results.md"


class ModelRow(NamedTuple):
    """One model's line of the table."""

    model: str
    outcome: str
    scores: dict[str, float]
    speed: float | None
    parameters: dict[str, int] | None


def settings(model: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return the experiment of a model: all are equal but for ``model_name``."""
    return {
        "model_name": model, "dataset": "demo", "tilesize": options.tilesize, "batch_size": options.batch_size,
        "steps": options.steps, "seed": options.seed, "random_resize": 1.0, "gen_loss": {"gen_gan": 1, "gen_l1": 100},
        "metrics": list(METRICS), "ckpt_freq": 100, "sample_freq": 100, "keep_checkpoints": 1,
    }  # fmt: skip


def prepare(environment: Environment, options: argparse.Namespace) -> None:
    """Write dataset and experiments, unless they exist.

    Raises:
        UserError: another dataset of that name exists.
    """
    from preprocessing.demo_dataset import DemoRecipe, make

    make(DemoRecipe("demo", options.tilesize, options.factor, seed=0), Path(environment.DATA_ROOT))
    for model in options.models:
        folder = Path(environment.EXPERIMENT_ROOT) / FOLDER / model
        folder.mkdir(parents=True, exist_ok=True)
        atomic.write_json(folder / "experiment.json", settings(model, options))


def row(environment: Environment, model: str) -> ModelRow:
    """Return a model's line of the table; a model with predictions that fail has no scores."""
    root = Path(environment.EXPERIMENT_ROOT)
    folders = RunFolders(root, f"{FOLDER}/{model}", TIMESTAMP)
    run = provenance.load(folders.run_file)
    if run is None:
        return ModelRow(model, "not trained", {}, None, None)
    session = run["sessions"][-1]
    scores = means(folders.evaluation) if session["outcome"] == "completed" else {}
    outcome = session["outcome"].split(":")[0]
    if outcome != "completed":
        outcome = f"{outcome} after step {session.get('last_step', session['first_step'])}"
    elif failed := _failed(folders.evaluation, int(scores["samples"])):
        outcome, scores = failed, {}
    return ModelRow(model, outcome, scores, session.get("images_per_second"), run.get("parameters"))


def means(path: Path) -> dict[str, float]:
    """Return the mean of every column of an evaluation over the samples of the held-out split."""
    from pix2earth.scoring.tables import csv_files
    from pix2earth.scoring.undefined import mean_of_finite

    table = csv_files.read(path)
    table = table[table["split"] == "test"]
    chosen = [name for name in table.columns if name.split("_")[0] in METRICS]
    return {"samples": len(table)} | {name: mean_of_finite(table[name].to_numpy(float)) for name in chosen}


def _failed(path: Path, samples: int) -> str:
    """Return the predictions of an evaluation that fail in words; "" where there are none."""
    from pix2earth.scoring import origins
    from pix2earth.scoring.failures import in_words

    entry = (origins.load(path) or {}).get("splits", {}).get("test", {})
    return in_words(entry.get("failures", {}), samples)


def table(rows: Sequence[ModelRow], options: argparse.Namespace) -> str:
    """Return the Markdown of the results, bicubic first."""
    known = next((line.scores for line in rows if line.scores), {})
    lines = [
        f"| model | {' | '.join(METRICS)} | img/s | parameters, generator + discriminator |",
        f"|---|{'---:|' * (len(METRICS) + 2)}",
        f"| bicubic | {' | '.join(_number(known.get(f'{name}_bicubic')) for name in METRICS)} | | 0 |",
    ]
    for line in rows:
        numbers = [_number(line.scores.get(name)) for name in METRICS] if line.scores else [line.outcome] + [""] * 4
        speed = f"{line.speed:.3g}" if line.speed else ""
        parameters = " + ".join(f"{count:,}" for count in line.parameters.values()) if line.parameters else ""
        lines.append(f"| {line.model} | {' | '.join(numbers)} | {speed} | {parameters} |")
    budget = (
        f"{options.steps} steps of batch {options.batch_size}, {options.tilesize} px, factor {options.factor},"
        f" seed {options.seed}; mean over {known.get('samples', 0)} held-out tiles."
    )
    return "\n".join([budget, "", *lines])


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def write(text: str) -> None:
    """Put the table into ``docs/results.md``.

    Raises:
        UserError: the page has no place for it.
    """
    write_section(PAGE, FOLDER, text)


@reports_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Train what is missing and write the table."""
    arguments = argparse.ArgumentParser(prog="results.py", description=(__doc__ or "").split("\n")[0])
    arguments.add_argument("--env", metavar="PATH", help="environment.json (default: PIX2EARTH_ENV, ./, ../)")
    arguments.add_argument("--steps", type=int, default=400, help="of each model (default 400)")
    arguments.add_argument("--batch-size", type=int, default=4, help="tiles a step (default 4)")
    arguments.add_argument("--tilesize", type=int, default=64, help="side of a tile in pixels (default 64)")
    arguments.add_argument("--factor", type=int, default=4, help="how much coarser the input is (default 4)")
    arguments.add_argument("--seed", type=int, default=0, help="seed of the runs (default 0)")
    arguments.add_argument("--models", nargs="+", choices=MODELS, default=MODELS, help="default: all")
    arguments.add_argument("--no-page", action="store_true", help="print the table only")
    options = arguments.parse_args(argv)
    for name in ("steps", "batch_size"):
        if getattr(options, name) < 1:
            raise UserError(f"--{name.replace('_', '-')} {getattr(options, name)}: must be at least 1")
    environment = Environment(options.env)
    prepare(environment, options)
    failure = None
    training = argparse.Namespace(exp=FOLDER, env=options.env, timestamp=TIMESTAMP, force=False, dry_run=False)
    try:
        status = queue.train_all(training, environment, PROJECT / "train.py")
    except Stopped as stopped:
        failure, status = stopped, stopped.status
    if status > 1:
        return status
    text = table([row(environment, model) for model in MODELS], options)
    print(text)
    if not options.no_page:
        write(text)
    if failure:
        raise failure
    return 0


if __name__ == "__main__":
    main()

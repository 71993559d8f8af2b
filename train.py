"""Command: train an experiment, or resume a run of it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from experiment import Environment, open_experiment
from pix2earth.console.arguments import CommandArguments
from pix2earth.records.listing import fewer_than_asked
from pix2earth.runs import identity, treatments
from pix2earth.runs.folders import RunFolders
from pix2earth.settings.errors import UserError, reports_errors
from pix2earth.training import dry_run, queue
from pix2earth.training.restoring import choose_run, compare_with_checkpoint, recorded_selection, recorded_versions


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the command line's options."""
    arguments = CommandArguments(prog="train.py", description="Train an experiment, or resume a run of it.")
    arguments.add_argument("--exp", required=True, metavar="NAME", help="experiment below the experiment root")
    arguments.add_argument("--env", metavar="PATH", help="environment.json (default: PIX2EARTH_ENV, ./, ../)")
    arguments.add_argument("--timestamp", help="name of the run (default: now, as MMDD-hhmm)")
    arguments.add_argument(
        "--restore", nargs="?", const="", metavar="TIMESTAMP",
        help="resume a run (without a value: the newest one that has a checkpoint); with --timestamp, start a new run"
        " from the checkpoint of the other one",
    )  # fmt: skip
    arguments.add_argument("--force", action="store_true", help="restore although network, data or plug-in changed")
    arguments.add_argument(
        "--all", action="store_true",
        help="train every experiment below the folder --exp, one after the other: complete ones are skipped,"
        " interrupted ones resumed, failures listed at the end",
    )  # fmt: skip
    arguments.add_argument("--dry-run", action="store_true", help="print what would run, and stop")
    return arguments.parse_args(argv)


@reports_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Train from the command line."""
    options = parse(argv)
    environment = Environment(options.env)
    if options.all:
        if options.restore is not None:
            raise UserError("--restore: is not needed with --all, which resumes interrupted runs; leave it out")
        return queue.train_all(options, environment, Path(__file__).resolve())
    name = environment.experiment_name(options.exp)
    timestamp, source = choose_run(options, environment, name)
    with RunFolders(Path(environment.EXPERIMENT_ROOT), name, timestamp).kept_when_used():
        return train_run(options, environment, name, timestamp, source)


def train_run(
    options: argparse.Namespace, environment: Environment, name: str, timestamp: str, source: str | None
) -> int:
    """Train one run; return the exit status.

    Args:
        options: of the command line.
        environment: the machine.
        name: of the experiment.
        timestamp: of the run.
        source: timestamp of the run to restore, or None.
    """
    experiment = open_experiment(name, environment, timestamp, restore=source is not None)
    from pix2earth.batches import selection
    from pix2earth.batches.dataset import Dataset
    from pix2earth.plugins import finding, needs, own_losses

    dataset = Dataset(experiment)
    plugin = finding.find(experiment)
    declared = needs.check(experiment, plugin)
    own_losses.require_weight(experiment)
    dataset.sampling = declared.literals.get("sampling", dataset.sampling)
    folders = RunFolders(experiment.output.experiment_root, name, source or timestamp)
    dataset.selection = selected = selection.choose(dataset, recorded_selection(folders) if source else None)
    for split in ("train", selected.folder):
        dataset.names(split)
    current = identity.describe(experiment, dataset.listing, plugin)
    if options.dry_run:
        versions = treatments.continued(recorded_versions(folders), current) if source is not None else current
        dry_run.show(experiment, dataset, plugin, declared, versions)
        return 0
    restored = None
    if source is not None:
        restored = compare_with_checkpoint(experiment, current, folders, force=options.force)
    from pix2earth.console.quiet import quieten_tensorflow

    environment.choose_keras()
    quieten_tensorflow()
    from pix2earth.batches.excluded_augmentation import switch_off
    from pix2earth.training.loop import Training
    from pix2earth.training.process import RunProcess

    training = Training(experiment, dataset, plugin, source)
    former = restored is not None and treatments.is_former(restored.identity)
    notes = [
        *fewer_than_asked(experiment, dataset.names("train")),
        *switch_off(experiment, training.gan, plugin, former=former),
    ]
    if restored is None:
        return RunProcess(training).run(notes)
    training.identity |= restored.identity
    return RunProcess(training).run([*restored.notes, *notes], keep_rates=restored.keep_rates)


if __name__ == "__main__":
    main()

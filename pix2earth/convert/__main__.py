"""Command: make a run of a published PyTorch checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pix2earth.console.arguments import CommandArguments
from pix2earth.settings.errors import UserError, reports_errors

if TYPE_CHECKING:
    from experiment import Experiment


def parse(argv: Sequence[str] | None) -> Any:
    """Return the options of the command line."""
    arguments = CommandArguments(
        prog="python -m pix2earth.convert",
        description="Make a run of a published PyTorch checkpoint: it can be evaluated, resumed and used by predict.py."
        " The experiment says which model, and how wide; names and shapes must be those of the checkpoint.",
    )
    arguments.add_argument(
        "--from", dest="files", required=True, nargs="+", metavar="[NETWORK=]FILE",
        help=".safetensors, .npz, or .pt, .pth, .ckpt (with torch installed; no code in them runs)",
    )  # fmt: skip
    arguments.add_argument("--exp", required=True, metavar="NAME", help="experiment below the experiment root")
    arguments.add_argument("--env", metavar="PATH", help="environment.json (default: PIX2EARTH_ENV, ./, ../)")
    arguments.add_argument("--timestamp", help="name of the run (default: now, as MMDD-hhmm)")
    arguments.add_argument(
        "--ignore", nargs="+", default=[], metavar="PREFIX", help="names of the checkpoint that no network needs"
    )
    return arguments.parse_args(argv)


@reports_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Make a run of a checkpoint."""
    options = parse(argv)
    from experiment import Environment, open_experiment
    from pix2earth.convert.states import read_state
    from pix2earth.runs.folders import RunFolders, check_timestamp, checkpoint_steps, reserved_timestamp

    environment = Environment(options.env)
    name = environment.experiment_name(options.exp)
    root = Path(environment.EXPERIMENT_ROOT)
    files = [_named(text) for text in options.files]
    states = [(network, path, read_state(path)) for network, path in files]
    unused = RunFolders(root, name, check_timestamp(options.timestamp) if options.timestamp else "x")
    if options.timestamp and checkpoint_steps(unused.checkpoints):
        raise UserError(f"--timestamp {options.timestamp}: the run exists; choose another one")
    timestamp = options.timestamp or reserved_timestamp(root / name / "logs", unused.stringname)
    with RunFolders(root, name, timestamp).kept_when_used():
        convert(open_experiment(name, environment, timestamp), states, options.ignore)
    return 0


def _named(text: str) -> tuple[str | None, Path]:
    """Return network and file of an argument ``[NETWORK=]FILE``."""
    network, separator, file = text.partition("=")
    return (network, Path(file)) if separator and not Path(text).exists() else (None, Path(text))


def convert(experiment: Experiment, states: Sequence[tuple[str | None, Path, Any]], ignored: Sequence[str]) -> None:
    """Build the networks of an experiment, assign published states, and write the run.

    Args:
        experiment: states model, sizes and settings.
        states: network that the user named or None, file, and arrays by name.
        ignored: beginnings of names that no network needs.

    Raises:
        UserError: the model rebuilds no published one, names or shapes differ, or the experiment has a start.
    """
    if experiment.settings.start_from:
        # The gain of a start is 0 at first: nothing of the published network would be seen.
        raise UserError(f"{experiment.file}: start_from: published networks have no start; leave it out")
    from pix2earth.batches import selection
    from pix2earth.batches.dataset import Dataset
    from pix2earth.console.quiet import quieten_tensorflow
    from pix2earth.plugins import finding, needs

    dataset, plugin = Dataset(experiment), finding.find(experiment)
    dataset.sampling = needs.check(experiment, plugin).literals.get("sampling", dataset.sampling)
    dataset.selection = selection.choose(dataset, None)
    experiment.environment.choose_keras()
    quieten_tensorflow()
    from pix2earth.batches.excluded_augmentation import switch_off
    from pix2earth.convert.assigning import assign_all
    from pix2earth.convert.writing import write
    from pix2earth.training.loop import Training

    training = Training(experiment, dataset, plugin)
    switch_off(experiment, training.gan, plugin)
    lines = assign_all(training.gan, plugin, states, ignored)
    write(training, lines, [path for _, path, _ in states])


if __name__ == "__main__":
    main()

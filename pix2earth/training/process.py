"""One training process of a run: locks its folders, restores, trains with console and journal, evaluates."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pix2earth.console.run_console import RunConsole
from pix2earth.figures import curve_tables, diagrams
from pix2earth.figures.live_page import LivePage, ShownRun
from pix2earth.plugins import state
from pix2earth.runs import provenance
from pix2earth.runs.folders import checkpoint_steps, started
from pix2earth.runs.origin import origin_of
from pix2earth.scoring.evaluating import evaluate_and_show, evaluation_split
from pix2earth.scoring.scorer import Scorer
from pix2earth.settings import atomic, locking
from pix2earth.training import checkpoints, devices
from pix2earth.training import journal as journals
from pix2earth.training.interruption import Interruption
from pix2earth.training.journal import Journal
from pix2earth.training.loop import Training
from pix2earth.training.optimization import averages


class RunProcess:
    """Runs a training as ``train.py`` does: with console, journal, ``run.json`` and a final evaluation.

    Attributes:
        record: the content of ``run.json``.
        description: what the file describes from the first checkpoint of this process on. Until then a resumed run
            keeps its former description, which is that of its checkpoints; only its sessions are recorded at once.
    """

    def __init__(self, training: Training) -> None:
        """Prepare to run a training; nothing is written yet."""
        self.training = training
        self.experiment, self.output = training.experiment, training.experiment.output
        self.record: dict[str, Any] = {}
        self.description: dict[str, Any] | None = None

    def run(self, notes: Sequence[str], *, keep_rates: bool = False) -> int:
        """Restore, train, evaluate, and return the exit status.

        Args:
            notes: lines for the console and its log: what differs from the run that is restored, what is switched off.
            keep_rates: keep the learning rates of the experiment instead of those of the checkpoint.
        """
        with self.locked():
            signal_number = self.train(notes, keep_rates=keep_rates)
        if signal_number is not None:
            return 128 + signal_number
        self.evaluate(self.training.finished)
        return 0

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the run: two processes that train it would overwrite each other's checkpoints; a context manager.

        Raises:
            UserError: another process trains it.
        """
        if not self.training.chief:
            yield
            return
        self.output.create()
        lock = locking.acquire(
            self.output.logs / ".lock",
            f"{self.output.logs}: another process trains this run; wait for it, or choose another --timestamp",
        )
        try:
            yield
        finally:
            lock.release()

    def train(self, notes: Sequence[str], *, keep_rates: bool) -> int | None:
        """Restore and train with console, journal and ``run.json``; return the signal that ended it, or None."""
        experiment, training = self.experiment, self.training
        lines = list(notes)
        done = training.restore(lines.append, keep_rates=keep_rates)
        log = self.output.console_log(experiment.ENVIRONMENT) if training.chief else None
        with RunConsole(log, total=experiment.STEPS, done=done, batch_size=experiment.BATCH_SIZE) as console:
            for line in lines:
                console.message(line)
            self.prepare_folders(console.message, done)
            signal_number = self.run_loop(console, done)
            if signal_number is not None:
                command = training.resume_command()
                console.message(f"interrupted after step {training.finished}, saved; resume with: {command}")
        return signal_number

    def prepare_folders(self, report: Callable[[str], None], done: int) -> None:
        """Write ``run.json``, a copy of the experiment and the network diagrams; report the model, data and devices."""
        training, experiment = self.training, self.experiment
        device_summary = devices.describe(training.strategy)
        if not training.chief:
            return
        description = provenance.describe(experiment, training.dataset, training.plugin, device_summary)
        description["parameters"] = {
            name: network.count_params() for name, network in state.networks(training.gan).items()
        }
        if training.start is not None:
            description["start"] = training.start
        if training.source not in (None, experiment.TIMESTAMP):
            description["restored_from"] = f"{training.source}:{done}"
        self.describe_run(description)
        provenance.start_session(self.record, self.output.run_file, done)
        training.started = started(self.output.checkpoints) or self.record["sessions"][0]["started"]
        training.on_save = self.checkpoint_saved
        kind = "GPU" if "GPU" in device_summary["devices"][0] else "CPU"
        report(
            f"{experiment.NAME} {experiment.TIMESTAMP}: {experiment.MODEL_NAME} on {training.samples_of_epoch} training"
            f" samples of {experiment.DATASET}, batch {experiment.BATCH_SIZE}, {kind} x {device_summary['replicas']},"
            f" steps {done} to {experiment.STEPS}"
        )
        if training.validation.selection.split != "val":
            report(f"no val split in {experiment.DATA_ROOT}: the best checkpoint is {training.validation.selection}")
        if done == 0 or training.source != experiment.TIMESTAMP:
            diagrams.draw(training.gan, Path(self.output.MODEL), report)

    def describe_run(self, description: dict[str, Any]) -> None:
        """Choose what ``run.json`` holds until the first checkpoint of this process."""
        self.description = description
        existing = provenance.load(self.output.run_file)
        for key in ("restored_from", "start"):
            if existing and key in existing:
                description.setdefault(key, existing[key])
        if existing and checkpoint_steps(self.output.checkpoints):
            self.record = existing
            return
        sessions = existing["sessions"] if existing else []
        self.record = {**description, "sessions": sessions}
        atomic.copy(self.experiment.file, Path(self.output.LOGS) / "experiment.json")

    def checkpoint_saved(self, step: int) -> None:
        """Write ``run.json`` and the copy of the experiment as they belong to the checkpoint that was saved."""
        if self.description is not None:
            self.record = {**self.description, "sessions": self.record["sessions"]}
            atomic.copy(self.experiment.file, Path(self.output.LOGS) / "experiment.json")
            self.description = None
        self.record["best"] = self.training.best.entry
        atomic.write_json(self.output.run_file, self.record)

    def run_loop(self, console: RunConsole, done: int) -> int | None:
        """Run the loop and record in ``run.json`` how it ended; return the signal that ended it, or None."""
        training = self.training
        journal = Journal(self.output.journal, done) if training.chief else None
        if journal:
            journal.hyperparameters(self.experiment.resolved())
            journal.page = self.live_page(journal)
        interruption = Interruption()
        training.finished = done
        try:
            outcome = training.loop(console, journal, interruption, done)
        except Exception as error:
            self.end(f"stopped: {error}", console, journal)
            raise
        finally:
            interruption.close()
            if journal:
                journal.close()
        self.end(outcome, console, journal)
        if journal:
            curve_tables.write(journal.path)
        # A signal to another machine interrupts this one too.
        return (interruption.signal or signal.SIGTERM) if outcome == "interrupted" else None

    def live_page(self, journal: Journal) -> LivePage:
        """Return the page ``samples/index.html`` of the run, with what the journal holds."""
        experiment, images = self.experiment, Path(self.output.SAMPLES)
        model = f"{experiment.MODEL_NAME} on {experiment.DATASET}"
        run = ShownRun(self.output.run_name, model, experiment.STEPS, images)
        return LivePage(run, journals.read(journal.path))

    def end(self, outcome: str, console: RunConsole, journal: Journal | None) -> None:
        """Record in ``run.json`` and in the page of the run how the process ended."""
        if journal and journal.page:
            journal.page.write(outcome.split("\n")[0])
        if self.training.chief:
            provenance.end_session(
                self.record, self.output.run_file, self.training.finished, outcome.split("\n")[0],
                console.images_per_second,
            )  # fmt: skip

    def evaluate(self, step: int) -> None:
        """Write the metrics of every sample of the evaluation split, and print their summary."""
        from pix2earth.figures import tile_pictures  # matplotlib takes its time
        from pix2earth.figures.scatter import draw_where_asked

        training = self.training
        if not training.chief:
            return
        split = evaluation_split(training.dataset, None)
        scorer = Scorer(training.dataset, training.gan, training.plugin, self.experiment.METRICS, split=split)
        scorer.report = lambda line: None  # reported before the first step
        scorer.origin = origin_of(self.output, checkpoints.read_metadata(self.output.checkpoints, step))
        with averages.used(training.gan):
            table = evaluate_and_show(scorer, split, step)
            tile_pictures.keep_beside(scorer, split, table, self.output.evaluation)
            figure = draw_where_asked(scorer, split, self.output.evaluation)
        if figure:
            print(figure)
        print(self.output.sample(step))

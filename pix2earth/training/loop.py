"""The training loop of one run: steps on all devices, with validation, sample images and checkpoints."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tensorflow as tf

from experiment import Experiment
from pix2earth.batches.dataset import Dataset
from pix2earth.plugins import contract, starting
from pix2earth.plugins.failures import attributed_to
from pix2earth.records.format import DAMAGE
from pix2earth.runs import identity, provenance
from pix2earth.runs.folders import RunFolders, checkpoint_steps
from pix2earth.runs.origin import Origin
from pix2earth.settings.errors import Stopped, UserError
from pix2earth.training import checkpoints, devices, held_out_image
from pix2earth.training.compiled_step import STOP, compile_step
from pix2earth.training.interruption import Interruption
from pix2earth.training.journal import Journal
from pix2earth.training.optimization import averages, rates
from pix2earth.training.optimization.loss_weights import LossWeights, check_read
from pix2earth.training.report import Report
from pix2earth.training.restoring import samples_of
from pix2earth.training.validation import BestStep, Validation


class Training:
    """The networks of one run, and the loop that trains them.

    Attributes:
        gan: the plug-in with its networks and optimisers.
        strategy: the devices.
        chief: whether this process writes files; on several machines, only one does.
        validation: scores on held-out samples.
        best: the best step so far.
        identity: of the run, written with every checkpoint.
        started: when the first process of the run started, ISO 8601.
        start: of a new run, what its networks start from, for ``run.json``.
        losses: names of the losses that the newest step returned.
        on_save: called with the step after a checkpoint was saved; None: nothing is called.
        finished: number of finished steps.
        saved: the step of the newest checkpoint that this process has saved or restored.
    """

    def __init__(self, experiment: Experiment, dataset: Dataset, plugin: Path, source: str | None = None) -> None:
        """Build the networks.

        Args:
            experiment: what to train.
            dataset: its samples.
            plugin: the file of its plug-in.
            source: timestamp of the run to restore, or None.

        Raises:
            UserError: the plug-in, its step or the devices do not fit the experiment.
        """
        self.experiment, self.dataset, self.plugin, self.source = experiment, dataset, plugin, source
        self.output = experiment.output
        self.strategy = devices.prepare(experiment)
        self.chief = devices.is_chief(self.strategy)
        with self.strategy.scope(), tf.variable_creator_scope(devices.replica_variables):
            self.gan = contract.build(experiment, plugin)
            averages.add(experiment, self.gan, plugin)
        dataset.sampling = contract.sampling(self.gan, plugin)
        contract.bind(plugin, "train_step", contract.parameters(self.gan.train_step), dataset.prepared_fields)
        devices.average_gradients(self.gan, self.strategy.num_replicas_in_sync)
        self.rates = rates.Rates(experiment, self.gan, plugin)
        self.loss_weights = LossWeights(experiment)
        rates.clip_gradients(experiment, self.gan, plugin, self.strategy.num_replicas_in_sync)
        self.source_folder = RunFolders(self.output.experiment_root, experiment.NAME, source or "").checkpoints
        self.validation = Validation(dataset, self.gan, plugin)
        self.samples_of_epoch = len(dataset.streams()[0].names)  # fewer than in train where `sequence_groups` is set
        self.best = BestStep(experiment.BEST_METRIC, self.validation.basis)
        self.identity = identity.describe(experiment, dataset.listing, plugin)
        self.identity["selection"] = self.validation.selection.split  # a part held out of train is not trained on
        self.started = provenance.now()
        self.start: dict[str, Any] | None = None
        self.losses: list[str] = []
        self.on_save: Callable[[int], None] | None = None
        self.finished = 0
        self.saved: int | None = None

    def restore(self, report: Callable[[str], None], *, keep_rates: bool = False) -> int:
        """Restore the newest intact checkpoint, or fit the start of a new run; return the number of finished steps.

        Args:
            report: receives a line for each checkpoint that is damaged and each incomplete file that is removed.
            keep_rates: keep the learning rates of the experiment instead of those of the checkpoint.

        Raises:
            UserError: no checkpoint is intact, or it does not fit.
        """
        if self.chief and self.output.checkpoints.is_dir():
            for removed in checkpoints.remove_leftovers(self.output.checkpoints):
                report(f"{self.output.checkpoints / removed}: removed, left over from an interrupted save")
        if self.source is None:
            self.start = starting.fit_start(self.gan, self.dataset, self.dataset.names("train"), report)
            return 0
        step = checkpoints.newest_intact(self.source_folder, report)
        if step is None:
            raise UserError(f"{self.source_folder}: no checkpoint is intact; start a new run")
        if step > self.experiment.STEPS:
            raise UserError(
                f"{self.experiment.file}: steps: is {self.experiment.STEPS}, but the run has done {step}; raise it"
            )
        current = devices.learning_rates(self.gan)
        saved = checkpoints.restore(self.gan, self.source_folder, step)
        if keep_rates:
            # The checkpoint holds the former learning rates; the experiment has been changed since.
            devices.set_learning_rates(self.gan, current)
        if self.source == self.experiment.TIMESTAMP:
            self.best.resume(saved["best"], report)
        self.losses = list(saved.get("losses", []))
        source = RunFolders(self.output.experiment_root, self.experiment.NAME, self.source)
        samples = samples_of(saved, source, self.experiment.BATCH_SIZE)
        self.dataset.offset = samples - step * self.experiment.BATCH_SIZE
        return step

    def batches(self, done: int) -> Any:
        """Return an iterator over this process's share of the batches, starting after ``done`` finished steps."""
        steps, replicas = self.experiment.STEPS, self.strategy.num_replicas_in_sync
        if replicas == 1:
            return iter(self.dataset.training_batches(done, steps))

        def share(context: tf.distribute.InputContext) -> tf.data.Dataset:
            local = replicas // context.num_input_pipelines
            return self.dataset.training_batches(
                done, steps, replicas=replicas, first_replica=context.input_pipeline_id * local, local_replicas=local
            )

        return iter(self.strategy.distribute_datasets_from_function(share))

    def loop(self, report: Report, journal: Journal | None, interruption: Interruption, done: int) -> str:
        """Train all steps after the ``done`` finished ones; ``finished`` is updated after every step.

        Args:
            report: receives messages and losses.
            journal: receives losses and validations; None on machines that do not write.
            interruption: ends the loop between two steps.
            done: number of finished steps.

        Returns:
            "completed" or "interrupted".

        Raises:
            UserError: a record is damaged, or the plug-in's step fails.
            Stopped: a loss is not finite, memory is exhausted, or another machine is lost.
        """
        experiment = self.experiment
        batches = self.batches(done)
        self.finished, self.saved = done, done if self.source == experiment.TIMESTAMP else None
        if done < experiment.STEPS:
            self.validation.check(report.message)
        else:
            report.message(f"all {done} steps are done; raise steps to train on")
        if done == 0:
            self.draw(0, journal)
        for step in range(done, experiment.STEPS):
            batch = self.next_batch(batches, step, journal)
            if self.loss_weights.enter(step):
                train = compile_step(self.gan, self.plugin, self.dataset, self.strategy)
            self.rates.apply(step, self.epochs(step), self.epochs(experiment.STEPS))
            with attributed_to(self.plugin, "train_step() fails"), self.device_errors_explained():
                means = train(batch, tf.constant(step, tf.int64), tf.constant(float(interruption.signal is not None)))
            if step == done:
                check_read(experiment, self.plugin)
            losses = {name: float(value) for name, value in means.items()}
            stopping = losses.pop(STOP) > 0
            self.check_finite(step, losses)
            self.losses = list(losses)
            finished = self.finished = step + 1
            epoch = self.epochs(finished)
            if journal:
                journal.losses(finished, epoch, losses)
            report.step(finished, epoch, losses)
            self.periodic_work(finished, report, journal)
            if stopping and finished < experiment.STEPS:
                self.save(finished, journal)
                return "interrupted"
        self.save(experiment.STEPS, journal)
        return "completed"

    def epochs(self, step: int) -> float:
        """Return the number of epochs after so many finished steps."""
        return self.dataset.samples_after(step) / self.samples_of_epoch

    def next_batch(self, batches: Iterator[Any], step: int, journal: Journal | None) -> Any:
        """Return the batch of a step; where a record is damaged, save a checkpoint before raising.

        Raises:
            UserError: a record is damaged; with its file.
        """
        try:
            with self.device_errors_explained():
                return next(batches)
        except DAMAGE as error:
            self.save(step, journal)
            defects = self.dataset.diagnose("train", self.dataset.step_names(step))
            raise UserError(*(defects or [f"step {step}: the data cannot be read: {error}"])) from error

    @contextmanager
    def device_errors_explained(self) -> Iterator[None]:
        """Turn TensorFlow's errors of exhausted memory and lost machines into one line; a context manager.

        Raises:
            Stopped: with the setting to change or the command to type.
        """
        try:
            yield
        except tf.errors.ResourceExhaustedError as error:
            size = self.experiment.BATCH_SIZE
            raise Stopped(f"{self.experiment.file}: batch_size: memory is exhausted with {size}; lower it") from error
        except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError) as error:
            command = self.resume_command()
            raise Stopped(f"step {self.finished}: another machine is lost; start all again: {command}") from error

    def resume_command(self) -> str:
        """Return the command that resumes the run."""
        return f"python train.py --exp {self.experiment.NAME} --restore {self.experiment.TIMESTAMP}"

    def check_finite(self, step: int, losses: dict[str, float]) -> None:
        """Check that every loss with a weight other than 0 is finite.

        Raises:
            Stopped: one is not; with the samples of the batch and the newest checkpoint.
        """
        weights = {**self.experiment.settings.gen_loss, **self.experiment.settings.disc_loss}
        not_finite = {
            name: value for name, value in losses.items() if not math.isfinite(value) and weights.get(name, 1) != 0
        }
        if not not_finite:
            return
        kept = checkpoint_steps(self.output.checkpoints)
        values = ", ".join(f"{name} is {value}" for name, value in not_finite.items())
        raise Stopped(
            f"step {step + 1}: {values}; samples of this batch: {', '.join(self.dataset.step_names(step))}; "
            + (f"the checkpoint of step {kept[-1]} is the last good one" if kept else "no checkpoint had been saved")
            + "; lower the learning rate or check these samples"
        )

    def periodic_work(self, step: int, report: Report, journal: Journal | None) -> None:
        """Validate, draw a sample image and save a checkpoint, each after its number of steps and at the end."""
        experiment, last = self.experiment, step == self.experiment.STEPS
        improved = False
        if step % experiment.VALIDATE_FREQ == 0 or last:
            with averages.used(self.gan):
                improved = self.validation.report_step(step, self.best, report, journal)
        if step % experiment.SAMPLE_FREQ == 0 or last:
            self.draw(step, journal)
        if step % experiment.CKPT_FREQ == 0 or improved or last:
            self.save(step, journal)

    def save(self, step: int, journal: Journal | None) -> None:
        """Save a checkpoint unless this step is saved, and remove those that need not be kept."""
        if step == self.saved:
            return
        if journal:
            journal.sync()
        folder, best = self.output.checkpoints, self.best.step
        selection = self.validation.selection.record()
        recorded = {
            "identity": self.identity, "selection": selection, "started": self.started, "losses": self.losses,
            "samples": self.dataset.samples_after(step),
        }  # fmt: skip
        checkpoints.save(self.gan, folder, step, self.best.entry, write=self.chief, recorded=recorded)
        self.saved = step
        if not self.chief:
            return
        if self.on_save:
            self.on_save(step)
        periodic = {number for number in checkpoint_steps(folder) if number % self.experiment.CKPT_FREQ == 0}
        for number in checkpoint_steps(folder):
            if number not in periodic | {best, step}:
                checkpoints.remove(folder, number)  # a former best step, or saved at an interruption
        if self.experiment.KEEP_CHECKPOINTS != "all":
            checkpoints.drop_old(folder, self.experiment.KEEP_CHECKPOINTS, {best} if best is not None else set())

    def draw(self, step: int, journal: Journal | None) -> None:
        """Draw the sample image of a few held-out samples, always the same."""
        origin = Origin(
            self.experiment.NAME, self.experiment.TIMESTAMP, self.started, step, None, self.identity, self.losses,
            differences=self.identity.get("changes", ()),
        )  # fmt: skip
        with averages.used(self.gan):
            held_out_image.draw(self.validation, origin, journal, write=self.chief)

"""Command and training loop: what a run does."""

from __future__ import annotations

import argparse
import json
import math
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiment import Environment, Experiment, open_experiment
from pix2earth.records.manifest import SPLITS
from pix2earth.runs import provenance
from pix2earth.runs.folders import RunFolders, checkpoint_steps
from pix2earth.settings import atomic
from pix2earth.settings.errors import Mistake, Stopped, reports_mistakes
from pix2earth.training import queue
from pix2earth.training.interruption import Interruption
from pix2earth.training.restoring import check_changes, choose_run

if TYPE_CHECKING:
    import tensorflow as tf

    from dataset import Dataset
    from pix2earth.console.run_console import RunConsole
    from pix2earth.scoring.scorer import Scorer
    from pix2earth.training.journal import Journal

VALIDATION_SAMPLES = 64


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the command line's options."""
    arguments = argparse.ArgumentParser(prog="train.py", description="Train an experiment, or continue a run of it.")
    arguments.add_argument("--exp", required=True, metavar="NAME", help="experiment below the experiment root")
    arguments.add_argument("--env", metavar="PATH", help="environment.json (default: PIX2EARTH_ENV, ./, ../)")
    arguments.add_argument("--timestamp", help="name of the run (default: now, as MMDD-hhmm)")
    arguments.add_argument(
        "--restore", nargs="?", const="", metavar="TIMESTAMP",
        help="continue a run (without a value: the newest one that has a checkpoint); with --timestamp, a new run"
        " that begins where the other one is",
    )  # fmt: skip
    arguments.add_argument("--force", action="store_true", help="restore although network or data settings changed")
    arguments.add_argument(
        "--all", action="store_true",
        help="train every experiment below the folder --exp, one after the other: complete ones are skipped, begun"
        " ones resumed, failures listed at the end",
    )  # fmt: skip
    arguments.add_argument("--dry-run", action="store_true", help="print what would run, and stop")
    return arguments.parse_args(argv)


def print_dry_run(experiment: Experiment, dataset: Dataset, plugin: Path) -> None:
    """Print the resolved experiment and the dataset's summary."""
    manifest = experiment.manifest
    print(json.dumps(experiment.resolved(), indent=2))
    print(f"environment: {experiment.environment.path or 'built in'}")
    print(f"plug-in: {plugin}")
    print(f"run: {experiment.output.LOGS}")
    counts = {split: len(dataset.names(split)) for split in SPLITS if dataset.has(split)}
    print(f"dataset: {experiment.DATA_ROOT} ({', '.join(f'{count} {split}' for split, count in counts.items())} used)")
    for name, field in manifest.fields.items():
        role = ", ".join(role for role in ("input", "target", "mask", "score_by") if getattr(manifest, role) == name)
        print(
            f"  {name}{f' ({role})' if role else ''}: {field.dtype} {'x'.join(map(str, field.shape))},"
            f" {field.kind}, {' '.join(field.bands)}"
        )
    print(
        f"network: {experiment.INPUT_CHANNELS} channels in, {experiment.OUTPUT_CHANNELS} out,"
        f" values {experiment.NORMALIZE}"
    )


@reports_mistakes
def main(argv: Sequence[str] | None = None) -> int:
    """Train from the command line."""
    options = parse(argv)
    environment = Environment(options.env)
    if options.all:
        if options.restore is not None:
            raise Mistake("--restore: is not needed with --all, which resumes what was begun; leave it out")
        return queue.train_all(options, environment, Path(__file__).resolve())
    name = environment.experiment_name(options.exp)
    timestamp, source = choose_run(options, environment, name)
    experiment = open_experiment(name, environment, timestamp, restore=source is not None)
    from dataset import Dataset
    from pix2earth.plugins import contract

    dataset = Dataset(experiment)
    plugin = contract.find(experiment)
    for split in ("train", held_out(dataset)):
        dataset.names(split)
    if options.dry_run:
        print_dry_run(experiment, dataset, plugin)
        return 0
    changes: list[str] = []
    before = None
    if source is not None:
        before = provenance.load(RunFolders(experiment.output.experiment_root, name, source).run_file)
        if before is not None:
            changes = check_changes(experiment, before, dataset.listing.fingerprint, force=options.force)
    from pix2earth.console.quiet import quieten_tensorflow

    environment.choose_keras()
    quieten_tensorflow()
    training = Training(experiment, dataset, plugin, source)
    training.keep_rates = before is not None and before["settings"]["learning_rate"] != experiment.LEARNING_RATE
    return training.run(changes)


def held_out(dataset: Dataset) -> str:
    """Return the split for pictures and validation while training: val, or test where there is no val.

    Raises:
        Mistake: the dataset has neither.
    """
    for split in ("val", "test"):
        if dataset.has(split):
            return split
    raise Mistake(f"{dataset.listing.folder}: has no samples in val/: pictures and validation need held-out samples")


class Training:
    """One process of one run."""

    def __init__(self, experiment: Experiment, dataset: Dataset, plugin: Path, source: str | None) -> None:
        """Make the networks; ``source`` names the run to restore."""
        import tensorflow as tf

        from pix2earth.plugins import contract
        from pix2earth.scoring.scorer import Scorer
        from pix2earth.training import devices

        self.experiment, self.dataset, self.plugin, self.source = experiment, dataset, plugin, source
        self.output = experiment.output
        self.strategy = devices.prepare(experiment)
        self.chief = devices.is_chief(self.strategy)
        with self.strategy.scope(), tf.variable_creator_scope(devices.replica_variables):
            self.gan = contract.build(experiment, plugin)
        contract.bind(
            plugin, "train_step", contract.wanted(self.gan.train_step), dict.fromkeys(field_names(experiment))
        )
        devices.average_gradients(self.gan, self.strategy.num_replicas_in_sync)
        self.source_folder = RunFolders(self.output.experiment_root, experiment.NAME, source or "").checkpoints
        self.split = held_out(dataset)
        self.validation_names = spread(dataset.names(self.split), VALIDATION_SAMPLES)
        metrics = validation_metrics(experiment)
        self.scorer: Scorer = Scorer(dataset, self.gan, plugin, metrics, baseline=False, regions=False)
        self.best: dict[str, Any] | None = None
        self.keep_rates = False

    # ---- before -----------------------------------------------------------------------------------------------

    def restore(self, say: Callable[[str], None]) -> int:
        """Set all variables as the newest intact checkpoint has them; return the number of finished steps.

        Raises:
            Mistake: no checkpoint is intact, or it does not fit.
        """
        from pix2earth.training import checkpoints, devices

        if self.chief and self.output.checkpoints.is_dir():
            for removed in checkpoints.sweep(self.output.checkpoints):
                say(f"{self.output.checkpoints / removed}: removed, left over from an interrupted save")
        if self.source is None:
            return 0
        step = checkpoints.newest_intact(self.source_folder, say)
        if step is None:
            raise Mistake(f"{self.source_folder}: no checkpoint is intact; begin a new run")
        if step > self.experiment.STEPS:
            raise Mistake(
                f"{self.experiment.file}: steps: is {self.experiment.STEPS}, but the run has done {step}; raise it"
            )
        rates = devices.learning_rates(self.gan)
        saved = checkpoints.restore(self.gan, self.source_folder, step)
        if self.keep_rates:
            # The checkpoint holds the rates of the run, and the experiment now wants others.
            devices.set_learning_rates(self.gan, rates)
        self.best = saved["best"] if self.source == self.experiment.TIMESTAMP else None
        return step

    def run(self, changes: Sequence[str]) -> int:
        """Restore, train, evaluate, and return the exit status."""
        with self.alone():
            number = self.train(changes)
        if number is not None:
            return 128 + number
        self.evaluate(self.finished)
        return 0

    def train(self, changes: Sequence[str]) -> int | None:
        """Restore and train under console, journal and ``run.json``; return the signal that ended it, if any."""
        from pix2earth.console.run_console import RunConsole

        experiment = self.experiment
        notes: list[str] = list(changes)
        done = self.restore(notes.append)
        log = self.output.console_log(experiment.ENVIRONMENT) if self.chief else None
        with RunConsole(log, total=experiment.STEPS, done=done, batch_size=experiment.BATCH_SIZE) as console:
            for note in notes:
                console.say(note)
            self.prepare_folders(console, done)
            number = self.noted(console, done)
            if number is not None:
                console.say(f"interrupted after step {self.finished}, saved; go on with: {self.resume_command()}")
        return number

    def noted(self, console: RunConsole, done: int) -> int | None:
        """Run the loop, and note in journal and ``run.json`` how it went; return as ``train`` does."""
        from pix2earth.training.journal import Journal

        journal = Journal(self.output.journal, done) if self.chief else None
        interruption = Interruption()
        self.finished = done
        try:
            outcome = self.loop(console, journal, interruption, done)
        except Exception as error:
            self.end(f"stopped: {error}", console)
            raise
        finally:
            interruption.close()
            if journal:
                journal.close()
        self.end(outcome, console)
        # A signal to another machine interrupts this one too.
        return (interruption.signal or signal.SIGTERM) if outcome == "interrupted" else None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes from training the same run: they would overwrite each other's checkpoints.

        Raises:
            Mistake: another process trains it.
        """
        from filelock import FileLock, Timeout

        if not self.chief:
            yield
            return
        self.output.create()
        try:
            with FileLock(self.output.logs / ".lock", timeout=0):
                yield
        except Timeout:
            raise Mistake(
                f"{self.output.logs}: another process trains this run; wait for it, or choose another --timestamp"
            ) from None

    def resume_command(self) -> str:
        """Return what the user types to go on."""
        return f"python train.py --exp {self.experiment.NAME} --restore {self.experiment.TIMESTAMP}"

    def prepare_folders(self, console: RunConsole, done: int) -> None:
        """Make the folders, ``run.json``, a copy of the experiment and the diagrams; say what begins."""
        from pix2earth.figures import diagrams
        from pix2earth.training import devices

        experiment = self.experiment
        described = devices.describe(self.strategy)
        if not self.chief:
            return
        self.record = provenance.describe(experiment, self.dataset, self.plugin, described)
        self.record["parameters"] = {
            name: getattr(self.gan, name).count_params() for name in ("generator", "discriminator")
        }
        if before := provenance.load(self.output.run_file):
            self.record["sessions"] = before["sessions"]
        if self.source not in (None, experiment.TIMESTAMP):
            self.record["restored_from"] = f"{self.source}:{done}"
        provenance.begin_session(self.record, self.output.run_file, done)
        atomic.copy(experiment.file, Path(self.output.LOGS) / "experiment.json")
        kind = "GPU" if "GPU" in described["devices"][0] else "CPU"
        console.say(
            f"{experiment.NAME} {experiment.TIMESTAMP}: {experiment.MODEL_NAME} on {len(self.dataset)} training samples"
            f" of {experiment.DATASET}, batch {experiment.BATCH_SIZE}, {kind} x {described['replicas']},"
            f" steps {done} to {experiment.STEPS}"
        )
        if done == 0 or self.source != experiment.TIMESTAMP:
            diagrams.draw(self.gan, Path(self.output.MODEL), console.say)

    # ---- the loop ---------------------------------------------------------------------------------------------

    def batches(self, done: int) -> Any:
        """Return an iterator over this process's share of the batches from step ``done`` on."""
        steps, replicas = self.experiment.STEPS, self.strategy.num_replicas_in_sync
        if replicas == 1:
            return iter(self.dataset.training_batches(done, steps))

        def share(context: tf.distribute.InputContext) -> tf.data.Dataset:
            local = replicas // context.num_input_pipelines
            return self.dataset.training_batches(
                done, steps, replicas=replicas, first_replica=context.input_pipeline_id * local, local_replicas=local
            )

        return iter(self.strategy.distribute_datasets_from_function(share))

    def loop(self, console: RunConsole, journal: Journal | None, interruption: Interruption, done: int) -> str:
        """Train from step ``done`` on, keeping count in ``finished``; return "completed" or "interrupted".

        Raises:
            Mistake: a record is damaged, or the plug-in's step fails.
            Stopped: a loss is not finite, memory is exhausted, or another machine has gone.
        """
        import tensorflow as tf

        from pix2earth.plugins import contract
        from pix2earth.records.format import DAMAGE
        from pix2earth.training import state
        from pix2earth.training.compiled_step import STOP, compile_step

        experiment = self.experiment
        train = compile_step(self.gan, self.plugin, self.dataset, self.strategy)
        batches = self.batches(done)
        weightless = {
            name for weights in (experiment.GEN_LOSS, experiment.DISC_LOSS) for name in weights if not weights[name]
        }
        if done < experiment.STEPS:
            # What is wrong with a metric shows now, and not when the first validation is due.
            with state.unmoved(self.gan):
                next(self.scorer.rows(self.split, self.validation_names))
        else:
            console.say(f"all {experiment.STEPS} steps are done; raise steps to train on")
        if done == 0:
            self.picture(0)
        saved = done if self.source == experiment.TIMESTAMP else None
        for step in range(done, experiment.STEPS):
            try:
                with self.explaining_devices():
                    batch = next(batches)
            except DAMAGE as error:
                self.save(step, journal, saved)
                found = self.dataset.diagnose("train", self.dataset.step_names(step))
                raise Mistake(*(found or [f"step {step}: the data cannot be read: {error}"])) from error
            stop = tf.constant(0.0 if interruption.signal is None else 1.0)
            with contract.blaming(self.plugin, "train_step() fails"), self.explaining_devices():
                means = train(batch, tf.constant(step, tf.int64), stop)
            losses = {name: float(value) for name, value in means.items()}
            stopping = losses.pop(STOP) > 0
            bad = [name for name, value in losses.items() if not math.isfinite(value) and name not in weightless]
            if bad:
                raise Stopped(self.explain_divergence(step, {name: losses[name] for name in bad}))
            finished = self.finished = step + 1
            epoch = finished * experiment.BATCH_SIZE / len(self.dataset)
            if journal:
                journal.losses(finished, epoch, losses)
            console.step(finished, epoch, losses)
            saved = self.occasionally(finished, console, journal, saved)
            if stopping and finished < experiment.STEPS:
                self.save(finished, journal, saved)
                return "interrupted"
        self.save(experiment.STEPS, journal, saved)
        return "completed"

    @contextmanager
    def explaining_devices(self) -> Iterator[None]:
        """Say in one line what exhausted memory and lost machines look like deep inside TensorFlow."""
        import tensorflow as tf

        try:
            yield
        except tf.errors.ResourceExhaustedError as error:
            size = self.experiment.BATCH_SIZE
            raise Stopped(f"{self.experiment.file}: batch_size: memory is exhausted with {size}; lower it") from error
        except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError) as error:
            command = self.resume_command()
            raise Stopped(f"step {self.finished}: another machine has gone; start all again: {command}") from error

    def explain_divergence(self, step: int, losses: dict[str, float]) -> str:
        """Say which loss is not finite, on which samples, and what is safe."""
        kept = checkpoint_steps(self.output.checkpoints)
        shown = ", ".join(f"{name} is {value}" for name, value in losses.items())
        return (
            f"step {step + 1}: {shown}; samples of this batch: {', '.join(self.dataset.step_names(step))}; "
            + (f"the checkpoint of step {kept[-1]} is the last good one" if kept else "no checkpoint had been saved")
            + "; lower the learning rate or look at these samples"
        )

    def occasionally(self, step: int, console: RunConsole, journal: Journal | None, saved: int | None) -> int | None:
        """Validate, draw and save where it is time; return the step of the newest checkpoint."""
        experiment, last = self.experiment, step == self.experiment.STEPS
        from pix2earth.training import state

        improved = False
        if step % experiment.VALIDATE_FREQ == 0 or last:
            with state.unmoved(self.gan):
                scores = self.scorer.means(self.split, self.validation_names)
            improved = self.note_best(step, scores[experiment.BEST_METRIC])
            if journal:
                journal.validation(step, scores)
            console.validation = f"{self.split} {experiment.BEST_METRIC} {scores[experiment.BEST_METRIC]:.4g}"
            console.say(f"step {step}: {console.validation}{' (best so far)' if improved else ''}")
        if step % experiment.SAMPLE_FREQ == 0 or last:
            self.picture(step)
        if step % experiment.CKPT_FREQ == 0 or improved or last:
            self.save(step, journal, saved)
            return step
        return saved

    def note_best(self, step: int, value: float) -> bool:
        """Remember the step with the best validation; tell whether it is this one."""
        from metrics import LOWER_IS_BETTER

        metric = self.experiment.BEST_METRIC
        sign = -1 if metric in LOWER_IS_BETTER else 1
        known = self.best if self.best and self.best["metric"] == metric else None
        if math.isfinite(value) and (known is None or sign * value > sign * known["value"]):
            self.best = {"step": step, "metric": metric, "value": value}
            return True
        return False

    def save(self, step: int, journal: Journal | None, saved: int | None) -> None:
        """Save a checkpoint unless this step is saved, and drop those that need not be kept."""
        from pix2earth.training import checkpoints

        if step == saved:
            return
        if journal:
            journal.sync()
        folder = self.output.checkpoints
        checkpoints.save(self.gan, folder, step, self.best, write=self.chief)
        if not self.chief:
            return
        best = self.best["step"] if self.best else None
        periodic = {number for number in checkpoint_steps(folder) if number % self.experiment.CKPT_FREQ == 0}
        for number in checkpoint_steps(folder):
            if number not in periodic | {best, step}:
                checkpoints.remove(folder, number)  # a former best, or where an interruption was
        if self.experiment.KEEP_CHECKPOINTS != "all":
            checkpoints.drop_old(folder, self.experiment.KEEP_CHECKPOINTS, {best} if best is not None else set())

    def picture(self, step: int) -> None:
        """Draw the sample picture of fixed held-out samples."""
        import numpy as np

        from pix2earth.figures import sample_image
        from pix2earth.training import state

        names = spread(self.dataset.names(self.split), sample_image.SAMPLES)
        batch = next(iter(self.dataset.batches(self.split, names, len(names))))
        with state.unmoved(self.gan):
            given, wanted, made = (np.asarray(array) for array in self.scorer.predict(batch))
        if not self.chief:
            return
        path = self.output.sample(step)
        caption = f"{self.output.run_name}, step {step}, {self.split}"
        sample_image.draw(self.experiment.manifest, names, given, wanted, made, path, caption)
        atomic.copy(path, self.output.latest_sample)

    # ---- after ------------------------------------------------------------------------------------------------

    def end(self, outcome: str, console: RunConsole) -> None:
        """Note in ``run.json`` how the process ended."""
        if self.chief:
            self.record["best"] = self.best
            provenance.end_session(
                self.record, self.output.run_file, self.finished, outcome.split("\n")[0], console.images_per_second
            )

    def evaluate(self, step: int) -> None:
        """Write the metrics of every sample of the evaluation split."""
        from evaluate import evaluate_and_show, evaluation_split
        from pix2earth.scoring.scorer import Scorer

        if not self.chief:
            return
        scorer = Scorer(self.dataset, self.gan, self.plugin, self.experiment.METRICS)
        evaluate_and_show(scorer, evaluation_split(self.dataset, None), step)
        print(self.output.sample(step))


def field_names(experiment: Experiment) -> list[str]:
    """Return what ``train_step`` may ask for."""
    return list(dict.fromkeys(["input_image", "target", "step", *experiment.manifest.fields]))


def validation_metrics(experiment: Experiment) -> list[str]:
    """Return the metrics to validate by: those of the experiment, and the one that decides."""
    return list(dict.fromkeys([*experiment.METRICS, experiment.BEST_METRIC]))


def spread(names: Sequence[str], count: int) -> list[str]:
    """Return at most ``count`` of the sorted names, evenly spread."""
    if len(names) <= count:
        return list(names)
    return [names[index * len(names) // count] for index in range(count)]


if __name__ == "__main__":
    main()

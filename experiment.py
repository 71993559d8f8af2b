"""Environment and Experiment: the settings of a machine and of a run. Imports no TensorFlow."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pix2earth.records.loading import load_manifest
from pix2earth.records.manifest import Manifest
from pix2earth.records.overrides.seen import seen_manifest
from pix2earth.runs.folders import RunFolders
from pix2earth.runs.recorded_settings import with_recorded
from pix2earth.settings.errors import UserError, inside, nearest
from pix2earth.settings.loss_keys import LossKeys
from pix2earth.settings.schema import EnvironmentFile, ExperimentFile
from pix2earth.settings.validation import load

PROJECT = Path(__file__).resolve().parent
VARIABLE = "PIX2EARTH_ENV"


class Environment:
    """One machine: where its data and experiments are, and how often runs save, from ``environment.json``.

    Attributes have the names of the keys in upper case; folders are strings with absolute paths.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        """Find and read the file.

        Args:
            path: the file; None: the file that the variable ``PIX2EARTH_ENV`` names, ``./environment.json`` or
                ``../environment.json``; without any of them, ``data/`` and ``experiments/`` beside the project.

        Raises:
            UserError: the file is missing or has errors.
        """
        self.path = self._find(path)
        self.settings = load(self.path, EnvironmentFile) if self.path else EnvironmentFile()
        base = self.path.resolve().parent if self.path else PROJECT
        settings = self.settings
        self.ENVIRONMENT = settings.environment
        self.PROJECT_ROOT = _absolute(base, settings.project_root) or str(PROJECT)
        self.DATA_ROOT = _absolute(base, settings.data_root) or ""
        self.EXPERIMENT_ROOT = _absolute(base, settings.experiment_root) or ""
        self.S2_ROOT = _absolute(base, settings.s2_root)
        self.S3_ROOT = _absolute(base, settings.s3_root)
        self.MODELS_ROOT = [_absolute(base, folder) or "" for folder in settings.models_root]
        self.SAMPLE_FREQ = settings.sample_freq
        self.CKPT_FREQ = settings.ckpt_freq
        self.VALIDATE_FREQ = settings.validate_freq
        self.KEEP_CHECKPOINTS = settings.keep_checkpoints
        self.MAX_SHUFFLE_BUFFER = settings.max_shuffle_buffer
        self.DISTRIBUTION = settings.distribution
        self.LEGACY_KERAS = settings.legacy_keras

    @staticmethod
    def _find(path: str | os.PathLike[str] | None) -> Path | None:
        requested = path or os.environ.get(VARIABLE)
        if requested:
            if not Path(requested).is_file():
                origin = "--env" if path else VARIABLE
                raise UserError(f"{requested}: there is no such environment file (named by {origin})")
            return Path(requested)
        for candidate in (Path("environment.json"), Path("..") / "environment.json"):
            if candidate.is_file():
                return candidate
        return None

    def choose_keras(self) -> None:
        """Make ``tf.keras`` Keras 2 where ``legacy_keras`` is set; to be called before TensorFlow is imported.

        Raises:
            UserError: the package tf-keras is not installed.
        """
        if not self.LEGACY_KERAS:
            return
        if importlib.util.find_spec("tf_keras") is None:
            raise UserError(f"{self.path}: legacy_keras: needs the package tf-keras: pip install 'tf-keras==2.21.*'")
        os.environ["TF_USE_LEGACY_KERAS"] = "1"

    def experiment_name(self, named: str) -> str:
        """Return the name of an experiment below the experiment root.

        Args:
            named: value of ``--exp``: the name, or a path below the root as the shell completes it.

        Raises:
            UserError: there is no ``experiment.json``, or the path is not below the experiment root.
        """
        root = Path(self.EXPERIMENT_ROOT)
        name = named.rstrip("/").removesuffix("/experiment.json")
        if inside(name) and (root / name / "experiment.json").is_file():
            return Path(name).as_posix()
        path = Path(os.path.abspath(name))
        if not path.is_relative_to(root) and path.parent.resolve().is_relative_to(root.resolve()):
            path = root / (path.parent.resolve() / path.name).relative_to(root.resolve())  # the root is a link
        if (path / "experiment.json").is_file() and path.is_relative_to(root):
            return path.relative_to(root).as_posix()
        if (not inside(name) or path.exists()) and not path.is_relative_to(root):
            raise UserError(
                f"--exp {named}: is not below the experiment root {root}; move it there or set experiment_root"
            )
        raise UserError(
            f"--exp {named}: there is no {root / name / 'experiment.json'}"
            f" (environment: {self.path or 'built in'}){nearest(name, _experiments(root, root))}"
        )

    def experiments_below(self, named: str) -> list[str]:
        """Return the names of all experiments in a folder of the experiment root and below it, sorted.

        Args:
            named: value of ``--exp``: the folder, as a name below the root or as a path; "." for all.

        Raises:
            UserError: there is no experiment, or the folder is not below the root.
        """
        root = Path(self.EXPERIMENT_ROOT)
        name = named.rstrip("/")
        folder = root / name if inside(name) and (root / name).is_dir() else Path(os.path.abspath(name))
        if not folder.is_dir() or not folder.resolve().is_relative_to(root.resolve()):
            raise UserError(f"--exp {named}: there is no folder {root / name}{nearest(name, _folders(root))}")
        names = _experiments(root, root / folder.resolve().relative_to(root.resolve()))
        if not names:
            raise UserError(f"--exp {named}: no experiment.json is in {folder} or below")
        return names


def _absolute(base: Path, path: str | None) -> str | None:
    """Return a path from a file in the folder ``base`` as an absolute one."""
    return None if path is None else os.path.abspath(base / Path(path).expanduser())


class Experiment(LossKeys):
    """One run of one experiment: its settings, folders and dataset, for plug-ins, training and evaluation.

    The upper-case attributes are those of the original ARISGAN code (values: see ``docs/experiment.md``), and these:

    - ``SEED NORMALIZE PRECISION JIT_COMPILE DETERMINISTIC METRICS BEST_METRIC FOLD_DATES LEARNING_RATE VALIDATE_FREQ
      KEEP_CHECKPOINTS LABEL_SMOOTHING TRAINING_LENGTH SEQUENCE_GROUPS``: values of the keys.
    - ``INPUT_TIME_STEPS``, ``OUTPUT_TIME_STEPS``: numbers of time steps of the network's input and output; None without
      a time axis, and where ``FOLD_DATES`` folds the time steps into bands.
    - ``RATIO``: ground sampling distance of the input over that of the target.
    - ``SHARED_BANDS``: indices of the target's bands among the input's, or None.
    - ``GEN_LOSS``: weights of the losses; of one that begins later, the weight of the present step while training.
    - ``DATA_RANGE``: width of the range of the network's output values.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        experiment_name: str,
        timestamp: str,
        restore: bool = False,
        environment: Environment | None = None,
        recorded: Mapping[str, Any] | None = None,
    ) -> None:
        """Read ``<path>/experiment.json`` and the manifest of its dataset.

        Args:
            path: folder of the experiment.
            experiment_name: its name below the experiment root.
            timestamp: name of the run.
            restore: whether the run resumes from a checkpoint.
            environment: the machine; None: found as ``Environment()`` does.
            recorded: settings of an existing run; they replace those keys of the file that change the networks or
                their data.

        Raises:
            UserError: the experiment or its dataset has errors.
        """
        environment = environment or Environment()
        self.environment = environment
        self.file = Path(path) / "experiment.json"
        self.settings = with_recorded(load(self.file, ExperimentFile), recorded or {})
        self.NAME = experiment_name
        self.output = RunFolders(Path(environment.EXPERIMENT_ROOT), experiment_name, timestamp)
        self.STRINGNAME = self.output.stringname
        self.TIMESTAMP = timestamp
        self.RESTORE = restore
        self._take_environment(environment)
        self._take_settings(self.settings)
        self.DATA_ROOT = str(Path(environment.DATA_ROOT) / self.DATASET / str(self.TILESIZE))
        stored = load_manifest(Path(self.DATA_ROOT), self.DATASET)
        self.manifest = seen_manifest(stored, self.settings, self.file, Path(environment.DATA_ROOT))
        self._take_manifest(self.manifest)
        if environment.PROJECT_ROOT not in sys.path:
            sys.path.append(environment.PROJECT_ROOT)

    def _take_environment(self, environment: Environment) -> None:
        settings = self.settings
        self.ENVIRONMENT = environment.ENVIRONMENT
        self.PROJECT_ROOT = environment.PROJECT_ROOT
        self.EXPERIMENT_ROOT = environment.EXPERIMENT_ROOT
        self.MAX_SHUFFLE_BUFFER = environment.MAX_SHUFFLE_BUFFER
        self.DISTRIBUTION = environment.DISTRIBUTION
        self.SAMPLE_FREQ = settings.sample_freq or environment.SAMPLE_FREQ
        self.CKPT_FREQ = settings.ckpt_freq or environment.CKPT_FREQ
        self.VALIDATE_FREQ = settings.validate_freq or environment.VALIDATE_FREQ or self.SAMPLE_FREQ
        self.KEEP_CHECKPOINTS = settings.keep_checkpoints or environment.KEEP_CHECKPOINTS

    def _take_settings(self, settings: ExperimentFile) -> None:
        self.MODEL_NAME = settings.model_name
        self.DATASET = settings.dataset
        self.TILESIZE = settings.tilesize
        self.RANDOM_RESIZE = settings.random_resize
        self.RANDOM_ROTATE = settings.random_rotate
        self.RANDOM_MIRROR = settings.random_mirror
        self.BATCH_SIZE = settings.batch_size
        self.SHUFFLE = settings.shuffle
        self.SEQUENCE_GROUPS = settings.sequence_groups
        self.STEPS = settings.steps
        self.EXCLUDE_SUFFIX = settings.exclude_suffix
        self.ENFORCE_SUFFIX = settings.enforce_suffix
        self.PARSEMODE = "alt" if settings.dataset.startswith("alt") else None
        self.TRAINING_LENGTH = settings.training_length
        self.SAMPLE_TRAIN, self.SAMPLE_VAL = sample_numbers = settings.sample_train, settings.sample_val
        self.DATA_SAMPLE = sample_numbers if all(sample_numbers) else None
        self.take_losses(settings)
        self.PARAMS = dict(settings.params)
        self.SEED = settings.seed
        self.NORMALIZE = settings.normalize
        self.PRECISION = settings.precision
        self.JIT_COMPILE = settings.jit_compile
        self.DETERMINISTIC = settings.deterministic
        self.METRICS = list(settings.metrics)
        self.BEST_METRIC = settings.best_metric
        self.FOLD_DATES = settings.fold_dates
        self.LEARNING_RATE = settings.rates

    def _take_manifest(self, manifest: Manifest) -> None:
        source, target = manifest.fields[manifest.input], manifest.fields[manifest.target]
        self.IMG_HEIGHT = self.settings.img_height or target.size[0]
        self.IMG_WIDTH = self.settings.img_width or target.size[1]
        sizes = {"img_height": self.IMG_HEIGHT, "img_width": self.IMG_WIDTH}
        self.settings = self.settings.model_copy(update=sizes)
        self.INPUT_CHANNELS = len(source.bands) * ((source.time_steps or 1) if self.FOLD_DATES else 1)
        self.OUTPUT_CHANNELS = len(target.bands) * ((target.time_steps or 1) if self.FOLD_DATES else 1)
        self.INPUT_TIME_STEPS = None if self.FOLD_DATES else source.time_steps
        self.OUTPUT_TIME_STEPS = None if self.FOLD_DATES else target.time_steps
        self.INPUT_DATES = self.INPUT_TIME_STEPS  # the former name, which plug-ins use
        self.RATIO = manifest.ratio
        self.SHARED_BANDS = None if source.time_steps else manifest.shared_bands
        low, high = target.transformed_bounds
        physical = max(high) - min(low)
        self.DATA_RANGE = {"symmetric": 2.0, "unit": 1.0, "l2": 1.0, "none": physical}[self.NORMALIZE]

    def resolved(self) -> dict[str, Any]:
        """Return all keys with their defaults filled in, as in ``run.json``."""
        return self.settings.model_dump(mode="json")


def _experiments(root: Path, folder: Path) -> list[str]:
    """Return the names of all experiments in a folder and below it; copies in ``logs/`` are left out."""
    folders = (path.parent for path in folder.rglob("experiment.json"))
    return sorted(path.relative_to(root).as_posix() for path in folders if "logs" not in path.relative_to(root).parts)


def _folders(root: Path) -> list[str]:
    """Return the names of all folders below the root that hold experiments."""
    names = _experiments(root, root) if root.is_dir() else []
    return sorted({parent.as_posix() for name in names for parent in (Path(name), *Path(name).parents)} - {"."})


def open_experiment(
    named: str,
    environment: Environment,
    timestamp: str,
    *,
    restore: bool = False,
    recorded: Mapping[str, Any] | None = None,
) -> Experiment:
    """Return the experiment of a command line.

    Args:
        named: value of ``--exp``.
        environment: the machine.
        timestamp: name of the run.
        restore: as of ``Experiment``.
        recorded: as of ``Experiment``.

    Raises:
        UserError: as ``Environment.experiment_name`` and ``Experiment``.
    """
    name = environment.experiment_name(named)
    return Experiment(Path(environment.EXPERIMENT_ROOT) / name, name, timestamp, restore, environment, recorded)

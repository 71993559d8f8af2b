"""Environment and Experiment: what a run is. Nothing here imports TensorFlow."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pix2earth.records.manifest import Manifest, load_manifest
from pix2earth.runs.folders import RunFolders
from pix2earth.settings.errors import UserError, inside, nearest
from pix2earth.settings.schema import EnvironmentFile, ExperimentFile
from pix2earth.settings.validation import load

PROJECT = Path(__file__).resolve().parent
VARIABLE = "PIX2EARTH_ENV"


class Environment:
    """One machine: its roots and its habits, from ``environment.json`` or the built-in default.

    Attributes carry the upper-case names of the keys; roots are absolute texts.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        """Find and read the file.

        Args:
            path: the file; None: the variable ``PIX2EARTH_ENV``, ``./environment.json``, ``../environment.json``,
                and without any of them ``data/`` and ``experiments/`` beside the project.

        Raises:
            UserError: the named file is missing, or a file has mistakes.
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
        named = path or os.environ.get(VARIABLE)
        if named:
            if not Path(named).is_file():
                origin = "--env" if path else VARIABLE
                raise UserError(f"{named}: there is no such environment file (named by {origin})")
            return Path(named)
        for candidate in (Path("environment.json"), Path("..") / "environment.json"):
            if candidate.is_file():
                return candidate
        return None

    def choose_keras(self) -> None:
        """Make ``tf.keras`` Keras 2 where ``legacy_keras`` asks for it; call it before TensorFlow is imported.

        Raises:
            UserError: the package tf-keras is not installed.
        """
        if not self.LEGACY_KERAS:
            return
        if importlib.util.find_spec("tf_keras") is None:
            raise UserError(f"{self.path}: legacy_keras: needs the package tf-keras: pip install 'tf-keras==2.21.*'")
        os.environ["TF_USE_LEGACY_KERAS"] = "1"

    def experiment_name(self, named: str) -> str:
        """Return the name below the experiment root of what the user calls an experiment.

        A path (as the shell completes it) is accepted as long as it lies below the root.

        Raises:
            UserError: there is no ``experiment.json``, or the name leaves the experiment root.
        """
        root = Path(self.EXPERIMENT_ROOT)
        given = named.rstrip("/").removesuffix("/experiment.json")
        if inside(given) and (root / given / "experiment.json").is_file():
            return Path(given).as_posix()
        path = Path(os.path.abspath(given))
        if not path.is_relative_to(root) and path.parent.resolve().is_relative_to(root.resolve()):
            path = root / (path.parent.resolve() / path.name).relative_to(root.resolve())  # the root is a link
        if (path / "experiment.json").is_file() and path.is_relative_to(root):
            return path.relative_to(root).as_posix()
        if (not inside(given) or path.exists()) and not path.is_relative_to(root):
            raise UserError(
                f"--exp {named}: is not below the experiment root {root}; move it there or set experiment_root"
            )
        raise UserError(
            f"--exp {named}: there is no {root / given / 'experiment.json'}"
            f" (environment: {self.path or 'built in'}){nearest(given, _experiments(root, root))}"
        )

    def experiments_below(self, named: str) -> list[str]:
        """Return the names of all experiments in a folder of the experiment root and below, sorted.

        Args:
            named: the folder, as a name below the root or as a path; "." for all.

        Raises:
            UserError: there is none, or the folder is not below the root.
        """
        root = Path(self.EXPERIMENT_ROOT)
        given = named.rstrip("/")
        folder = root / given if inside(given) and (root / given).is_dir() else Path(os.path.abspath(given))
        if not folder.is_dir() or not folder.resolve().is_relative_to(root.resolve()):
            raise UserError(f"--exp {named}: there is no folder {root / given}{nearest(given, _folders(root))}")
        names = _experiments(root, root / folder.resolve().relative_to(root.resolve()))
        if not names:
            raise UserError(f"--exp {named}: no experiment.json is in {folder} or below")
        return names


def _absolute(base: Path, path: str | None) -> str | None:
    return None if path is None else os.path.abspath(base / Path(path).expanduser())


class Experiment:
    """One run of one experiment: everything that a plug-in, the trainer and the evaluator need to know.

    The upper-case attributes are those of the published program (values: see ``docs/experiment.md``), and besides:
    ``SEED NORMALIZE PRECISION JIT_COMPILE DETERMINISTIC METRICS BEST_METRIC FOLD_DATES LEARNING_RATE VALIDATE_FREQ
    KEEP_CHECKPOINTS`` (of the keys), ``INPUT_DATES`` (number of dates or None), ``RATIO`` (ground sampling distance of
    the input over the target's), ``SHARED_BANDS`` (indices of the target's bands in the input, or None) and
    ``DATA_RANGE`` (width of the range of the values that the network is to make).
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
            restore: whether the run continues another one.
            environment: the machine; None: found as usual.
            recorded: settings of a run that is to be looked at again; they win over the file in all that shaped its
                network and its data.

        Raises:
            UserError: the experiment or its dataset has mistakes.
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
        self.manifest = load_manifest(Path(self.DATA_ROOT), self.DATASET)
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
        self.IMG_HEIGHT = settings.img_height or settings.tilesize
        self.IMG_WIDTH = settings.img_width or settings.tilesize
        self.RANDOM_RESIZE = settings.random_resize
        self.RANDOM_ROTATE = settings.random_rotate
        self.RANDOM_MIRROR = settings.random_mirror
        self.BATCH_SIZE = settings.batch_size
        self.SHUFFLE = settings.shuffle
        self.STEPS = settings.steps
        self.EXCLUDE_SUFFIX = settings.exclude_suffix
        self.ENFORCE_SUFFIX = settings.enforce_suffix
        self.PARSEMODE = "alt" if settings.dataset.startswith("alt") else None
        chosen = (settings.sample_train, settings.sample_val)
        self.DATA_SAMPLE = chosen if all(chosen) else None
        self.SAMPLE_TRAIN, self.SAMPLE_VAL = chosen
        self.GEN_LOSS = dict(settings.gen_loss)
        self.DISC_LOSS = dict(settings.disc_loss)
        self.PARAMS = dict(settings.params)
        self.SEED = settings.seed
        self.NORMALIZE = settings.normalize
        self.PRECISION = settings.precision
        self.JIT_COMPILE = settings.jit_compile
        self.DETERMINISTIC = settings.deterministic
        self.METRICS = list(settings.metrics)
        self.BEST_METRIC = settings.best_metric
        self.FOLD_DATES = settings.fold_dates
        self.LEARNING_RATE: dict[str, float | None] = settings.learning_rate.model_dump()  # type: ignore[union-attr]

    def _take_manifest(self, manifest: Manifest) -> None:
        source, target = manifest.fields[manifest.input], manifest.fields[manifest.target]
        folded = source.time_steps if self.FOLD_DATES and source.time_steps else 1
        self.INPUT_CHANNELS = len(source.bands) * folded
        self.INPUT_DATES = None if self.FOLD_DATES else source.time_steps
        self.OUTPUT_CHANNELS = len(target.bands) * ((target.time_steps or 1) if self.FOLD_DATES else 1)
        self.RATIO = manifest.ratio
        self.SHARED_BANDS = None if source.time_steps else manifest.shared_bands
        low, high = target.bounds
        physical = max(high) - min(low)
        self.DATA_RANGE = {"symmetric": 2.0, "unit": 1.0, "l2": 1.0, "none": physical}[self.NORMALIZE]

    def resolved(self) -> dict[str, Any]:
        """Return all keys with their defaults filled in, as ``run.json`` keeps them."""
        return self.settings.model_dump(mode="json")


def _experiments(root: Path, folder: Path) -> list[str]:
    """Return the names below the root of all experiments in a folder and below it; copies in ``logs/`` are left out."""
    found = (path.parent for path in folder.rglob("experiment.json"))
    return sorted(path.relative_to(root).as_posix() for path in found if "logs" not in path.relative_to(root).parts)


def _folders(root: Path) -> list[str]:
    """Return the names of all folders below the root that hold experiments."""
    names = _experiments(root, root) if root.is_dir() else []
    return sorted({parent.as_posix() for name in names for parent in (Path(name), *Path(name).parents)} - {"."})


def with_recorded(settings: ExperimentFile, recorded: Mapping[str, Any]) -> ExperimentFile:
    """Return the settings with those keys that shape network and data as a run recorded them."""
    kept = {key: recorded[key] for key in ExperimentFile.model_fields if key in recorded and shapes(key)}
    return settings.model_copy(update=kept)


def shapes(key: str) -> str | None:
    """Return "network" or "data" where a key shapes one of them, else None."""
    about = ExperimentFile.model_fields[key].json_schema_extra
    return str(about["restore"]) if isinstance(about, dict) and "restore" in about else None


def open_experiment(
    named: str,
    environment: Environment,
    timestamp: str,
    *,
    restore: bool = False,
    recorded: Mapping[str, Any] | None = None,
) -> Experiment:
    """Return the experiment that a command line names; ``Experiment`` and ``Environment`` tell the errors."""
    name = environment.experiment_name(named)
    return Experiment(Path(environment.EXPERIMENT_ROOT) / name, name, timestamp, restore, environment, recorded)

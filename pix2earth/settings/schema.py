"""Schemas of ``environment.json`` and ``experiment.json``: every key with its type, default and meaning.

``docs/environment.md``, ``docs/experiment.md`` and the JSON Schemas beside them are generated from these classes
(``python -m pix2earth.documentation``).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AliasChoices,
    Field,
    FiniteFloat,
    NonNegativeInt,
    PositiveInt,
    PrivateAttr,
    field_validator,
    model_validator,
)

from losses import DISCRIMINATOR_LOSSES, GENERATOR_LOSSES, wrong_share
from metrics import ALL_METRICS, BY_PART, GROUPS, METRICS, OF_SETS, WITHOUT_DIRECTION
from pix2earth.settings.base_schema import Schema, data, network
from pix2earth.settings.errors import inside, nearest
from pix2earth.settings.occlusion import Occlusion
from pix2earth.settings.optimization import NETWORKS, LearningRates, LossWeight, Rate, Schedules
from pix2earth.settings.scored_disk import ScoredDisk
from pix2earth.settings.value_transform import ValueTransform

# The original ARISGAN code computes and logs these losses where the experiment leaves them out.
LOGGED_BY_DEFAULT = ("gen_gan", "gen_nll", "gen_l1", "gen_l2", "gen_rmse", "gen_wstein", "disc_bce", "disc_nll")

Weights = dict[str, FiniteFloat | None]
GENERATOR_WEIGHTS: dict[str, FiniteFloat | LossWeight | None] = {
    "gen_gan": 1.0,
    "gen_nll": 0.0,
    "gen_l1": 100.0,
    "gen_l2": 0.0,
    "gen_rmse": 0.0,
    "gen_wstein": 0.0,
}
DISCRIMINATOR_WEIGHTS: Weights = {"disc_bce": 1.0, "disc_nll": 0.0}


def _below_its_root(name: str) -> str:
    if not inside(name):
        raise ValueError("must be a name below the root, without '..' and not absolute")
    return name


def _plain_name(name: str) -> str:
    if not name or "/" in name or "\\" in name or name.startswith("."):
        raise ValueError("must be a file's name without folder and without '.py'")
    return name.removesuffix(".py")


class Frequencies(Schema):
    """How often a run draws samples, validates and saves."""

    sample_freq: PositiveInt = 1000
    """Steps between two sample images."""
    ckpt_freq: PositiveInt = 5000
    """Steps between two checkpoints; the last step is always saved."""
    validate_freq: PositiveInt | None = None
    """Steps between two validations on up to 64 fixed validation samples; null: with the sample images."""
    keep_checkpoints: PositiveInt | Literal["all"] = "all"
    """Number of periodic checkpoints to keep (the best one is kept additionally), or "all"."""


class EnvironmentFile(Frequencies):
    """One machine: where data and experiments are, how often to draw samples and to save (`environment.json`)."""

    environment: str = Field("local", pattern=r"^[A-Za-z0-9_.-]+$")
    """Label of this machine; it names the log files in `nohup/`."""
    project_root: str | None = None
    """Folder of pix2earth itself; null: the folder that `train.py` is in."""
    data_root: str = "data"
    """Folder of the datasets, `<data_root>/<dataset>/<tilesize>/`."""
    experiment_root: str = "experiments"
    """Folder of the experiments; `_samples/` and `_evaluation/` are created in it."""
    s2_root: str | None = None
    """Folder of Sentinel-2 products (preprocessing only)."""
    s3_root: str | None = None
    """Folder of Sentinel-3 products (preprocessing only)."""
    models_root: list[str] = Field(default_factory=list)
    """Folders with plug-ins in addition to `models/`. Plug-ins are programs: name only folders that you trust."""
    max_shuffle_buffer: PositiveInt = 500
    """Has no effect: shuffling is global and needs no buffer. Accepted in old files, and passed on to old plug-ins."""
    distribution: Literal["none", "mirrored", "multiworker"] = "none"
    """One device, all devices of this machine, or several machines (then `TF_CONFIG` names them)."""
    legacy_keras: bool = False
    """Run plug-ins with Keras 2 (package `tf-keras`), for plug-ins that Keras 3 cannot run; on one device only."""


MetricGroup = Literal[
    "all", "arisgan", "scientific", "superresolution", "sen2_mtc", "uncrtaints", "allclear", "gapfill", "rsgan",
    "distributions",
]  # fmt: skip
"""Names of `metrics.GROUPS`."""


class ExperimentFile(Schema):
    """One experiment: model, dataset, losses, steps (`experiment.json`)."""

    model_name: Annotated[str, AfterValidator(_plain_name)] = network()
    """The plug-in: `models/<model_name>.py`, or a file of this name in a folder of `models_root`."""
    params: dict[str, Any] = network(default_factory=dict)
    """Settings that the plug-in defines."""
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = network(default="float32")
    """Number type of the computation; weights stay float32."""
    start_from: (
        Literal["bicubic", "back_projection", "linear_fit", "linear_in_time", "nearest_clear", "regression"] | None
    ) = network(default=None)
    """A prediction without a network to which the generator's image is added, times a learnt gain that is 0 at first:
    `"bicubic"`, `"back_projection"`, `"linear_fit"`, `"linear_in_time"`, `"nearest_clear"`, `"regression"` (see below);
    null: the generator's image alone."""
    start_standardize: bool = network(default=True)
    """With `start_from`: show the generator every band of the input with mean 0 and standard deviation 1, and multiply
    its image by the standard deviation of each band of the target; without a start, it has no effect."""
    learning_rate: Rate | LearningRates | None = None
    """One number for all networks, or {"generator": ..., "discriminator": ...} with the plug-in's names of its
    networks; null: the plug-in's default."""
    schedule: Schedules | None = None
    """How learning rates change during training, for all networks or by network; null: they are constant."""
    clip_norm: Rate | None = None
    """Scale the gradients of a network down to this norm over all its weights where it is larger; null: as they are."""
    ema: Annotated[float, Field(gt=0, lt=1)] | None = network(default=None)
    """Decay of a moving average of the generator's weights, which validation, evaluation and prediction use, such as
    0.999; null: none."""
    gen_loss: dict[str, FiniteFloat | LossWeight | None] = Field(default_factory=lambda: dict(GENERATOR_WEIGHTS))
    """Weights of the generator's losses. A number: weight; 0: computed and logged, not added; null: not computed;
    an object: a weight that begins later."""
    disc_loss: Weights = Field(default_factory=lambda: dict(DISCRIMINATOR_WEIGHTS))
    """Weights of the discriminator's losses; as those of the generator, but numbers only."""
    label_smoothing: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    """How much the label of a target in `disc_bce` is below 1 (one-sided label smoothing), such as 0.1."""

    dataset: Annotated[str, AfterValidator(_below_its_root)] = data(default="curated")
    """The dataset: `<data_root>/<dataset>/<tilesize>/`."""
    tilesize: PositiveInt = data(default=256)
    """Height and width of the dataset's tiles in pixels, and the name of its folder."""
    img_height: PositiveInt | None = data(default=None)
    """Height of the network's images in pixels; null: that of the target. Tiles are resized by nearest neighbour."""
    img_width: PositiveInt | None = data(default=None)
    """Width of the network's images in pixels; null: that of the target."""
    normalize: Literal["symmetric", "unit", "l2", "none"] = data(default="symmetric")
    """How values are scaled for the network: the valid range to [-1, 1], to [0, 1], every image to unit norm, or not
    at all (physical units)."""
    transforms: dict[str, ValueTransform] = data(default_factory=dict)
    """How values of fields are transformed for the network before they are scaled, by field, instead of as the dataset
    states: `{"kind": "log10"}`, `{"kind": "asinh", "softening": 100}`, `{"saturate": true}`."""
    fold_dates: bool = data(default=False)
    """Fold the time steps of fields into bands, for models without a time axis."""
    occlusion: Occlusion | None = data(default=None)
    """Hide parts of the target, a clear image or a stack of clear time steps, and train to fill them (see below); null:
    read the input that the dataset holds."""
    random_resize: float = data(default=1.11, ge=1.0, le=4.0)
    """Upsample training tiles by this factor and crop them at random; 1: off."""
    random_rotate: bool = data(default=True)
    """Rotate training tiles by a random multiple of 90 degrees."""
    random_mirror: bool = data(default=True)
    """Mirror training tiles left-right at random."""
    shuffle: bool = data(default=True)
    """Read the training tiles in a random order, another one each epoch."""
    sequence_groups: PositiveInt | None = data(default=None)
    """For models that read sequences: read them in groups of `batch_size`, always in the order of their names, without
    those that fill no group, and of each every n-th time step (1: all), as the RSGAN study (3); null: each position
    of the batch reads all sequences in an order of its own."""
    exclude_suffix: str | None = data(default=None)
    """Leave out tiles whose name ends with this suffix."""
    enforce_suffix: str | None = data(default=None, validation_alias=AliasChoices("enforce_suffix", "enfore_suffix"))
    """Use only tiles whose name ends with this suffix (`enfore_suffix` is accepted too)."""
    sample_train: PositiveInt | None = data(default=None)
    """Number of training tiles to use, drawn with the seed; null: all."""
    training_length: PositiveInt | None = data(default=None)
    """The same, but all are used, with a warning, where there are fewer, as published for gap filling."""
    sample_val: PositiveInt | None = data(default=None)
    """Number of validation and of test tiles to use, drawn with the seed; null: all."""

    batch_size: PositiveInt = data(default=16)
    """Tiles per step, over all devices together."""
    steps: PositiveInt = 40000
    """Number of training steps."""
    seed: NonNegativeInt = data(default=0, lt=2**31)
    """Seed of initial weights, order, augmentation and choice of tiles."""
    deterministic: bool = False
    """Make runs on the same machine bit-identical (slower on GPUs; on a CPU, operations run one after the other)."""
    jit_compile: bool = False
    """Compile the training step with XLA."""

    metrics: list[str] | MetricGroup = "all"
    """Metrics to compute, by the names of the CSV (`metrics.md`); `"all"`: all ten, `"arisgan"`: these and nine more,
    `<name>_aris`, as the original ARISGAN code computes them, `"scientific"`: those of magnetograms and the like,
    `"superresolution"`: those of images that are sharper than their input, `"sen2_mtc"`, `"uncrtaints"`, `"allclear"`,
    `"gapfill"`, `"rsgan"`: as benchmarks of cloud removal compute them, `"distributions"`: distances of sets of images.
    A list may name these groups too; `[]`: none."""
    score_disk: ScoredDisk | None = None
    """Compute the metrics inside of a disk too, such as that of the Sun: `{"radius": 0.47}`; null: not."""
    best_metric: str | None = "PSNR"
    """The metric by which the best checkpoint is chosen in validation; null: none is the best. Where `metrics` is `[]`,
    null is the default."""
    sample_freq: PositiveInt | None = None
    """Overrides the environment's `sample_freq`."""
    ckpt_freq: PositiveInt | None = None
    """Overrides the environment's `ckpt_freq`."""
    validate_freq: PositiveInt | None = None
    """Overrides the environment's `validate_freq`."""
    keep_checkpoints: PositiveInt | Literal["all"] | None = None
    """Overrides the environment's `keep_checkpoints`."""

    _named_losses: dict[str, set[str]] = PrivateAttr(default_factory=dict)

    def named_losses(self, key: str) -> set[str]:
        """Return the losses that the file names in ``gen_loss`` or ``disc_loss``, without defaults."""
        return self._named_losses.get(key, set())

    @property
    def rates(self) -> dict[str, float | None]:
        """Learning rates by network, of the usual two and those that are named; one number is that of both."""
        if isinstance(self.learning_rate, LearningRates):
            return self.learning_rate.model_dump()
        return dict.fromkeys(NETWORKS, self.learning_rate)

    @field_validator("gen_loss", "disc_loss")
    @classmethod
    def _check_losses(cls, weights: dict[str, Any], info: Any) -> dict[str, Any]:
        losses = GENERATOR_LOSSES if info.field_name == "gen_loss" else DISCRIMINATOR_LOSSES
        for name in weights:
            # Losses of plug-ins have such names; `own_losses.declare` checks them when the plug-in is known.
            if name not in losses and not name.startswith(info.field_name.removesuffix("loss")):
                raise ValueError(f"there is no loss '{name}'{nearest(name, losses)}")
        if wrong := wrong_share(weights):
            raise ValueError(wrong)
        return weights

    @field_validator("metrics")
    @classmethod
    def _check_metrics(cls, names: list[str] | str) -> list[str]:
        listed = [names] if isinstance(names, str) else names
        chosen = list(dict.fromkeys(one for name in listed for one in GROUPS.get(name, [name])))
        known = {**ALL_METRICS, **OF_SETS, **BY_PART}
        for name in chosen:
            if name not in known:
                raise ValueError(f"there is no metric '{name}'{nearest(name, [*known, *GROUPS])}")
        return chosen

    @field_validator("best_metric")
    @classmethod
    def _check_best(cls, name: str | None) -> str | None:
        if name is None:
            return None
        if name in OF_SETS or name in WITHOUT_DIRECTION or name in BY_PART:
            raise ValueError(f"{name} does not say which of two steps is better; choose another metric")
        if name not in ALL_METRICS:
            raise ValueError(f"there is no metric '{name}'{nearest(name, ALL_METRICS)}")
        return name

    @model_validator(mode="after")
    def _complete(self) -> ExperimentFile:
        """Fill in defaults that depend on other keys, so that ``run.json`` holds the settings that were used."""
        if self.learning_rate is None:
            self.learning_rate = LearningRates()
        if self.label_smoothing and not self.disc_loss.get("disc_bce", 1.0):
            raise ValueError("label_smoothing: changes disc_bce, which has no weight in disc_loss")
        if self.training_length and self.sample_train:
            raise ValueError("training_length: and sample_train choose the same samples; leave one of them out")
        if isinstance(self.metrics, str):
            self.metrics = list(METRICS)
        if not self.metrics and "best_metric" not in self.model_fields_set:
            self.best_metric = None
        named = {key: getattr(self, key) if key in self.model_fields_set else {} for key in ("gen_loss", "disc_loss")}
        tables: tuple[tuple[dict[str, Any], Any], ...] = (
            (self.gen_loss, GENERATOR_LOSSES), (self.disc_loss, DISCRIMINATOR_LOSSES),
        )  # fmt: skip
        # A copy of settings has filled in defaults already.
        self._named_losses = self._named_losses or {key: set(weights) for key, weights in named.items()}
        for weights, losses in tables:
            for name in losses:
                weights.setdefault(name, 0.0 if name in LOGGED_BY_DEFAULT else None)
        return self


ADDED: dict[str, Any] = {
    "schedule": None, "clip_norm": None, "ema": None, "label_smoothing": 0.0, "transforms": {}, "occlusion": None,
    "training_length": None, "score_disk": None, "start_from": None, "start_standardize": False,
    "sequence_groups": None,
}  # fmt: skip
"""Keys that runs of former versions did not record, with the values that are as if there were none."""


def affects(key: str) -> str | None:
    """Return "network" or "data" where a key of ``experiment.json`` changes one of them, else None."""
    extra = ExperimentFile.model_fields[key].json_schema_extra
    return str(extra["restore"]) if isinstance(extra, dict) and "restore" in extra else None

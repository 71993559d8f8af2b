"""What may stand in environment.json and experiment.json: every key, its default and its meaning.

``docs/environment.md``, ``docs/experiment.md`` and the JSON Schemas beside them are generated from these classes
(``python -m pix2earth.documentation``).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    NonNegativeInt,
    PositiveInt,
    field_validator,
    model_validator,
)

from losses import DISCRIMINATOR_LOSSES, GENERATOR_LOSSES
from metrics import GROUPS, KNOWN, METRICS
from pix2earth.settings.errors import inside, nearest

# The published program computes and logs a loss that the experiment leaves out; SSIM and the newer names it does not.
LOGGED_WHEN_ABSENT = ("gen_gan", "gen_nll", "gen_l1", "gen_l2", "gen_rmse", "gen_wstein", "disc_bce", "disc_nll")

Rate = Annotated[FiniteFloat, Field(gt=0)]
Weights = dict[str, FiniteFloat | None]
GENERATOR_WEIGHTS: Weights = {
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


def network(**about: Any) -> Any:
    """Describe a key that changes the network or the optimisation state: a restored run may not change it."""
    return Field(json_schema_extra={"restore": "network"}, **about)


def data(**about: Any) -> Any:
    """Describe a key that changes what the run reads: a restored run may not change it."""
    return Field(json_schema_extra={"restore": "data"}, **about)


class Schema(BaseModel):
    """What all files share: unknown keys are mistakes, types are strict, docstrings are the documentation."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)


class Frequencies(Schema):
    """How often a run samples, validates and saves."""

    sample_freq: PositiveInt = 1000
    """Steps between two sample pictures."""
    ckpt_freq: PositiveInt = 5000
    """Steps between two checkpoints; the last step is always saved."""
    validate_freq: PositiveInt | None = None
    """Steps between two validations on up to 64 fixed validation samples; null: with the sample pictures."""
    keep_checkpoints: PositiveInt | Literal["all"] = "all"
    """How many periodic checkpoints to keep (the best one is kept besides), or "all"."""


class EnvironmentFile(Frequencies):
    """One machine: where data and experiments are, how often to sample and to save (`environment.json`)."""

    environment: str = Field("local", pattern=r"^[A-Za-z0-9_.-]+$")
    """Label of this machine; it names the log files in `nohup/`."""
    project_root: str | None = None
    """Folder of pix2earth itself; null: the folder that `train.py` is in."""
    data_root: str = "data"
    """Folder of the datasets, `<data_root>/<dataset>/<tilesize>/`."""
    experiment_root: str = "experiments"
    """Folder of the experiments; `_samples/` and `_evaluation/` are made in it."""
    s2_root: str | None = None
    """Folder of Sentinel-2 products (preprocessing only)."""
    s3_root: str | None = None
    """Folder of Sentinel-3 products (preprocessing only)."""
    models_root: list[str] = Field(default_factory=list)
    """More folders with plug-ins, besides `models/`. Plug-ins are programs: name only folders that you trust."""
    max_shuffle_buffer: PositiveInt = 500
    """Accepted for old files and shown to old plug-ins; the shuffle here is global and needs no buffer."""
    distribution: Literal["none", "mirrored", "multiworker"] = "none"
    """One device, all devices of this machine, or several machines (then `TF_CONFIG` names them)."""
    legacy_keras: bool = False
    """Run plug-ins with Keras 2 (package `tf-keras`), for plug-ins that Keras 3 cannot run."""


class LearningRates(Schema):
    """Learning rates by network."""

    generator: Rate | None = None
    """Of the generator; null: the plug-in's own."""
    discriminator: Rate | None = None
    """Of the discriminator; null: the plug-in's own."""


class ExperimentFile(Schema):
    """One experiment: model, dataset, losses, steps (`experiment.json`)."""

    model_name: Annotated[str, AfterValidator(_plain_name)] = network()
    """The plug-in: `models/<model_name>.py`, or the same in a folder of `models_root`."""
    params: dict[str, Any] = network(default_factory=dict)
    """Settings of the plug-in's own."""
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = network(default="float32")
    """Number type of the computation; weights stay float32."""
    learning_rate: Rate | LearningRates | None = None
    """One number for both networks, or {"generator": ..., "discriminator": ...}; null: the plug-in's own."""
    gen_loss: Weights = Field(default_factory=lambda: dict(GENERATOR_WEIGHTS))
    """Weights of the generator's losses. A number: weight; 0: computed and logged, not added; null: not computed."""
    disc_loss: Weights = Field(default_factory=lambda: dict(DISCRIMINATOR_WEIGHTS))
    """Weights of the discriminator's losses, likewise."""

    dataset: Annotated[str, AfterValidator(_below_its_root)] = data(default="curated")
    """The dataset: `<data_root>/<dataset>/<tilesize>/`."""
    tilesize: PositiveInt = data(default=256)
    """Side of the dataset's tiles in pixels."""
    img_height: PositiveInt | None = data(default=None)
    """Height of what the network sees; null: `tilesize`. Tiles are resized, nearest neighbour."""
    img_width: PositiveInt | None = data(default=None)
    """Width of what the network sees; null: `tilesize`."""
    normalize: Literal["symmetric", "unit", "l2", "none"] = data(default="symmetric")
    """How values reach the network: the valid range to [-1, 1], to [0, 1], every image to unit norm, or unscaled
    (physical units)."""
    fold_dates: bool = data(default=False)
    """Fold the dates of multi-date fields into bands, for models that know one date."""
    random_resize: float = data(default=1.11, ge=1.0, le=4.0)
    """Enlarge training tiles by this factor and crop them at random; 1: off."""
    random_rotate: bool = data(default=True)
    """Rotate training tiles by a random multiple of 90 degrees."""
    random_mirror: bool = data(default=True)
    """Mirror training tiles left-right at random."""
    shuffle: bool = data(default=True)
    """Read the training tiles in a random order, another one each epoch."""
    exclude_suffix: str | None = data(default=None)
    """Leave out tiles whose name ends so."""
    enforce_suffix: str | None = data(default=None, validation_alias=AliasChoices("enforce_suffix", "enfore_suffix"))
    """Use only tiles whose name ends so (`enfore_suffix` is accepted too)."""
    sample_train: PositiveInt | None = data(default=None)
    """Use so many training tiles, chosen by the seed; null: all."""
    sample_val: PositiveInt | None = data(default=None)
    """Use so many validation (and test) tiles, chosen by the seed; null: all."""

    batch_size: PositiveInt = data(default=16)
    """Tiles a step, over all devices together."""
    steps: PositiveInt = 40000
    """Length of the training."""
    seed: NonNegativeInt = data(default=0, lt=2**31)
    """Seed of initial weights, order, augmentation and choice of tiles."""
    deterministic: bool = False
    """Bit-identical runs on the same machine (slower on GPUs)."""
    jit_compile: bool = False
    """Compile the training step with XLA."""

    metrics: list[str] | Literal["all", "arisgan"] = "all"
    """Image quality measures to compute, by the names of the CSV (`metrics.md`); `"all"`: all ten, `"arisgan"`: these
    and nine more, `<name>_aris`, as the published ARISGAN program computes them."""
    best_metric: str = "PSNR"
    """The measure by which the best checkpoint is chosen in validation."""
    sample_freq: PositiveInt | None = None
    """Instead of the environment's `sample_freq`."""
    ckpt_freq: PositiveInt | None = None
    """Instead of the environment's `ckpt_freq`."""
    validate_freq: PositiveInt | None = None
    """Instead of the environment's `validate_freq`."""
    keep_checkpoints: PositiveInt | Literal["all"] | None = None
    """Instead of the environment's `keep_checkpoints`."""

    @field_validator("gen_loss", "disc_loss")
    @classmethod
    def _known_losses(cls, weights: Weights, info: Any) -> Weights:
        known = GENERATOR_LOSSES if info.field_name == "gen_loss" else DISCRIMINATOR_LOSSES
        for name in weights:
            if name not in known:
                raise ValueError(f"there is no loss '{name}'{nearest(name, known)}")
        if info.field_name == "gen_loss" and not any(weights.values()):
            raise ValueError("no loss has a weight, nothing would be learnt; give one a positive number")
        return weights

    @field_validator("metrics")
    @classmethod
    def _known_metrics(cls, names: list[str] | str) -> list[str]:
        chosen = list(GROUPS[names]) if isinstance(names, str) else list(dict.fromkeys(names))
        for name in chosen:
            if name not in KNOWN:
                raise ValueError(f"there is no metric '{name}'{nearest(name, KNOWN)}")
        if not chosen:
            raise ValueError("names no metric; leave the key out for all")
        return chosen

    @field_validator("best_metric")
    @classmethod
    def _known_best(cls, name: str) -> str:
        return cls._known_metrics([name])[0]

    @model_validator(mode="after")
    def _complete(self) -> ExperimentFile:
        """Fill in what depends on other keys, so that what is saved is what ran."""
        self.img_height = self.img_height or self.tilesize
        self.img_width = self.img_width or self.tilesize
        if not isinstance(self.learning_rate, LearningRates):
            self.learning_rate = LearningRates(generator=self.learning_rate, discriminator=self.learning_rate)
        if isinstance(self.metrics, str):
            self.metrics = list(METRICS)
        for weights, known in ((self.gen_loss, GENERATOR_LOSSES), (self.disc_loss, DISCRIMINATOR_LOSSES)):
            for name in known:
                weights.setdefault(name, 0.0 if name in LOGGED_WHEN_ABSENT else None)
        return self

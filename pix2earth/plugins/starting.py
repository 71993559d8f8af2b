"""Networks that start at a trivial answer: output = trivial answer + gain x generator, for any plug-in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from pix2earth.baselines.answers.answer import Answer, FittedAnswer
from pix2earth.baselines.answers.applying import applied
from pix2earth.baselines.answers.building import build
from pix2earth.baselines.answers.fitting import fit
from pix2earth.batches.preparation import scaled
from pix2earth.plugins import standardizing
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from experiment import Experiment
    from pix2earth.batches.dataset import Dataset

GENERATOR = "generator"
LAYER = "start"


class Start(keras.layers.Layer):
    """Adds a trivial answer to the image of a generator, ``answer(input) + gain * image``, in float32.

    The gain is one learnt number a band, 0 at first. Weights of the answer are variables that are not trained, so that
    checkpoints hold them. With ``start_standardize`` it is ``answer(input) + gain * deviation * image``, where the
    deviation is that of the target's bands.
    """

    def __init__(self, answer: Answer, experiment: Experiment) -> None:
        """Prepare for an experiment's images.

        Args:
            answer: the trivial answer.
            experiment: its manifest and ``NORMALIZE`` say what the network's values mean.
        """
        super().__init__(name=LAYER, dtype="float32")
        self.answer, self.experiment = answer, experiment
        self.given = threading.local()
        self.in_training = False
        manifest = experiment.manifest
        # A prediction in physical units as if it were stored, so that it is scaled as stored numbers are.
        changes = {"dtype": "float32", "scale": 1.0, "offset": 0.0, "nodata": None}
        self.target = manifest.fields[manifest.target].model_copy(update=changes)

    def build(self, input_shape: Sequence[Any]) -> None:
        """Create gain and weights."""
        self.gain = self.add_weight(shape=(input_shape[1][-1],), initializer="zeros", name="gain")
        self.fitted = [
            self.add_weight(shape=shape, initializer="zeros", trainable=False, name=f"fitted_{number}")
            for number, shape in enumerate(self.answer.shapes)
        ]
        self.deviation = None
        if self.experiment.settings.start_standardize:
            self.deviation = self.add_weight(
                shape=(input_shape[1][-1],), initializer="ones", trainable=False, name="deviation"
            )

    def call(self, images: Sequence[tf.Tensor], training: bool | None = None) -> tf.Tensor:
        """Return the sum for ``[input, generated image]`` in the values of the network."""
        self.in_training = self.in_training or bool(training)
        image, generated = images
        fields = {**self._further(), "input_image": image}
        answer = applied(self.answer, fields, self.experiment, self.fitted)
        gain = self.gain if self.deviation is None else self.gain * self.deviation
        return scaled(answer, self.target, self.experiment) + gain * generated

    def compute_output_shape(self, input_shape: Sequence[Any]) -> Any:
        """Return the shape of the generated image."""
        return input_shape[1]

    def _further(self) -> dict[str, tf.Tensor]:
        """Return the further fields of the batch.

        Raises:
            UserError: the plug-in calls its generator where no batch is known.
        """
        batch = getattr(self.given, "fields", {})
        if missing := [name for name in self.answer.fields if name not in batch]:
            raise UserError(
                f"{self.experiment.file}: start_from: {self.answer.kind} reads {', '.join(missing)}, which is not known"
                " where the generator is called outside of train_step, predict and panels"
            )
        return {name: batch[name] for name in self.answer.fields}


def start_of(gan: Any) -> Start | None:
    """Return the layer that adds the trivial answer, or None where a plug-in has none."""
    for layer in getattr(getattr(gan, GENERATOR, None), "layers", ()):
        if isinstance(layer, Start):
            return layer
    return None


def starting_at(kind: Any, experiment: Experiment) -> type:
    """Return a plug-in's class whose network ``generator`` starts at the answer that ``start_from`` names.

    It is replaced when the constructor assigns it, before an optimiser is built for its weights.
    """
    answer = build(
        str(experiment.settings.start_from), experiment.manifest, (experiment.IMG_HEIGHT, experiment.IMG_WIDTH)
    )

    def assign(self: Any, name: str, value: Any) -> None:
        if name == GENERATOR and isinstance(value, keras.Model):
            value = _around(value, Start(answer, experiment), experiment)
        kind.__setattr__(self, name, value)

    names = {"__setattr__": assign, "__module__": kind.__module__, "__qualname__": kind.__qualname__}
    return type(kind.__name__, (kind,), names)


def check(gan: Any, path: Path, experiment: Experiment) -> None:
    """Make sure that a plug-in was built with a start where the experiment asks for one.

    Raises:
        UserError: it has no network of Keras 3 of this name.
    """
    if experiment.settings.start_from and start_of(gan) is None:
        raise UserError(
            f"{experiment.file}: start_from: {path.name} has no network '{GENERATOR}' of Keras 3 that makes one image"
            " of another; leave start_from out"
        )


def check_called(gan: Any, path: Path, experiment: Experiment) -> None:
    """Make sure that a training step that was traced has called the generator.

    Raises:
        UserError: it has computed the image without it, as with layers of the generator one by one.
    """
    start = start_of(gan)
    if start is not None and not start.in_training:
        raise UserError(
            f"{experiment.file}: start_from: train_step() of {path} does not call GAN.{GENERATOR} in training mode, so"
            " the start would be missing; leave start_from out, or 'recompute' where params have it"
        )


@contextmanager
def given(gan: Any, fields: Mapping[str, tf.Tensor]) -> Iterator[None]:
    """Let the start of a plug-in know the fields of a batch inside the block; a context manager."""
    start = start_of(gan)
    if start is None or not start.answer.fields:
        yield
        return
    start.given.fields = fields
    try:
        yield
    finally:
        del start.given.fields


def reads_fields(gan: Any) -> bool:
    """Return whether the start of a plug-in reads fields besides the input.

    Then methods that call the generator are traced together with what calls them: a ``tf.function`` of its own would
    keep the fields of the batch for which it was traced first.
    """
    start = start_of(gan)
    return start is not None and bool(start.answer.fields)


def fit_start(gan: Any, dataset: Dataset, names: Sequence[str], report: Callable[[str], None]) -> dict[str, Any] | None:
    """Fit the weights of the start of a plug-in to training samples; return the entry ``start`` of ``run.json``.

    Args:
        gan: the plug-in.
        dataset: of the run.
        names: of the samples that the run trains on.
        report: receives a line on the fit.

    Raises:
        UserError: a record is damaged, or no pixel is valid.
    """
    start = start_of(gan)
    if start is None:
        return None
    entry: dict[str, Any] = {"start_from": start.answer.kind}
    if isinstance(start.answer, FittedAnswer):
        fitted = fit(start.answer, dataset.listing, names)
        start.fitted[0].assign(fitted.weights)
        units, rmse = start.target.units, None if fitted.rmse != fitted.rmse else float(f"{fitted.rmse:.6g}")
        entry |= {"samples": fitted.samples, "neighbours": fitted.neighbours, "held_out_rmse": rmse, "units": units}
        measured = None if rmse is None else f"{rmse:.4g}" if units in ("", "1") else f"{rmse:.4g} {units}"
        words = measured or "unknown, there is one sample"
        report(
            f"start_from: {start.answer.kind} is fitted to {fitted.samples} training samples; root mean square error of"
            f" every fourth one, held out: {words}"
        )
    if start.deviation is not None:
        found = standardizing.measure(dataset, names)
        start.deviation.assign(found.target.deviation)
        entry["standardized"] = _standardize(gan, found)
    return entry


def _standardize(gan: Any, found: standardizing.BandStatistics) -> dict[str, Any]:
    """Give a plug-in's generator mean and deviation of the input's bands; return the statistics for ``run.json``."""
    layer = next(layer for layer in gan.generator.layers if isinstance(layer, standardizing.Standardized))
    layer.mean.assign(found.input.mean)
    layer.deviation.assign(found.input.deviation)
    return {
        "samples": found.samples, "input_mean": found.input.mean.tolist(),
        "input_deviation": found.input.deviation.tolist(), "target_deviation": found.target.deviation.tolist(),
    }  # fmt: skip


def _around(generator: keras.Model, start: Start, experiment: Experiment) -> keras.Model:
    """Return a network of the inputs of a generator, whose first output is the start's.

    Raises:
        ValueError: the first input is no image of the dataset's input.
    """
    inputs = generator.inputs or [_image_input(experiment)]
    structure = list(inputs) if len(inputs) > 1 else inputs[0]
    shown = list(inputs)
    if experiment.settings.start_standardize:
        shown[0] = standardizing.Standardized()(inputs[0])
    outputs = generator(shown if len(shown) > 1 else shown[0])
    is_list = isinstance(outputs, (list, tuple))
    first, others = (outputs[0], list(outputs[1:])) if is_list else (outputs, [])
    image, expected = inputs[0], experiment.INPUT_CHANNELS
    if image.shape[-1] != expected:
        raise ValueError(
            f"start_from needs a generator whose first input is the image of {expected} channels, not of"
            f" {image.shape[-1]}"
        )
    summed = start([image, first])
    return keras.Model(structure, [summed, *others] if is_list else summed, name=GENERATOR)


def _image_input(experiment: Experiment) -> Any:
    steps = (experiment.INPUT_TIME_STEPS,) if experiment.INPUT_TIME_STEPS else ()
    shape = (*steps, experiment.IMG_HEIGHT, experiment.IMG_WIDTH, experiment.INPUT_CHANNELS)
    return keras.Input(shape, name="input_image")

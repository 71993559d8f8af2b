"""The interface of a plug-in: importing its file, building its class ``GAN``, and calling its methods."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pix2earth.plugins import legacy, own_losses, starting, state
from pix2earth.plugins.declared import ALL, SAMPLINGS
from pix2earth.plugins.failures import attributed_to
from pix2earth.plugins.finding import folders_of
from pix2earth.settings.errors import UserError, nearest

if TYPE_CHECKING:
    from experiment import Experiment


OWN_LOSSES = [attribute for attribute, _ in own_losses.ATTRIBUTES.values()]


def load(path: Path) -> ModuleType:
    """Import one plug-in file, which may have any name; nothing else of its folder is imported.

    Raises:
        UserError: the file cannot be imported; the message has the line of the error.
    """
    name = f"plugins.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    with attributed_to(path, "cannot be imported"):
        spec.loader.exec_module(module)
    return module


def build(experiment: Experiment, path: Path) -> Any:
    """Return the plug-in's ``GAN(experiment)`` with built optimisers.

    Plug-ins for the original ARISGAN code and Keras 2 are supported, see ``pix2earth/plugins/legacy.py``.

    Raises:
        UserError: the file has no class GAN, the constructor fails, or a required attribute is missing.
    """
    legacy.provide_models_package(folders_of(experiment))
    with legacy.keras_2_compatibility():
        module = load(path)
        if not inspect.isclass(getattr(module, "GAN", None)):
            raise UserError(f"{path}: has no class GAN; see docs/add-a-model.md")
        if own := {name: getattr(module.GAN, name) for name in OWN_LOSSES if hasattr(module.GAN, name)}:
            own_losses.declare(experiment, path, own)
        kind = starting.starting_at(module.GAN, experiment) if experiment.settings.start_from else module.GAN
        with attributed_to(path, "GAN(experiment) fails"):
            gan = kind(experiment)
    _check_attributes(gan, path)
    starting.check(gan, path, experiment)
    with attributed_to(path, "the optimisers cannot be built"):
        _build_optimizers(gan)
    if places := state.hidden(gan):
        raise UserError(
            f"{path}: GAN.{places[0]} holds variables where no checkpoint finds them; make them an attribute of GAN,"
            " a list or dict of it, or a tf.Module"
        )
    return gan


def _check_attributes(gan: Any, path: Path) -> None:
    """Make sure that a plug-in can be trained and applied."""
    missing = [] if hasattr(gan, "train_step") else ["train_step"]
    if not hasattr(gan, "generator") and not hasattr(gan, "predict"):
        missing.insert(0, "generator (or a method predict)")
    if missing:
        raise UserError(f"{path}: GAN lacks {', '.join(missing)}; see docs/add-a-model.md")
    if not state.optimizers(gan):
        raise UserError(f"{path}: GAN has no optimiser among its attributes, so nothing of it could be resumed")


def _build_optimizers(gan: Any) -> None:
    """Create the variables of the optimiser of every network: checkpoints are restored into them."""
    networks = state.networks(gan)
    for path, optimizer in state.optimizers(gan).items():
        network = networks.get(state.network_of(path))
        if network is None:
            continue
        # In Keras 2 the attribute is private.
        if not getattr(optimizer, "built", getattr(optimizer, "_built", False)):
            optimizer.build(network.trainable_variables)


def parameters(function: Callable[..., Any]) -> list[str]:
    """Return the names of the parameters of a method, also where ``tf.function`` wraps it; ``ALL`` for ``**fields``."""
    plain = getattr(function, "python_function", function)
    found = inspect.signature(plain).parameters
    return [ALL if found[name].kind is inspect.Parameter.VAR_KEYWORD else name for name in found if name != "self"]


def bind(path: Path, method: str, names: Iterable[str], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that a method of a plug-in has as parameters.

    Args:
        path: file of the plug-in, for the error message.
        method: name of the method, for the error message.
        names: names of its parameters; with ``ALL`` it gets all fields.
        fields: all fields by name.

    Raises:
        UserError: no field has the name of a parameter.
    """
    names = list(names)
    if ALL in names:
        names = list(dict.fromkeys([*(name for name in names if name != ALL), *fields]))
    for name in names:
        if name not in fields:
            raise UserError(
                f"{path}: {method}() asks for '{name}'{nearest(name, fields)} (fields: {', '.join(fields)})"
            )
    return {name: fields[name] for name in names}


def sampling(gan: Any, path: Path) -> str:
    """Return how a plug-in wants its samples: its attribute ``sampling``, or "pairs".

    Raises:
        UserError: the attribute has another value than those there are.
    """
    kind = getattr(gan, "sampling", SAMPLINGS[0])
    if kind not in SAMPLINGS:
        raise UserError(f"{path}: sampling: must be one of {', '.join(SAMPLINGS)}, not {kind!r}")
    return str(kind)


def forward(gan: Any, path: Path, fields: Mapping[str, Any]) -> Any:
    """Return the prediction for prepared fields: by ``gan.predict`` where it exists, else by the generator."""
    with starting.given(gan, fields):
        if not hasattr(gan, "predict"):
            return gan.generator(fields["input_image"], training=False)
        bound = bind(path, "predict", parameters(gan.predict), fields)
        if starting.reads_fields(gan) and hasattr(gan.predict, "python_function"):
            return type(gan).predict.python_function(gan, **bound)
        return gan.predict(**bound)


def check_shape(gan: Any, path: Path, prediction: Any, expected: Sequence[int | None], of: str = "the target") -> None:
    """Make sure that a prediction has the shape of the target: others would be broadcast in losses and metrics.

    Args:
        gan: the plug-in.
        path: its file.
        prediction: with a batch axis; sizes that are not known while a graph is traced are not compared.
        expected: sizes without the batch axis.
        of: what has these sizes, for the message.

    Raises:
        UserError: a size differs.
    """
    sizes = tuple(prediction.shape)[1:]
    if len(sizes) == len(expected) and all(
        one == other or None in (one, other) for one, other in zip(sizes, expected, strict=True)
    ):
        return
    method = "predict()" if hasattr(gan, "predict") else "the generator"
    shown, needed = (" x ".join("?" if size is None else str(size) for size in one) for one in (sizes, expected))
    raise UserError(
        f"{path}: {method} returns images of {shown}, but {of} is {needed} ([time steps,] rows, columns, bands)"
    )

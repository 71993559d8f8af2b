"""Networks, optimisers and variables of a plug-in by name, wherever they are among its attributes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import keras
import tensorflow as tf

LIBRARIES = {"builtins", "experiment", "keras", "numpy", "pix2earth", "tensorflow", "tf_keras"}
"""Packages whose objects hold no variables of a plug-in where ``variables`` finds none."""


def variables(gan: Any) -> dict[str, Any]:
    """Return every variable in a plug-in's attributes, by the name ``<attribute>/<index>``.

    Variables of networks include the states of their seed generators and batch statistics, those of optimisers their
    slots. Lists and dicts are searched too. A variable that two attributes share is listed once.
    """
    by_name: dict[str, Any] = {}
    listed: set[int] = set()
    holders = [(name, vars(gan)[name]) for name in sorted(vars(gan))]
    for name, holder in [*holders, ("global_seed", _global_seed())]:
        for index, variable in enumerate(_variables_in(holder)):
            if id(variable) not in listed:
                listed.add(id(variable))
                by_name[f"{name}/{index}"] = variable
    return by_name


def networks(gan: Any) -> dict[str, Any]:
    """Return every network of Keras 3 or 2 in a plug-in's attributes, also in lists and dicts, by its name.

    The name is the attribute; in a dict the key, in a list ``<attribute>/<index>``.
    """
    by_name: dict[str, Any] = {}

    def search(name: str, holder: Any) -> None:
        if isinstance(holder, keras.Model) or (hasattr(holder, "count_params") and hasattr(holder, "layers")):
            by_name[name] = holder
        elif isinstance(holder, dict):
            for key in holder:
                search(str(key), holder[key])
        elif isinstance(holder, list | tuple):
            for index, item in enumerate(holder):
                search(f"{name}/{index}", item)

    for name, value in vars(gan).items():
        search(name, value)
    return by_name


def optimizers(gan: Any) -> dict[str, keras.optimizers.Optimizer]:
    """Return every optimiser of Keras 3 or 2 in a plug-in's attributes, also in lists and dicts, by the path to it."""
    by_path: dict[str, keras.optimizers.Optimizer] = {}

    def search(path: str, holder: Any) -> None:
        if isinstance(holder, keras.optimizers.Optimizer) or (
            hasattr(holder, "apply_gradients") and hasattr(holder, "learning_rate")  # of Keras 2
        ):
            by_path[path] = holder
        elif isinstance(holder, dict):
            for key in holder:
                search(f"{path}/{key}", holder[key])
        elif isinstance(holder, list | tuple):
            for index, item in enumerate(holder):
                search(f"{path}/{index}", item)

    for name, value in vars(gan).items():
        search(name, value)
    return by_path


def network_of(path: str) -> str:
    """Return the network of an optimiser: "generator" of ``generator_optimizer`` or ``optimizers/generator``."""
    parts = path.removesuffix("_optimizer").split("/")
    return parts[-1] if not parts[-1].isdigit() else path.removesuffix("_optimizer")


def hidden(gan: Any) -> list[str]:
    """Return the places of variables that a checkpoint would not hold: inside of objects that are no containers.

    A variable that is found elsewhere as well is not hidden.
    """
    listed = {id(variable) for variable in variables(gan).values()}
    found: list[str] = []
    visited: set[int] = set()

    def search(place: str, holder: Any) -> None:
        if id(holder) in visited or isinstance(holder, type | ModuleType):
            return
        visited.add(id(holder))
        if isinstance(holder, dict):
            parts = {f"{place}[{key!r}]": item for key, item in holder.items()}
        elif isinstance(holder, list | tuple):
            parts = {f"{place}[{index}]": item for index, item in enumerate(holder)}
        elif own := list(_variables_in(holder)):
            found.extend([place] if any(id(variable) not in listed for variable in own) else [])
            return
        elif type(holder).__module__.partition(".")[0] in LIBRARIES:
            return
        else:
            parts = {f"{place}.{name}": item for name, item in getattr(holder, "__dict__", {}).items()}
        for name, item in parts.items():
            search(name, item)

    for name, value in vars(gan).items():
        search(name, value)
    return found


@contextmanager
def kept(gan: Any) -> Iterator[None]:
    """Restore the state of a plug-in after a block: all its variables but those of networks and optimisers.

    A model that is random when predicting, such as one with dropout switched on, or that carries a frame from one step
    to the next, would otherwise train differently after a validation; and a resumed run validates at other steps than
    the interrupted one.
    """
    holders = [*networks(gan).values(), *optimizers(gan).values()]
    weights = {id(variable) for holder in holders for variable in _variables_in(holder)}
    states = [
        variable
        for variable in variables(gan).values()
        if id(variable) not in weights or "seed_generator_state" in path(variable)
    ]
    values = [variable.numpy() for variable in states]
    yield
    for variable, value in zip(states, values, strict=True):
        variable.assign(value)


@contextmanager
def unchanged(gan: Any) -> Iterator[None]:
    """Restore whatever a block changes of a plug-in's variables, those of networks and optimisers too."""
    values = [(variable, variable.numpy()) for variable in variables(gan).values()]
    yield
    for variable, value in values:
        # On several devices, assigning makes copies equal that may differ: only what has changed is assigned.
        if variable.numpy().tobytes() != value.tobytes():
            variable.assign(value)


def path(variable: Any) -> str:
    """Return the name of a variable for messages: the path of its layer, where it has one."""
    return str(getattr(variable, "path", None) or variable.name)


def _global_seed() -> Any:
    """Return the generator that ``keras.random`` uses where a call has no ``seed``."""
    # Keras has no public name for it; without it, plug-ins that call keras.random.normal(...) would not resume exactly.
    from keras.src.random.seed_generator import global_seed_generator

    return global_seed_generator()


def _variables_in(holder: Any) -> Iterator[Any]:
    """Yield the variables of one attribute, in an order that does not change between processes."""
    if isinstance(holder, keras.Variable | tf.Variable):
        yield holder
    elif isinstance(holder, keras.random.SeedGenerator):
        yield holder.state
    elif isinstance(holder, tf.random.Generator):
        yield holder.state
    elif isinstance(holder, dict):
        for key in sorted(holder, key=str):
            yield from _variables_in(holder[key])
    elif isinstance(holder, list | tuple):
        for item in holder:
            yield from _variables_in(item)
    elif hasattr(holder, "variables") and not isinstance(holder, type):
        # Layers, models, optimisers, metrics of Keras 3 and 2, tf.Module.
        yield from holder.variables() if callable(holder.variables) else holder.variables

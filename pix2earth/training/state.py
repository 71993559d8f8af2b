"""Variables of a plug-in that a checkpoint must hold, by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf


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


@contextmanager
def random_numbers_kept(gan: Any) -> Iterator[None]:
    """Restore the states of a plug-in's seed generators after a block; a context manager.

    A model that is random when predicting, such as one with dropout switched on, would otherwise train differently
    after a validation; and a resumed run validates at other steps than the interrupted one.
    """
    states = [variable for variable in variables(gan).values() if "seed_generator_state" in path(variable)]
    values = [variable.numpy() for variable in states]
    yield
    for variable, value in zip(states, values, strict=True):
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

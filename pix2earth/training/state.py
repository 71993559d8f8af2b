"""Everything of a plug-in that a checkpoint has to hold, by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf


def variables(gan: Any) -> dict[str, Any]:
    """Return every variable that hangs on a plug-in's attributes, as ``<attribute>/<index>``.

    Networks count with the states of their seed generators and with batch statistics, optimisers with their slots;
    lists and dicts of such things too. What two attributes share is listed once.
    """
    found: dict[str, Any] = {}
    seen: set[int] = set()
    holders = [(name, vars(gan)[name]) for name in sorted(vars(gan))]
    for name, holder in [*holders, ("global_seed", _global_seed())]:
        for index, variable in enumerate(_inside(holder)):
            if id(variable) not in seen:
                seen.add(id(variable))
                found[f"{name}/{index}"] = variable
    return found


def optimizers(gan: Any) -> dict[str, keras.optimizers.Optimizer]:
    """Return every Keras optimiser that hangs on a plug-in's attributes, in lists and dicts too, by its place."""
    found: dict[str, keras.optimizers.Optimizer] = {}

    def look(place: str, holder: Any) -> None:
        if isinstance(holder, keras.optimizers.Optimizer):
            found[place] = holder
        elif isinstance(holder, dict):
            for key in holder:
                look(f"{place}/{key}", holder[key])
        elif isinstance(holder, list | tuple):
            for index, item in enumerate(holder):
                look(f"{place}/{index}", item)

    for name, value in vars(gan).items():
        look(name, value)
    return found


@contextmanager
def unmoved(gan: Any) -> Iterator[None]:
    """A block after which the random numbers of training go on as if it had not been.

    A model that is random when predicting too, such as one with dropout switched on, would otherwise train differently
    after a validation, and a restored run validates at other times than the one that was interrupted.
    """
    states = [variable for variable in variables(gan).values() if "seed_generator_state" in path(variable)]
    before = [variable.numpy() for variable in states]
    yield
    for variable, value in zip(states, before, strict=True):
        variable.assign(value)


def path(variable: Any) -> str:
    """Return the name under which a person knows a variable."""
    return str(getattr(variable, "path", None) or variable.name)


def _global_seed() -> Any:
    """Return the generator that ``keras.random`` uses where a call names none."""
    # Keras has no public name for it, and without it a plug-in that calls keras.random.normal(...) would not resume.
    from keras.src.random.seed_generator import global_seed_generator

    return global_seed_generator()


def _inside(holder: Any) -> Iterator[Any]:
    """Yield the variables of one attribute, in a stable order."""
    if isinstance(holder, keras.Variable | tf.Variable):
        yield holder
    elif isinstance(holder, keras.random.SeedGenerator):
        yield holder.state
    elif isinstance(holder, tf.random.Generator):
        yield holder.state
    elif isinstance(holder, dict):
        for key in sorted(holder, key=str):
            yield from _inside(holder[key])
    elif isinstance(holder, list | tuple):
        for item in holder:
            yield from _inside(item)
    elif hasattr(holder, "variables") and not isinstance(holder, type):
        # Layers, models, optimisers, metrics of Keras 3 and 2, tf.Module.
        yield from holder.variables() if callable(holder.variables) else holder.variables

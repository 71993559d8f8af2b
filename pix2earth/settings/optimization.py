"""Keys of ``experiment.json`` that say how networks are optimised: learning rates, loss weights, their schedules."""

from __future__ import annotations

import difflib
import math
from typing import Annotated, Any, Literal

from pydantic import (
    ConfigDict,
    Discriminator,
    Field,
    FiniteFloat,
    NonNegativeFloat,
    NonNegativeInt,
    Tag,
    model_validator,
)

from pix2earth.settings.base_schema import Schema

Rate = Annotated[FiniteFloat, Field(gt=0)]
NETWORKS = ("generator", "discriminator")


class LearningRates(Schema):
    """Learning rates by network; a plug-in may have networks of other names."""

    model_config = ConfigDict(extra="allow", strict=True, use_attribute_docstrings=True)
    __pydantic_extra__: dict[str, Rate | None]

    generator: Rate | None = None
    """Learning rate of the generator; null: the plug-in's default."""
    discriminator: Rate | None = None
    """Learning rate of the discriminator; null: the plug-in's default."""

    @model_validator(mode="after")
    def _check_names(self) -> LearningRates:
        """Find typos of the usual names before the plug-in, which knows the others, is imported."""
        for name in self.__pydantic_extra__:
            near = difflib.get_close_matches(name, NETWORKS, n=1, cutoff=0.75)
            if near and not name.startswith(NETWORKS):
                raise ValueError(f"unknown network '{name}'; did you mean '{near[0]}'?")
        return self


class Schedule(Schema):
    """How a learning rate changes: it rises during the warm-up, stays, and decays from ``begin`` to ``end``."""

    kind: Literal["constant", "linear", "cosine", "step"]
    """The decay: none, linear, half a cosine (Loshchilov & Hutter 2017, without restarts), or by ``factor``."""
    unit: Literal["steps", "epochs"] = "steps"
    """Unit of the four lengths below."""
    warmup: NonNegativeFloat = 0
    """The rate rises linearly from 0 until here."""
    begin: NonNegativeFloat = 0
    """Start of the decay."""
    end: Rate | None = None
    """End of the decay of "linear" and "cosine"; null: the end of training."""
    every: Rate | None = None
    """Length between two decreases of "step"."""
    factor: Annotated[float, Field(gt=0, le=1)] = 0.5
    """By which "step" multiplies the rate."""
    final: Annotated[float, Field(ge=0, le=1)] = 0.0
    """What is left at the end of "linear" and "cosine", as a part of the rate."""

    @model_validator(mode="after")
    def _check_lengths(self) -> Schedule:
        if self.kind == "step" and self.every is None:
            raise ValueError('every: is missing; kind "step" decreases the rate after each such length')
        if self.end is not None and self.end <= self.begin:
            raise ValueError(f"end: is {self.end:g}, not after begin, {self.begin:g}")
        return self

    def share(self, position: float, end_of_training: float) -> float:
        """Return the part of the full learning rate that is used, 0 to 1.

        Args:
            position: of the step in ``unit``, 0 for the first one.
            end_of_training: in ``unit``.
        """
        first = 1 if self.unit == "steps" else 0  # the first step has a rate above 0
        rising = min(1.0, (position + first) / self.warmup) if self.warmup else 1.0
        after = position - self.begin
        if after <= 0 or self.kind == "constant":
            return rising
        if self.kind == "step":
            return rising * self.factor ** math.floor(after / (self.every or math.inf))
        length = (end_of_training if self.end is None else self.end) - self.begin
        done = min(1.0, after / length) if length > 0 else 1.0
        left = 1.0 - done if self.kind == "linear" else 0.5 * (1.0 + math.cos(math.pi * done))
        return rising * (self.final + (1.0 - self.final) * left)


class LossWeight(Schema):
    """The weight of a loss that begins later."""

    weight: FiniteFloat
    """The full weight."""
    begin: NonNegativeInt = 0
    """Number of finished steps from which the loss is computed."""
    ramp: NonNegativeInt = 0
    """Number of steps in which the weight rises linearly to its full value; 0: at once."""

    def at(self, step: int) -> float:
        """Return the weight of a step, of which ``step`` have been finished before; 0 before ``begin``."""
        if step < self.begin:
            return 0.0
        return self.weight * min(1.0, (step - self.begin + 1) / (self.ramp + 1))


def _one_or_several(value: Any) -> str:
    """Return which type of the key ``schedule`` a value has: "one" schedule, or schedules by "networks"."""
    by_network = (
        isinstance(value, dict) and value and all(isinstance(entry, dict | Schedule) for entry in value.values())
    )
    return "networks" if by_network else "one"


Schedules = Annotated[
    Annotated[Schedule, Tag("one")] | Annotated[dict[str, Schedule], Tag("networks")], Discriminator(_one_or_several)
]
"""One schedule for all networks, or a dictionary by network."""

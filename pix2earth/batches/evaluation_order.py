"""The order in which samples are evaluated: groups of equal size, and sequences from their first time step on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pix2earth.records.sequences import sequences


class SampleGroup(NamedTuple):
    """Samples that are read and predicted in one batch.

    Attributes:
        read: their names.
        scored: for each, its name where its prediction is of interest, else None: it fills the batch, or is an earlier
            time step of one that is.
        starts: for each, 1 where a sequence starts, else 0; None where there are no sequences.
    """

    read: list[str]
    scored: list[str | None]
    starts: list[float] | None = None


def groups(names: Sequence[str], size: int) -> Iterator[SampleGroup]:
    """Yield groups of ``size`` names in their order; the last one is filled with the first names.

    Another batch size would be compiled again, which takes longer than to compute some samples twice.
    """
    for first in range(0, len(names), size):
        chosen = list(names[first : first + size])
        filler = list(names[: size - len(chosen)])
        yield SampleGroup([*chosen, *filler], [*chosen, *[None] * len(filler)])


def groups_of_sequences(
    names: Sequence[str], available: Sequence[str], pattern: str, lanes: int
) -> Iterator[SampleGroup]:
    """Yield the time steps of sequences one after the other, of ``lanes`` sequences at a time.

    A sequence is read from its first time step to its last one in ``names``. Where it ends before the others, its last
    time step is repeated, and where there are fewer sequences than lanes, the first ones are: neither is scored.

    Args:
        names: the samples that are scored.
        available: all samples of the split.
        pattern: the manifest's ``sequence``.
        lanes: number of sequences at a time.
    """
    asked = set(names)
    found = []
    for members in sequences(available, pattern).values():
        last = max((index for index, name in enumerate(members) if name in asked), default=-1)
        if last >= 0:
            found.append(members[: last + 1])
    for group in groups([str(number) for number in range(len(found))], min(lanes, len(found)) or 1):
        chosen = [found[int(number)] for number in group.read] + [found[0]] * (lanes - len(group.read))
        real = [number is not None for number in group.scored] + [False] * (lanes - len(group.read))
        for step in range(max(map(len, chosen))):
            read = [members[min(step, len(members) - 1)] for members in chosen]
            scored = [
                name if of_group and step < len(members) and name in asked else None
                for name, members, of_group in zip(read, chosen, real, strict=True)
            ]
            yield SampleGroup(read, scored, [float(step == 0)] * lanes)

"""What names a run in a table of many: loss, mask, dataset, model and batch, from its settings or its file name."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

FACTS = ["loss", "mask", "dataset", "model", "batch"]
"""Columns that describe a run, in the order of the file names of the original ARISGAN code."""

NONE = "-"
UNKNOWN = "?"
PUBLISHED_BATCH = "b16"
PUBLISHED_TIMESTAMP = re.compile(r"_\d{4}-\d{4}(-\d+)?$")
ON_OTHER_DATASET = re.compile(r"(.+)@([^@]+)@\d+")
"""The name of a CSV with scores on another dataset than that of the run (``RunFolders.evaluation_on``)."""


def facts(settings: Mapping[str, Any], losses: Collection[str] = ()) -> dict[str, str]:
    """Return the ``FACTS`` of a run.

    Args:
        settings: of its experiment.
        losses: names of the losses that ``train_step`` returned; empty: not recorded.
    """
    return {
        "loss": loss(settings.get("gen_loss", {}), losses),
        "mask": mask(settings.get("enforce_suffix"), settings.get("exclude_suffix")),
        "dataset": settings["dataset"],
        "model": settings["model_name"],
        "batch": f"b{settings.get('batch_size', UNKNOWN)}",
    }


def loss(weights: Mapping[str, Any], losses: Collection[str] = ()) -> str:
    """Return the losses of the generator with their weights: "1 gan + 100 l1".

    Args:
        weights: the key ``gen_loss`` of the experiment; of weights that begin later, the full ones are named.
        losses: names of the losses that ``train_step`` returned. Those of the discriminator and sums are left out, and
            those without a weight in ``gen_loss`` are named alone. Empty: not recorded, and all weights are taken to be
            in use.
    """
    numbers = {name: weight["weight"] if isinstance(weight, Mapping) else weight for name, weight in weights.items()}
    chosen = {name: weight for name, weight in numbers.items() if weight}
    terms = [name.removesuffix("_loss") for name in losses if "disc" not in name and "total" not in name]
    if terms:
        chosen = {name: weight for name, weight in chosen.items() if name in terms}
    own = [name for name in terms if name not in weights]
    parts = [f"{weight:g} {name.removeprefix('gen_')}" for name, weight in chosen.items()]
    return " + ".join([*parts, *(name.removeprefix("gen_") for name in own)]) or NONE


def mask(enforced: str | None, excluded: str | None) -> str:
    """Return a name for the tiles that a run uses, as the original ARISGAN code names them.

    Args:
        enforced: the suffix that names of tiles must have, such as "notinmask", or None.
        excluded: the suffix that they must not have, or None.

    Returns:
        "notinmask" where that is enforced, "inmask" where it is excluded, "all" without both.
    """
    parts = [enforced.strip("_")] if enforced else []
    if excluded:
        name = excluded.strip("_")
        parts.append(name.removeprefix("not") if name.startswith("not") else f"not{name}")
    return "-".join(parts) or "all"


def facts_of_name(name: str) -> dict[str, str]:
    """Return the ``FACTS`` in a file name of the original ARISGAN code: loss, mask, dataset, model[, batch].

    A name with fewer parts is used as the name of the model. Of scores on another dataset, that is the dataset.
    """
    if match := ON_OTHER_DATASET.fullmatch(name):
        return facts_of_name(match[1]) | {"dataset": match[2]}
    name = PUBLISHED_TIMESTAMP.sub("", name)
    parts = name.split("_")
    if len(parts) < 4:
        return dict.fromkeys(FACTS, UNKNOWN) | {"model": name}
    has_batch = len(parts) > 4 and re.fullmatch(r"b\d+", parts[-1])
    batch = parts.pop() if has_batch else PUBLISHED_BATCH
    return dict(zip(FACTS, [*parts[:3], "_".join(parts[3:]), batch], strict=True))

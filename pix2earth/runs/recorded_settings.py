"""Settings of an existing run, as it has recorded them, in place of those of ``experiment.json``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pix2earth.settings.occlusion import Occlusion
from pix2earth.settings.schema import ADDED, ExperimentFile, affects
from pix2earth.settings.value_transform import ValueTransform


def with_recorded(settings: ExperimentFile, recorded: Mapping[str, Any]) -> ExperimentFile:
    """Return the settings with the recorded values of those keys that change the networks or their data.

    A key that did not exist when the run was recorded had no effect, which is its default.
    """
    kept = {key: recorded[key] for key in ExperimentFile.model_fields if key in recorded and affects(key)}
    if "transforms" in kept:
        kept["transforms"] = {name: ValueTransform.model_validate(each) for name, each in kept["transforms"].items()}
    if kept.get("occlusion"):
        kept["occlusion"] = Occlusion.model_validate(kept["occlusion"])
    if "model_name" in recorded:
        kept |= {key: value for key, value in ADDED.items() if key not in recorded and affects(key)}
    return settings.model_copy(update=kept)

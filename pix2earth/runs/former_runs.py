"""Runs of former versions: as much of their identity as was recorded, and what was not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pix2earth.runs.identity import WITHOUT_EFFECT


def of_former_run(run: Mapping[str, Any], plugin: Path | None = None) -> dict[str, Any]:
    """Return as much of an identity as the ``run.json`` of a former version recorded.

    Args:
        run: content of ``run.json``.
        plugin: the present file of the plug-in; where it is byte for byte that of the run, or has been changed by a
            user, that is part of the identity. None: the plug-in is left out.
    """
    settings = run["settings"]
    content = {
        "version": 0,
        "augmentation": 1,
        "missing": 1,
        "exclusion": 1,
        "settings": {key: value for key, value in settings.items() if key not in WITHOUT_EFFECT},
        "dataset": {key: run["dataset"][key] for key in ("name", "fingerprint") if key in run["dataset"]},
    }
    if "seed" in settings:
        content["seed"] = settings["seed"]
    recorded = run.get("plugin", {}).get("sha256")
    if recorded and plugin and hashlib.sha256(plugin.read_bytes()).hexdigest() != recorded:
        content["plugin"] = {"name": plugin.stem, "bytes": recorded}
    return content


def not_recorded(recorded: Mapping[str, Any] | None) -> str | None:
    """Return a clause that names what a former version did not record, or None where all is recorded."""
    if not recorded:
        return "neither the settings, nor the plug-in, nor the dataset were recorded, and none of them is compared"
    if recorded.get("version", 0) >= 1:
        return None
    return "a former version recorded neither what the plug-in imports nor the manifest of the dataset; not compared"

"""What training does with tiles, by versions: where one was raised, a resumed run goes on with another training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

TREATMENTS = {"augmentation": 2, "missing": 2, "exclusion": 2}
"""Versions of what is done with tiles, to be raised where the same draws and pixels give another training."""
FORMER_TREATMENTS = {
    "augmentation": "the last row or column of some resized tiles was 0",
    "missing": "losses learnt missing and masked pixels of targets as the lower end of the range",
    "exclusion": "residual_upsampler was trained on tiles that are resized at random",
}
"""What version 1 did: rounding could leave a tile that is resized at random; losses knew nothing of missing pixels; and
``residual_upsampler`` did not exclude ``random_resize``, which its interpolated blocks cannot bear."""
CONTINUED = "exclusion"
"""The treatment that a resumed run keeps, in the version in which it was started; 1 where none was recorded."""


def of(identity: Mapping[str, Any]) -> dict[str, int | None]:
    """Return the version of each treatment in a run, 1 where none was recorded; None where all versions do the same.

    They do where tiles are not resized at random, where no pixel of a target can be missing, and where the plug-in has
    nothing of ``residual_upsampler``.
    """
    content = identity.get("dataset", {})
    roles = content.get("roles", {})
    target = content.get("fields", {}).get(roles.get("target"), {})
    settings = identity.get("settings", {})
    resized = settings.get("random_resize", 1.0) > 1
    imported = "models/residual_upsampler.py" in identity.get("toolkit", {})
    matters = {
        "augmentation": resized,
        "exclusion": resized and (imported or settings.get("model_name") == "residual_upsampler"),
        "missing": bool(roles.get("mask") or target.get("nodata") is not None or "float" in target.get("dtype", "")),
    }
    return {name: identity.get(name, 1) if matters[name] else None for name in TREATMENTS}


def differences(
    recorded: Mapping[str, Any], current: Mapping[str, Any]
) -> Iterator[tuple[str, int | None, int | None]]:
    """Yield name, recorded and present version of each treatment that changes the training of a run.

    Args:
        recorded: identity of the run; empty where nothing was recorded.
        current: identity as it is now, or that of another run.
    """
    if not recorded:
        return
    # A former version that did not record the manifest is judged by the present one.
    known = recorded if recorded.get("dataset", {}).get("fields") else {**recorded, "dataset": current["dataset"]}
    for name, version in of(known).items():
        was, is_now = (one.get(name, 1 if name == CONTINUED else None) for one in (recorded, current))
        if version and was != is_now:
            yield name, was, is_now


def continued(recorded: Mapping[str, Any], current: Mapping[str, Any]) -> dict[str, Any]:
    """Return the identity of a process that resumes a run: it does with tiles what the run must keep.

    Args:
        recorded: identity of the run; empty where nothing was recorded.
        current: identity as a new run has it.
    """
    return {**current, CONTINUED: recorded.get(CONTINUED, 1)}


def is_former(identity: Mapping[str, Any]) -> bool:
    """Return whether a run was started when plug-ins of the toolkit excluded less augmentation."""
    return identity.get(CONTINUED, 1) < TREATMENTS[CONTINUED]


def in_words(name: str, was: int | None, current: int | None) -> str:
    """Return how a treatment differs from the recorded one."""
    version, now = ("of a version that was not recorded" if one is None else f"version {one}" for one in (was, current))
    former = f"; before version 2, {FORMER_TREATMENTS[name]}" if (was or 1) < 2 else ""
    return f"{name}: was {version}, is {now}{former}"

"""A plug-in's own settings: the `params` object of experiment.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pix2earth.settings.errors import nearest

if TYPE_CHECKING:
    from experiment import Experiment


def known_params(experiment: Experiment, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a plug-in: its defaults, overridden by `params` of experiment.json.

    Args:
        experiment: its PARAMS are used.
        defaults: all settings of the plug-in. A value must have the type of its default; an integer is accepted for a
            float, and any value for a default of None.

    Raises:
        ValueError: unknown names (with the nearest valid one) or wrong types; one message has all of them.
    """
    settings = dict(experiment.PARAMS or {})
    errors = [
        *(_unknown(name, defaults) for name in settings if name not in defaults),
        *(_wrong_type(name, value, defaults[name]) for name, value in settings.items() if name in defaults),
    ]
    if any(errors):
        raise ValueError("params: " + ", and ".join(error for error in errors if error))
    return {
        name: float(settings[name]) if name in settings and isinstance(default, float) else settings.get(name, default)
        for name, default in defaults.items()
    }


def _unknown(name: str, defaults: Mapping[str, Any]) -> str:
    """Return the error message for a name that is not a setting of the plug-in."""
    return f"unknown key '{name}'{nearest(name, defaults) or '; this model takes none'}"


def _wrong_type(name: str, value: Any, default: Any) -> str:
    """Return the error message for a value of the wrong type, or an empty string."""
    if default is None or type(value) is type(default):
        return ""
    if isinstance(default, float) and type(value) is int:
        return ""
    return f"'{name}' must be {type(default).__name__} like {default!r}, not {value!r}"

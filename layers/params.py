"""A plug-in's own settings: the `params` object of experiment.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pix2earth.settings.errors import nearest

if TYPE_CHECKING:
    from experiment import Experiment


def known_params(experiment: Experiment, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plug-in's settings: its defaults, overridden by what experiment.json says in `params`.

    Args:
        experiment: read for PARAMS.
        defaults: every name that the plug-in knows. The default's type is the type asked for; a whole number
            is a float too; a default of None takes anything.

    Raises:
        ValueError: all unknown names (with the nearest known one) and wrong types, in one message.
    """
    given = dict(experiment.PARAMS or {})
    errors = [
        *(_unknown(name, defaults) for name in given if name not in defaults),
        *(_mistyped(name, value, defaults[name]) for name, value in given.items() if name in defaults),
    ]
    if any(errors):
        raise ValueError("params: " + ", and ".join(error for error in errors if error))
    return {
        name: float(given[name]) if name in given and isinstance(default, float) else given.get(name, default)
        for name, default in defaults.items()
    }


def _unknown(name: str, defaults: Mapping[str, Any]) -> str:
    """Return the complaint about a name that the plug-in does not know."""
    return f"unknown key '{name}'{nearest(name, defaults) or '; this model takes none'}"


def _mistyped(name: str, value: Any, default: Any) -> str:
    """Return the complaint about a value's type, or nothing."""
    if default is None or type(value) is type(default):
        return ""
    if isinstance(default, float) and type(value) is int:
        return ""
    return f"'{name}' must be {type(default).__name__} like {default!r}, not {value!r}"

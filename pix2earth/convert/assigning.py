"""Assign published states to the networks of a plug-in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from layers.published_weights import assign
from pix2earth.convert import matching
from pix2earth.settings.errors import UserError
from pix2earth.settings.errors import nearest as nearest_name

State = tuple[str | None, Path, Mapping[str, np.ndarray]]
"""Network that the user named or None, file, and arrays by name."""


def assign_all(gan: Any, plugin: Path, states: Sequence[State], ignored: Sequence[str]) -> list[str]:
    """Assign states to networks; nothing is assigned where a name or shape differs.

    Args:
        gan: the plug-in.
        plugin: its file.
        states: the files.
        ignored: beginnings of names that no network needs.

    Returns:
        A line for each network: where its weights come from.

    Raises:
        UserError: the plug-in has no published names, or they differ.
    """
    if not hasattr(gan, "published_names"):
        raise UserError(f"{plugin}: rebuilds no published network (it has no method published_names)")
    names: dict[str, dict[str, Any]] = gan.published_names()
    origins: dict[str, str] = {}
    for network, path, state in states:
        if network is not None and network not in names:
            raise UserError(f"--from {network}={path}: there is no network '{network}'{nearest_name(network, names)}")
        wanted = {network: names[network]} if network else names
        for match in _matches(wanted, path, state, ignored):
            if match.network in origins:
                raise UserError(f"--from {path}: {match.network} is in {origins[match.network]} too; name one of them")
            _assign(match, names[match.network], path, state)
            origins[match.network] = f"{path} ({match.prefix or 'all names'})"
    return [f"{name}: {origins.get(name, 'in no file; it keeps its initial weights')}" for name in names]


def _matches(
    names: Mapping[str, Mapping[str, Any]], path: Path, state: Mapping[str, np.ndarray], ignored: Sequence[str]
) -> list[matching.Match]:
    """Return the networks in a state.

    Raises:
        UserError: there is none, one is there twice, or names are left over.
    """
    kept = {name: array for name, array in state.items() if not name.startswith(tuple(ignored))}
    try:
        found = [match for network in names if (match := matching.find(network, names[network], kept))]
    except ValueError as error:
        raise UserError(f"--from {path}: {error}; write one network into a file of its own") from None
    if not found:
        lines = []
        for network in names:
            prefix, missing = matching.nearest(names[network], kept)
            place = f" below '{prefix}'" if prefix else ""
            lines.append(
                f"--from {path}: is not the {network} of this experiment: {len(missing)} of its {len(names[network])}"
                f" names are missing{place}: {matching.shortened(missing)}"
            )
        raise UserError(*lines)
    if left := matching.left_over(kept, found, names):
        raise UserError(
            f"--from {path}: {len(left)} names belong to no network of this experiment: {matching.shortened(left)};"
            " another depth? If no network needs them: --ignore"
        )
    return found


def _assign(match: matching.Match, names: Mapping[str, Any], path: Path, state: Mapping[str, np.ndarray]) -> None:
    try:
        assign({name: state[match.prefix + name] for name in names}, names)
    except ValueError as error:
        lines = str(error).splitlines()
        shown = [f"--from {path}: {match.network}: {line} (published, then ours)" for line in lines[: matching.SHOWN]]
        more = [f"--from {path}: and {len(lines) - len(shown)} more"] if len(lines) > len(shown) else []
        raise UserError(*shown, *more, f"--from {path}: set the widths of the checkpoint in params") from None

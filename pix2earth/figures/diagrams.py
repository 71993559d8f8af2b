"""Diagrams of a plug-in's networks; text files where graphviz is not installed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from pix2earth.settings import atomic

WIDTHS = (100, 160, 240, 400)
"""Columns of the text files: the first at which no name of a layer or connection is cut off."""
CUT_OFF = "\N{HORIZONTAL ELLIPSIS}"
DIAGRAMS: dict[str, dict[str, Any]] = {"": {}, "_full": {"expand_nested": True, "show_layer_activations": True}}


def draw(gan: Any, folder: Path, report: Callable[[str], None]) -> None:
    """Write ``<network>.png`` and ``<network>_full.png`` of each network, or ``<network>.txt`` without graphviz.

    Args:
        gan: the plug-in.
        folder: for the files.
        report: receives a line where diagrams cannot be drawn.
    """
    networks = {name: value for name, value in vars(gan).items() if isinstance(value, keras.Model)}
    try:
        for name, network in networks.items():
            for suffix, details in DIAGRAMS.items():
                unfinished = folder / f".{name}{suffix}.png"  # plot_model needs this extension
                keras.utils.plot_model(network, str(unfinished), show_shapes=True, **details)
                unfinished.replace(folder / f"{name}{suffix}.png")
    except (ImportError, OSError):
        for name, network in networks.items():
            atomic.write_text(folder / f"{name}.txt", _summary(network))
        texts = ", ".join(f"{name}.txt" for name in networks)
        report(f"{folder}: {texts} describe the networks (diagrams need graphviz and the package pydot)")


def _summary(network: keras.Model) -> str:
    """Return layers, shapes, numbers of parameters and connections of a network, as wide as its names require."""
    for width in WIDTHS:
        text = _summary_of_width(network, width)
        if CUT_OFF not in text:
            break
    return text


def _summary_of_width(network: keras.Model, width: int) -> str:
    lines: list[str] = []
    columns = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(width)  # Keras prints to a console of its own, of 80 columns where it is no terminal
    try:
        network.summary(print_fn=lambda line, **_: lines.append(line), line_length=width, expand_nested=True)
    finally:
        if columns is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = columns
    return "\n".join(lines) + "\n"

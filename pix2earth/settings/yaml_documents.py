"""Parser of YAML 1.2 that keeps line and column of every key, as ``commented_json`` does for JSON."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pix2earth.settings.commented_json import Document, Key
from pix2earth.settings.errors import UserError


def read(path: str | os.PathLike[str]) -> Document:
    """Parse a YAML file.

    Raises:
        UserError: the file cannot be read, is not UTF-8, is not YAML, or has a key twice; with line and column.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    shown = str(path)
    yaml = YAML(typ="rt", pure=True)
    yaml.Constructor = _constructor()
    document = Document(shown, None, {}, {(): (1, 1)})
    try:
        data = _plain(document, yaml.load(Path(path).read_text(encoding="utf-8-sig")), ())
    except UnicodeDecodeError as error:
        raise UserError(f"{shown}: is not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        raise UserError(f"{shown}: cannot be read: {error.strerror}") from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
        fault = (error.problem or error.context or "is damaged").split("\n")[0]
        raise UserError(f"{shown}:{place}: is not YAML here: {fault}") from None
    except YAMLError as error:
        raise UserError(f"{shown}: is not YAML: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise UserError(f"{shown}: is nested too deeply") from None
    return Document(shown, data, document.keys, document.values)


def _constructor() -> type:
    """Return ruamel's constructor, changed so that impossible values (February 30) are errors with their place."""
    from ruamel.yaml import RoundTripConstructor
    from ruamel.yaml.constructor import ConstructorError

    class Constructor(RoundTripConstructor):
        def construct_object(self, node: Any, deep: bool = False) -> Any:
            try:
                return super().construct_object(node, deep)
            except (ValueError, KeyError) as error:
                raise ConstructorError(None, None, str(error), node.start_mark) from None

    return Constructor


def _plain(document: Document, node: Any, key: Key) -> Any:
    """Turn a node of ruamel into plain values and store the place of each in the document."""
    places: Any = getattr(node, "lc", None)
    if isinstance(node, dict):
        content = {}
        for name, value in node.items():
            inner = (*key, str(name))
            if name in (places.data or ()):  # a merged key ("<<: *base") has no place here
                document.keys[inner] = _place(places.key(name))
                document.values[inner] = _place(places.value(name))
            content[str(name)] = _plain(document, value, inner)
        return content
    if isinstance(node, list):
        for index in range(len(node)):
            document.values[(*key, index)] = _place(places.item(index))
        return [_plain(document, value, (*key, index)) for index, value in enumerate(node)]
    return _scalar(node)


def _place(position: tuple[int, int]) -> tuple[int, int]:
    """Return line and column counted from 1; ruamel counts them from 0."""
    return position[0] + 1, position[1] + 1


def _scalar(value: Any) -> Any:
    """Return a plain Python number or string instead of ruamel's, which keep how they were written."""
    from ruamel.yaml.scalarbool import ScalarBoolean

    if isinstance(value, ScalarBoolean):  # a subclass of int
        return bool(value)
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value

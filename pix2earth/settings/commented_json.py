"""Parser of JSON with comments (``//``, ``#``, ``/* */``) and trailing commas; keeps line and column of every key."""

from __future__ import annotations

import functools
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lark

from pix2earth.settings.errors import UserError

GRAMMAR = r"""
start: value
?value: object | array | STRING -> string | NUMBER -> number
      | "true" -> true | "false" -> false | "null" -> null
object: "{" [pair ("," pair)* [","]] "}"
array: "[" [value ("," value)* [","]] "]"
pair: STRING ":" value
STRING: /"(?:[^"\\\x00-\x1f]|\\(?:["\\\/bfnrt]|u[0-9a-fA-F]{4}))*"/
NUMBER: /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/
COMMENT: /\/\/[^\n]*/ | /#[^\n]*/ | /\/\*(?:.|\n)*?\*\//
%ignore COMMENT
%ignore /[ \t\r\n]+/
"""
TOKENS = {"RBRACE": "'}'", "LBRACE": "'{'", "COMMA": "','", "COLON": "':'", "LSQB": "'['", "RSQB": "']'",
          "STRING": "a string in double quotes", "NUMBER": "a number"}  # fmt: skip
"""How error messages call the parser's tokens."""

Key = tuple[str | int, ...]
"""The names and list indices that lead from the top of a file to a value."""
Place = tuple[int, int]
"""Line and column, counted from 1."""


@dataclass(frozen=True)
class Document:
    """A parsed file: its data, and line and column of every key and value."""

    path: str
    data: Any
    keys: dict[Key, Place]
    values: dict[Key, Place]

    def place(self, key: Key, *, of_key: bool = False) -> str:
        """Return ``path:line:column`` of a value, or of its key; of the enclosing object where the key is missing."""
        place = (self.keys if of_key else {}).get(key) or self.values.get(key)
        if place is None and key:
            return self.place(key[:-1])
        line, column = place or (1, 1)
        return f"{self.path}:{line}:{column}"


@functools.cache
def _parser() -> lark.Lark:
    return lark.Lark(GRAMMAR, parser="lalr", propagate_positions=True, maybe_placeholders=False)


def read(path: str | os.PathLike[str]) -> Document:
    """Parse a JSON file with comments.

    Raises:
        UserError: the file cannot be read, is not UTF-8, is not JSON, or has a key twice; with line and column.
    """
    shown = str(path)
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{shown}: is not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        raise UserError(f"{shown}: cannot be read: {error.strerror}") from None
    try:
        tree = _parser().parse(text)
    except lark.exceptions.UnexpectedInput as error:
        raise UserError(_explain(shown, text, error)) from None
    document = Document(shown, None, {}, {})
    try:
        data = _build(document, tree.children[0], ())
    except RecursionError:
        raise UserError(f"{shown}: is nested too deeply") from None
    return Document(shown, data, document.keys, document.values)


def _explain(path: str, text: str, error: lark.exceptions.UnexpectedInput) -> str:
    """Return one line with the place at which the text stops being JSON and what was expected there."""
    expected: set[str] = getattr(error, "accepts", None) or getattr(error, "expected", None) or set()
    if isinstance(error, lark.exceptions.UnexpectedCharacters):
        expected = error.allowed or set()
    names = [TOKENS[name] for name in sorted(expected) if name in TOKENS]
    hint = f"expected {' or '.join(names)}" if names else "expected nothing more"
    line, column = error.line, error.column
    if isinstance(error, lark.exceptions.UnexpectedToken) and error.token.type == "$END":
        line, column = text.count("\n") + 1, len(text) - (text.rfind("\n") + 1) + 1
        rest = "the end of the file"
    else:
        rest = repr(text.split("\n")[line - 1][column - 1 : column + 11])
    return f"{path}:{line}:{column}: is not JSON here: {hint}, found {rest}"


def _build(document: Document, tree: Any, key: Key) -> Any:
    """Turn a parse tree into Python values and store the place of each in the document."""
    meta = tree.meta
    document.values[key] = (getattr(meta, "line", 1), getattr(meta, "column", 1))
    match tree.data:
        case "object":
            return _build_object(document, tree, key)
        case "array":
            return [_build(document, child, (*key, index)) for index, child in enumerate(tree.children)]
        case "string" | "number":
            try:
                return json.loads(tree.children[0])
            except ValueError:
                raise UserError(f"{document.place(key)}: is a number with too many digits") from None
        case word:
            return {"true": True, "false": False, "null": None}[word]


def _build_object(document: Document, tree: Any, key: Key) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for pair in tree.children:
        token, value = pair.children
        name = json.loads(token)
        inner = (*key, name)
        if name in content:
            first = document.keys[inner][0]
            raise UserError(
                f"{document.path}:{token.line}:{token.column}: {name}: occurs twice (first in line {first}); keep one"
            )
        document.keys[inner] = (token.line, token.column)
        content[name] = _build(document, value, inner)
    return content

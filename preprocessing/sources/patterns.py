"""Patterns of paths with named parts: "{tile}/cloud/{name}_{time:int}.tif"."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from pix2earth.settings.errors import UserError, nearest

KINDS = {
    "text": r"[^/]+?",
    "int": r"\d+",
    "word": r"[^/_]+?",
    "date": r"\d{4}-\d{2}-\d{2}|\d{8}",
    "time": r"\d{4}-?\d{2}-?\d{2}[T_ .-]?\d{2}[:.h-]?\d{2}(?:[:.m-]?\d{2})?",
    "path": r".+?",
    "suffix": r"[^./]+(?:\.gz)?",
}
"""Kinds of parts, after a colon; without one, a part is a text. Other kinds are alternatives: "{usage:train|val}"."""
TOKEN = re.compile(r"\{([A-Za-z][A-Za-z0-9_]*)(?::([^{}]+))?\}|\*\*|\*|\?|[^{}*?]+|.")


def checked_pattern(pattern: str) -> str:
    """Return a pattern unchanged.

    Raises:
        ValueError: it has an error.
    """
    compiled(pattern)
    return pattern


@functools.cache
def compiled(pattern: str) -> re.Pattern[str]:
    """Return the regular expression of a pattern, for whole paths with "/" between folders.

    ``*`` matches anything but "/", ``**`` anything, ``?`` one character; a part that is named twice is equal.

    Raises:
        ValueError: braces are not closed, or a kind is unknown.
    """
    expression, seen = "", set()
    for match in TOKEN.finditer(pattern):
        token, name, kind = match[0], match[1], match[2] or "text"
        if name:
            if kind not in KINDS and "|" not in kind:
                raise ValueError(f"'{pattern}': there is no kind '{kind}' of parts{nearest(kind, KINDS)}")
            inner = KINDS.get(kind) or "|".join(re.escape(choice) for choice in kind.split("|"))
            expression += f"(?P={name})" if name in seen else f"(?P<{name}>{inner})"
            seen.add(name)
        elif token in ("{", "}"):
            raise ValueError(f"'{pattern}': braces need a name between them, such as {{name}}")
        else:
            expression += {"**": ".*", "*": "[^/]*", "?": "[^/]"}.get(token, re.escape(token))
    return re.compile(expression)


def parts_of(pattern: str) -> list[str]:
    """Return the names of the parts of a pattern, in their order."""
    return list(compiled(pattern).groupindex)


def integers_of(pattern: str) -> set[str]:
    """Return the names of the parts that are integers, of which 01 and 1 are the same."""
    return {match[1] for match in TOKEN.finditer(pattern) if match[1] and match[2] == "int"}


def matched(pattern: str, path: str) -> dict[str, str] | None:
    """Return the parts of a path, integers without leading zeros; None where it does not match."""
    match = compiled(pattern).fullmatch(path)
    if match is None:
        return None
    integers = integers_of(pattern)
    return {name: str(int(text)) if name in integers else text for name, text in match.groupdict().items()}


def filled(template: str, parts: Mapping[str, str], place: str) -> str:
    """Return a template such as "{tile}_{name}" with the parts of a sample.

    Raises:
        UserError: it names a part that no pattern has; ``place`` begins the line.
    """
    for name in template_parts(template):
        if name not in parts:
            raise UserError(f"{place}: '{template}': no pattern has a part '{name}'{nearest(name, parts)}")
    return re.sub(r"\{([A-Za-z][A-Za-z0-9_]*)\}", lambda match: parts[match[1]], template)


def template_parts(template: str) -> list[str]:
    """Return the names in a template."""
    return re.findall(r"\{([A-Za-z][A-Za-z0-9_]*)\}", template)


def moment(text: str) -> str | None:
    """Return a time from a file's name as ISO 8601, or None where the text is none."""
    digits = re.sub(r"\D", "", text.split("+")[0])
    for length, form in ((14, "%Y%m%d%H%M%S"), (12, "%Y%m%d%H%M"), (8, "%Y%m%d")):
        if len(digits) >= length and (length > 8 or len(digits) == 8):
            try:
                found = datetime.strptime(digits[:length], form)
            except ValueError:
                return None
            return found.date().isoformat() if length == 8 else found.isoformat()
    return None


def nearest_path(path: str, paths: Iterable[str]) -> str:
    """Return a phrase with the path that is most like another, for messages."""
    import difflib

    close = difflib.get_close_matches(path, list(paths)[:5000], n=1, cutoff=0.6)
    return f"; the nearest file is {close[0]}" if close else ""

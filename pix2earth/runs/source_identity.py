"""Checksums of the source of a plug-in and of what it imports, without comments and docstrings."""

from __future__ import annotations

import ast
import hashlib
import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER, tokenize.INDENT, tokenize.DEDENT}
"""Tokens without a meaning of their own; blocks are told apart by the column in which their lines start."""
F_STRING = (getattr(tokenize, "FSTRING_START", None), getattr(tokenize, "FSTRING_END", None))
"""Python 3.12 and later divide f-strings into tokens; their text is taken as a whole, so that versions agree."""


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file's code: comments, docstrings and layout inside of lines do not change it.

    A file that is not valid Python has the checksum of its bytes.
    """
    content = path.read_bytes()
    try:
        parts = "\0".join(_code(content.decode("utf-8-sig"))).encode()
    except (SyntaxError, ValueError, tokenize.TokenError):
        parts = content
    return hashlib.sha256(parts).hexdigest()


def _code(source: str) -> Iterator[str]:
    """Yield the tokens that matter; a line is introduced by the column in which it starts."""
    docstrings = _docstrings(ast.parse(source))
    lines = source.splitlines(keepends=True)
    depth, opened, fresh = 0, (0, 0), True
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == F_STRING[0]:
            depth, opened = depth + 1, token.start if depth == 0 else opened
            continue
        if token.type == F_STRING[1]:
            depth -= 1
            if depth == 0:
                yield from _line_start(fresh, opened)
                yield _text(lines, opened, token.end)
                fresh = False
            continue
        if depth or token.type in LAYOUT or token.start in docstrings:
            continue
        if token.type == tokenize.NEWLINE:
            fresh = True
            continue
        yield from _line_start(fresh, token.start)
        yield token.string
        fresh = False


def _line_start(fresh: bool, start: tuple[int, int]) -> Iterator[str]:
    if fresh:
        yield f"\n{start[1]}"


def _text(lines: Sequence[str], start: tuple[int, int], end: tuple[int, int]) -> str:
    """Return the source between two positions, (line from 1, column)."""
    if start[0] == end[0]:
        return lines[start[0] - 1][start[1] : end[1]]
    middle = lines[start[0] : end[0] - 1]
    return "".join([lines[start[0] - 1][start[1] :], *middle, lines[end[0] - 1][: end[1]]])


def _docstrings(tree: ast.Module) -> set[tuple[int, int]]:
    """Return the positions, (line, column), at which docstrings start."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            first = node.body[0]
            found.add((first.lineno, first.col_offset))
    return found


TOOLKIT = ("models", "layers", "losses", "metrics")
"""Folders of the toolkit from which plug-ins import."""
SHIPPED_MODELS = frozenset(
    {
        "aris-a", "aris-b", "aris-c", "cgan", "cgan_recurrent", "ctgan", "cyclegan", "cyclegan_unpaired",
        "dated_unet", "dmnet", "dsen2w", "gapfill", "guided_upsampler", "layers", "losses", "masked_unet", "pix2pix",
        "pix2pixcc", "psgan", "residual_upsampler", "srgan", "srs3", "tarsgan", "template",
    }
)  # fmt: skip
"""Files of ``models/`` that come with the toolkit; users put their own plug-ins beside them."""
TABLE_ENTRY = re.compile(r"((?:losses|metrics)\.\w+):\w+")
"""A function as the tables of losses and metrics name it; it is imported when it is first used."""


def is_shipped(path: Path, project: Path) -> bool:
    """Return whether a file comes with the toolkit; its changes are those of a version, not of a user's plug-in."""
    if not path.resolve().is_relative_to(project.resolve()):
        return False
    folder = path.resolve().relative_to(project.resolve()).parts[0]
    return folder in TOOLKIT and (folder != "models" or path.stem in SHIPPED_MODELS)


def imported_files(path: Path, project: Path, models_roots: Sequence[Path]) -> list[Path]:
    """Return a plug-in's file and all files of the toolkit and of ``models_root`` that it imports, directly or not.

    Args:
        path: the plug-in.
        project: the toolkit's folder; only ``TOOLKIT`` below it counts.
        models_roots: folders in which ``name`` and ``models.name`` are looked for.

    Returns:
        Resolved paths, the plug-in first, the others sorted.
    """
    first = path.resolve()
    known, waiting = {first}, [first]
    while waiting:
        file = waiting.pop()
        for name in _imports(file):
            for target in _candidates(name, project, models_roots):
                if target not in known:
                    known.add(target)
                    waiting.append(target)
    return [first, *sorted(known - {first})]


def _imports(path: Path) -> Iterable[str]:
    """Return the dotted names that a file may import; of ``from a import b`` both ``a`` and ``a.b``."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # a null byte is a ValueError
        return ()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names |= {module} | {f"{module}.{alias.name}".strip(".") for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names |= {match[1] for match in [TABLE_ENTRY.fullmatch(node.value)] if match}
    parents = {name[: match.start()] for name in names for match in re.finditer(r"\.", name)}
    return sorted((names | parents) - {""})


def _candidates(name: str, project: Path, models_roots: Sequence[Path]) -> Iterator[Path]:
    """Yield the files that a dotted name may mean."""
    parts = name.split(".")
    places = [project.joinpath(*parts)] if parts[0] in TOOLKIT else []
    for root in models_roots:
        places += [root.joinpath(*parts), *([root.joinpath(*parts[1:])] if parts[0] == "models" and parts[1:] else [])]
    for place in places:
        for file in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
            if file.is_file():
                yield file.resolve()

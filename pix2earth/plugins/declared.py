"""What a plug-in's class ``GAN`` says of itself, read from its source: nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ALL = "**"
"""Stands among the names of parameters for ``**fields``."""


SAMPLINGS = ("pairs", "pools", "sequences")
"""Values of the class attribute ``sampling``; the first one is the default."""


class Declared(NamedTuple):
    """Class attributes and methods of ``GAN``, with those of its bases.

    Attributes:
        literals: values of the class attributes that are literals, by name.
        parameters: names of the parameters of each method, without ``self``; ``ALL`` for ``**fields``.
    """

    literals: dict[str, Any]
    parameters: dict[str, list[str]]


def declared(plugin: Path, project: Path, models_roots: Sequence[Path] = ()) -> Declared:
    """Return what the class ``GAN`` of a file declares; nothing where it has none, or is no valid Python.

    Bases are found in the file, and in files of the project and of ``models_roots`` that it imports.

    Args:
        plugin: the file.
        project: the folder of ``models/`` and ``layers/``.
        models_roots: further folders of the package ``models``.
    """
    return _of_class(plugin, "GAN", project, list(models_roots), frozenset())


def _of_class(
    file: Path, name: str, project: Path, models: list[Path], visited: frozenset[tuple[Path, str]]
) -> Declared:
    """Return what a class of a file declares; a class that is its own base is no Python."""
    result = Declared({}, {})
    tree = _parsed(file)
    found = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name]
    if not found or (file, name) in visited:
        return result
    for base in reversed(found[-1].bases):  # the first base has precedence
        for place, base_name in _places(tree, file, base, project, models):
            inherited = _of_class(place, base_name, project, models, visited | {(file, name)})
            result.literals.update(inherited.literals)
            result.parameters.update(inherited.parameters)
    for statement in found[-1].body:
        _add(statement, result)
    return result


def _parsed(file: Path) -> ast.Module:
    try:
        return ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):  # reported with its line where the plug-in is imported
        return ast.Module([], [])


def _add(statement: ast.stmt, result: Declared) -> None:
    """Add a statement of the body of a class."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        arguments = statement.args
        names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
        result.parameters[statement.name] = [*names[1:], *([ALL] if arguments.kwarg else [])]
        return
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    value = getattr(statement, "value", None)
    for target in targets:
        if isinstance(target, ast.Name) and isinstance(value, ast.expr):
            result.literals.pop(target.id, None)  # that of a base is replaced, also by what is no literal
            try:
                result.literals[target.id] = ast.literal_eval(value)
            except ValueError:
                continue  # known after the import only


def _places(
    tree: ast.Module, file: Path, base: ast.expr, project: Path, models: list[Path]
) -> Iterator[tuple[Path, str]]:
    """Yield the file and the name of a base class: at most one, of the same file or of one that it imports."""
    text = ast.unparse(base)
    if any(isinstance(node, ast.ClassDef) and node.name == text for node in tree.body):
        yield file, text
        return
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                if text == (alias.asname or alias.name):
                    yield from _in_module(node.module, alias.name, project, models)
                elif text.startswith(f"{alias.asname or alias.name}."):
                    rest = text.removeprefix(f"{alias.asname or alias.name}.")
                    yield from _in_module(f"{node.module}.{alias.name}", rest, project, models)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if text.startswith(f"{alias.asname or alias.name}."):
                    rest = text.removeprefix(f"{alias.asname or alias.name}.")
                    yield from _in_module(alias.name, rest, project, models)


def _in_module(module: str, name: str, project: Path, models: list[Path]) -> Iterator[tuple[Path, str]]:
    """Yield the file of a module of the project or of ``models_root``, with the name of a class in it."""
    package, _, rest = module.partition(".")
    folders = [folder / rest.replace(".", "/") for folder in models] if package == "models" and rest else []
    folders.append(project / module.replace(".", "/"))
    for folder in folders:
        for file in (folder.with_name(f"{folder.name}.py"), folder / "__init__.py"):
            if file.is_file():
                yield file, name
                return

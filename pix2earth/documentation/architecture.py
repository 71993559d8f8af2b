"""The packages and the imports between them: figure and table of ``docs/architecture.md``.

Imports are read from the syntax trees of the files; nothing is imported or executed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from pix2earth.documentation.page_sections import with_section

PROJECT = Path(__file__).resolve().parents[2]
PAGE = PROJECT / "docs" / "architecture.md"
SECTION = "packages"
FOLDERS = ("pix2earth", "models", "layers", "losses", "metrics", "sensors", "preprocessing", "synthetic")
LEVELS = (
    ("commands",),
    ("pix2earth.results",),
    ("preprocessing", "synthetic"),
    ("pix2earth.mapping", "pix2earth.convert"),
    ("pix2earth.training", "pix2earth.land_cover"),
    ("pix2earth.figures",),
    ("pix2earth.scoring",),
    ("pix2earth.plugins",),
    ("pix2earth.baselines", "models"),
    ("pix2earth.batches",),
    ("experiment", "layers", "pix2earth.documentation"),
    ("pix2earth.records", "pix2earth.runs", "pix2earth.image_files"),
    ("pix2earth.console", "sensors"),
    ("pix2earth.settings",),
    ("losses", "metrics", "pix2earth.statistics"),
)
"""All packages from top to bottom: a package imports only packages of lower levels."""
CONTENTS = {
    "commands": "Commands: the Python files in the root, except `experiment.py`.",
    "models": "Plug-ins: one file for each architecture.",
}
"""Contents of the packages that have no docstring of their own."""


def module_files() -> dict[str, Path]:
    """Return the file of every module of the toolkit by its dotted name; tests and benchmarks are left out."""
    files = [*PROJECT.glob("*.py"), *(path for folder in FOLDERS for path in (PROJECT / folder).rglob("*.py"))]
    names = {path: ".".join(path.relative_to(PROJECT).with_suffix("").parts) for path in sorted(files)}
    return {name.removesuffix(".__init__"): path for path, name in names.items()}


def module_imports(*, type_checking: bool = False) -> dict[str, set[str]]:
    """Return for every module the modules of the toolkit that it imports, also inside of functions.

    Args:
        type_checking: whether imports for type checkers alone (``if TYPE_CHECKING``) count.
    """
    files = module_files()
    return {
        name: set(imported_modules(ast.parse(path.read_text(encoding="utf-8")), files, type_checking)) - {name}
        for name, path in files.items()
    }


def imported_modules(tree: ast.AST, files: Mapping[str, Path], type_checking: bool) -> Iterator[str]:
    """Yield the modules among ``files`` that a syntax tree imports."""
    for node in descendants(tree, type_checking):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in files)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                name = submodule if submodule in files else node.module
                if name in files:
                    yield name


def descendants(node: ast.AST, type_checking: bool) -> Iterator[ast.AST]:
    """Yield all nodes below a node; those under ``if TYPE_CHECKING`` only where ``type_checking`` is true."""
    for child in ast.iter_child_nodes(node):
        for_type_checkers = (
            isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING"
        )
        if for_type_checkers and not type_checking:
            continue
        yield child
        yield from descendants(child, type_checking)


def package_of(module: str) -> str:
    """Return the package of the figure that a module belongs to."""
    parts = module.split(".")
    if parts[0] == "pix2earth":
        return ".".join(parts[:2])
    if len(parts) == 1 and (PROJECT / f"{module}.py").is_file() and module != "experiment":
        return "commands"
    return parts[0]


def package_imports() -> dict[str, set[str]]:
    """Return for every package of the figure the packages that its modules import; type checking does not count."""
    packages: dict[str, set[str]] = {}
    for module, imported in module_imports().items():
        packages.setdefault(package_of(module), set()).update(map(package_of, imported))
    return {package: imported - {package} for package, imported in packages.items() if package != "pix2earth"}


def transitive_reduction(arrows: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Return an acyclic graph without the arrows that a longer path implies."""

    def reachable(start: str) -> set[str]:
        packages: set[str] = set()
        pending = [start]
        while pending:
            new = arrows.get(pending.pop(), set()) - packages
            packages |= new
            pending += new
        return packages

    return {
        package: successors - set().union(*(reachable(successor) for successor in successors))
        for package, successors in arrows.items()
    }


def figure() -> str:
    """Return the packages and arrows as a Mermaid diagram, which code hosting sites and editors render."""
    arrows = transitive_reduction(package_imports())
    lines = ["```mermaid", "flowchart TD"]
    packages = [package for level in LEVELS for package in level]
    for package in packages:
        lines.append(f"    {node(package)}[{package}]")
    for package in packages:
        lines += [f"    {node(package)} --> {node(other)}" for other in packages if other in arrows.get(package, ())]
    return "\n".join([*lines, "```"])


def node(package: str) -> str:
    """Return the name of a package's node in the diagram, where a dot has another meaning."""
    return package.replace(".", "_")


def table() -> str:
    """Return a Markdown table of all packages, from top to bottom, with the first lines of their docstrings."""
    lines = ["| package | contents |", "|---|---|"]
    lines += [f"| `{package}` | {summary(package)} |" for level in LEVELS for package in level]
    return "\n".join(lines)


def summary(package: str) -> str:
    """Return the first line of a package's docstring as Markdown."""
    if package in CONTENTS:
        return CONTENTS[package]
    docstring = ast.get_docstring(ast.parse(module_files()[package].read_text(encoding="utf-8"))) or ""
    return docstring.split("\n")[0].replace("``", "`")


def generated_files() -> dict[Path, str]:
    """Return the expected content of the page by its path."""
    return {PAGE: with_section(PAGE, SECTION, f"{figure()}\n\n{table()}")}

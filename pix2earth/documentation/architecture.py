"""The packages and the imports between them: the figure of ``docs/architecture.md``.

Imports are read with ``ast`` and nothing is executed. Imports for type checkers alone do not count.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from pix2earth.documentation.page_sections import replaced

PROJECT = Path(__file__).resolve().parents[2]
PAGE = PROJECT / "docs" / "architecture.md"
SECTION = "packages"
LEVELS = (
    ("commands", ("commands", "preprocessing", "synthetic")),
    ("work on runs", ("pix2earth.training", "pix2earth.scoring", "pix2earth.mapping", "pix2earth.figures")),
    ("what they use", ("pix2earth.baselines", "pix2earth.batches", "pix2earth.plugins")),
    ("what a run is", ("experiment", "pix2earth.records", "pix2earth.runs", "pix2earth.console")),
    ("what users extend", ("models", "layers", "losses", "metrics", "sensors")),
    ("files of settings", ("pix2earth.settings",)),
)
"""The levels of the figure, from top to bottom."""


def modules() -> dict[str, Path]:
    """Return the file of every module of the toolkit by its dotted name; tests, benchmarks and docs are left out."""
    folders = ("pix2earth", "models", "layers", "losses", "metrics", "sensors", "preprocessing", "synthetic")
    files = [*PROJECT.glob("*.py"), *(path for folder in folders for path in (PROJECT / folder).rglob("*.py"))]
    names = {path: ".".join(path.relative_to(PROJECT).with_suffix("").parts) for path in sorted(files)}
    return {name.removesuffix(".__init__"): path for path, name in names.items()}


def imports(path: Path, known: dict[str, Path]) -> Iterator[str]:
    """Yield the modules of the toolkit that a file imports, wherever in the file it does."""
    for node in executed(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                name = full if full in known else node.module
                if name in known:
                    yield name


def executed(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes below one, without those under ``if TYPE_CHECKING``."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            continue
        yield child
        yield from executed(child)


def module_arrows() -> dict[str, set[str]]:
    """Return for every module the modules that it imports."""
    known = modules()
    return {name: set(imports(path, known)) - {name} for name, path in known.items()}


def package_of(module: str) -> str:
    """Return the package of the figure that a module belongs to."""
    parts = module.split(".")
    if parts[0] == "pix2earth":
        return ".".join(parts[:2])
    if len(parts) == 1 and (PROJECT / f"{module}.py").is_file() and module != "experiment":
        return "commands"
    return parts[0]


def package_arrows() -> dict[str, set[str]]:
    """Return for every package of the figure the packages that its modules import."""
    arrows: dict[str, set[str]] = {}
    for module, others in module_arrows().items():
        package = package_of(module)
        arrows.setdefault(package, set()).update(package_of(other) for other in others)
    return {package: others - {package} for package, others in arrows.items() if package != "pix2earth"}


def reduced(arrows: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return the arrows without those that a longer way implies (the transitive reduction of an acyclic graph)."""

    def reachable(start: str) -> set[str]:
        found: set[str] = set()
        open_ = list(arrows.get(start, ()))
        while open_:
            package = open_.pop()
            if package not in found:
                found.add(package)
                open_ += arrows.get(package, ())
        return found

    return {
        package: {one for one in others if not any(one in reachable(other) for other in others - {one})}
        for package, others in arrows.items()
    }


def mermaid() -> str:
    """Return the figure as Mermaid, which code hosting sites and editors render."""
    arrows = reduced(package_arrows())
    lines = ["```mermaid", "flowchart TD"]
    for number, (title, packages) in enumerate(LEVELS):
        lines.append(f'    subgraph L{number}["{title}"]')
        lines += [f"        {package.replace('.', '_')}[{package}]" for package in packages]
        lines.append("    end")
    for package in sorted(arrows):
        for other in sorted(arrows[package]):
            lines.append(f"    {package.replace('.', '_')} --> {other.replace('.', '_')}")
    return "\n".join([*lines, "```"])


def contents() -> dict[Path, str]:
    """Return what the page ought to hold."""
    return {PAGE: replaced(PAGE, SECTION, mermaid())}

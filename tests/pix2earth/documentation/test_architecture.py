"""The layout of the repository: the generated page, import circles, levels of packages, sizes of folders and files."""

import ast
import graphlib
from collections import defaultdict

import pytest

from pix2earth.documentation import architecture, commands

MAXIMUM_FILES = 15
FOLDERS_OF_ANY_SIZE = ("models", "layers")
MAXIMUM_LINES = 300
SHARED_CLASS_NAMES = {"GAN"}  # a plug-in is a module with this class


def circle(imports: dict[str, set[str]]) -> list[str]:
    """Return the names along an import circle, or an empty list."""
    try:
        graphlib.TopologicalSorter(imports).prepare()
    except graphlib.CycleError as error:
        return error.args[1][::-1]
    return []


def test_the_generated_section_is_current():
    for path, content in architecture.generated_files().items():
        assert path.read_text(encoding="utf-8") == content, "run `make docs`"


def test_the_figure_shows_every_package():
    packages = [package for level in architecture.LEVELS for package in level]
    assert sorted(packages) == sorted(architecture.package_imports())
    figure = architecture.figure()
    assert [package for package in packages if f"[{package}]" not in figure] == []


def test_every_package_has_a_summary():
    packages = [package for level in architecture.LEVELS for package in level]
    assert [package for package in packages if not architecture.summary(package)] == []


def test_imports_for_type_checkers_count_only_on_request():
    with_type_checking = architecture.module_imports(type_checking=True)["pix2earth.runs.provenance"]
    without = architecture.module_imports()["pix2earth.runs.provenance"]
    assert with_type_checking - without == {"experiment", "pix2earth.batches.dataset"}
    assert {"pix2earth.settings.atomic", "pix2earth.settings.errors"} <= without


def test_imports_inside_of_functions_count():
    assert "pix2earth.console.quiet" in architecture.module_imports()["dataset"]


def test_the_transitive_reduction_drops_arrows_that_a_longer_path_implies():
    arrows = {"a": {"b", "c", "d"}, "b": {"c"}, "c": {"d"}, "d": set()}
    assert architecture.transitive_reduction(arrows) == {"a": {"b"}, "b": {"c"}, "c": {"d"}, "d": set()}


def test_circles_are_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert set(circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})) == {"a", "b", "c"}


@pytest.mark.parametrize("type_checking", [False, True], ids=["at run time", "with type checking"])
def test_no_modules_import_each_other_in_a_circle(type_checking):
    assert circle(architecture.module_imports(type_checking=type_checking)) == []


def test_no_packages_import_each_other_in_a_circle():
    assert circle(architecture.package_imports()) == []


def test_no_folders_of_a_package_import_each_other_in_a_circle():
    """Modules beside folders, such as the commands in ``preprocessing/``, count one by one."""
    files = architecture.module_files()
    with_folders = {path.parent.parent for path in files.values()}

    def part(module: str) -> str:
        folder = files[module].parent
        return module if folder in with_folders else folder.relative_to(architecture.PROJECT).as_posix()

    imports: dict[str, set[str]] = defaultdict(set)
    for module, imported in architecture.module_imports().items():
        imports[part(module)].update(map(part, imported))
    assert circle({name: others - {name} for name, others in imports.items()}) == []


def test_every_package_imports_only_packages_of_lower_levels():
    level = {package: number for number, packages in enumerate(architecture.LEVELS) for package in packages}
    upwards = [
        f"{package} -> {other}"
        for package, imported in architecture.package_imports().items()
        for other in imported
        if level[other] <= level[package]
    ]
    assert sorted(upwards) == []


def test_no_folder_of_python_packages_has_too_many_files():
    folders = {path.parent for path in architecture.module_files().values()} - {architecture.PROJECT}
    too_large = {}
    for folder in folders:
        name = folder.relative_to(architecture.PROJECT).as_posix()
        files = [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
        if name not in FOLDERS_OF_ANY_SIZE and len(files) > MAXIMUM_FILES:
            too_large[name] = len(files)
    assert too_large == {}


def test_no_public_class_name_is_defined_twice():
    modules = defaultdict(list)
    for module, path in architecture.module_files().items():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                modules[node.name].append(module)
    repeated = {name: where for name, where in modules.items() if len(where) > 1 and name not in SHARED_CLASS_NAMES}
    assert repeated == {}


def test_the_first_line_of_every_long_file_gives_the_reason():
    """Such a line contains the number of lines, as in ``# Over 300 lines: one table``."""
    unexplained = {}
    for module, path in architecture.module_files().items():
        lines = path.read_text(encoding="utf-8").splitlines()
        if len(lines) > MAXIMUM_LINES and f"{MAXIMUM_LINES} lines" not in lines[0]:
            unexplained[module] = len(lines)
    assert unexplained == {}


def test_no_command_imports_another_command():
    files = architecture.module_files()
    names = {commands.module_of(command) for command in commands.COMMANDS}
    assert names <= files.keys()
    imports = architecture.module_imports(type_checking=True)
    assert {name: imports[name] & names for name in sorted(names) if imports[name] & names} == {}

"""The Makefile before anything is installed: what it lists, and the Pythons and virtual environments that it refuses.

It runs in a copy, with a PATH that has only what it needs and fake Pythons.
"""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from experiment import PROJECT

TOOLS = ("awk", "cmp", "cp", "make", "mkdir", "sh")
TARGETS = {
    "help", "venv", "demo", "demo-super-resolution", "demo-fits", "demo-synthetic", "test", "test-quick", "notebooks",
    "lint", "format", "docs", "pictures", "benchmark", "pins", "clean",
}  # fmt: skip
NEEDS = "pix2earth needs Python 3.11, 3.12 or 3.13: make demo PYTHON=python3.13"

# Says its version, has or lacks the venv module, copies itself into the virtual environment, and notes calls of pip.
FAKE = """#!/bin/sh
case "$*" in
  *python_implementation*) echo "{version}" ;;
  *ensurepip*) exit {without_venv} ;;
  "-m venv .venv") mkdir -p .venv/bin .venv/lib/python{number} && cp "$0" .venv/bin/python ;;
  *) echo "$*" >> calls ;;
esac
"""

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


class Copy:
    """A folder with the Makefile, and the commands that are in PATH there."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.commands = folder / "commands"
        for name in ("Makefile", ".ci/venv", *(path.name for path in PROJECT.glob("requirements*.txt"))):
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copy(PROJECT / name, folder / name)
        self.commands.mkdir()
        for tool in TOOLS:
            os.symlink(shutil.which(tool), self.commands / tool)

    def python(self, command, version, without_venv=False):
        text = FAKE.format(version=version, number=version.split()[-1], without_venv=int(without_venv))
        path = self.folder / command if "/" in command else self.commands / command
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def make(self, *words):
        return subprocess.run(
            ["make", *words], cwd=self.folder, env={"PATH": str(self.commands)}, capture_output=True, text=True
        )

    def refusal(self, *words):
        """Return the one line before make's own, of a call that must fail."""
        process = self.make(*words)
        assert process.returncode == 2 and not process.stdout
        line, of_make = process.stderr.splitlines()
        assert of_make.startswith("make: ***")
        assert not (self.folder / "calls").exists(), "something was installed"
        return line

    def calls(self):
        return (self.folder / "calls").read_text().splitlines()


@pytest.fixture
def copy(tmp_path):
    return Copy(tmp_path)


def test_without_a_target_all_targets_are_listed_with_a_line_each(copy):
    process = copy.make()
    assert process.returncode == 0 and not process.stderr
    lines = [re.fullmatch(r"make (\S+) +(\S.*)", line) for line in process.stdout.splitlines()]
    assert {line[1] for line in lines} == TARGETS
    assert len(lines) == len(TARGETS)
    assert max(len(line[0]) for line in lines) <= 100


def test_the_versions_are_those_of_the_project():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    script = (PROJECT / ".ci/venv").read_text()
    versions = re.findall(r'"Python 3\.(\d+)"', script.split("fits()")[1].split("}")[0])
    assert versions == ["11", "12", "13"]
    assert project["requires-python"] == f">=3.{versions[0]},<3.{int(versions[-1]) + 1}"
    assert [f"3.{version}" for version in versions] == [
        name.split()[-1] for name in project["classifiers"] if re.search(r":: 3\.\d+$", name)
    ]
    assert set(re.findall(r"needs Python (.*?):", script)) == {"3.11, 3.12 or 3.13"}


@pytest.mark.parametrize("version", ["Python 3.14", "Python 3.10", "Python 2.7", "PyPy 3.11"])
def test_another_python_is_told_in_one_line(copy, version):
    copy.python("python3", version)
    assert copy.refusal("demo") == f"python3 is {version}; {NEEDS}"


def test_no_python(copy):
    assert copy.refusal("demo") == f"no Python was found; {NEEDS}"


def test_a_python_that_does_not_run(copy):
    (copy.commands / "python3.12").write_text("#!/bin/sh\nexit 127\n")
    (copy.commands / "python3.12").chmod(0o755)
    assert copy.refusal("demo") == f"python3.12 does not run as Python; {NEEDS}"


def test_the_python_that_was_named_is_the_only_one_tried(copy):
    copy.python("python3", "Python 3.12")
    assert copy.refusal("demo", "PYTHON=/nonexistent") == f"/nonexistent was not found; {NEEDS}"
    copy.python("other/python", "Python 3.14")
    assert copy.refusal("demo", "PYTHON=other/python") == f"other/python is Python 3.14; {NEEDS}"


def test_the_targets_and_variables_that_were_asked_for_are_repeated(copy):
    copy.python("python3", "Python 3.14")
    line = copy.refusal("lint", "test", "GPU=1")
    assert line.endswith(": make lint test GPU=1 PYTHON=python3.13")


def test_a_python_without_the_venv_module(copy):
    copy.python("python3", "Python 3.12", without_venv=True)
    line = copy.refusal("demo")
    assert line == "python3 has no venv module; on Debian and Ubuntu: apt install python3.12-venv, then make demo"
    line = copy.refusal("demo", "PYTHON=python3")
    assert line.endswith("apt install python3.12-venv, then make demo PYTHON=python3")


@pytest.mark.parametrize(
    ("commands", "taken"),
    [
        ({"python3": "3.12", "python3.13": "3.13"}, "3.12"),
        ({"python3": "3.14", "python3.11": "3.11", "python3.13": "3.13"}, "3.13"),
        ({"python3": "3.10", "python3.11": "3.11"}, "3.11"),
        ({"python": "3.11"}, "3.11"),
    ],
)
def test_the_first_python_that_fits_makes_the_virtual_environment_once(copy, commands, taken):
    for command, version in commands.items():
        copy.python(command, f"Python {version}")
    process = copy.make("venv")
    assert process.returncode == 0, process.stderr
    assert process.stdout == f"Installing requirements.txt in .venv (Python {taken}). This takes a few minutes.\n"
    install = "-m pip install --quiet --disable-pip-version-check --requirement requirements.txt"
    assert copy.calls() == ["-m pip --version", install]
    assert copy.make("venv").stdout == "" and len(copy.calls()) == 2
    (copy.folder / "requirements.txt").write_text("changed\n")
    assert copy.make("venv").stdout and copy.calls()[-1] == install


def test_notebooks_installs_jupyterlab_beside_the_other_packages_once_and_starts_it(copy):
    copy.python("python3", "Python 3.12")
    jupyter = copy.folder / ".venv/bin/jupyter"
    jupyter.parent.mkdir(parents=True)
    jupyter.write_text('#!/bin/sh\necho "jupyter $*" >> calls\n')
    jupyter.chmod(0o755)
    copy.python(".venv/bin/python", "Python 3.12")
    (copy.folder / ".venv/lib/python3.12").mkdir(parents=True)
    assert copy.make("notebooks").returncode == 0
    install = "-m pip install --quiet --disable-pip-version-check --requirement"
    assert copy.calls() == [
        "-m pip --version", f"{install} requirements.txt",
        "-m pip --version", f"{install} requirements-notebooks.txt", "jupyter lab notebooks",
    ]  # fmt: skip
    copy.make("notebooks")
    assert copy.calls()[5:] == ["jupyter lab notebooks"]


def test_a_python_without_the_venv_module_is_passed_over(copy):
    copy.python("python3", "Python 3.12", without_venv=True)
    copy.python("python3.11", "Python 3.11")
    assert "(Python 3.11)" in copy.make("venv").stdout


def test_a_virtual_environment_of_a_wrong_or_removed_python(copy):
    copy.python("python3", "Python 3.12")
    copy.python(".venv/bin/python", "Python 3.10")
    assert copy.refusal("demo") == (
        ".venv has Python 3.10; pix2earth needs Python 3.11, 3.12 or 3.13: rm -r .venv, then make demo"
    )
    (copy.folder / ".venv/bin/python").unlink()
    (copy.folder / ".venv/bin/python").symlink_to("/nonexistent/python3.12")
    line = copy.refusal("demo")
    assert line == ".venv does not run, its Python may have been removed: rm -r .venv, then make demo"


def test_a_virtual_environment_whose_python_was_replaced(copy):
    copy.python(".venv/bin/python", "Python 3.13")
    (copy.folder / ".venv/lib/python3.11").mkdir(parents=True)
    assert copy.refusal("demo").startswith(".venv was made with another Python and has Python 3.13 now: rm -r .venv")


def test_a_virtual_environment_of_another_python_than_the_one_named(copy):
    copy.python("python3.13", "Python 3.13")
    copy.python(".venv/bin/python", "Python 3.12")
    (copy.folder / ".venv/lib/python3.12").mkdir(parents=True)
    assert copy.refusal("demo", "PYTHON=python3.13") == (
        ".venv has Python 3.12, but python3.13 is Python 3.13: rm -r .venv, then make demo PYTHON=python3.13"
    )

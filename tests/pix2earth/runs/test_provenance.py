"""Provenance of a run: the content of ``run.json``."""

import hashlib
import importlib.metadata
import json
import platform
import subprocess
from datetime import UTC, datetime

import pytest

from pix2earth.batches.dataset import Dataset
from pix2earth.runs import provenance
from pix2earth.settings.errors import UserError


def git(folder, *arguments):
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def checkout(tmp_path):
    """A git checkout with one file."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "code.py").write_text("x = 1\n")
    git(folder, "init", "-q")
    git(folder, "add", "code.py")
    git(folder, "commit", "-q", "-m", "first")
    return folder


@pytest.fixture
def described(tiny_root, open_tiny, tmp_path):
    """Content of ``run.json`` for the tiny experiment, not written yet."""
    plugin = tmp_path / "mine.py"
    plugin.write_text("class GAN: ...\n")
    experiment = open_tiny(tiny_root, "mine", steps=7, enforce_suffix="_notinmask")
    return provenance.describe(experiment, Dataset(experiment), plugin, {"replicas": 1})


def test_a_checkout_has_the_revision_of_its_commit(checkout):
    revision = provenance.revision(checkout)
    assert git(checkout, "rev-parse", "HEAD").startswith(revision)
    assert len(revision) >= 12


def test_a_changed_checkout_is_marked_as_dirty(checkout):
    (checkout / "code.py").write_text("x = 2\n")
    assert provenance.revision(checkout) == git(checkout, "rev-parse", "HEAD")[:12] + "-dirty"


def test_a_tag_is_the_revision(checkout):
    git(checkout, "tag", "-a", "v1.0", "-m", "x")
    assert provenance.revision(checkout) == "v1.0"


def test_outside_of_a_checkout_the_revision_is_unknown(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert provenance.revision(tmp_path) == "unknown"


def test_a_missing_project_has_no_revision(tmp_path):
    assert provenance.revision(tmp_path / "missing") == "unknown"


def test_the_experiment_is_recorded_with_all_defaults(described):
    assert (described["experiment"], described["timestamp"], described["environment"]) == ("mine", "0101-0000", "test")
    settings = described["settings"]
    assert (settings["steps"], settings["batch_size"], settings["normalize"]) == (7, 4, "symmetric")
    assert settings["learning_rate"] == {"generator": None, "discriminator": None}


def test_the_dataset_is_recorded_with_its_fingerprint_and_the_samples_used(described, tiny_root):
    manifest = json.loads((tiny_root / "data/tiny/64/dataset.json").read_text())
    assert described["dataset"] == {
        "path": str(tiny_root / "data/tiny/64"),
        "name": "tiny",
        "fingerprint": manifest["fingerprint"],
        "samples": {"train": 4, "val": 2},
    }


def test_the_plugin_is_recorded_with_its_checksum(described, tmp_path):
    assert described["plugin"] == {
        "file": str(tmp_path / "mine.py"),
        "sha256": hashlib.sha256(b"class GAN: ...\n").hexdigest(),
    }


def test_versions_host_and_devices_are_recorded(described):
    versions = described["versions"]
    assert versions["python"] == platform.python_version()
    assert versions["tensorflow"] == importlib.metadata.version("tensorflow")
    assert {"keras", "numpy", "rasterio"} <= versions.keys()
    assert (described["host"], described["devices"]) == (platform.node(), {"replicas": 1})


def test_the_code_is_that_of_the_project(tiny_root, checkout, open_tiny, tmp_path):
    environment = json.loads((tiny_root / "environment.json").read_text())
    (tiny_root / "environment.json").write_text(json.dumps(environment | {"project_root": str(checkout)}))
    experiment = open_tiny(tiny_root)
    run = provenance.describe(experiment, Dataset(experiment), checkout / "code.py", {})
    assert run["code"] == git(checkout, "rev-parse", "HEAD")[:12]


def test_a_session_runs_until_it_ends(described, tmp_path):
    path = tmp_path / "run.json"
    provenance.start_session(described, path, 0)
    (session,) = json.loads(path.read_text())["sessions"]
    assert (session["first_step"], session["outcome"]) == (0, "running")
    assert "ended" not in session
    provenance.end_session(described, path, 7, "completed")
    (session,) = json.loads(path.read_text())["sessions"]
    assert (session["first_step"], session["last_step"], session["outcome"]) == (0, 7, "completed")


def test_a_killed_session_stays_running_in_the_list(described, tmp_path):
    path = tmp_path / "run.json"
    provenance.start_session(described, path, 0)
    provenance.start_session(described, path, 5)
    provenance.end_session(described, path, 6, "interrupted")
    outcomes = [session["outcome"] for session in json.loads(path.read_text())["sessions"]]
    assert outcomes == ["running", "interrupted"]


def test_times_are_utc_to_the_second(described, tmp_path):
    provenance.start_session(described, tmp_path / "run.json", 0)
    started = datetime.fromisoformat(described["sessions"][0]["started"])
    assert started.utcoffset().total_seconds() == 0
    assert started.microsecond == 0
    assert abs((datetime.now(UTC) - started).total_seconds()) < 60


def test_a_written_file_is_loaded_unchanged(described, tmp_path):
    path = tmp_path / "logs" / "run.json"
    provenance.start_session(described, path, 0)
    assert provenance.load(path) == described


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"{}", b'{"experiment": "x"}', b"\xff\xfe"])
def test_a_damaged_file_is_an_error_that_names_it(tmp_path, content):
    path = tmp_path / "run.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"^{path}: is damaged"):
        provenance.load(path)


def test_a_run_without_the_file_has_none(tmp_path):
    assert provenance.load(tmp_path / "run.json") is None

"""The pictures of the documentation: what is missing is said with the target that makes it."""

import json

import pytest

from pix2earth.results import pictures


def test_without_runs_nothing_is_drawn_and_the_targets_are_named(tmp_path, capsys):
    (tmp_path / "experiments").mkdir()
    environment = tmp_path / "environment.json"
    environment.write_text(json.dumps({"data_root": "data", "experiment_root": "experiments"}))
    with pytest.raises(SystemExit) as ended:
        pictures.main(["--env", str(environment), "--output", str(tmp_path / "out")])
    assert ended.value.code == 1 and not (tmp_path / "out").exists()
    output = capsys.readouterr()
    lines = {line.split(":")[0]: line for line in output.err.splitlines()}
    assert lines["sharpening.png"].endswith("first run: make demo")
    assert lines["demo.png"].endswith("first run: make demo-super-resolution")
    assert output.out == ""


def test_every_picture_of_the_documentation_is_known():
    shown = {path.name for path in pictures.FOLDER.glob("*.png")}
    assert shown == {"sharpening.png", "demo.png", *pictures.OTHERS}

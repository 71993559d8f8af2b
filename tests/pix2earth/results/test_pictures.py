"""The pictures of the documentation: what is missing is said with the target that makes it."""

import json

import pytest

from pix2earth.results import pictures
from pix2earth.results.budgets import ON_SYNTHETIC
from pix2earth.results.page_picture import SCHEMES


def test_without_runs_nothing_is_drawn_and_the_targets_are_named(tmp_path, capsys):
    (tmp_path / "experiments").mkdir()
    environment = tmp_path / "environment.json"
    environment.write_text(json.dumps({"data_root": "data", "experiment_root": "experiments"}))
    with pytest.raises(SystemExit) as ended:
        pictures.main(["--env", str(environment), "--output", str(tmp_path / "out")])
    assert ended.value.code == 1
    # The picture of synthetic data needs no run: its data are made for it.
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["synthetic.png"]
    output = capsys.readouterr()
    lines = {line.split(":")[0]: line for line in output.err.splitlines()}
    assert lines["sharpening.png"].endswith("first run: make demo")
    assert lines["demo.png"].endswith("first run: make demo-super-resolution")
    for table in ("architectures", "started", "adversarial"):
        assert f"({table}.png: no row is trained); first run: python results.py {table}" in lines[f"{table}.png"]
    assert "(published: no row is trained); first run: python results.py published" in lines["published-*.png"]
    assert output.out == f"{tmp_path / 'out' / 'synthetic.png'}\n"


def test_every_picture_of_the_documentation_is_known():
    """Figures of tables are there once their rows are trained."""
    tables = {f"{name}.png" for name in pictures.TABLES}
    presets = {
        f"{table}-{example.preset}.png".replace("_", "-")
        for table, rows in ON_SYNTHETIC.items()
        for example in rows.values()
    }
    shown = {path.name for path in pictures.FOLDER.glob("*.png")}
    always = {"sharpening.png", "demo.png", "synthetic.png", "adversarial.png", *SCHEMES, *pictures.OTHERS}
    assert always <= shown <= always | tables | presets


def test_the_picture_of_a_run_needs_a_file_and_a_run(tmp_path, capsys):
    environment = tmp_path / "environment.json"
    environment.write_text(json.dumps({"data_root": "data", "experiment_root": "experiments"}))
    for output, error in (("out", "out: name the picture of --exp, with the end .png"), ("x.png", "experiment")):
        with pytest.raises(SystemExit, match="2"):
            pictures.main(["--env", str(environment), "--exp", "mine", "--output", str(tmp_path / output)])
        lines = capsys.readouterr().err
        assert lines.count("\n") == 1 and error in lines

"""The demo's own environment, which no other one on the machine can replace."""

import json

import demo
from experiment import PROJECT, VARIABLE, Environment


def test_the_demo_has_folders_of_its_own(tmp_path, monkeypatch):
    (tmp_path / "environment.json").write_text(json.dumps({"experiment_root": "elsewhere"}))
    monkeypatch.setenv(VARIABLE, str(tmp_path / "environment.json"))
    environment = Environment(demo.ENVIRONMENT)
    assert environment.EXPERIMENT_ROOT == str(PROJECT / "experiments")
    assert environment.DATA_ROOT == str(PROJECT / "data")
    for name in ("demo", *(f"synthetic/{preset}" for preset in demo.PRESETS)):
        assert environment.experiment_name(name) == name


def test_commands_run_in_it_and_their_status_ends_the_demo(capfd):
    code = "import os; print(os.environ['PIX2EARTH_ENV'])"
    demo.command("-c", code)
    assert str(demo.ENVIRONMENT) in capfd.readouterr().out
    try:
        demo.command("-c", "raise SystemExit(3)")
    except SystemExit as end:
        assert end.code == 3
    else:
        raise AssertionError("it went on")

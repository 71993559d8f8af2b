"""A child of the server is what a new interpreter would be: words, folder, variables, import path, status, signals."""

import json
import os
import signal

import pytest

from tests.started_commands import PROJECT, run, start

pytestmark = pytest.mark.slow

STATE = """
import json, os, random, sys
import numpy
print(json.dumps({
    "argv": sys.argv, "name": __name__, "first": os.path.abspath(sys.path[0]), "folder": os.getcwd(),
    "mine": os.environ.get("MINE"), "home": os.environ.get("HOME"), "input": sys.stdin.read(),
    "project": [name for name in sys.modules if name.split(".")[0] in ("pix2earth", "layers", "train", "conftest")],
    "path": [place for place in sys.path[1:] if place.startswith(PROJECT) and ".venv" not in place],
}))
""".replace("PROJECT", repr(str(PROJECT)))


@pytest.fixture
def programs(tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "state.py").write_text(STATE)
    starts = {"script": ("code/state.py",), "module": ("-m", "state"), "text": ("-c", STATE)}
    return {kind: (*words, "a", "--b") for kind, words in starts.items()}


@pytest.mark.parametrize("kind", ["script", "module", "text"])
def test_the_state_is_that_of_a_new_interpreter(tmp_path, programs, kind):
    folder = tmp_path / "code" if kind == "module" else tmp_path
    forked, new = (json.loads(run(*programs[kind], folder=folder, new=new, MINE="x").out()) for new in (False, True))
    assert (forked["mine"], forked["name"], forked["project"], forked["path"]) == ("x", "__main__", [], [])
    assert forked == new | {"argv": [*forked["argv"][:1], *new["argv"][1:]]}
    assert forked["argv"][0].removeprefix(str(folder) + "/") == new["argv"][0].removeprefix(str(folder) + "/")


def test_random_numbers_without_a_seed_differ(tmp_path):
    code = "import os, random, numpy; print(numpy.random.random(), random.random(), os.urandom(9))"
    numbers = [run("-c", code).out().split(maxsplit=2) for _ in range(2)]
    assert all(one != other for one, other in zip(*numbers, strict=True))


def test_tensorflow_is_imported_already_and_what_is_edited_is_read_again(tmp_path):
    code = "import sys; print('tensorflow' in sys.modules, 'keras' in sys.modules); import mine; print(mine.VALUE)"
    for value in (1, 22):
        (tmp_path / "mine.py").write_text(f"VALUE = {value}\n")
        assert run("-c", code, folder=tmp_path, PYTHONDONTWRITEBYTECODE="1").out() == f"True True\n{value}\n"


@pytest.mark.parametrize(
    ("code", "status", "errors"),
    [
        ("raise SystemExit(3)", 3, ""), ("import sys; sys.exit('no')", 1, "no\n"), ("1 / 0", 1, "ZeroDivisionError"),
        ("import os; os.kill(os.getpid(), 9)", -signal.SIGKILL, ""),
    ],
)  # fmt: skip
def test_the_end_of_a_command(code, status, errors):
    command = run("-c", code, status=status)
    assert command.out() == "" and errors in command.err()


def test_signals_reach_a_command():
    code = (
        "import time\nprint('ready', flush=True)\ntry: time.sleep(99)\nexcept KeyboardInterrupt: raise SystemExit(130)"
    )
    for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)):
        command = start("-c", code)
        command.wait_until(lambda command=command: "ready" in command.out())
        assert command.pid != os.getpid() and command.is_running()
        command.send_signal(number)
        command.finish(status)


def test_a_command_that_ends_too_early_or_too_late_is_a_failure():
    with pytest.raises(AssertionError, match="ended with 0: done"):
        start("-c", "print('done')").wait_until(lambda: False)
    command = start("-c", "import time; time.sleep(99)")
    with pytest.raises(AssertionError, match="more than 0"):
        command.wait(0.5)
    assert command.status() == -signal.SIGKILL

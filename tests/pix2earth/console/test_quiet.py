"""Import of TensorFlow without its start-up messages, unless it fails."""

import subprocess
import sys

import pytest

from experiment import PROJECT

SCRIPT = (
    "import sys\nfrom pix2earth.console.quiet import quieten_tensorflow\n"
    "quieten_tensorflow()\nprint('end', file=sys.stderr)"
)


def stderr_of(script, *path):
    run = subprocess.run(
        [sys.executable, "-c", script, *path], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    return run.returncode, run.stderr


@pytest.mark.slow
def test_messages_of_tensorflow_do_not_reach_the_console():
    assert stderr_of(SCRIPT) == (0, "end\n")


def test_messages_are_shown_where_the_import_fails(tmp_path):
    (tmp_path / "tensorflow.py").write_text(
        "import os\nos.write(2, b'a library is missing\\n')\nraise ImportError('x')"
    )
    status, error = stderr_of("import sys\nsys.path.insert(0, sys.argv[1])\n" + SCRIPT, str(tmp_path))
    assert status == 1
    assert error.startswith("a library is missing\n")
    assert error.endswith("ImportError: x\n")

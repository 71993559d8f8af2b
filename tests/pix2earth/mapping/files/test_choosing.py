"""Which files are predicted: mistakes are told before TensorFlow is loaded, and without its messages."""

import subprocess
import sys

from experiment import PROJECT


def test_files_are_chosen_without_tensorflow():
    code = "import sys, pix2earth.mapping.files.choosing; print('tensorflow' in sys.modules)"
    words = [sys.executable, "-c", code]
    assert subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=True).stdout == "False\n"

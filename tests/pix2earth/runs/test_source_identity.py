"""Checksums of the code of a plug-in: what changes them and what does not, and which files count."""

from pathlib import Path

import pytest

from experiment import PROJECT
from pix2earth.runs.source_identity import SHIPPED_MODELS, checksum, imported_files, is_shipped

CODE = '"""Doc."""\nimport os\n\n\ndef f(x):\n    """Doc of f."""\n    return f"{x} is" + str(os.sep)  # why\n'


def of(tmp_path: Path, source: str) -> str:
    (tmp_path / "x.py").write_text(source)
    return checksum(tmp_path / "x.py")


@pytest.mark.parametrize(
    ("old", "new"),
    [("# why", "# another reason"), ('"""Doc of f."""\n', '"""Other."""\n\n'), ('"""Doc."""', ""), ("f(x)", "f( x )")],
)
def test_comments_docstrings_and_layout_do_not_change_it(tmp_path, old, new):
    assert of(tmp_path, CODE) == of(tmp_path, CODE.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"), [("os.sep", "os.name"), ("{x} is", "{x}  is"), ("    return", "    if x:\n        return")]
)
def test_code_and_strings_change_it(tmp_path, old, new):
    assert of(tmp_path, CODE) != of(tmp_path, CODE.replace(old, new))


def test_a_file_that_is_not_python_has_the_checksum_of_its_bytes(tmp_path):
    assert of(tmp_path, "def (") != of(tmp_path, "def ( ")


def test_imports_of_models_root_and_of_the_toolkit_count(tmp_path):
    (tmp_path / "mine.py").write_text("from models.part import b\nfrom layers.convolution import conv\nimport keras\n")
    (tmp_path / "part.py").write_text("import deep.inner\nfrom losses import generator_loss\n")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "__init__.py").write_text("")
    (tmp_path / "deep" / "inner.py").write_text("")
    files = imported_files(tmp_path / "mine.py", PROJECT, [tmp_path])
    assert files[0] == tmp_path / "mine.py"
    assert {path.name for path in files if path.is_relative_to(tmp_path)} == {
        "mine.py", "part.py", "inner.py", "__init__.py",
    }  # fmt: skip
    toolkit = {path.relative_to(PROJECT).as_posix() for path in files if path.is_relative_to(PROJECT)}
    # The table of losses names its functions by strings.
    assert {"layers/convolution.py", "losses/__init__.py", "losses/pixel.py"} <= toolkit


def test_a_plugin_of_the_user_in_models_is_not_shipped(tmp_path):
    assert is_shipped(PROJECT / "models" / "pix2pix.py", PROJECT) and is_shipped(PROJECT / "losses/pixel.py", PROJECT)
    assert not is_shipped(PROJECT / "models" / "mine.py", PROJECT)
    assert not is_shipped(PROJECT / "experiments" / "mine.py", PROJECT) and not is_shipped(tmp_path / "m.py", PROJECT)


def test_every_shipped_model_is_a_file():
    assert {path.stem for path in (PROJECT / "models").glob("*.py")} >= SHIPPED_MODELS

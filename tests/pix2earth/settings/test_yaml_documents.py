"""The parser of YAML, against another parser; the places of keys and of errors."""

import json
from datetime import date

import pytest
import yaml as pyyaml

from pix2earth.settings import commented_json
from pix2earth.settings.errors import UserError
from pix2earth.settings.validation import read as read_either
from pix2earth.settings.yaml_documents import read

FILE = "some.yaml"

TEXT = """\
# a comment
a: 1
list:
  - 10
  - b: true   # another
    c: [x, {d: null}]
text: "two: words"
"""


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        "[1, 2.5, -3, 1.0e-4, true, null, '1', a b]",
        "a: |\n  two\n  lines\nb: >\n  one\n  line\n",
        "base: &base {x: 1, y: 2}\nuse: {<<: *base, y: 3}\nagain: *base\n",
        "? a\n: 1\n",
        "{}",
    ],
)
def test_reads_as_another_parser_reads_it(parse, text):
    parsed, reference = (json.dumps(data, sort_keys=True) for data in (parse(text).data, pyyaml.safe_load(text)))
    assert parsed == reference


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4), ("5e2", 500.0), ("010", 10), ("0o10", 8), ("0x10", 16), ("yes", "yes"), ("true", True),
        ("~", None), ("2021-03-01", date(2021, 3, 1)), ("12:30", "12:30"), ("&name true", True), ("&name 3", 3),
        ("'2021-03-01'", "2021-03-01"),
    ],
)  # fmt: skip
def test_scalars_are_those_of_yaml_1_2(parse, text, value):
    parsed = parse(f"a: {text}").data["a"]
    assert parsed == value
    assert type(parsed) is type(value)


def test_an_empty_file_is_null(parse):
    assert parse("").data is None
    assert parse("# nothing\n").data is None


class TestPlace:
    @pytest.mark.parametrize(
        ("key", "place"),
        [
            ((), "1:1"), (("a",), "2:4"), (("list",), "4:3"), (("list", 0), "4:5"), (("list", 1), "5:5"),
            (("list", 1, "b"), "5:8"), (("list", 1, "c", 1, "d"), "6:16"), (("text",), "7:7"),
        ],
    )  # fmt: skip
    def test_of_values(self, parse, key, place):
        assert parse(TEXT).place(key).endswith(f"some.yaml:{place}")

    @pytest.mark.parametrize(
        ("key", "place"),
        [(("a",), "2:1"), (("list",), "3:1"), (("list", 1, "b"), "5:5"), (("list", 1, "c", 1, "d"), "6:13")],
    )
    def test_of_keys(self, parse, key, place):
        assert parse(TEXT).place(key, of_key=True).endswith(f"some.yaml:{place}")

    def test_of_a_missing_key_is_that_of_the_enclosing_object(self, parse):
        assert parse(TEXT).place(("list", 1, "x")).endswith("some.yaml:5:5")

    def test_of_a_merged_key_is_that_of_the_enclosing_object(self, parse):
        document = parse("base: &base {x: 1}\nuse:\n  <<: *base\n  y: 2\n")
        assert document.data["use"] == {"x": 1, "y": 2}
        assert document.place(("use", "x")).endswith("some.yaml:3:3")
        assert document.place(("use", "y")).endswith("some.yaml:4:6")

    def test_starts_with_the_path_of_the_argument(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "some.yaml").write_text("{}")
        assert read("some.yaml").place(()) == "some.yaml:1:1"


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: [1, 2\nb: 3\n", 2, 2),
        ("a: 1\n\tb: 2\n", 2, 1),
        ("a: 'open\n", 2, 1),
        ("a: 1\n b: 2\n", 2, 3),
        ("a: *nobody\n", 1, 4),
        ("- 1\na: 2\n", 2, 1),
        ("a: 1\n---\na: 2\n", 2, 1),
        ("a: @x\n", 1, 4),
        ("a:\n  b: 2021-02-30\n", 2, 6),
        ("a: !!int words\n", 1, 4),
    ],
)
def test_syntax_errors_name_line_and_column(refuse, text, line, column):
    assert refuse(text).startswith(f"some.yaml:{line}:{column}: is not YAML here: ")


def test_a_key_that_occurs_twice_is_an_error(refuse):
    assert refuse("a: 1\nb: {c: 1, c: 2}\n").startswith('some.yaml:2:11: is not YAML here: found duplicate key "c"')


def test_text_that_is_not_utf8_names_the_byte(refuse):
    assert refuse(b"a: \xe9") == "some.yaml: is not UTF-8 text (byte 3); save it as UTF-8"


def test_control_characters_are_an_error(refuse):
    assert refuse("a: \x07").startswith("some.yaml: is not YAML: ")


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir()], ids=["missing", "folder"])
def test_a_file_that_cannot_be_read_is_an_error(tmp_path, make):
    path = tmp_path / "gone.yaml"
    make(path)
    with pytest.raises(UserError, match=r"gone\.yaml: cannot be read"):
        read(path)


@pytest.mark.slow
@pytest.mark.parametrize("text", ["[" * 3_000 + "]" * 3_000, "{a: " * 3_000 + "}" * 3_000], ids=["lists", "objects"])
def test_very_deep_nesting_is_an_error_and_no_crash(refuse, text):
    assert refuse(text) == "some.yaml: is nested too deeply"


def test_an_object_that_contains_itself_is_read(parse):
    assert parse("a: &all {b: *all}\n").data == {"a": {"b": None}}


def test_a_number_of_thousands_of_digits_is_an_error_and_no_crash(refuse):
    assert refuse(f"a: 1\nb: {'1' * 5_000}\n").startswith("some.yaml:2:4: is not YAML here: ")


def test_no_file_can_run_code(parse):
    assert parse("a: !!python/object/apply:os.getcwd []\n").data["a"] == []


@pytest.mark.parametrize(("name", "parser"), [("x.yaml", read), ("x.yml", read), ("x.json", commented_json.read)])
def test_the_suffix_of_a_file_chooses_the_parser(tmp_path, name, parser):
    path = tmp_path / name
    path.write_text('{"a": [1, 2]}')
    assert read_either(path) == parser(path)
    assert read_either(path).data == {"a": [1, 2]}

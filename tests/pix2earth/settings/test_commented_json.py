"""The parser of JSON with comments, against the standard library; the places of keys and of errors."""

import json

import pytest

from pix2earth.settings.commented_json import read
from pix2earth.settings.errors import UserError

FILE = "some.json"


@pytest.mark.parametrize(
    "text",
    [
        '// first\n{"a": 1}',
        '# first\n{"a": 1}',
        '/* first */{"a": 1}',
        '{"a": /* between */ 1}',
        '{"a": 1 // behind\n}',
        '{"a": 1 # behind\n}',
        '{"a": 1} // last, no line end',
        '{"a": /* several\nlines\n*/ 1}',
        '{/* ** stars / and slashes // */"a": 1}',
        '{"a": 1}\n/**/\n#\n//',
        '{// "a": 2,\n"a": 1}',
        '{"a": 1,}',
        '{"a": 1, // and a comma\n}',
        '{\r\n  // of Windows\r\n  "a": 1\r\n}\r\n',
    ],
)
def test_comments_and_trailing_commas_are_ignored(parse, text):
    assert parse(text).data == {"a": 1}


def test_comment_marks_within_strings_are_no_comments(parse):
    text = '{"url": "http://x.y/#z", "glob": "/* no */", "hash": "#", "quote": "\\"// still inside"}'
    assert parse(text).data == json.loads(text)


def test_a_comment_ends_at_the_first_end_mark(parse):
    assert parse('{"a": /* one */ 1, "b": /* two */ 2}').data == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    "text",
    [
        '{"text": "\\u00e9 \\ud83d\\ude80 \\n\\t\\"\\\\\\/ é 🚀", "": 0}',
        "[0, -0.0, 1e-3, -12.5E+2, 123456789012345678901234567890, 0.1]",
        '[true, false, null, [], {}, [[]], {"a": {"b": [1, {"c": null}]}}]',
        '"only a string"',
        " \t\r\n 3 \n",
    ],
)
def test_plain_json_reads_as_the_standard_library_reads_it(parse, text):
    data, expected = parse(text).data, json.loads(text)
    assert data == expected
    assert repr(data) == repr(expected)


def test_a_list_may_end_with_a_comma(parse):
    assert parse("[1, [2,], 3,]").data == [1, [2], 3]


def test_a_byte_order_mark_is_accepted_and_does_not_shift_columns(parse):
    document = parse(b'\xef\xbb\xbf{"a": 1}')
    assert document.data == {"a": 1}
    assert document.keys[("a",)] == (1, 2)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ('{"a": 1 "b": 2}', 1, 9),
        ('{\n  "a": 1\n  "b": 2\n}', 3, 3),
        ('{"a" 1}', 1, 6),
        ("{'a': 1}", 1, 2),
        ('{"a": tru}', 1, 7),
        ('{"a": 1}}', 1, 9),
        ('{"a": 1}\n\n{"b": 2}', 3, 1),
        ("[1,,2]", 1, 4),
        ("{,}", 1, 2),
        ('{"a": 01}', 1, 8),
        ('{"a": .5}', 1, 7),
        ('{"a": "\\x"}', 1, 7),
        ('{"a": "two\nlines"}', 1, 7),
        ('{\n\n   "a": 1, /* never closed\n}', 3, 12),
        ('{\n  "a": [1, 2', 2, 13),
        ('{"a": 1\n', 2, 1),
        ("", 1, 1),
        ("// nothing", 1, 11),
    ],
)
def test_syntax_errors_name_line_and_column(refuse, text, line, column):
    assert refuse(text).startswith(f"some.json:{line}:{column}: is not JSON here: expected ")


def test_syntax_errors_show_the_expected_and_the_actual_text(refuse):
    assert refuse('{"a": 1 "b": 2}').endswith("expected ',' or '}', found '\"b\": 2}'")
    assert refuse('{"a": [1').endswith("found the end of the file")


def test_line_separators_within_strings_do_not_change_the_actual_text(refuse):
    assert refuse('{"a": "\u2028"}\n!').endswith("found '!'")


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_does_not_know_are_refused(refuse, word):
    assert refuse(f'{{"a": {word}}}').startswith("some.json:1:")


def test_a_key_that_occurs_twice_is_an_error_with_both_lines(refuse):
    assert refuse('{\n "a": 1,\n "b": 2,\n  "a": 3\n}') == (
        "some.json:4:3: a: occurs twice (first in line 2); keep one"
    )


def test_a_key_that_occurs_twice_is_found_in_inner_objects_and_with_escapes(refuse):
    assert refuse('{"x": [{"a": 1, "\\u0061": 2}]}').startswith("some.json:1:17: a: occurs twice")


def test_the_same_key_in_two_objects_is_fine(parse):
    assert parse('{"x": {"a": 1}, "y": {"a": 2}}').data == {"x": {"a": 1}, "y": {"a": 2}}


def test_text_that_is_not_utf8_names_the_byte(refuse):
    assert refuse(b'{"a": "\xe9"}') == "some.json: is not UTF-8 text (byte 7); save it as UTF-8"


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir()], ids=["missing", "folder"])
def test_a_file_that_cannot_be_read_is_an_error(tmp_path, make):
    path = tmp_path / "gone.json"
    make(path)
    with pytest.raises(UserError, match=r"gone\.json: cannot be read"):
        read(path)


def test_deep_nesting_is_read(parse):
    data = parse('{"a": ' + "[" * 100 + "]" * 100 + "}").data["a"]
    depth = 0
    while data:
        data, depth = data[0], depth + 1
    assert depth == 99


@pytest.mark.parametrize(
    "content", ["[" * 5_000 + "]" * 5_000, '{"a":' * 5_000 + "1" + "}" * 5_000], ids=["lists", "objects"]
)
def test_very_deep_nesting_is_an_error_and_no_crash(refuse, content):
    assert refuse(content).startswith("some.json")


def test_a_number_of_thousands_of_digits_is_an_error_and_no_crash(refuse):
    assert refuse('{\n "a": ' + "1" * 5_000 + "}").startswith("some.json:2:7: ")


class TestPlace:
    TEXT = '{\n  "a": 1,\n  "list": [\n    10,\n      {"b": true}\n  ]\n}\n'

    @pytest.mark.parametrize(
        ("key", "place"),
        [
            ((), "1:1"),
            (("a",), "2:8"),
            (("list",), "3:11"),
            (("list", 0), "4:5"),
            (("list", 1), "5:7"),
            (("list", 1, "b"), "5:13"),
        ],
    )
    def test_of_values(self, parse, key, place):
        assert parse(self.TEXT).place(key).endswith(f"some.json:{place}")

    @pytest.mark.parametrize(
        ("key", "place"), [(("a",), "2:3"), (("list",), "3:3"), (("list", 1, "b"), "5:8"), (("list", 0), "4:5")]
    )
    def test_of_keys(self, parse, key, place):
        assert parse(self.TEXT).place(key, of_key=True).endswith(f"some.json:{place}")

    @pytest.mark.parametrize(("key", "place"), [(("c",), "1:1"), (("list", 7), "3:11"), (("list", 1, "x", "y"), "5:7")])
    def test_of_a_missing_key_is_that_of_the_enclosing_object(self, parse, key, place):
        assert parse(self.TEXT).place(key).endswith(f"some.json:{place}")

    def test_starts_with_the_path_of_the_argument(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "some.json").write_text("{}")
        assert read("some.json").place(()) == "some.json:1:1"

"""Messages for files that do not match the schema: place, key, fault, nearest name."""

import re
from typing import Annotated, Literal

import pytest
from pydantic import Field, Strict

from pix2earth.settings.errors import UserError
from pix2earth.settings.schema import EnvironmentFile, ExperimentFile, Schema
from pix2earth.settings.validation import load


@pytest.fixture
def lines(tmp_path):
    """``lines(text, schema=ExperimentFile)``: the lines of the errors of a file, without the folder."""

    def errors_of(text: str, schema=ExperimentFile) -> list[str]:
        path = tmp_path / "x.json"
        path.write_text(text)
        with pytest.raises(UserError) as caught:
            load(path, schema)
        assert all(line.startswith(f"{path}:") for line in caught.value.lines)
        return [line.removeprefix(f"{path}:") for line in caught.value.lines]

    return errors_of


@pytest.fixture
def line(lines):
    """``line(key, value, schema=ExperimentFile)``: the one line of the error of a file with one key."""

    def error_of(key: str, value: str, schema=ExperimentFile) -> str:
        required = '"model_name": "a", ' if schema is ExperimentFile and key != "model_name" else ""
        (only,) = lines(f'{{{required}"{key}":\n{value}}}', schema)
        return only

    return error_of


def test_all_errors_are_reported_at_once_in_the_order_of_lines(lines):
    text = """{
  "seed": -1,
  "gen_loss": {
    "gen_l1": "much"
  },
  "tilesize": "256",
  "modelname": "pix2pix",
  "shuffle": "yes"
}"""
    assert lines(text) == [
        "1:1: model_name: is missing; it is required",
        "2:11: seed: must be greater than or equal to 0, not -1",
        '4:15: gen_loss.gen_l1: must be a number or must be an object in braces {}, not the string "much"',
        '6:15: tilesize: must be an integer, not the string "256"',
        "7:3: unknown key 'modelname'; did you mean 'model_name'?",
        '8:14: shuffle: must be a boolean (true or false), not the string "yes"',
    ]


def test_lines_are_ordered_by_number_and_not_as_strings(lines):
    text = (
        "{\n" + '"model_name": "a",\n' + "\n" * 7 + '"steps": 0.5,\n' + "\n" * 90 + '"seed": 0.5,\n"batch_size": 0.5}'
    )
    assert [entry.split(":")[0] for entry in lines(text)] == ["10", "101", "102"]


def test_every_line_has_place_key_and_fault(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{"model_name": 3, "steps": null, "learning_rate": "fast", "metrics": 1, "normalize": 2}')
    with pytest.raises(UserError) as caught:
        load(path, ExperimentFile)
    assert len(caught.value.lines) == 5
    for entry in caught.value.lines:
        assert re.fullmatch(rf"{re.escape(str(path))}:1:\d+: [a-z_]+: must be .+, not .+", entry)


def test_the_folder_may_have_any_name(tmp_path):
    path = tmp_path / "a: b" / "x.json"
    path.parent.mkdir()
    path.write_text('{"model_name": "a",\n"seed": "x",\n"steps": "x"}')
    with pytest.raises(UserError) as caught:
        load(path, ExperimentFile)
    assert [entry.removeprefix(f"{path}:").split(":")[0] for entry in caught.value.lines] == ["2", "3"]


@pytest.mark.parametrize("text", ["[]", "3", "null", '"a"'])
def test_a_file_that_is_not_an_object_is_an_error(lines, text):
    (only,) = lines(text)
    assert only.startswith("1:1: must be an object in braces {}, not ")


class TestUnknownKeys:
    def test_name_the_nearest_key_at_the_place_of_the_key(self, lines):
        assert lines('{"model_name": "a",\n   "batchsize": 3}') == [
            "2:4: unknown key 'batchsize'; did you mean 'batch_size'?"
        ]

    def test_list_all_keys_where_none_is_similar(self, lines):
        (only,) = lines('{"zzz": 1}', EnvironmentFile)
        assert "unknown key 'zzz'; there are: ckpt_freq, data_root, distribution, environment, " in only

    def test_of_an_inner_object_name_its_keys(self, lines):
        assert lines('{"model_name": "a", "learning_rate":\n {"generater": 1}}') == [
            "2:2: learning_rate: unknown network 'generater'; did you mean 'generator'?"
        ]

    @pytest.mark.parametrize("key", ["int", "float", "list[str]", "a[0]", "LearningRates", "$schemas"])
    def test_may_have_any_name(self, lines, key):
        (only,) = lines(f'{{"model_name": "a", "{key}": 1}}')
        assert only.startswith(f"1:21: unknown key '{key}'")

    def test_with_a_line_break_stay_one_line(self, lines):
        (only,) = lines('{"model_name": "a", "two\\nlines": 1}')
        assert "\n" not in only

    def test_are_reported_where_a_key_and_its_alias_occur_together(self, lines):
        errors = lines('{"model_name": "a", "enforce_suffix": "x", "enfore_suffix": "y"}')
        assert len(errors) == 1
        assert "enfore_suffix" in errors[0]

    def test_do_not_include_the_schema_of_editors(self, tmp_path):
        path = tmp_path / "x.json"
        path.write_text('{"$schema": "experiment.schema.json", "model_name": "a"}')
        assert load(path, ExperimentFile).model_name == "a"


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        ("batch_size", '"16"', 'must be an integer, not the string "16"'),
        ("batch_size", "16.5", "must be an integer, not 16.5"),
        ("batch_size", "16.0", "must be an integer, not 16.0"),
        ("batch_size", "true", "must be an integer, not true"),
        ("batch_size", "null", "must be an integer, not null"),
        ("batch_size", "[16]", "must be an integer, not a list"),
        ("batch_size", "{}", "must be an integer, not an object"),
        ("batch_size", "0", "must be greater than 0, not 0"),
        ("batch_size", "-1", "must be greater than 0, not -1"),
        ("seed", "2147483648", "must be less than 2147483648, not 2147483648"),
        ("random_resize", "0.9", "must be greater than or equal to 1, not 0.9"),
        ("random_resize", "1e9", "must be less than or equal to 4, not 1000000000.0"),
        ("random_resize", "false", "must be a number, not false"),
        ("random_rotate", "1", "must be a boolean (true or false), not 1"),
        ("random_rotate", "0", "must be a boolean (true or false), not 0"),
        ("model_name", "1", "must be a string in double quotes, not 1"),
        ("dataset", "null", "must be a string in double quotes, not null"),
        ("params", "[]", "must be an object in braces {}, not a list"),
        ("gen_loss", "1", "must be an object in braces {}, not 1"),
        ("precision", '"bf16"', 'must be one of float32, mixed_bfloat16, mixed_float16, not the string "bf16"'),
    ],
)
def test_wrong_values_are_shown_as_they_were_written(line, key, value, fault):
    assert line(key, value) == f"2:1: {key}: {fault}"


def test_a_wrong_choice_names_the_nearest_one(line):
    assert line("normalize", '"symetric"') == (
        "2:1: normalize: must be one of symmetric, unit, l2, none (did you mean 'symmetric'?),"
        ' not the string "symetric"'
    )


class TestUnions:
    @pytest.mark.parametrize(
        ("value", "shown"),
        [('"1e-3"', 'the string "1e-3"'), ("true", "true"), ("[]", "a list"), ("-1", "-1"), ("0", "0")],
    )
    def test_a_learning_rate_is_a_number_or_an_object(self, line, value, shown):
        error = line("learning_rate", value)
        assert error.startswith("2:1: learning_rate: must be ")
        assert " or must be an object in braces {}" in error
        assert error.endswith(f", not {shown}")

    def test_a_learning_rate_of_one_network_is_named_alone(self, lines):
        text = '{"model_name": "a",\n"learning_rate": {"generator": 1e-4,\n"discriminator": "x"}}'
        assert lines(text) == ['3:18: learning_rate.discriminator: must be a number, not the string "x"']

    @pytest.mark.parametrize("value", ["1e999", '{"generator": 1e999}'])
    def test_a_learning_rate_is_finite(self, line, value):
        assert "finite" in line("learning_rate", value)

    @pytest.mark.parametrize("schema", [ExperimentFile, EnvironmentFile])
    def test_checkpoints_to_keep_are_a_number_or_all(self, line, schema):
        assert line("keep_checkpoints", '"al"', schema) == (
            '2:1: keep_checkpoints: must be an integer or must be "all", not the string "al"'
        )
        assert line("keep_checkpoints", "0", schema).startswith("2:1: keep_checkpoints: must be greater than 0")

    def test_metrics_are_a_list_or_all(self, line):
        assert line("metrics", '"PSNR"') == (
            "2:1: metrics: must be a list in brackets [] or must be one of all, arisgan, scientific,"
            ' superresolution, sen2_mtc, uncrtaints, allclear, gapfill, rsgan, distributions, not the string "PSNR"'
        )

    def test_an_entry_of_the_metrics_is_named_alone(self, lines):
        text = '{"model_name": "a", "metrics":\n["PSNR", 3]}'
        assert lines(text) == ["2:10: metrics.1: must be a string in double quotes, not 3"]


class Circle(Schema):
    kind: Literal["circle"]
    radius: float


class Square(Schema):
    kind: Literal["square"] = "square"
    sides: list[Circle] = []
    side: float


class Drawing(Schema):
    first: Annotated[Circle | Square, Field(discriminator="kind")] | None = None
    others: list[Annotated[Square | Circle, Field(discriminator="kind")]] = []
    named: dict[str, Circle] = {}


class TestSchemasWithATag:
    """A key of an object chooses between several schemas."""

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ('"first": {"kind": "circel", "radius": 1}',
             "2:10: first: kind: must be one of circle, square (did you mean 'circle'?), not the string \"circel\""),
            ('"first": {"kind": "x", "radius": 1}',
             '2:10: first: kind: must be one of circle, square, not the string "x"'),
            ('"first": {"radius": 1}', "2:10: first: kind: is missing; it chooses the kind of the object"),
            ('"first": {"kind": "circle", "radius": "1"}',
             '2:39: first.radius: must be a number, not the string "1"'),
            ('"first": {"kind": "circle"}', "2:10: first.radius: is missing; it is required"),
            ('"first": {"kind": "circle", "radius": 1, "radios": 1}',
             "2:42: unknown key 'first.radios'; did you mean 'radius'?"),
            ('"others": [3]', "2:12: others.0: must be an object in braces {}, not 3"),
            ('"others": {"kind": "circle"}', "2:11: others: must be a list in brackets [], not an object"),
            ('"others": [{"kind": "square", "side": 1}, {"kind": "circle", "radius": 1, "x": 1}]',
             "2:75: unknown key 'others.1.x'; there are: kind, radius"),
            ('"others": [{"kind": "square", "side": 1, "sides": [{"kind": "circle", "radius": 1, "radi": 1}]}]',
             "2:84: unknown key 'others.0.sides.0.radi'; did you mean 'radius'?"),
            ('"named": {"a": {"kind": "circle", "radius": 1, "knd": 1}}',
             "2:48: unknown key 'named.a.knd'; did you mean 'kind'?"),
        ],
    )  # fmt: skip
    def test_only_the_errors_of_the_chosen_schema_are_reported(self, lines, text, expected):
        assert lines(f"{{\n{text}}}", Drawing) == [expected]

    def test_several_errors_are_reported_at_once(self, lines):
        text = '{"first": {"kind": "circle", "radius": "a"},\n"others": [{"kind": "sqare"},\n{"kind": "square"}]}'
        assert [entry.split(": ", 1)[0] for entry in lines(text, Drawing)] == ["1:40", "2:12", "3:1"]


def test_a_pair_with_one_number_is_an_error_and_no_crash(lines):
    class Range(Schema):
        bounds: Annotated[tuple[float, float], Strict(False)]

    assert lines('{"bounds": [1.5]}', Range) == ["1:12: bounds.1: is missing; it is required"]


class TestNames:
    def test_an_unknown_metric_names_the_nearest(self, line):
        assert line("metrics", '["PSNR", "SSIMM"]') == (
            "2:1: metrics: there is no metric 'SSIMM'; did you mean 'SSIM'?"
        )

    def test_an_unknown_best_metric_names_the_nearest(self, line):
        assert "there is no metric 'PSNT'; did you mean 'PSNR'?" in line("best_metric", '"PSNT"')

    @pytest.mark.parametrize(
        ("key", "loss", "nearest"), [("gen_loss", "gne_l1", "gen_l1"), ("disc_loss", "dsic_bce", "disc_bce")]
    )
    def test_an_unknown_loss_names_the_nearest(self, line, key, loss, nearest):
        assert line(key, f'{{"{loss}": 1}}') == f"2:1: {key}: there is no loss '{loss}'; did you mean '{nearest}'?"

    def test_a_loss_of_the_other_network_is_unknown(self, line):
        assert "there is no loss 'gen_l1'" in line("disc_loss", '{"gen_l1": 1}')

    @pytest.mark.parametrize("name", ["../x", "a/../../x", "/x", "a\\\\..\\\\x", ""])
    def test_a_dataset_stays_below_its_root(self, line, name):
        assert line("dataset", f'"{name}"').startswith("2:1: dataset: must be a name below the root")

    @pytest.mark.parametrize("name", ["../x", "a/b", "/x", ".hidden", "", "a\\\\b"])
    def test_a_model_is_a_plain_name(self, line, name):
        assert line("model_name", f'"{name}"').startswith("2:1: model_name: must be a file's name without folder")


class TestWeights:
    @pytest.mark.parametrize("value", ['"1"', "true", "1e999", "[1]"])
    def test_a_weight_is_a_finite_number_or_null(self, lines, value):
        (only,) = lines(f'{{"model_name": "a", "gen_loss": {{"gen_gan": 1,\n "gen_l1": {value}}}}}')
        assert only.startswith("2:12: gen_loss.gen_l1: must be a ")


def test_an_environment_is_validated_too(lines):
    text = '{\n"environment": "two words",\n"distribution": "mirored",\n"models_root": "x",\n"sample_freqs": 1}'
    errors = lines(text, EnvironmentFile)
    assert [entry.split(":")[0] for entry in errors] == ["2", "3", "4", "5"]
    assert errors[0].startswith("2:16: environment: ")
    assert "did you mean 'mirrored'?" in errors[1]
    assert errors[2] == '4:16: models_root: must be a list in brackets [], not the string "x"'
    assert errors[3] == "5:1: unknown key 'sample_freqs'; did you mean 'sample_freq'?"

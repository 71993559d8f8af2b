"""Learning rates by network, and schedules: their share of the rate, computed by hand, and their errors."""

import json
import math

import pytest

from pix2earth.settings.errors import UserError
from pix2earth.settings.optimization import Schedule
from pix2earth.settings.schema import ExperimentFile
from pix2earth.settings.validation import load


@pytest.fixture
def loaded(tmp_path):
    """``loaded(**keys)``: the settings of an experiment with these keys."""

    def load_file(**keys):
        path = tmp_path / "experiment.json"
        path.write_text(json.dumps({"model_name": "a", **keys}))
        return load(path, ExperimentFile)

    return load_file


@pytest.mark.parametrize(
    ("keys", "shares"),
    [
        ({"kind": "constant"}, {0: 1, 50: 1, 99: 1}),
        ({"kind": "constant", "warmup": 4}, {0: 0.25, 1: 0.5, 3: 1, 99: 1}),
        ({"kind": "linear", "begin": 50}, {0: 1, 50: 1, 75: 0.5, 99: 0.02}),
        ({"kind": "linear", "begin": 20, "end": 60, "final": 0.2}, {20: 1, 40: 0.6, 60: 0.2, 99: 0.2}),
        ({"kind": "cosine"}, {0: 1, 25: 0.5 + math.sqrt(2) / 4, 50: 0.5, 75: 0.5 - math.sqrt(2) / 4}),
        ({"kind": "cosine", "warmup": 2, "final": 0.1}, {0: 0.5, 50: 0.55}),
        ({"kind": "step", "every": 30}, {0: 1, 29: 1, 30: 0.5, 60: 0.25, 99: 0.125}),
        ({"kind": "step", "begin": 10, "every": 30, "factor": 0.1}, {39: 1, 40: 0.1, 70: 0.01}),
        ({"kind": "linear", "begin": 100, "unit": "epochs", "warmup": 2}, {0: 0, 1: 0.5, 2: 1, 99: 1}),
    ],
)
def test_the_share_of_the_rate(keys, shares):
    schedule = Schedule(**keys)
    assert {step: schedule.share(step, 100) for step in shares} == pytest.approx(shares)


def test_one_schedule_or_one_for_each_network(loaded):
    assert loaded(schedule={"kind": "linear"}).schedule == Schedule(kind="linear")
    assert loaded(schedule={"flow": {"kind": "linear"}}).schedule == {"flow": Schedule(kind="linear")}
    assert loaded().schedule is None


def test_what_run_json_records_is_what_was_stated(loaded):
    settings = loaded(schedule={"flow": {"kind": "step", "every": 3}}, learning_rate={"flow": 1e-3})
    content = settings.model_dump(mode="json")
    assert content["schedule"]["flow"]["every"] == 3
    assert content["learning_rate"] == {"generator": None, "discriminator": None, "flow": 1e-3}
    assert loaded(learning_rate=1e-3).model_dump(mode="json")["learning_rate"] == 1e-3


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"schedule": {"kind": "cosin"}}, "schedule.kind: must be one of constant, linear, cosine, step (did you mean"),
        ({"schedule": {"begin": 3}}, "schedule.kind: is missing"),
        ({"schedule": {"kind": "linear", "begn": 3}}, "unknown key 'schedule.begn'; did you mean 'begin'?"),
        ({"schedule": {"a": {"kind": "linear", "begn": 3}}}, "unknown key 'schedule.a.begn'; did you mean 'begin'?"),
        ({"schedule": {"kind": "step"}}, "schedule: every: is missing"),
        ({"schedule": {"kind": "linear", "begin": 5, "end": 5}}, "schedule: end: is 5, not after begin, 5"),
        ({"schedule": "cosine"}, "schedule: must be an object in braces {}, not the string"),
        ({"learning_rate": {"generater": 1}}, "unknown network 'generater'; did you mean 'generator'?"),
        ({"learning_rate": {"flow": "x"}}, 'learning_rate.flow: must be a number, not the string "x"'),
        ({"ema": 1}, "ema: must be less than 1, not 1"),
        ({"clip_norm": 0}, "clip_norm: must be greater than 0, not 0"),
    ],
)
def test_errors_name_the_key(loaded, keys, message):
    with pytest.raises(UserError) as error:
        loaded(**keys)
    assert message in str(error.value)

"""The journal tells the truth about a run, and TensorBoard shows the same."""

import json
import time

import pytest
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.summary.writer import event_file_writer

from pix2earth.training import journal
from pix2earth.training.journal import Journal


@pytest.fixture
def path(tmp_path):
    return tmp_path / "logs" / "train.jsonl"


@pytest.fixture
def process(path, monkeypatch):
    """``process(finished, *steps)``: the run notes these steps as in a process of its own.

    Each value is step + finished / 100. TensorBoard reads event files in the order of their names: the second, and
    a number that every process counts from 0.
    """

    def run(finished, *steps):
        if path.exists():
            time.sleep(1.01)
        monkeypatch.setattr(event_file_writer, "_global_uid", event_file_writer.AtomicCounter(0))
        notes = Journal(path, finished)
        for step in steps:
            notes.losses(step, 0.5, {"total": step + finished / 100})
            notes.validation(step, {"PSNR": step + finished / 100})
        notes.close()

    return run


def events(path):
    """{tag: [(step, value), ...]} as TensorBoard shows them."""
    shown = EventAccumulator(str(path.parent))
    shown.Reload()
    return {
        tag: [(event.step, round(event.tensor_proto.float_val[0], 4)) for event in shown.Tensors(tag)]
        for tag in shown.Tags()["tensors"]
    }


def write(path, *steps):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"step": step, "losses": {"x": 1.0}}) + "\n" for step in steps))


def steps_of(path):
    return [entry["step"] for entry in journal.read(path)]


def test_a_step_is_a_line_and_so_is_a_validation(path):
    notes = Journal(path, 0)
    notes.losses(12, 0.912345, {"total": 1.5, "gen_l1": 0.25})
    notes.validation(12, {"PSNR": 20.5})
    notes.close()
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"step": 12, "epoch": 0.9123, "losses": {"total": 1.5, "gen_l1": 0.25}},
        {"step": 12, "validation": {"PSNR": 20.5}},
    ]


def test_what_was_written_reads_back(path):
    notes = Journal(path, 0)
    notes.losses(1, 0.1, {"total": 1 / 3})
    notes.close()
    assert journal.read(path) == [{"step": 1, "epoch": 0.1, "losses": {"total": 1 / 3}}]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_null(path, value):
    notes = Journal(path, 0)
    notes.losses(1, 0.1, {"total": value, "gen_l1": 1.0})
    notes.validation(1, {"PSNR": value})
    notes.close()
    first, second = journal.read(path)
    assert (first["losses"], second["validation"]) == ({"total": None, "gen_l1": 1.0}, {"PSNR": None})


def test_a_line_is_on_its_way_as_soon_as_it_is_noted(path):
    notes = Journal(path, 0)
    notes.losses(1, 0.1, {"total": 1.0})
    assert steps_of(path) == [1]
    notes.close()


def test_a_restored_run_forgets_the_steps_that_it_will_do_again(path):
    write(path, 1, 2, 2, 3, 4)
    Journal(path, 2).close()
    assert steps_of(path) == [1, 2, 2]


def test_a_restored_run_adds_to_what_is_there(path):
    write(path, 1, 2, 3)
    notes = Journal(path, 2)
    notes.losses(3, 0.3, {"x": 9.0})
    notes.close()
    assert [entry["losses"]["x"] for entry in journal.read(path)] == [1.0, 1.0, 9.0]


def test_a_run_that_begins_again_forgets_everything(path):
    write(path, 1, 2)
    Journal(path, 0).close()
    assert path.read_text() == ""


@pytest.mark.parametrize("end", ['{"step": 4, "losses": {"x', '{"step"', "{", "\0\0\0\0"])
def test_a_last_line_that_was_cut_off_is_taken_out(path, end):
    write(path, 1, 2, 3)
    with path.open("a") as lines:
        lines.write(end)
    notes = Journal(path, 5)
    notes.losses(6, 0.6, {"x": 6.0})
    notes.close()
    assert steps_of(path) == [1, 2, 3, 6]


def test_a_whole_last_line_without_its_end_is_kept_apart_from_the_next(path):
    write(path, 1)
    path.write_text(path.read_text().rstrip("\n"))
    notes = Journal(path, 1)
    notes.losses(2, 0.2, {"x": 2.0})
    notes.close()
    assert steps_of(path) == [1, 2]


def test_reading_leaves_out_a_last_line_that_was_cut_off(path):
    write(path, 1, 2)
    with path.open("a") as lines:
        lines.write('{"step": 3, "los')
    assert steps_of(path) == [1, 2]


def test_a_broken_line_in_the_middle_is_an_error_with_its_number(path):
    write(path, 1, 2, 3)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[1][:10], lines[2]]) + "\n")
    with pytest.raises(ValueError, match=r"train\.jsonl:2: is not JSON"):
        journal.read(path)


def test_tensorboard_shows_every_value_at_its_step(path, process):
    process(0, 1, 2, 500)
    shown = [(1, 1.0), (2, 2.0), (500, 500.0)]
    assert events(path) == {"total": shown, "validation/PSNR": shown}


def test_tensorboard_shows_a_step_that_was_done_again_once_and_as_it_was_last(path, process):
    process(0, 1, 2, 3, 4)
    process(2, 3, 4, 5)
    shown = [(1, 1.0), (2, 2.0), (3, 3.02), (4, 4.02), (5, 5.02)]
    assert events(path) == {"total": shown, "validation/PSNR": shown}


def test_tensorboard_shows_only_the_new_steps_of_a_run_that_begins_again(path, process):
    process(0, 1, 2, 3)
    process(0, 1, 2)
    assert [step for step, _ in events(path)["total"]] == [1, 2]


def test_tensorboard_and_the_lines_agree_after_two_restores(path, process):
    process(0, 1, 2, 3)
    process(2, 3, 4, 5)
    process(3, 4)
    lines = [(entry["step"], entry["losses"]["total"]) for entry in journal.read(path) if "losses" in entry]
    assert events(path)["total"] == lines == [(1, 1.0), (2, 2.0), (3, 3.02), (4, 4.03)]

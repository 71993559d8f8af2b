"""The journal: lines of ``train.jsonl``, incomplete and repeated steps, and the same values in TensorBoard."""

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
    """``process(finished, *steps)``: the run writes these steps as in a separate process.

    Each value is step + finished / 100. TensorBoard reads event files in the order of their names, which consist of
    the second of the time and a number that every process counts from 0.
    """

    def run(finished, *steps):
        if path.exists():
            time.sleep(1.01)
        monkeypatch.setattr(event_file_writer, "_global_uid", event_file_writer.AtomicCounter(0))
        journal_of_run = Journal(path, finished)
        for step in steps:
            journal_of_run.losses(step, 0.5, {"total": step + finished / 100})
            journal_of_run.validation(step, {"PSNR": step + finished / 100})
        journal_of_run.close()

    return run


def events(path):
    """{tag: [(step, value), ...]} as TensorBoard shows them."""
    accumulator = EventAccumulator(str(path.parent))
    accumulator.Reload()
    return {
        tag: [(event.step, round(event.tensor_proto.float_val[0], 4)) for event in accumulator.Tensors(tag)]
        for tag in accumulator.Tags()["tensors"]
    }


def write(path, *steps):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"step": step, "losses": {"x": 1.0}}) + "\n" for step in steps))


def steps_of(path):
    return [entry["step"] for entry in journal.read(path)]


def test_every_step_and_every_validation_is_a_line(path):
    journal_of_run = Journal(path, 0)
    journal_of_run.losses(12, 0.912345, {"total": 1.5, "gen_l1": 0.25})
    journal_of_run.validation(12, {"PSNR": 20.5})
    journal_of_run.close()
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"step": 12, "epoch": 0.9123, "losses": {"total": 1.5, "gen_l1": 0.25}},
        {"step": 12, "validation": {"PSNR": 20.5}},
    ]


def test_written_entries_are_read_back(path):
    journal_of_run = Journal(path, 0)
    journal_of_run.losses(1, 0.1, {"total": 1 / 3})
    journal_of_run.close()
    assert journal.read(path) == [{"step": 1, "epoch": 0.1, "losses": {"total": 1 / 3}}]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_values_that_are_not_finite_are_null(path, value):
    journal_of_run = Journal(path, 0)
    journal_of_run.losses(1, 0.1, {"total": value, "gen_l1": 1.0})
    journal_of_run.validation(1, {"PSNR": value})
    journal_of_run.close()
    first, second = journal.read(path)
    assert (first["losses"], second["validation"]) == ({"total": None, "gen_l1": 1.0}, {"PSNR": None})


def test_a_line_can_be_read_at_once(path):
    journal_of_run = Journal(path, 0)
    journal_of_run.losses(1, 0.1, {"total": 1.0})
    assert steps_of(path) == [1]
    journal_of_run.close()


def test_a_restored_run_removes_the_steps_that_it_will_repeat(path):
    write(path, 1, 2, 2, 3, 4)
    Journal(path, 2).close()
    assert steps_of(path) == [1, 2, 2]


def test_a_restored_run_appends_lines(path):
    write(path, 1, 2, 3)
    journal_of_run = Journal(path, 2)
    journal_of_run.losses(3, 0.3, {"x": 9.0})
    journal_of_run.close()
    assert [entry["losses"]["x"] for entry in journal.read(path)] == [1.0, 1.0, 9.0]


def test_a_run_that_starts_again_removes_all_lines(path):
    write(path, 1, 2)
    Journal(path, 0).close()
    assert path.read_text() == ""


@pytest.mark.parametrize("end", ['{"step": 4, "losses": {"x', '{"step"', "{", "\0\0\0\0"])
def test_an_incomplete_last_line_is_removed(path, end):
    write(path, 1, 2, 3)
    with path.open("a") as lines:
        lines.write(end)
    journal_of_run = Journal(path, 5)
    journal_of_run.losses(6, 0.6, {"x": 6.0})
    journal_of_run.close()
    assert steps_of(path) == [1, 2, 3, 6]


def test_a_last_line_without_newline_is_separated_from_the_next(path):
    write(path, 1)
    path.write_text(path.read_text().rstrip("\n"))
    journal_of_run = Journal(path, 1)
    journal_of_run.losses(2, 0.2, {"x": 2.0})
    journal_of_run.close()
    assert steps_of(path) == [1, 2]


def test_reading_ignores_an_incomplete_last_line(path):
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
    expected = [(1, 1.0), (2, 2.0), (500, 500.0)]
    assert events(path) == {"total": expected, "validation/PSNR": expected}


def test_tensorboard_shows_a_repeated_step_once_with_its_last_value(path, process):
    process(0, 1, 2, 3, 4)
    process(2, 3, 4, 5)
    expected = [(1, 1.0), (2, 2.0), (3, 3.02), (4, 4.02), (5, 5.02)]
    assert events(path) == {"total": expected, "validation/PSNR": expected}


def test_tensorboard_shows_only_the_new_steps_of_a_run_that_starts_again(path, process):
    process(0, 1, 2, 3)
    process(0, 1, 2)
    assert [step for step, _ in events(path)["total"]] == [1, 2]


def test_tensorboard_and_the_lines_agree_after_two_restores(path, process):
    process(0, 1, 2, 3)
    process(2, 3, 4, 5)
    process(3, 4)
    lines = [(entry["step"], entry["losses"]["total"]) for entry in journal.read(path) if "losses" in entry]
    assert events(path)["total"] == lines == [(1, 1.0), (2, 2.0), (3, 3.02), (4, 4.03)]


def test_tensorboard_shows_sample_images_and_hyperparameters(path):
    from PIL import Image
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    path.parent.mkdir(parents=True, exist_ok=True)
    image = path.parent / "sample.png"
    Image.new("RGB", (30, 20), "red").save(image)
    journal_of_run = Journal(path, 0)
    journal_of_run.hyperparameters({"batch_size": 4, "shuffle": True, "ema": None, "gen_loss": {"gen_l1": 100.0}})
    journal_of_run.image(7, image)
    journal_of_run.close()
    events = EventAccumulator(str(path.parent), size_guidance={"images": 0}).Reload()
    (shown,) = events.Images("samples")
    assert (shown.step, shown.width, shown.height) == (7, 30, 20)
    assert shown.encoded_image_string == image.read_bytes()
    content = HParamsPluginData.FromString(
        events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    ).session_start_info.hparams
    assert content["gen_loss.gen_l1"].number_value == 100 and content["shuffle"].bool_value is True
    assert set(content) == {"batch_size", "shuffle", "gen_loss.gen_l1"}

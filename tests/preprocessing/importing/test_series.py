"""Dated rasters: which dates become targets and inputs, against a table made by hand; splits share no date."""

import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from experiment import PROJECT
from pix2earth.baselines import suitability
from preprocessing.importing.layout.dated import Choice, DatedImage, chosen_inputs
from tests.importing_trees import geotiff, numbers, run_importer, samples_of

SLOVENIA = PROJECT.parent / "shared" / "data" / "s2_series_slovenia"
DAYS = ("20200101", "20200106", "20200111", "20200121", "20200226", "20200301", "20200311")
CLOUDS = (0.5, 0.0, 0.25, 0.5, 0.0, 0.75, 1.0)


def series(tmp_path, places=("",)):
    for place in places:
        for number, (day, share) in enumerate(zip(DAYS, CLOUDS, strict=True)):
            corner = (400000.0 + 1000 * len(place), 5e6)
            geotiff(tmp_path / f"s/{place}/v_{day}.tif", numbers(16, 16, 2, dtype="int16", seed=number), corner=corner)
            mask = np.zeros((16, 16, 1), "uint8")
            mask[: round(16 * share)] = 1
            geotiff(tmp_path / f"m/{place}/v_{day}.tif", mask, corner=corner)


def dated(*days):
    return [DatedImage(datetime(2020, 1, day), Path(f"{day}"), None, 0.5) for day in days]


@pytest.mark.parametrize(
    ("position", "steps", "expected"),
    [
        ("any", 3, [8, 9, 14]),  # 1, 2 and 4 days from the 10th
        ("last", 3, [3, 8, 9]),
        ("middle", 3, [8, 9, 14]),
        ("middle", 2, [9, 14]),
        ("last", 4, [1, 3, 8, 9]),
        ("last", 5, None),
        ("middle", 1, None),
    ],
)
def test_inputs_are_the_nearest_dates(position, steps, expected):
    found = chosen_inputs(datetime(2020, 1, 10), dated(1, 3, 8, 9, 14, 20), Choice(steps, position))
    assert (found and [one.time.day for one in found]) == expected


def test_samples_of_a_series(tmp_path, capsys):
    series(tmp_path)
    classes = geotiff(tmp_path / "classes.tif", numbers(16, 16, 1, high=9))
    arguments = ("--dates", "v_{date:date}.tif", "--mask", tmp_path / "m", "--classes", tmp_path / "classes.tif")
    assert run_importer(tmp_path, "series", "--input", tmp_path / "s", *arguments, "--dataset", "m") == 0
    assert "2 of 7 dates are targets" in capsys.readouterr().out
    manifest, found = samples_of(tmp_path, "m", 16)
    assert (manifest.mask, manifest.input_mask) == ("mask", "cloud_mask")
    assert manifest.fields["input_image"].shape == [3, 16, 16, 2]
    # 2020-03-11 is wholly cloudy, hence no input.
    inputs = {"series_20200106": [0, 2, 3], "series_20200226": [2, 3, 5]}
    assert sorted(name for _, name in found) == sorted(inputs)
    for (_, name), (fields, metadata) in found.items():
        target = DAYS.index(name[-8:])
        np.testing.assert_array_equal(fields["target"], numbers(16, 16, 2, dtype="int16", seed=target))
        for step, number in enumerate(inputs[name]):
            np.testing.assert_array_equal(fields["input_image"][step], numbers(16, 16, 2, dtype="int16", seed=number))
            assert fields["cloud_mask"][step].mean() == CLOUDS[number]
        assert fields["mask"].all()
        np.testing.assert_array_equal(fields["classes"], classes)
        stamps = [datetime.strptime(DAYS[number], "%Y%m%d").isoformat() for number in inputs[name]]
        assert metadata["acquired"]["input_image"] == stamps


def test_days_count_on_across_years(tmp_path):
    """Days of the year alone would place 2018-12-30 two days before 2020-01-01."""
    days = ("20181230", "20191220", "20200101", "20200108")
    for number, (day, share) in enumerate(zip(days, (0.5, 0.25, 0.0, 0.5), strict=True)):
        geotiff(tmp_path / f"s/v_{day}.tif", numbers(16, 16, 2, dtype="int16", seed=number))
        mask = np.zeros((16, 16, 1), "uint8")
        mask[: round(16 * share)] = 1
        geotiff(tmp_path / f"m/v_{day}.tif", mask)
    arguments = ("--input", tmp_path / "s", "--dates", "v_{date:date}.tif", "--mask", tmp_path / "m")
    assert run_importer(tmp_path, "series", *arguments, "--dataset", "m") == 0
    manifest, found = samples_of(tmp_path, "m", 16)
    (fields, _) = found["train", "series_20200101"]
    assert fields["days_from_target"].ravel().tolist() == [-367, -12, 7]
    assert fields["dates"][:, 0, 0].tolist() == [[364, 1], [354, 1], [8, 1]]
    assert manifest.fields["days_from_target"].valid_range == (-367, 367)
    assert {"linear_in_time", "nearest_clear"} <= set(suitability.suitable(manifest, (16, 16)))


def test_periods_share_no_date(tmp_path):
    series(tmp_path)
    arguments = ("--dates", "v_{date:date}.tif", "--mask", tmp_path / "m", "--steps", 1, "--test-from", "2020-02-01")
    assert run_importer(tmp_path, "series", "--input", tmp_path / "s", *arguments, "--dataset", "m") == 0
    _, found = samples_of(tmp_path, "m", 16)
    days = {split: set() for split, _ in found}
    for (split, _), (_, metadata) in found.items():
        days[split] |= {time[:10] for times in metadata["acquired"].values() for time in times}
    assert days == {"train": {"2020-01-01", "2020-01-06"}, "test": {"2020-02-26", "2020-03-01"}}


def test_many_places_are_split_by_place(tmp_path, capsys):
    series(tmp_path, [letter * (index + 1) for index, letter in enumerate("abcdef")])
    arguments = (
        "--dates",
        "{place}/v_{date:date}.tif",
        "--mask",
        tmp_path / "m",
        "--set",
        "split.train=0.6",
        "split.test=0.2",
    )
    assert run_importer(tmp_path, "series", "--input", tmp_path / "s", *arguments, "--dataset", "m") == 0
    assert "splits are by place" in capsys.readouterr().out
    splits = {}
    for split, name in samples_of(tmp_path, "m", 16)[1]:
        splits.setdefault(name.split("_")[0], set()).add(split)
    assert len(splits) == 6 and all(len(found) == 1 for found in splits.values())
    assert set.union(*splits.values()) == {"train", "val", "test"}


@pytest.mark.skipif(not SLOVENIA.is_dir(), reason=f"{SLOVENIA} is not there")
def test_a_real_series(tmp_path):
    """The clouds of targets and inputs are those of the masks, counted independently."""
    import rasterio

    folder = SLOVENIA / "ndvi_series"
    arguments = ("--dates", "ndvi_{date:date}.tif", "--mask", folder, "--mask-pattern", "cloud_{date:date}.tif")
    more = ("--tilesize", 48, "--size", "crop", "--test-from", "2017-01-01", "--set", "target.scale=0.0001")
    assert run_importer(tmp_path, "series", "--input", folder, *arguments, *more, "--dataset", "m") == 0
    manifest, found = samples_of(tmp_path, "m", 48)
    assert manifest.fields["target"].scale == manifest.fields["input_image"].scale == 1e-4
    assert {split for split, _ in found} == {"train", "test"} and len(found) >= 15

    def clouds(time):
        with rasterio.open(folder / f"cloud_{time[:10].replace('-', '')}.tif") as file:
            return file.read(1).mean()

    for (split, _), (_, metadata) in found.items():
        times = metadata["acquired"]
        assert clouds(times["target"][0]) <= 0.02
        assert all(0.02 <= clouds(time) <= 0.95 for time in times["input_image"])
        assert {time >= "2017" for group in times.values() for time in group} == {split == "test"}


def test_images_are_not_taken_for_their_own_masks(tmp_path, capsys):
    series(tmp_path)
    arguments = ("--dates", "v_{date:date}.tif", "--mask", tmp_path / "s")  # no --mask-pattern
    assert run_importer(tmp_path, "series", "--input", tmp_path / "s", *arguments, "--dataset", "m") == 2
    assert "is both an image of --dates and a mask; name the pattern of the masks" in capsys.readouterr().err


def test_the_experiment_to_begin_with_starts_at_interpolation_in_time(tmp_path):
    series(tmp_path)
    arguments = ("--input", tmp_path / "s", "--dates", "v_{date:date}.tif", "--mask", tmp_path / "m")
    assert run_importer(tmp_path, "series", *arguments, "--dataset", "m", "--write-experiment", "first") == 0
    experiment = json.loads((tmp_path / "exp/first/experiment.json").read_text())
    assert (experiment["model_name"], experiment["start_from"]) == ("dated_unet", "linear_in_time")
    assert experiment["fold_dates"] and experiment["params"]["downsamplings"] == 3

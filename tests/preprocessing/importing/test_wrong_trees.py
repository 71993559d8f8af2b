"""Wrong trees and options: each ends in one clear line that names the place and what to do, and nothing is written."""

import numpy as np
import pytest

from tests.importing_trees import geotiff, hidden_progress, numbers, pairs_of_pictures, picture, run_importer

MINE = """
title: mine
fields:
  input_image: {files: "a/{name}.png"}
  target: {files: "b/{name}.png"}
"""


def description(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return path


def two(tmp_path):
    return ("pairs", "--input", tmp_path / "a", "--target", tmp_path / "b", "--dataset", "m")


def dates(tmp_path, *more):
    return ("series", "--input", tmp_path / "s", "--dates", "v_{date:date}.tif", "--dataset", "m", *more)


def series(tmp_path, days=("20200101", "20200111", "20200121")):
    for number, day in enumerate(days):
        geotiff(tmp_path / f"s/v_{day}.tif", numbers(16, 16, 1, seed=number))


def no_folder(t):
    return two(t), f"{t / 'a'}: there is no such folder or file"


def empty_folder(t):
    pairs_of_pictures(t, 2)
    for path in (t / "b").iterdir():
        path.unlink()
    return two(t), "target: there are no files in target"


def other_names(t):
    picture(t / "a/x.png", numbers(16, 16, 3))
    picture(t / "b/y.png", numbers(16, 16, 3))
    return (*two(t), "--leave_out", "missing"), f"--input {t / 'a'} has 1 files, such as x.png"


def truncated(t):
    pairs_of_pictures(t, 3)
    content = (t / "a/im01.png").read_bytes()
    (t / "a/im01.png").write_bytes(content[:200])
    return two(t), f"{t / 'a/im01.png'}: is a damaged PNG file"


def no_image(t):
    pairs_of_pictures(t, 3)
    (t / "a/im01.png").write_text("hello")
    return two(t), f"im01: {t / 'a/im01.png'}: is no image of a known format"


def empty_file(t):
    pairs_of_pictures(t, 3)
    (t / "a/im01.png").write_bytes(b"")
    return two(t), f"im01: {t / 'a/im01.png'}: is empty"


def other_bands(t):
    pairs_of_pictures(t, 3)
    picture(t / "a/im01.png", numbers(16, 16, 1))
    return two(t), f"im01: {t / 'a/im01.png'}: input_image: has 1 bands; most have 3 bands"


def no_whole_ratio(t):
    pairs_of_pictures(t, 3)
    picture(t / "a/im01.png", numbers(15, 15, 3))
    return two(t), "has 15 x 15 pixels, the target 16 x 16: sides need a whole ratio"


def far_apart(t):
    geotiff(t / "a.tif", numbers(16, 16, 1))
    geotiff(t / "b.tif", numbers(16, 16, 1), corner=(900000.0, 5e6))
    return (
        ("pairs", "--input", t / "a.tif", "--target", t / "b.tif", "--dataset", "m"),
        "its fields do not overlap; check coordinates and places",
    )


def smaller_than_tile(t):
    pairs_of_pictures(t, 1)
    return (*two(t), "--tilesize", 64, "--size", "tile"), "fewer than a tile of 64; choose a smaller --tilesize"


def odd_tilesize(t):
    geotiff(t / "a.tif", numbers(20, 20, 1), pixel=30)
    geotiff(t / "b.tif", numbers(60, 60, 1))
    arguments = ("--tilesize", 20, "--size", "tile")
    return (
        ("pairs", "--input", t / "a.tif", "--target", t / "b.tif", "--dataset", "m", *arguments),
        "its pixels are 3 pixels of the target wide, of which --tilesize 20 is no multiple; choose 21",
    )


def pickled(t):
    np.save(t / "x.npy", np.array([{"a": 1}], object), allow_pickle=True)
    np.save(t / "y.npy", numbers(2, 16, 16, 1))
    return ("pairs", "--input", t / "x.npy", "--target", t / "y.npy", "--dataset", "m"), "holds Python objects"


def other_count(t):
    np.save(t / "x.npy", numbers(3, 16, 16, 1))
    np.save(t / "y.npy", numbers(2, 16, 16, 1))
    arguments = ("pairs", "--input", t / "x.npy", "--target", t / "y.npy", "--dataset", "m")
    return arguments, f"{t / 'x.npy'}: holds 3 samples; {t / 'y.npy'}: holds 2 samples"


def wrong_source(t):
    return ("sen2mtc", "--input", t, "--dataset", "m"), "there is no source 'sen2mtc'; did you mean 'sen2_mtc'?"


def wrong_key(t):
    path = description(t, MINE.replace('input_image: {files: "a/{name}.png"}', 'input_image: {file: "a/{name}.png"}'))
    return (
        path,
        "--input",
        t,
        "--dataset",
        "m",
    ), "mine.yaml:4:17: unknown key 'fields.input_image.file'; did you mean 'files'"


def wrong_kind(t):
    path = description(t, MINE.replace("a/{name}", "a/{name:itn}"))
    return (path, "--input", t, "--dataset", "m"), "there is no kind 'itn' of parts; did you mean 'int'"


def wrong_role(t):
    path = description(t, MINE + "mask: targt\n")
    return (path, "--input", t, "--dataset", "m"), "mask: there is no field 'targt'; did you mean 'target'"


def no_list(t):
    pairs_of_pictures(t, 3)
    path = description(t, MINE + 'split: {by: lists, name: "{name}", files: {train: train.txt}}\n')
    return (path, "--input", t, "--dataset", "m"), f"{t / 'train.txt'}: cannot be read: No such file"


def in_two_lists(t):
    pairs_of_pictures(t, 3)
    for name in ("train.txt", "val.txt"):
        (t / name).write_text("im00\nim01\n")
    lists = "{train: train.txt, val: val.txt}"
    path = description(t, MINE + f'split: {{by: lists, name: "{{name}}", files: {lists}}}\n')
    return (path, "--input", t, "--dataset", "m"), f"{t / 'val.txt'}: im00 is in the list of train too"


def no_column(t):
    pairs_of_pictures(t, 3)
    (t / "facts.csv").write_text("id,usage\nim00,train\n")
    tables = 'tables: {facts: {file: facts.csv, key: name, name: "{name}"}}\n'
    tables += "split: {by: table, table: facts, column: usage}\n"
    path = description(t, MINE + tables)
    return (path, "--input", t, "--dataset", "m"), f"{t / 'facts.csv'}: has no column 'name'; there are: id, usage"


def ambiguous(t):
    for part in ("x", "y"):
        picture(t / f"a/im_{part}.png", numbers(16, 16, 3))
        picture(t / f"b/im_{part}.png", numbers(16, 16, 3))
    path = description(t, MINE.replace("{name}", "{name:word}_{part}") + 'sample: "{name}"\n')
    return (path, "--input", t, "--dataset", "m"), "a/im_x.png and a/im_y.png are both im"


def leak(t):
    for number in range(2):
        geotiff(t / f"a/im{number}.tif", numbers(16, 16, 1, seed=number))
        geotiff(t / f"b/im{number}.tif", numbers(16, 16, 1, seed=number))
    (t / "split.csv").write_text("name,split\nim0,train\nim1,test\n")
    return (*two(t), "--split", t / "split.csv"), "share ground; split by place"


def no_date(t):
    series(t)
    return (*dates(t)[:4], "v_{day}.tif", "--dataset", "m"), "names no {date}; write it where the date is"


def wrong_date(t):
    series(t, ("20200101", "20201399"))
    return dates(t), "'20201399' is no date; make the pattern narrower"


def no_mask(t):
    series(t)
    geotiff(t / "m/v_20200101.tif", numbers(16, 16, 1))
    return dates(t, "--mask", t / "m"), f"{t / 's/v_20200111.tif'}: has no mask of its date"


def too_few_dates(t):
    series(t, ("20200101", "20200111"))
    return dates(t, "--steps", 3), "no date has 3 inputs"


def option_of_another_source(t):
    return (*two(t), "--steps", 3), "--steps: is for the source series, not pairs"


def field_that_is_not_there(t):
    pairs_of_pictures(t, 2)
    return (*two(t), "--set", "targt.scale=2"), "--set targt.scale: there is no field 'targt'; did you mean 'target'"


def key_that_is_not_there(t):
    pairs_of_pictures(t, 2)
    return (*two(t), "--set", "target.scal=2"), "--set: unknown key 'fields.target.scal'; did you mean 'scale'?"


def numbers_that_do_not_fit(t):
    geotiff(t / "a.tif", numbers(16, 16, 1, dtype="uint16", high=9000))
    geotiff(t / "b.tif", numbers(16, 16, 1))
    arguments = ("--input", t / "a.tif", "--target", t / "b.tif", "--dataset", "m", "--set", "input_image.dtype=uint8")
    return ("pairs", *arguments), "which uint8 cannot; state another dtype"


def images_as_masks(t):
    pairs_of_pictures(t, 2)
    return (*two(t), "--mask", t / "b"), "is target and mask at once; name other files for the mask"


def one_value(t):
    geotiff(t / "a.tif", np.full((16, 16, 1), 7, "int16"))
    geotiff(t / "b.tif", numbers(16, 16, 1))
    arguments = ("pairs", "--input", t / "a.tif", "--target", t / "b.tif", "--dataset", "m")
    return arguments, "has no measurement or a single value in the samples that were read; state valid_range"


TREES = [
    no_folder, empty_folder, other_names, truncated, no_image, empty_file, other_bands, no_whole_ratio, far_apart,
    smaller_than_tile, odd_tilesize, pickled, other_count, wrong_source, wrong_key, wrong_kind, wrong_role, no_list,
    in_two_lists, no_column, ambiguous, leak, no_date, wrong_date, no_mask, too_few_dates, option_of_another_source,
    field_that_is_not_there,
    key_that_is_not_there, numbers_that_do_not_fit, one_value, images_as_masks,
]  # fmt: skip


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: tree.__name__)
def test_wrong_trees_end_in_one_line(tmp_path, capsys, tree):
    arguments, fault = tree(tmp_path)
    assert run_importer(tmp_path, *arguments) == 2
    lines = hidden_progress(capsys.readouterr().err)
    assert any(fault in line for line in lines), lines
    assert 1 <= len(lines) <= 3 and not any("Traceback" in line for line in lines)
    assert not (tmp_path / "data").exists()

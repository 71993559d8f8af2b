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
    return two(t), f"{t / 'b'}: holds no files for target; name the folder with its images"


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


def other_depth(t):
    pairs_of_pictures(t, 5)
    for number in range(5):
        geotiff(t / f"a/im{number:02d}.png", numbers(16, 16, 3, dtype="uint16", high=9000))
    picture(t / "a/im01.png", numbers(16, 16, 3))
    return two(t), (
        f"im01: {t / 'a/im01.png'}: input_image: holds numbers of 8 bits (uint8); most hold numbers of 16 bits or more;"
        " convert it, or state what the dataset holds: --set input_image.dtype=uint8"
    )


def fractions_and_numbers(t):
    for number in range(3):
        geotiff(t / f"a/im{number}.tif", numbers(16, 16, 1, dtype="uint16", high=9000))
        geotiff(t / f"b/im{number}.tif", numbers(16, 16, 1))
    geotiff(t / "a/im2.tif", numbers(16, 16, 1).astype("float32") / 250)
    return two(t), "im2.tif: input_image: holds fractions (float32); most hold numbers of 16 bits or more; convert it"


def mask_of_colours(t):
    pairs_of_pictures(t, 6)
    for number in range(6):
        picture(t / f"m/im{number:02d}.png", numbers(16, 16, 3))
    return (*two(t), "--mask", t / "m"), (
        f"{t / 'm/im00.png'}: mask: has 3 bands, and a mask one; choose it: --set mask.select='[1]' (and 5 more"
    )


def mask_of_another_size(t):
    pairs_of_pictures(t, 1)
    picture(t / "m/im00.png", numbers(12, 12, 1))
    return (*two(t), "--mask", t / "m"), (
        f"im00: {t / 'm/im00.png'}: mask: has 12 x 12 pixels, the target 16 x 16: sides need a whole ratio"
    )


def no_squares(t):
    for number in range(3):
        for side in "ab":
            picture(t / f"{side}/im{number}.png", numbers(120, 150, 3))
    return two(t), "targets have 120 x 150 pixels, and tiles are squares; state --tilesize, such as 120, and what to do"


def no_squares_in_tiles(t):
    for side in "ab":
        picture(t / f"{side}/im.png", numbers(301, 500, 3))
    return (*two(t), "--size", "tile"), "and tiles are squares; state --tilesize, such as 256"


def bands_first(t):
    np.save(t / "x.npy", numbers(3, 4, 64, 64))
    np.save(t / "y.npy", numbers(3, 4, 64, 64))
    return (
        ("pairs", "--input", t / "x.npy", "--target", t / "y.npy", "--dataset", "m"),
        f"{t / 'y.npy'}: targets have 4 x 64 pixels, and tiles are squares; are its axes in another order? state --axes"
        " NCHW",
    )


def bands_first_in_files(t):
    for number in range(3):
        for side in "ab":
            (t / side).mkdir(exist_ok=True)
            np.save(t / f"{side}/im{number}.npy", numbers(4, 64, 64))
    return two(t), "are its axes in another order? state --axes CHW"


def several_variables(t):
    np.savez(t / "x.npz", one=numbers(3, 16, 16, 1), two=numbers(3, 16, 16, 1))
    np.save(t / "y.npy", numbers(3, 16, 16, 1))
    return (
        ("pairs", "--input", t / "x.npz", "--target", t / "y.npy", "--dataset", "m"),
        f"{t / 'x.npz'}: has several variables: one, two; name one: --set input_image.variable=NAME",
    )


def one_missing(t):
    pairs_of_pictures(t, 3)
    (t / "b/im01.png").unlink()
    return two(t), f"im01: target: there is no im01.* in {t / 'b'}"


def no_pattern(t):
    pairs_of_pictures(t, 3)
    return (*two(t), "--pattern", "im{name}.png", "ima{name}.png"), (
        f"{t / 'b'}: target: no file matches 'ima{{name}}.png'; there are 3, such as im00.png"
    )


def no_benchmark(t):
    picture(t / "elsewhere/x.png", numbers(16, 16, 3))
    return (
        ("hls", "--input", t, "--dataset", "m"),
        f"{t}: target: no file matches 'chips_filtered/{{chip_id}}_merged.tif'; there are 2, such as elsewhere/x.png",
    )


def name_of_an_experiment(t):
    pairs_of_pictures(t, 3)
    return (*two(t), "--write-experiment", "../x"), "--write-experiment ../x: must be a name below"


def experiment_in_the_way(t):
    pairs_of_pictures(t, 3)
    (t / "exp/mine").mkdir(parents=True)
    (t / "exp/mine/experiment.json").write_text("{}")
    return (*two(t), "--write-experiment", "mine"), "experiment.json: exists and is another one; choose another name"


def experiment_of_masks(t):
    pairs_of_pictures(t, 3)
    masks = 'title: masks\nfields: {mask: {files: "a/{name}.png", kind: mask, select: [1]}}\n'
    path = description(t, masks + "input: mask\ntarget: mask\n")
    return (path, "--input", t, "--dataset", "m", "--write-experiment", "x"), (
        "--write-experiment: masks alone are no experiment; the key occlusion of another one reads them"
    )


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
    key_that_is_not_there, numbers_that_do_not_fit, one_value, images_as_masks, other_depth, fractions_and_numbers,
    mask_of_colours, mask_of_another_size, no_squares, no_squares_in_tiles, bands_first, bands_first_in_files,
    several_variables, one_missing, no_pattern, no_benchmark, name_of_an_experiment, experiment_in_the_way,
    experiment_of_masks,
]  # fmt: skip


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: tree.__name__)
def test_wrong_trees_end_in_one_line(tmp_path, capsys, tree):
    arguments, fault = tree(tmp_path)
    assert run_importer(tmp_path, *arguments) == 2
    lines = hidden_progress(capsys.readouterr().err)
    assert any(fault in line for line in lines), lines
    assert 1 <= len(lines) <= 3 and not any("Traceback" in line for line in lines)
    assert not (tmp_path / "data").exists()


def test_files_that_only_belong_to_images_are_no_samples(tmp_path):
    pairs_of_pictures(tmp_path, 3)
    for name in ("Thumbs.db", "desktop.ini", ".DS_Store", "im00.png.aux.xml", "im00.pgw", "im01.png.ovr"):
        (tmp_path / "a" / name).write_text("x")
    assert run_importer(tmp_path, *two(tmp_path)) == 0
    assert len(list((tmp_path / "data").rglob("*.tfrecord"))) == 3


def test_a_file_that_is_damaged_where_nobody_looked_leaves_an_import_that_continues(tmp_path, capsys):
    pairs_of_pictures(tmp_path, 40)
    name = "im39"  # a test sample, whose pixels are not read before
    (tmp_path / "split.csv").write_text(
        "name,split\n" + "".join(f"im{i:02d},{'test' if i > 35 else 'train'}\n" for i in range(40))
    )
    arguments = (*two(tmp_path), "--split", tmp_path / "split.csv")
    content = (tmp_path / f"a/{name}.png").read_bytes()
    (tmp_path / f"a/{name}.png").write_bytes(content[:-300])
    assert run_importer(tmp_path, *arguments) == 2
    lines = hidden_progress(capsys.readouterr().err)
    assert lines[0].startswith(f"{tmp_path / f'a/{name}.png'}: is a damaged PNG file")
    assert "1 of 40 samples cannot be written, and" in lines[1] and "--leave_out odd" in lines[1] and len(lines) == 2
    (tmp_path / f"a/{name}.png").write_bytes(content)
    assert run_importer(tmp_path, *arguments) == 0
    assert len(list((tmp_path / "data").rglob("*.tfrecord"))) == 40


def test_a_data_root_in_which_nothing_can_be_written(tmp_path, capsys):
    pairs_of_pictures(tmp_path, 3)
    (tmp_path / "data").write_text("a file")
    assert run_importer(tmp_path, *two(tmp_path)) == 2
    assert hidden_progress(capsys.readouterr().err) == [
        f"{tmp_path / 'data'}: no dataset can be written here: File exists; choose another data_root in"
        " environment.json"
    ]


def test_tiles_that_leave_out_much_say_so(tmp_path, capsys):
    for side in "ab":
        picture(tmp_path / f"{side}/im.png", numbers(120, 150, 3))
    arguments = (*two(tmp_path), "--tilesize", 96, "--dry-run")
    for size, text in (("tile", "--size pad keeps it"), ("crop", "--size tile or pad keeps more")):
        assert run_importer(tmp_path, *arguments, "--size", size) == 0
        # 96^2 of 120 x 150 pixels are 51.2 %.
        assert f"tiles of 96 x 96 pixels leave out 49% of the images; {text}" in capsys.readouterr().out
    assert run_importer(tmp_path, *arguments[:-3], "--tilesize", 30, "--size", "tile", "--dry-run") == 0
    assert "leave out" not in capsys.readouterr().out


def test_interchanged_folders_are_suspicious(tmp_path, capsys):
    for number in range(3):
        picture(tmp_path / f"a/im{number}.png", numbers(32, 32, 3, seed=number))
        picture(tmp_path / f"b/im{number}.png", numbers(16, 16, 3, seed=number))
    assert run_importer(tmp_path, *two(tmp_path), "--dry-run") == 0
    assert (
        "input_image: has smaller pixels than target; are --input and --target interchanged?" in capsys.readouterr().out
    )

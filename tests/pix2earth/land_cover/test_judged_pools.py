"""The judge on pools: what is fitted, what is judged by which classes, and what is refused; expectations by hand."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from pix2earth.batches.dataset import Dataset
from pix2earth.land_cover.class_fields import class_field, pools_of_truth
from pix2earth.land_cover.report import judged
from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.records.writer import DatasetWriter
from pix2earth.scoring.scorer import Scorer
from pix2earth.settings.errors import UserError

pytest.importorskip("skops", reason="skops is not installed")

SIDE = 16
DARK, BRIGHT = 2000, 6000
IMAGE = Field(dtype="uint16", shape=[SIDE, SIDE, 2], bands=["B03", "B04"], scale=1e-4, valid_range=(0.0, 1.0))
CLASSES = Field(dtype="uint8", shape=[SIDE, SIDE, 1], kind="classes", bands=["1 dark, 2 bright"])
FIELDS = {"input_image": IMAGE, "target": IMAGE, "land_cover": CLASSES, "land_cover_of_input": CLASSES}
APART = {"hazy": ["input_image", "land_cover_of_input"], "clear": ["target", "land_cover"]}
WRONG = 24
"""Dark pixels of an input that are bright, so that the classifier takes them for class 2."""


def labels():
    """Return classes: two rows without one, the other left half is 1 (dark), the right half 2 (bright): 112 each."""
    found = np.ones((SIDE, SIDE, 1), np.uint8)
    found[:, SIDE // 2 :] = 2
    found[:2] = 0
    return found


def image(seed, wrong=0):
    """Return an image of these classes with some noise; so many dark pixels with a class are bright."""
    values = np.where(labels() == 2, BRIGHT, DARK) + np.random.default_rng(seed).integers(-99, 100, (SIDE, SIDE, 2))
    rows = slice(2, 2 + wrong // (SIDE // 2))
    values[rows, : SIDE // 2] = BRIGHT
    return values.astype(np.uint16)


def sample(pool, seed, classes=None):
    classes = labels() if classes is None else classes
    if pool == "clear":
        return {"target": image(seed), "land_cover": classes}
    found = {"input_image": image(seed, WRONG)}
    return found | ({"land_cover_of_input": classes} if pool == "hazy" else {})


@pytest.fixture
def scorer_of(tmp_path, open_tiny):
    """``scorer_of(samples, ...)``: a Scorer of the split test by a plug-in that returns its input."""

    def made(samples, fields=FIELDS, pools=APART, **roles):
        manifest = Manifest(
            name="made", tilesize=SIDE, fields=fields, pools=pools, split=Split(method="by hand"), **roles
        )
        with DatasetWriter(tmp_path / "data", manifest) as writer:
            for split, name, arrays in samples:
                writer.write(split, name, arrays)
        (tmp_path / "environment.json").write_text(json.dumps({"experiment_root": "experiments"}))
        dataset = Dataset(open_tiny(tmp_path, "e", dataset="made", tilesize=SIDE, metrics=["PSNR"]))
        plugin = SimpleNamespace(generator=lambda image, training: image, sampling="pools" if pools else "pairs")
        return Scorer(dataset, plugin, tmp_path / "mine.py", ["PSNR"], split="test", baseline=False)

    return made


def apart(classes=None):
    """Return samples of both pools: in test 3 inputs and 2 targets."""
    counts = {("train", "hazy"): 2, ("train", "clear"): 4, ("test", "hazy"): 3, ("test", "clear"): 2}
    return [
        (split, f"{pool}-{split}{number}", sample(pool, number, classes if pool == "hazy" else None))
        for (split, pool), count in counts.items()
        for number in range(count)
    ]


def test_without_pairs_generated_frames_are_judged_by_the_classes_of_their_inputs(scorer_of, capsys):
    """All 3 inputs and both targets; of 3 x 224 pixels with a class 3 x 24 are wrong."""
    found = judged(scorer_of(apart()), "test", 2)
    content = found.content
    assert content["paired"] is False and content["samples"] == content["series"] == 3
    frames = content["frames"]
    assert frames["true"]["pixels"] == 2 * 224 and frames["true"]["accuracy"] == 1
    assert frames["generated"]["confusion"] == [[3 * 88, 3 * 24, 0], [0, 3 * 112, 0]]
    assert frames["generated"]["accuracy"] == content["ratio"] == pytest.approx(200 / 224)
    assert frames["generated"]["by_class"]["2"]["precision"] == pytest.approx(112 / 136)
    assert frames["generated"]["by_class"]["1"]["iou"] == pytest.approx(88 / 112)
    assert frames["input"] == frames["generated"]  # the plug-in returns its input
    assert content["classifier"]["series"] == 4 and content["classifier"]["pixels"] == 4 * 224
    about = json.loads(next(found.path.parents[1].glob("classifiers/*/classifier.json")).read_text())
    assert about["classes"] == {"clear": "land_cover"}
    assert json.loads(found.path.read_text()) == content and found.path.with_suffix(".png").is_file()
    found.show()
    assert "generated frames are of other places than the true ones" in capsys.readouterr().out


def test_pairs_beside_a_pool_of_targets_are_judged_as_pairs(scorer_of):
    """Errors of changes and true frames are those of the pairs; the classifier is fitted to the pool of targets."""
    fields = {name: field for name, field in FIELDS.items() if name != "land_cover_of_input"}
    pools = {"hazy": ["input_image"], "clear": ["target", "land_cover"], "both": list(fields)}
    samples = [("train", f"clear-{number}", sample("clear", number)) for number in range(4)]
    samples += [("train", f"hazy-{number}", sample("other", number)) for number in range(2)]
    pair = sample("clear", 8) | {"input_image": image(8, WRONG)}
    content = judged(scorer_of([*samples, ("test", "both-0", pair)], fields, pools), "test", 2).content
    assert content["paired"] is True and content["classifier"]["series"] == 4
    assert content["frames"]["true"]["pixels"] == content["frames"]["generated"]["pixels"] == 224
    assert content["frames"]["generated"]["accuracy"] == pytest.approx(200 / 224)


def test_classes_that_differ_are_one_line(scorer_of):
    other = CLASSES.model_copy(update={"bands": ["1 bright, 2 dark"]})
    with pytest.raises(UserError) as caught:
        judged(scorer_of(apart(), {**FIELDS, "land_cover_of_input": other}), "test", 2)
    (line,) = caught.value.lines
    assert "classes differ: land_cover states 1 dark, 2 bright, and land_cover_of_input states 1 bright, 2 dark" in line


def test_numbers_of_which_true_frames_have_none_are_one_line(scorer_of):
    with pytest.raises(UserError) as caught:
        judged(scorer_of(apart(classes=labels() * 3)), "test", 2)
    (line,) = caught.value.lines
    assert "land_cover_of_input has the classes 3, 6, and true frames of train have 1, 2;" in line


def test_inputs_without_a_pixel_that_has_a_class_are_one_line(scorer_of):
    """Targets have some, so that there are true frames to judge."""
    with pytest.raises(UserError, match=r"test: --classifier: no measured pixel of generated frames has a class;"):
        judged(scorer_of(apart(classes=labels() * 0)), "test", 2)


def test_a_class_that_is_missing_in_train_counts_as_wrong(scorer_of, capsys):
    """Of 112 dark pixels of each input 16 are of class 3: the wrong ones are 24 dark pixels, 16 of which are of 3."""
    classes = labels()
    classes[2:4, : SIDE // 2] = 3
    found = judged(scorer_of(apart(classes)), "test", 2)
    frames = found.content["frames"]["generated"]
    assert found.content["unknown_classes"] == [3] and found.content["classes"] == [1, 2, 3]
    assert frames["confusion"] == [[3 * 88, 3 * 8, 0, 0], [0, 3 * 112, 0, 0], [0, 3 * 16, 0, 0]]
    assert frames["accuracy"] == pytest.approx(200 / 224) and frames["by_class"]["3"]["f1"] == 0
    found.show()
    assert "these classes, whose pixels count as wrong: 3" in capsys.readouterr().out


def test_pools_without_classes_are_one_line(scorer_of):
    fields = {name: field for name, field in FIELDS.items() if name != "land_cover_of_input"}
    pools = {"hazy": ["input_image"], "clear": ["target", "land_cover"]}
    samples = [
        (split, f"{pool}-{split}{number}", sample("clear" if pool == "clear" else "other", number))
        for split in ("train", "test")
        for pool in pools
        for number in range(2)
    ]
    with pytest.raises(UserError, match=r"needs a field of kind 'classes', and the pool 'hazy' has none"):
        judged(scorer_of(samples, fields, pools), "test", 2)


def test_targets_without_classes_are_one_line(scorer_of):
    pools = {"hazy": ["input_image", "land_cover_of_input", "land_cover"], "clear": ["target"]}
    samples = [
        (split, f"{pool}-{split}", {name: value for name, value in values.items() if name in pools[pool]})
        for split in ("train", "test")
        for pool in pools
        for values in [sample("hazy", 1) | sample("clear", 1)]
    ]
    with pytest.raises(UserError, match=r"train: --classifier: no sample holds both target and classes"):
        judged(scorer_of(samples, pools=pools), "test", 2)


def test_a_training_split_without_samples_is_one_line(scorer_of):
    fields = {"input_image": IMAGE, "target": IMAGE, "land_cover": CLASSES}
    pair = sample("clear", 8) | {"input_image": image(8, WRONG)}
    with pytest.raises(UserError, match=r"train: --classifier: has no samples, to whose true frames"):
        judged(scorer_of([("test", "a", pair)], fields, {}), "test", 2)


def test_the_field_with_the_classes(tmp_path):
    def of(*names):
        fields = {"input_image": IMAGE, "target": IMAGE, **dict.fromkeys(names, CLASSES)}
        return Manifest(name="m", tilesize=SIDE, fields=fields, split=Split(method="by hand"))

    assert class_field(of("land_cover", "land_cover_of_input", "crop"), tmp_path) == "land_cover"
    assert class_field(of("land_cover_seen", "crop"), tmp_path) == "land_cover_seen"
    assert class_field(of("crop"), tmp_path) == "crop"
    with pytest.raises(UserError, match=r"has several: crop, soil; name one of them land_cover"):
        class_field(of("crop", "soil"), tmp_path)
    with pytest.raises(UserError, match=r"dataset\.json has none"):
        class_field(of(), tmp_path)


def test_all_pools_with_target_and_classes_are_found_and_must_agree(scorer_of):
    pools = {**APART, "further": ["target", "land_cover_of_input"]}
    further = {"target": image(3), "land_cover_of_input": labels()}
    samples = [*apart(), ("train", "further-0", further)]
    listing = scorer_of(samples, pools=pools).dataset.listing
    assert pools_of_truth(listing, "train") == [("clear", "land_cover"), ("further", "land_cover_of_input")]
    assert pools_of_truth(listing, "test") == [("clear", "land_cover")]

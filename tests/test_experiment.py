"""Environment and Experiment: lookup of files, names of experiments, attributes for plug-ins, recorded settings."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiment import PROJECT, VARIABLE, Environment, Experiment, open_experiment
from pix2earth.records.manifest import Field
from pix2earth.settings.errors import UserError


def image(*shape: int, **others) -> Field:
    bands = others.pop("bands", [f"b{number}" for number in range(shape[-1])])
    return Field(dtype="float32", shape=list(shape), bands=bands, **others)


class TestEnvironmentLookup:
    @pytest.fixture(autouse=True)
    def without_environment(self, tmp_path, monkeypatch):
        """Change to an inner folder without any environment."""
        monkeypatch.delenv(VARIABLE, raising=False)
        (tmp_path / "outer" / "inner").mkdir(parents=True)
        monkeypatch.chdir(tmp_path / "outer" / "inner")

    @staticmethod
    def write(path: Path, label: str) -> Path:
        """Write an environment with a label."""
        path.write_text(json.dumps({"environment": label}))
        return path

    def test_the_file_of_the_argument_is_first(self, tmp_path, monkeypatch):
        monkeypatch.setenv(VARIABLE, str(self.write(tmp_path / "v.json", "variable")))
        self.write(Path("environment.json"), "working")
        assert Environment(self.write(tmp_path / "n.json", "argument")).ENVIRONMENT == "argument"

    def test_the_file_of_the_variable_is_second(self, tmp_path, monkeypatch):
        monkeypatch.setenv(VARIABLE, str(self.write(tmp_path / "v.json", "variable")))
        self.write(Path("environment.json"), "working")
        assert Environment().ENVIRONMENT == "variable"

    def test_the_working_folder_is_third(self):
        self.write(Path("environment.json"), "working")
        self.write(Path("../environment.json"), "above")
        assert Environment().ENVIRONMENT == "working"

    def test_the_folder_above_is_fourth(self):
        self.write(Path("../environment.json"), "above")
        assert Environment().ENVIRONMENT == "above"

    def test_without_a_file_the_folders_of_the_project_are_used(self):
        environment = Environment()
        assert environment.path is None
        assert environment.ENVIRONMENT == "local"
        assert (environment.PROJECT_ROOT, environment.DATA_ROOT, environment.EXPERIMENT_ROOT) == (
            str(PROJECT), str(PROJECT / "data"), str(PROJECT / "experiments"),
        )  # fmt: skip

    def test_an_empty_variable_is_ignored(self, monkeypatch):
        monkeypatch.setenv(VARIABLE, "")
        self.write(Path("environment.json"), "working")
        assert Environment().ENVIRONMENT == "working"

    def test_a_missing_file_of_the_argument_is_an_error(self):
        self.write(Path("environment.json"), "working")
        with pytest.raises(UserError, match=r"gone\.json: there is no such environment file \(named by --env\)"):
            Environment("gone.json")

    def test_a_missing_file_of_the_variable_is_an_error(self, monkeypatch):
        monkeypatch.setenv(VARIABLE, "gone.json")
        with pytest.raises(UserError, match=rf"gone\.json: .*named by {VARIABLE}"):
            Environment()

    def test_errors_in_the_file_name_file_and_key(self):
        Path("environment.json").write_text('{"sample_freq": "often"}')
        with pytest.raises(UserError, match=r"environment\.json:1:17: sample_freq: must be an integer"):
            Environment()

    def test_relative_roots_are_relative_to_the_file_and_not_to_the_working_folder(self, tmp_path):
        roots = {
            "project_root": ".", "data_root": "store/data", "experiment_root": "../runs", "s2_root": "s2",
            "s3_root": "/absolute/s3", "models_root": ["mine", "/theirs"],
        }  # fmt: skip
        path = tmp_path / "outer" / "e.json"
        path.write_text(json.dumps(roots))
        environment = Environment(os.path.relpath(path))
        outer = str(tmp_path / "outer")
        assert environment.PROJECT_ROOT == outer
        assert environment.DATA_ROOT == f"{outer}/store/data"
        assert environment.EXPERIMENT_ROOT == str(tmp_path / "runs")
        assert environment.S2_ROOT == f"{outer}/s2"
        assert environment.S3_ROOT == "/absolute/s3"
        assert environment.MODELS_ROOT == [f"{outer}/mine", "/theirs"]

    def test_the_home_folder_may_be_written_as_a_tilde(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        Path("environment.json").write_text('{"data_root": "~/data"}')
        assert Environment().DATA_ROOT == str(tmp_path / "data")

    def test_trailing_slashes_make_no_difference(self):
        Path("environment.json").write_text('{"data_root": "data/", "experiment_root": "./e//"}')
        assert (Path(Environment().DATA_ROOT), Environment().EXPERIMENT_ROOT) == (
            Path.cwd() / "data",
            f"{Path.cwd()}/e",
        )

    def test_defaults_and_values_of_the_file(self):
        Path("environment.json").write_text('{"ckpt_freq": 7, "keep_checkpoints": 2}')
        environment = Environment()
        assert (environment.SAMPLE_FREQ, environment.CKPT_FREQ, environment.KEEP_CHECKPOINTS) == (1000, 7, 2)
        assert (environment.MAX_SHUFFLE_BUFFER, environment.S2_ROOT, environment.S3_ROOT, environment.MODELS_ROOT) == (
            500,
            None,
            None,
            [],
        )


class TestExperimentName:
    @pytest.fixture
    def environment(self, tiny_root, write_experiment, monkeypatch) -> Environment:
        """An environment with the experiments tiny and arctic/sea; its folder is the working folder."""
        write_experiment(tiny_root, "arctic/sea")
        monkeypatch.chdir(tiny_root)
        return Environment()

    @pytest.mark.parametrize(
        "named",
        [
            "arctic/sea", "arctic/sea/", "./arctic/sea", "arctic//sea", "arctic/sea/experiment.json",
            "experiments/arctic/sea", "experiments/arctic/sea/", "./experiments/arctic/sea/experiment.json",
        ],
    )  # fmt: skip
    def test_names_and_completed_paths_are_the_same_experiment(self, environment, named):
        assert environment.experiment_name(named) == "arctic/sea"

    def test_an_absolute_path_below_the_root_is_accepted(self, environment, tiny_root):
        assert environment.experiment_name(str(tiny_root / "experiments" / "tiny")) == "tiny"

    def test_a_path_from_another_working_folder_is_accepted(self, environment, tiny_root, monkeypatch):
        (tiny_root / "elsewhere").mkdir()
        monkeypatch.chdir(tiny_root / "elsewhere")
        assert environment.experiment_name("../experiments/tiny") == "tiny"

    def test_the_name_of_a_link_below_the_root_is_kept(self, environment, tiny_root):
        (tiny_root / "experiments" / "link").symlink_to(tiny_root / "experiments" / "tiny")
        assert environment.experiment_name("link") == "link"
        assert environment.experiment_name("experiments/link/") == "link"

    def test_completed_paths_are_accepted_where_the_root_is_a_link(self, environment, tiny_root, monkeypatch):
        (tiny_root.parent / "link").symlink_to(tiny_root)
        (tiny_root / "environment.json").write_text(
            json.dumps({"experiment_root": str(tiny_root.parent / "link" / "experiments")})
        )
        assert Environment().experiment_name("experiments/tiny") == "tiny"

    @pytest.mark.parametrize("named", ["../outside", "experiments/../../outside", "..", "arctic/../../../outside"])
    def test_names_that_leave_the_root_are_errors(self, environment, tiny_root, write_experiment, named):
        outside = tiny_root.parent / "outside" / "experiment.json"
        outside.parent.mkdir()
        outside.write_text('{"model_name": "template"}')
        with pytest.raises(UserError) as caught:
            environment.experiment_name(named)
        (line,) = caught.value.lines
        assert line.startswith(f"--exp {named}: is not below the experiment root {tiny_root / 'experiments'}")

    def test_an_absolute_path_outside_of_the_root_is_an_error(self, environment, tiny_root):
        outside = tiny_root.parent / "outside" / "experiment.json"
        outside.parent.mkdir()
        outside.write_text('{"model_name": "template"}')
        with pytest.raises(UserError, match="is not below the experiment root"):
            environment.experiment_name(str(outside.parent))

    def test_paths_with_dots_that_stay_below_the_root_are_accepted(self, environment, tiny_root):
        assert environment.experiment_name("experiments/arctic/../tiny") == "tiny"

    def test_an_unknown_name_proposes_the_nearest(self, environment, tiny_root):
        with pytest.raises(UserError) as caught:
            environment.experiment_name("arctic/see")
        assert caught.value.lines == (
            f"--exp arctic/see: there is no {tiny_root}/experiments/arctic/see/experiment.json"
            f" (environment: {environment.path}); did you mean 'arctic/sea'?",
        )

    def test_an_unknown_name_without_a_similar_one_lists_all(self, environment):
        with pytest.raises(UserError, match=r"there are: arctic/sea, tiny$"):
            environment.experiment_name("zzzzzz")

    def test_copies_in_logs_are_no_experiments(self, environment, tiny_root):
        copy = tiny_root / "experiments" / "tiny" / "logs" / "tiny_0101-0000" / "experiment.json"
        copy.parent.mkdir(parents=True)
        copy.write_text("{}")
        with pytest.raises(UserError, match=r"there are: arctic/sea, tiny$"):
            environment.experiment_name("zzzzzz")

    def test_an_empty_name_is_an_error(self, environment):
        with pytest.raises(UserError, match="--exp "):
            environment.experiment_name("")

    def test_a_root_that_does_not_exist_is_an_error(self, tiny_root, monkeypatch):
        (tiny_root / "environment.json").write_text('{"experiment_root": "gone"}')
        with pytest.raises(UserError, match=r"--exp tiny: there is no .*gone/tiny/experiment\.json"):
            Environment(tiny_root / "environment.json").experiment_name("tiny")


@pytest.fixture
def open_arisgan(tmp_path, monkeypatch):
    """``open_arisgan(**keys)``: an Experiment on a dataset of the original ARISGAN code, of which records are empty."""
    monkeypatch.delenv(VARIABLE, raising=False)

    def opened(**keys) -> Experiment:
        record = tmp_path / "data" / keys.get("dataset", "curated") / str(keys.get("tilesize", 256)) / "train"
        record.mkdir(parents=True, exist_ok=True)
        (record / "a.tfrecord").touch()
        folder = tmp_path / "experiments" / "arctic" / "land"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "experiment.json").write_text(json.dumps({"model_name": "aris-a", **keys}))
        path = tmp_path / "environment.json"
        if not path.exists():
            path.write_text('{"environment": "blaze"}')
        return open_experiment("arctic/land", Environment(path), "0314-1592")

    return opened


class TestAttributesOfTheOriginalCode:
    """Section 1.2 of the specification of ARISGAN."""

    def test_exist_with_their_defaults_and_types(self, open_arisgan, tmp_path):
        expected = {
            "STRINGNAME": "arctic_land", "TIMESTAMP": "0314-1592", "RESTORE": False, "SAMPLE_FREQ": 1000,
            "CKPT_FREQ": 5000, "MAX_SHUFFLE_BUFFER": 500, "MODEL_NAME": "aris-a", "DATASET": "curated",
            "TILESIZE": 256, "IMG_HEIGHT": 256, "IMG_WIDTH": 256, "RANDOM_RESIZE": 1.11, "RANDOM_ROTATE": True,
            "BATCH_SIZE": 16, "SHUFFLE": True, "STEPS": 40000, "EXCLUDE_SUFFIX": None, "ENFORCE_SUFFIX": None,
            "PARSEMODE": None, "INPUT_CHANNELS": 21, "OUTPUT_CHANNELS": 3, "DATA_SAMPLE": None, "PARAMS": {},
            "ENVIRONMENT": "blaze", "PROJECT_ROOT": str(PROJECT), "EXPERIMENT_ROOT": str(tmp_path / "experiments"),
            "DATA_ROOT": str(tmp_path / "data" / "curated" / "256"),
        }  # fmt: skip
        experiment = open_arisgan()
        assert {name: getattr(experiment, name, "absent") for name in expected} == expected
        assert {name: type(getattr(experiment, name)) for name in expected} == {
            name: type(value) for name, value in expected.items()
        }

    def test_losses(self, open_arisgan):
        experiment = open_arisgan()
        weights = {"gen_gan": 1, "gen_nll": 0, "gen_ssim": None, "gen_l1": 100, "gen_l2": 0, "gen_rmse": 0}
        assert {name: experiment.GEN_LOSS[name] for name in weights} == weights
        assert {name: experiment.DISC_LOSS[name] for name in ("disc_bce", "disc_nll")} == {"disc_bce": 1, "disc_nll": 0}

    def test_output_folders_are_strings_with_the_original_endings(self, open_arisgan, tmp_path):
        output, folder = open_arisgan().output, tmp_path / "experiments" / "arctic" / "land"
        assert output.LOGS == f"{folder}/logs/arctic_land_0314-1592/"
        assert output.CKPT == f"{folder}/ckpt/0314-1592"
        assert output.SAMPLES == f"{folder}/samples/"
        assert output.MODEL == f"{folder}/model/"

    def test_have_the_values_of_the_keys(self, open_arisgan):
        experiment = open_arisgan(
            tilesize=128, img_height=64, img_width=96, random_resize=1.0, random_rotate=False, batch_size=4,
            shuffle=False, steps=7, exclude_suffix="a", enforce_suffix="b", params={"layers": 3}, sample_freq=3,
            ckpt_freq=4,
        )  # fmt: skip
        assert (experiment.TILESIZE, experiment.IMG_HEIGHT, experiment.IMG_WIDTH) == (128, 64, 96)
        assert (experiment.RANDOM_RESIZE, experiment.RANDOM_ROTATE, experiment.BATCH_SIZE) == (1.0, False, 4)
        assert (experiment.SHUFFLE, experiment.STEPS, experiment.PARAMS) == (False, 7, {"layers": 3})
        assert (experiment.EXCLUDE_SUFFIX, experiment.ENFORCE_SUFFIX) == ("a", "b")
        assert (experiment.SAMPLE_FREQ, experiment.CKPT_FREQ) == (3, 4)

    @pytest.mark.parametrize(
        ("keys", "sample"),
        [
            ({"sample_train": 5, "sample_val": 3}, (5, 3)),
            ({"sample_train": 5}, None),
            ({"sample_val": 3}, None),
        ],
    )
    def test_a_data_sample_needs_both_numbers(self, open_arisgan, keys, sample):
        assert open_arisgan(**keys).DATA_SAMPLE == sample

    def test_the_project_is_importable_for_plugins(self, open_arisgan, tmp_path, monkeypatch):
        monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(tmp_path / "project")])
        (tmp_path / "environment.json").write_text('{"project_root": "project"}')
        open_arisgan()
        assert str(tmp_path / "project") in sys.path

    def test_the_constructor_takes_the_original_arguments(self, open_arisgan, tmp_path, monkeypatch):
        open_arisgan()
        monkeypatch.setenv(VARIABLE, str(tmp_path / "environment.json"))
        experiment = Experiment(str(tmp_path / "experiments" / "arctic" / "land"), "arctic/land", "0101-0000", True)
        assert (experiment.RESTORE, experiment.TIMESTAMP, experiment.MODEL_NAME) == (True, "0101-0000", "aris-a")


def test_the_data_root_of_an_environment_is_that_of_all_datasets(open_arisgan, tmp_path):
    experiment = open_arisgan(dataset="alt12", tilesize=64)
    assert experiment.environment.DATA_ROOT == str(tmp_path / "data")
    assert experiment.DATA_ROOT == str(tmp_path / "data" / "alt12" / "64")


class TestArisganLayout:
    def test_a_dataset_whose_name_starts_with_alt_has_coarse_sentinel2(self, open_arisgan):
        experiment = open_arisgan(dataset="alt12")
        assert (experiment.PARSEMODE, experiment.INPUT_CHANNELS, experiment.OUTPUT_CHANNELS) == ("alt", 3, 3)
        assert experiment.RATIO == 12
        assert experiment.SHARED_BANDS == [0, 1, 2]
        assert experiment.INPUT_TIME_STEPS is None
        assert (experiment.manifest.input, experiment.manifest.target) == ("raw_s2_alt", "raw_s2")

    @pytest.mark.parametrize(("name", "ratio"), [("alt3_masked", 3), ("alt30", 30), ("alt20_2023", 20)])
    def test_the_factor_is_that_of_the_name(self, open_arisgan, name, ratio):
        assert open_arisgan(dataset=name).RATIO == ratio

    def test_any_other_name_has_olci(self, open_arisgan):
        experiment = open_arisgan(dataset="cur_masked")
        assert (experiment.PARSEMODE, experiment.INPUT_CHANNELS, experiment.OUTPUT_CHANNELS) == (None, 21, 3)
        assert experiment.RATIO == 30
        assert experiment.SHARED_BANDS is None
        assert experiment.manifest.input == "raw_s3"


WITHOUT_TIME = {
    "input_image": image(16, 16, 4, bands=["B02", "B03", "B04", "B08"], gsd=30.0),
    "target": image(64, 64, 2, bands=["B04", "B02"], gsd=10.0, valid_range=([0.0, -1.0], [2.0, 3.0])),
}
WITH_TIME = {
    "input_image": image(3, 64, 64, 4, bands=["B02", "B03", "B04", "B08"]),
    "target": image(2, 64, 64, 3, bands=["B04", "B03", "B02"]),
}


class TestManifest:
    @staticmethod
    def time_steps(experiment: Experiment) -> tuple[int | None, int | None]:
        return experiment.INPUT_TIME_STEPS, experiment.OUTPUT_TIME_STEPS

    def test_without_time_steps(self, experiment_of):
        experiment = experiment_of(WITHOUT_TIME)
        assert (experiment.INPUT_CHANNELS, experiment.OUTPUT_CHANNELS) == (4, 2)
        assert self.time_steps(experiment) == (None, None)
        assert experiment.RATIO == 3
        assert experiment.SHARED_BANDS == [2, 0]

    def test_with_time_steps(self, experiment_of):
        experiment = experiment_of(WITH_TIME)
        assert (experiment.INPUT_CHANNELS, experiment.OUTPUT_CHANNELS) == (4, 3)
        assert self.time_steps(experiment) == (3, 2)
        assert experiment.SHARED_BANDS is None
        assert experiment.RATIO == 1

    def test_with_time_steps_of_the_input_only(self, experiment_of):
        experiment = experiment_of({"input_image": WITH_TIME["input_image"], "target": WITHOUT_TIME["target"]})
        assert self.time_steps(experiment) == (3, None)

    def test_with_folded_time_steps(self, experiment_of):
        experiment = experiment_of(WITH_TIME, fold_dates=True)
        assert (experiment.INPUT_CHANNELS, experiment.OUTPUT_CHANNELS) == (12, 6)
        assert self.time_steps(experiment) == (None, None)

    def test_folding_changes_nothing_without_time_steps(self, experiment_of):
        experiment = experiment_of(WITHOUT_TIME, fold_dates=True)
        assert (experiment.INPUT_CHANNELS, experiment.OUTPUT_CHANNELS) == (4, 2)
        assert self.time_steps(experiment) == (None, None)
        assert experiment.SHARED_BANDS == [2, 0]

    @pytest.mark.parametrize("fields", [WITHOUT_TIME, WITH_TIME])
    @pytest.mark.parametrize("fold_dates", [False, True])
    def test_input_dates_is_the_former_name_of_the_time_steps(self, experiment_of, fields, fold_dates):
        experiment = experiment_of(fields, fold_dates=fold_dates)
        assert experiment.INPUT_DATES == experiment.INPUT_TIME_STEPS

    def test_no_bands_are_shared_where_the_input_lacks_one(self, experiment_of):
        fields = {"input_image": image(64, 64, 1, bands=["VV"]), "target": image(64, 64, 2, bands=["B04", "B02"])}
        assert experiment_of(fields).SHARED_BANDS is None

    @pytest.mark.parametrize(("normalize", "width"), [("symmetric", 2.0), ("unit", 1.0), ("l2", 1.0), ("none", 4.0)])
    def test_the_data_range_is_that_of_the_output_of_the_network(self, experiment_of, normalize, width):
        assert experiment_of(WITHOUT_TIME, normalize=normalize).DATA_RANGE == width

    def test_roles_may_have_any_name(self, experiment_of):
        fields = {"sar": image(64, 64, 2), "optical": image(64, 64, 5)}
        experiment = experiment_of(fields, roles={"input": "sar", "target": "optical"})
        assert (experiment.INPUT_CHANNELS, experiment.OUTPUT_CHANNELS) == (2, 5)


class TestDatasetFolder:
    def test_a_dataset_outside_of_the_root_is_an_error(self, tiny_root, open_tiny):
        with pytest.raises(UserError, match=r"experiment\.json:\d+:\d+: dataset: must be a name below the root"):
            open_tiny(tiny_root, "x", dataset="../tiny")

    def test_a_missing_tile_size_lists_existing_ones(self, tiny_root, open_tiny):
        with pytest.raises(UserError, match=r"tiny/128: there is no such dataset folder; .* tile sizes: 64$"):
            open_tiny(tiny_root, "x", tilesize=128)

    def test_a_missing_dataset_lists_existing_ones(self, tiny_root, open_tiny):
        with pytest.raises(UserError, match=r"tinny/64: there is no such dataset folder; in .*data there are: tiny$"):
            open_tiny(tiny_root, "x", dataset="tinny")

    def test_an_empty_folder_is_an_error_with_the_missing_files(self, tiny_root, open_tiny):
        (tiny_root / "data" / "empty" / "64" / "train").mkdir(parents=True)
        with pytest.raises(UserError, match=r"empty/64: holds neither dataset\.json nor records"):
            open_tiny(tiny_root, "x", dataset="empty")

    def test_an_experiment_without_a_file_is_an_error(self, tiny_root):
        with pytest.raises(UserError, match=r"gone/experiment\.json: cannot be read"):
            Experiment(tiny_root / "gone", "gone", "0101-0000", environment=Environment(tiny_root / "environment.json"))


class TestRecordedSettings:
    """An existing run is opened with the settings of network and data that it was trained with."""

    def test_replace_those_that_affect_network_or_data(self, tiny_root, write_experiment):
        write_experiment(tiny_root, "tiny", normalize="unit", seed=3, params={"filters": 2})
        experiment = open_experiment(
            "tiny", Environment(tiny_root / "environment.json"), "0101-0000",
            recorded={"normalize": "none", "seed": 9, "params": {"filters": 4}},
        )  # fmt: skip
        assert (experiment.NORMALIZE, experiment.SEED, experiment.PARAMS) == ("none", 9, {"filters": 4})

    def test_do_not_replace_others(self, tiny_root, write_experiment):
        write_experiment(tiny_root, "tiny", steps=11, metrics=["PSNR"])
        experiment = open_experiment(
            "tiny", Environment(tiny_root / "environment.json"), "0101-0000",
            recorded={"steps": 3, "metrics": ["SSIM"]},
        )  # fmt: skip
        assert (experiment.STEPS, experiment.METRICS) == (11, ["PSNR"])

    def test_of_the_same_experiment_change_nothing(self, tiny_root, open_tiny):
        before = open_tiny(tiny_root).resolved()
        experiment = open_experiment(
            "tiny", Environment(tiny_root / "environment.json"), "0101-0000", recorded=json.loads(json.dumps(before))
        )
        assert experiment.resolved() == before


@pytest.mark.parametrize(
    ("own", "environment", "expected"),
    [
        ({}, {}, (1000, 5000, 1000, "all")),
        ({}, {"sample_freq": 5, "ckpt_freq": 6, "keep_checkpoints": 2}, (5, 6, 5, 2)),
        ({}, {"sample_freq": 5, "validate_freq": 8}, (5, 5000, 8, "all")),
        ({"sample_freq": 1, "ckpt_freq": 2, "validate_freq": 3, "keep_checkpoints": 4},
         {"sample_freq": 5, "ckpt_freq": 6, "validate_freq": 7, "keep_checkpoints": 8}, (1, 2, 3, 4)),
    ],
)  # fmt: skip
def test_frequencies_are_those_of_the_experiment_else_of_the_environment(
    tiny_root, open_tiny, own, environment, expected
):
    (tiny_root / "environment.json").write_text(json.dumps(environment))
    experiment = open_tiny(tiny_root, "x", **own) if own else open_tiny(tiny_root)
    assert (
        experiment.SAMPLE_FREQ,
        experiment.CKPT_FREQ,
        experiment.VALIDATE_FREQ,
        experiment.KEEP_CHECKPOINTS,
    ) == expected


def test_resolved_settings_are_json_with_all_defaults(tiny_root, open_tiny):
    settings = json.loads(json.dumps(open_tiny(tiny_root).resolved()))
    assert (settings["model_name"], settings["random_rotate"], settings["img_height"]) == ("template", True, 64)
    assert settings["gen_loss"]["gen_l1"] == 100


def python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], cwd=PROJECT, capture_output=True, text=True, timeout=120
    )


HEAVY = "print(*sorted({'tensorflow', 'numpy', 'keras', 'pandas', 'matplotlib'} & set(sys.modules)))"


def test_opening_an_experiment_imports_neither_tensorflow_nor_numpy(tiny_root):
    done = python(
        "import sys; from experiment import Environment, open_experiment\n"
        f"open_experiment('tiny', Environment(sys.argv[1]), 'x'); {HEAVY}",
        tiny_root / "environment.json",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "\n"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ('{"model_name": "template",\n "batchsize": 4}', ":2:2: unknown key 'batchsize'; did you mean 'batch_size'?"),
        ('{"model_name": "template",\n "dataset": "gone"}', "gone/256: there is no such dataset folder"),
        ('{"model_name": "tempalte", "dataset": "tiny", "tilesize": 64}', "did you mean 'template'?"),
        ('{"model_name": "template" "steps": 1}', ":1:27: is not JSON here: expected ',' or '}'"),
    ],
    ids=["key", "dataset", "model", "syntax"],
)
def test_training_reports_errors_before_tensorflow_is_imported(tiny_root, content, fault):
    path = tiny_root / "experiments" / "wrong" / "experiment.json"
    path.parent.mkdir()
    path.write_text(content)
    done = python(
        "import sys, train\n"
        "try: train.main(['--exp', 'wrong', '--env', sys.argv[1]])\n"
        "finally: print(*sorted({'tensorflow', 'keras'} & set(sys.modules)))",
        tiny_root / "environment.json",
    )
    assert done.returncode == 2
    assert fault in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == "\n"
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["experiment.json"]

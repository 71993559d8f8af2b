"""Scenes from time series: reading of archives, frames, errors, and the published configurations."""

from pathlib import Path

import numpy as np
import pytest

from experiment import PROJECT
from pix2earth.settings.errors import UserError
from pix2earth.settings.validation import load
from synthetic.ground import time_series
from synthetic.products import generation, product
from synthetic.schema.derivation import DerivationFile
from synthetic.schema.generation import GenerationFile, Product, TimeSeries
from synthetic.schema.ground import Size

PUBLISHED = PROJECT / "synthetic" / "config" / "published"
LATENT = sorted(path.name for path in PUBLISHED.glob("*_latent_*.yaml"))
DERIVED = {
    "cloud_removal_clean_optical.yaml": "cloud_removal_latent_optical",
    "cloud_removal_clouded_optical.yaml": "cloud_removal_clean_optical",
    "cloud_removal_sar.yaml": "cloud_removal_latent_sar",
    "sar_to_optical_optical.yaml": "sar_to_optical_latent_optical",
    "sar_to_optical_sar.yaml": "sar_to_optical_latent_sar",
}
"""Derived products by file, and the product that each is derived from."""
ARCHIVES = {"RacketSports": (6, 30), "Epilepsy": (3, 206)}
"""Dimensions and length of the published archives."""
LABELS = ("a", "b", "c", "d")


def write_archive(path: Path, seed: int, dimensions: int, steps: int, cases: int = 8) -> np.ndarray:
    """Write random walks of four classes in turn to a ``.ts`` file; return them (case, step, dimension)."""
    series = np.random.default_rng(seed).normal(size=(cases, steps, dimensions)).cumsum(axis=1).round(4)
    head = [
        "# synthetic", "@problemName Synthetic", "@timeStamps false", "@missing false", "@univariate false",
        f"@dimensions {dimensions}", "@equalLength true", f"@seriesLength {steps}",
        f"@classLabel true {' '.join(LABELS)}", "@data",
    ]  # fmt: skip
    lines = [
        ":".join([*(",".join(f"{value:.4f}" for value in column) for column in case.T), LABELS[number % len(LABELS)]])
        for number, case in enumerate(series)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*head, *lines]) + "\n")
    return series


def source(*names: str, **settings) -> TimeSeries:
    return TimeSeries(**{"kind": "ts", "path": list(names), "ndim": 3, "nclass": 2, **settings})


class TestArchive:
    @pytest.fixture
    def archive(self, tmp_path):
        """The series in two files, and the archive that is read from both."""
        written = np.concatenate(
            [write_archive(tmp_path / f"{at}.ts", at, 5, 20, cases) for at, cases in ((0, 8), (1, 6))]
        )
        return written, time_series.read(source("0.ts", "1.ts"), tmp_path)

    def test_files_are_concatenated_and_scaled_together(self, archive):
        written, read = archive
        assert read.series.shape == (14, 20, 3)
        low, high = written[..., :3].min(axis=(0, 1)), written[..., :3].max(axis=(0, 1))
        np.testing.assert_allclose(read.series, (written[..., :3] - low) / (high - low), atol=1e-6)

    def test_labels_are_grouped_in_their_order(self, archive):
        """a and b, c and d."""
        assert archive[1].group.tolist() == [1, 1, 2, 2, 1, 1, 2, 2, 1, 1, 2, 2, 1, 1]

    def test_shorter_dimensions_are_padded_with_zeros(self, tmp_path):
        lines = ["@problemName x", "@timeStamps false", "@univariate false", "@classLabel true a b", "@data"]
        (tmp_path / "x.ts").write_text("\n".join([*lines, "1,2,3:4,5:a", "6,7,8:9,10,11:b"]))
        archive = time_series.read(source("x.ts", ndim=2), tmp_path)
        np.testing.assert_allclose(archive.series[0, :, 1], np.array([4, 5, 0]) / 11, atol=1e-6)


class TestScene:
    PRODUCT = Product(size=Size(width=48, height=32), horizon=5, n_polygons=8)

    @pytest.fixture
    def drawn(self, tmp_path):
        write_archive(tmp_path / "x.ts", 0, 3, 30)
        smooth = source("x.ts")
        return time_series.SeriesScene(self.PRODUCT, smooth, time_series.read(smooth, tmp_path), 7, 3)

    def test_cells_follow_a_series_of_their_class_and_texture_is_constant(self, drawn):
        frames = np.stack([drawn.frame(index) for index in range(5)])
        instance, group = drawn.labels[..., 0], drawn.labels[..., 1]
        for cell in range(1, 9):
            pixels = instance == cell
            (number,) = np.unique(group[pixels])
            steps = np.diff(frames[:, pixels], axis=0)
            assert np.ptp(steps, axis=1).max() < 1e-5  # equal for all pixels of a cell
            changes = np.diff(drawn.archive.series[drawn.archive.group == number], axis=1)
            windows = np.stack([changes[:, first : first + 4] for first in range(changes.shape[1] - 3)])
            assert np.abs(windows - steps.mean(axis=1)).max(axis=(2, 3)).min() < 1e-5

    def test_values_are_within_half_of_the_series(self, drawn):
        frames = np.stack([drawn.frame(index) for index in range(5)])
        assert frames.min() > -0.5 and frames.max() < 1.5
        assert frames.shape == (5, 32, 48, 3)

    def test_classes_are_independent_of_geometry(self, tmp_path):
        write_archive(tmp_path / "x.ts", 0, 3, 30)
        rough = source("x.ts", random_sampler={"name": "gaussian"})
        archive, groups, positions = time_series.read(rough, tmp_path), [], []
        for number in range(100):
            labels = time_series.SeriesScene(self.PRODUCT, rough, archive, 7, number).labels
            for cell in range(1, 9):
                rows, columns = np.nonzero(labels[..., 0] == cell)
                groups.append(labels[rows[0], columns[0], 1])
                positions.append(columns.mean())
        assert abs(np.corrcoef(groups, positions)[0, 1]) < 0.1

    def test_more_frames_than_steps_are_an_error(self, tmp_path):
        write_archive(tmp_path / "x.ts", 0, 3, 4)
        with pytest.raises(ValueError, match=r"product\.horizon: 5 frames of series of length 4"):
            time_series.SeriesScene(self.PRODUCT, source("x.ts"), time_series.read(source("x.ts"), tmp_path), 7, 0)

    def test_a_kernel_that_does_not_fall_off_is_an_error(self, tmp_path):
        write_archive(tmp_path / "x.ts", 0, 3, 30)
        kernel = {"name": "sin_squared", "length_scale": 0.5, "periodicity": 9.0}
        wide = source("x.ts", random_sampler={"name": "gaussian_process", "kernel": kernel})
        with pytest.raises(ValueError, match=r"source.random_sampler.kernel: .*shorter length scale"):
            time_series.SeriesScene(self.PRODUCT, wide, time_series.read(wide, tmp_path), 7, 0)


# ---- errors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda text: "", "cannot be read as a .ts file with classes: empty file"),
        (lambda text: text[: len(text) // 2 + 3], "cannot be read as a .ts file"),
        (lambda text: text.split("@data")[0], "cannot be read as a .ts file"),
        (lambda text: text.replace(":a", ",x1:a", 1), "could not convert string to float"),
        (lambda text: text.replace(":a", ",?:a", 1).replace("@missing false", "@missing true"), "has missing values"),
        (lambda text: text.replace("true a b c d", "false").replace(":a\n", "\n").replace(":b\n", "\n")
         .replace(":c\n", "\n").replace(":d\n", "\n"), "cannot be read as a .ts file with classes"),
    ],
)  # fmt: skip
def test_damaged_files_are_reported_in_one_line(tmp_path, damage, expected):
    path = tmp_path / "x.ts"
    write_archive(path, 0, 3, 20)
    path.write_text(damage(path.read_text()))
    with pytest.raises(UserError) as caught:
        time_series.read(source("x.ts"), tmp_path)
    (line,) = caught.value.lines
    assert line.startswith(f"{path}: ") and expected in line


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"path": ["y.ts"]}, r"y\.ts: there is no such file \(named by source\.path\)"),
        ({"ndim": 4}, r"x\.ts: has 3 dimensions, source\.ndim asks for 4"),
        ({"nclass": 5}, r"source\.nclass: 5 groups of only 4 labels \(a, b, c, d\)"),
    ],
)
def test_missing_files_dimensions_and_labels_are_errors(tmp_path, settings, expected):
    write_archive(tmp_path / "x.ts", 0, 3, 20)
    with pytest.raises(UserError, match=expected):
        time_series.read(source("x.ts", **settings), tmp_path)


# ---- the published configurations -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder with reduced copies of the configurations, and random series in place of the archives."""
    root = tmp_path_factory.mktemp("project")
    folder = root / "synthetic" / "config" / "published"
    folder.mkdir(parents=True)
    for path in PUBLISHED.glob("*.yaml"):
        text = path.read_text().replace("{width: 337, height: 256}", "{width: 84, height: 64}")
        text = text.replace("{width: 256, height: 256}", "{width: 63, height: 64}")
        (folder / path.name).write_text(text.replace("horizon: 30", "horizon: 4"))
    for number, (name, (dimensions, steps)) in enumerate(ARCHIVES.items()):
        for half in ("TRAIN", "TEST"):
            write_archive(root / "data" / "ts" / f"{name}_{half}.ts", number, dimensions, steps)
    return root


def test_there_are_four_latent_and_five_derived_configurations():
    assert len(LATENT) == 4
    assert sorted(path.name for path in PUBLISHED.iterdir()) == sorted([*LATENT, *DERIVED])


@pytest.mark.parametrize("name", LATENT)
def test_a_published_latent_product_has_the_published_values(name, project):
    settings = load(PUBLISHED / name, GenerationFile)
    assert (settings.product.size, settings.product.n_polygons) == (Size(width=337, height=256), 16)
    assert (settings.product.horizon, settings.source.ndim, settings.source.nclass) == (30, 3, 2)
    kernel = settings.source.random_sampler.kernel
    assert (kernel.name, kernel.length_scale) == ("rbf", 2.5)
    archive = "Epilepsy" if "sar." in name else "RacketSports"
    assert [Path(path).name for path in settings.source.path] == [f"{archive}_TRAIN.ts", f"{archive}_TEST.ts"]
    # The series are in the folder that the comments name, and long enough.
    generation.check(settings, name, project / "synthetic" / "config" / "published")


@pytest.mark.parametrize("name", DERIVED)
def test_a_published_derived_product_has_the_published_values(name):
    settings = load(PUBLISHED / name, DerivationFile)
    assert settings.target_size == Size(width=256, height=256) and settings.temporal_res == 1
    steps = {step.type: step for step in settings.steps}
    assert ("distortion" in steps) == ("clouded" not in name)
    assert "distortion" not in steps or (steps["distortion"].axis, steps["distortion"].growth_rate) == (1, None)
    spread = {
        "cloud_removal_clouded_optical.yaml": 0.1,
        "sar_to_optical_optical.yaml": 0.2,
        "sar_to_optical_sar.yaml": 0.2,
    }
    if name in spread:
        assert steps["gain"].mul == (1 - spread[name], 1 + spread[name]) and steps["gain"].add == (-0.1, 0.1)
    assert ("impulses" in steps) == name.endswith("_sar.yaml")
    assert "impulses" not in steps or steps["impulses"].proportion == (0.08, 0.15)
    assert ("cloud" in steps) == ("clouded" in name)


def test_all_published_configurations_run(project, command):
    """Two views of the four latent and the five derived products, in the order of their dependence."""
    folder, out = project / "synthetic" / "config" / "published", project / "out" / "{view}"
    for name in LATENT:
        words = ("--cfg", folder / name, "--views", 2, "--o", out / Path(name).stem, "--workers", 1)
        assert command("generate", *words) == (0, [])
    for name, source_name in DERIVED.items():
        words = ("--cfg", folder / name, "--views", 2, "--product", out / source_name, "--o", out / Path(name).stem)
        assert command("derive", *words, "--workers", 1) == (0, [])
    for view in ("1", "2"):
        labels = []
        for name in DERIVED:
            place = project / "out" / view / Path(name).stem
            index = product.load_index(place)
            assert (index["features"]["width"], index["features"]["height"], index["features"]["nframes"]) == (
                63,
                64,
                4,
            )
            frame = product.read_frame(place, index, 3)
            assert np.isfinite(frame.image).all() and frame.image.std() > 0.05
            assert (frame.cloud_class is None) == ("clouded" not in name)
            labels.append(frame.labels)
        # Optical and radar products have the same labels, which are pairs of instance and class of the latent product.
        assert all(np.array_equal(labels[0], other) for other in labels)
        latent = project / "out" / view / "cloud_removal_latent_optical"
        pairs = {tuple(pair) for pair in product.read_labels(latent, product.load_index(latent)).reshape(-1, 2)}
        assert {tuple(pair) for pair in labels[0].reshape(-1, 2)} <= pairs


def test_archives_are_read_once_for_all_views(project, command, monkeypatch):
    generation._archive.cache_clear()
    calls, read = [], time_series.read
    monkeypatch.setattr(time_series, "read", lambda *arguments: calls.append(1) or read(*arguments))
    path = project / "synthetic" / "config" / "published" / LATENT[0]
    words = ("--cfg", path, "--views", 4, "--o", project / "once" / "{view}", "--workers", 1)
    assert command("generate", *words) == (0, [])
    assert len(calls) == 1

"""The metrics of the original ARISGAN code, compared with its recorded values and with NumPy, SciPy, scikit-image."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from scipy import ndimage, signal
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from metrics import ALL_METRICS, GROUPS, LOWER_IS_BETTER, METRICS, PUBLISHED, UNITS, Scale, score
from pix2earth.scoring.tables import comparison
from pix2earth.settings.errors import UserError
from pix2earth.settings.schema import ExperimentFile
from pix2earth.settings.validation import load
from tests.golden_files import FOLDER

GOLDEN = np.load(FOLDER / "metrics.npz")
PAIRS = range(4)
SCALE = Scale(data_range=7.0, ratio=1 / 12, rgb=(2, 1, 0))  # none of these values may have an influence


def images(kind):
    return np.stack([GOLDEN[f"pair{pair}_{kind}"] for pair in PAIRS])


def expected(name, kind="orig"):
    return np.array([GOLDEN[f"pair{pair}_{kind}_{name.removesuffix('_aris')}"] for pair in PAIRS])


def noisy_pair(shape, seed=0):
    rng = np.random.default_rng(seed)
    target = rng.uniform(0.1, 0.9, shape).astype(np.float32)
    return target, (0.8 * target + rng.normal(0.1, 0.05, shape)).astype(np.float32)


# ---- the tables ----------------------------------------------------------------------------------------------------


def test_tables():
    assert list(PUBLISHED) == [f"{name}_aris" for name in METRICS if name != "MAE"]
    assert list(GROUPS["arisgan"]) == [*METRICS, *PUBLISHED] == list(ALL_METRICS)[:19]
    assert list(GROUPS["all"]) == list(METRICS)
    for name in PUBLISHED:
        plain = name.removesuffix("_aris")
        assert (name in LOWER_IS_BETTER, UNITS.get(name)) == (plain in LOWER_IS_BETTER, UNITS.get(plain))
    assert list(score(*noisy_pair((2, 32, 32, 3)), SCALE)) == list(METRICS)


# ---- recorded values -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_golden_recorded_values(name, dtype):
    scores = score(images("target").astype(dtype), images("predict").astype(dtype), SCALE, [name])[name]
    np.testing.assert_allclose(scores, expected(name), rtol=1e-5)
    if dtype == np.float64:
        np.testing.assert_allclose(scores, expected(name, "orig64"), rtol=1e-10)
    assert scores.dtype == dtype


@pytest.mark.slow
@pytest.mark.parametrize("compiled", [False, True])
def test_graph_with_unknown_shape(compiled):
    unknown = tf.TensorSpec((None, None, None, 3), tf.float32)

    @tf.function(input_signature=[unknown, unknown], jit_compile=compiled)
    def step(target, prediction):
        return score(target, prediction, SCALE, PUBLISHED)

    for count in (3, 4):
        for name, scores in step(images("target")[:count], images("predict")[:count]).items():
            np.testing.assert_allclose(scores, expected(name)[:count], rtol=1e-5, err_msg=name)


# ---- independent computations --------------------------------------------------------------------------------------


def stretched(image):
    return (image - image.min()) / (image.max() - image.min())


def mean_pearson(t, p):
    return np.mean([np.corrcoef(t[..., b].ravel(), p[..., b].ravel())[0, 1] for b in range(t.shape[-1])])


def haarpsi(t, p):
    """HaarPSI with explicit filters, of images in 0..1; one grey band if there are fewer than three bands."""

    def maps(image):
        yiq = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
        image = image[..., :3] @ yiq.T if image.shape[-1] >= 3 else image[..., :1]
        ones = np.full((2, 2), 0.25)
        luma, *chromas = (signal.convolve2d(channel, ones)[1::2, 1::2] for channel in np.moveaxis(image * 255, -1, 0))
        rows, columns = luma.shape

        def same(channel, kernel):
            start = len(kernel) // 2
            return np.abs(signal.convolve2d(channel, kernel)[start : start + rows, start : start + columns])

        kernels = [np.outer(np.repeat([-1, 1], side // 2), np.ones(side)) / side for side in (2, 4, 8)]
        edges = [[same(luma, kernel) for kernel in kernels], [same(luma, kernel.T) for kernel in kernels]]
        return edges, [same(chroma, ones) for chroma in chromas]

    def similarity(a, b):
        return (2 * a * b + 30) / (a**2 + b**2 + 30)

    (t_edges, t_chromas), (p_edges, p_chromas) = maps(t), maps(p)
    pairs = list(zip(t_edges, p_edges, strict=True))
    similarities = [(similarity(a[0], b[0]) + similarity(a[1], b[1])) / 2 for a, b in pairs]
    weights = [np.maximum(a[2], b[2]) for a, b in pairs]
    if t_chromas:
        similarities.append(np.mean([similarity(a, b) for a, b in zip(t_chromas, p_chromas, strict=True)], axis=0))
        weights.append(np.mean(weights, axis=0))
    z = np.sum(np.array(weights) / (1 + np.exp(-4.2 * np.array(similarities)))) / np.sum(weights)
    return (np.log(z / (1 - z)) / 4.2) ** 2


def uiqc(t, p):
    total = 0
    for band in range(t.shape[-1]):
        x, y = t[..., band], p[..., band]
        (vx, cov), (_, vy) = np.cov(x.ravel(), y.ravel())
        total += 4 * cov * x.mean() * y.mean() / ((vx + vy) * (x.mean() ** 2 + y.mean() ** 2))
    return total / 4


def independent_scores(t, p):
    """The nine metrics of one pair of float64 images."""
    square = ((t - p) ** 2).mean((0, 1))
    cosine = (t * p).sum(-1) / np.sqrt((t * t).sum(-1) * (p * p).sum(-1))
    with np.errstate(invalid="ignore"):
        sobel = (ndimage.sobel(image, mode="constant") for image in (t, p))
        return {
            "SAM_aris": np.nan_to_num(np.arccos(cosine)).mean(),
            "sCC_aris": mean_pearson(*sobel),
            "CC_aris": mean_pearson(t, p),
            "HPSI_aris": haarpsi(stretched(t), stretched(p)),
            "SSIM_aris": structural_similarity(255 * stretched(t), 255 * stretched(p), data_range=255, channel_axis=-1),
            "PSNR_aris": peak_signal_noise_ratio(255 * stretched(t), 255 * stretched(p), data_range=255),
            "RMSE_aris": np.sqrt(square.sum()),
            "ERGAS_aris": 25 * np.sqrt((square / p.mean((0, 1)) ** 2).mean()),
            "UIQC_aris": uiqc(t, p),
        }


@pytest.mark.parametrize("shape", [(33, 28, 1), (24, 40, 2), (32, 32, 3), (21, 35, 4)])
def test_independent_computation(shape):
    target, prediction = noisy_pair((2, *shape))
    scores = score(target, prediction, SCALE, PUBLISHED)
    for sample in range(2):
        values = independent_scores(target[sample].astype(np.float64), prediction[sample].astype(np.float64))
        assert np.isnan(values["sCC_aris"]) == (shape[-1] == 1)
        assert list(values) == list(PUBLISHED)
        for name, value in values.items():
            # acos near 1 turns the last digit of a cosine into 1e-8
            np.testing.assert_allclose(scores[name][sample], value, rtol=1e-6, atol=1e-7, err_msg=name)


def test_small_images():
    """A metric is undefined only if its window does not fit."""
    target, prediction = noisy_pair((2, 6, 9, 3))
    for name, scores in score(target, prediction, SCALE, PUBLISHED).items():
        np.testing.assert_array_equal(np.isnan(scores), name == "SSIM_aris", err_msg=name)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_common_factor_of_both_images_changes_rmse_only(name):
    """So the unit norm of the published images changes no other metric."""
    target, prediction = noisy_pair((2, 32, 32, 3))
    plain = score(target, prediction, SCALE, [name])[name]
    scaled = score(target / 128, prediction / 128, SCALE, [name])[name]
    np.testing.assert_allclose(scaled, plain / (128 if name == "RMSE_aris" else 1), rtol=1e-6)


# ---- undefined and misleading values of the original code ----------------------------------------------------------


def undefined(target, prediction):
    return {name for name, scores in score(target, prediction, SCALE, PUBLISHED).items() if np.isnan(scores).all()}


def test_identical_images():
    target, _ = noisy_pair((2, 32, 32, 3))
    scores = score(target, target, SCALE, PUBLISHED)
    for name in ("sCC", "CC", "HPSI", "SSIM"):
        np.testing.assert_allclose(scores[f"{name}_aris"], 1, rtol=1e-6, err_msg=name)
    np.testing.assert_allclose(scores["UIQC_aris"], 0.75, rtol=1e-6)
    np.testing.assert_allclose(scores["SAM_aris"], 0, atol=1e-7)
    for name in ("RMSE", "ERGAS"):
        np.testing.assert_array_equal(scores[f"{name}_aris"], 0, err_msg=name)
    np.testing.assert_array_equal(scores["PSNR_aris"], np.inf)


def test_zero_prediction_has_a_perfect_angle():
    target, _ = noisy_pair((2, 32, 32, 3))
    scores = score(target, np.zeros_like(target), SCALE, PUBLISHED)
    np.testing.assert_array_equal(scores["SAM_aris"], 0)
    np.testing.assert_array_equal(scores["UIQC_aris"], 0)
    np.testing.assert_array_equal(scores["ERGAS_aris"], np.inf)
    nan = {"sCC_aris", "CC_aris", "HPSI_aris", "SSIM_aris", "PSNR_aris"}
    assert undefined(target, np.zeros_like(target)) == nan


@pytest.mark.parametrize("which", ["target", "prediction"])
def test_a_constant_image_cannot_be_stretched(which):
    pair = dict(zip(("target", "prediction"), noisy_pair((2, 32, 32, 3)), strict=True))
    pair[which][:] = 0.1
    # sCC_aris: its filter along bands has responses at the edges of a constant image
    assert undefined(**pair) == {"sCC_aris", "CC_aris", "HPSI_aris", "SSIM_aris", "PSNR_aris"}


def test_with_a_constant_band_correlations_are_undefined():
    target, prediction = noisy_pair((2, 48, 31, 3))
    target[..., 1] = 0.1
    assert undefined(target, prediction) == {"CC_aris"}
    prediction[..., 1] = 0.7
    assert undefined(target, prediction) == {"CC_aris", "UIQC_aris"}


def test_nan_changes_all_metrics_but_the_angle():
    target, prediction = noisy_pair((2, 32, 32, 3))
    prediction[0, 9, 9, 1] = np.nan
    for name, scores in score(target, prediction, SCALE, PUBLISHED).items():
        np.testing.assert_array_equal(np.isnan(scores), [name != "SAM_aris", False], err_msg=name)


def test_masks_are_ignored():
    target, prediction = noisy_pair((2, 32, 32, 3))
    plain = score(target, prediction, SCALE, PUBLISHED)
    mask = np.zeros((2, 32, 32))
    mask[0, 3:] = 1
    for name, scores in score(target, prediction, SCALE, PUBLISHED, mask).items():
        np.testing.assert_array_equal(scores, plain[name], err_msg=name)


# ---- from experiment.json to the comparison ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "metrics"),
    [
        ("arisgan", [*METRICS, *PUBLISHED]),
        ("all", list(METRICS)),
        (["all", "PSNR"], list(METRICS)),
        (["PSNR", "PSNR_aris"], ["PSNR", "PSNR_aris"]),
    ],
)
def test_metrics_of_an_experiment(tmp_path, value, metrics):
    path = tmp_path / "experiment.json"
    path.write_text(json.dumps({"model_name": "pix2pix", "metrics": value, "best_metric": "SAM_aris"}))
    experiment = load(path, ExperimentFile)
    assert (experiment.metrics, experiment.best_metric) == (metrics, "SAM_aris")


@pytest.mark.parametrize("value", ["aris", ["aris"], ["PSNR", "MAE_aris"]])
def test_unknown_metrics_of_an_experiment(tmp_path, value):
    path = tmp_path / "experiment.json"
    path.write_text(json.dumps({"model_name": "pix2pix", "metrics": value}))
    with pytest.raises(UserError, match="metric"):
        load(path, ExperimentFile)


@pytest.mark.slow
@pytest.mark.parametrize("normalize", ["symmetric", "l2"])
def test_evaluation_and_comparison_have_the_columns(tiny_root, tiny_arrays, open_tiny, normalize):
    from pix2earth.batches.dataset import Dataset
    from pix2earth.scoring.evaluating import evaluate
    from pix2earth.scoring.scorer import Scorer

    experiment = open_tiny(tiny_root, "e", metrics="arisgan", normalize=normalize)
    gan = SimpleNamespace(generator=lambda image, training: 0.9 * tf.gather(image, [2, 1, 0], axis=-1))
    scorer = Scorer(Dataset(experiment), gan, tiny_root / "mine.py", experiment.METRICS)
    path = experiment.output.evaluation
    path.parent.mkdir(parents=True, exist_ok=True)
    table = evaluate(scorer, "val", 0, path).set_index("tile")
    names = [*METRICS, *PUBLISHED]
    # Images of unit norm have no physical units, which a fit needs.
    endings = ["", "_bicubic", *(["_linear-fit"] if normalize != "l2" else [])]
    assert list(pd.read_csv(path).columns[4:]) == [f"{name}{end}" for end in endings for name in names]
    for tile, fields in tiny_arrays["val"].items():
        coarse, target = (fields[name] * 1e-4 for name in ("input_image", "target"))
        image = coarse.repeat(2, axis=0).repeat(2, axis=1)
        if normalize == "l2":
            target, image = target / np.linalg.norm(target), image / np.linalg.norm(image)  # of all four bands
        # 0.9 (2 x - 1) = 2 (0.9 x + 0.05) - 1
        prediction = 0.9 * image[..., [2, 1, 0]] + (0.05 if normalize == "symmetric" else 0)
        for name, value in independent_scores(target, prediction).items():
            np.testing.assert_allclose(table[name][tile], value, rtol=1e-4, err_msg=f"{tile} {name}")

    frame = comparison.compare(comparison.load(path.parents[1], ["e"])).set_index("run")
    assert list(frame.columns)[: len(names) + 2] == ["dataset", "samples", *names]
    assert sorted(frame.index) == sorted([*(f"({end[1:]})" for end in endings[1:]), path.stem])
    for name in names:
        assert frame[name][path.stem] == pytest.approx(table[name].mean())
        assert frame[name]["(bicubic)"] == pytest.approx(table[f"{name}_bicubic"].mean())


@pytest.mark.slow
def test_training_validates_with_them(tiny_root, write_experiment, capsys):
    import train

    write_experiment(tiny_root, "e", steps=2, validate_freq=1, metrics=["PSNR_aris"], best_metric="SAM_aris")
    with pytest.raises(SystemExit) as end:
        train.main(["--env", str(tiny_root / "environment.json"), "--exp", "e", "--timestamp", "a"])
    assert end.value.code == 0, capsys.readouterr().err
    root = tiny_root / "experiments"
    lines = [json.loads(line) for line in (root / "e/logs/e_a/train.jsonl").read_text().splitlines()]
    validations = {line["step"]: line["validation"] for line in lines if "validation" in line}
    assert all(set(scores) == {"PSNR_aris", "SAM_aris"} for scores in validations.values())
    best = json.loads((root / "e/logs/e_a/run.json").read_text())["best"]
    assert best["metric"] == "SAM_aris"
    assert validations[best["step"]]["SAM_aris"] == min(scores["SAM_aris"] for scores in validations.values())
    table = pd.read_csv(root / "_evaluation/e_a.csv")
    assert list(table.columns[4:]) == ["PSNR_aris", "PSNR_aris_bicubic", "PSNR_aris_linear-fit"]

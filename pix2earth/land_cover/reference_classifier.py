"""The reference classifier: logistic regression of the values of a pixel over time, fitted to true frames of train.

It is fitted once for a dataset and shared by all runs below an experiment root. It is kept as a skops file, which
holds no pickle: loading it runs no code, and types that skops does not know are refused.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pix2earth.land_cover.class_fields import pools_of_truth
from pix2earth.land_cover.pixel_series import TRUE, PixelSeries, members, names_of_pool, pixel_features, true_series
from pix2earth.runs import identity
from pix2earth.runs.folders import EVALUATION
from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from pix2earth.batches.dataset import Dataset

FOLDER, FILE, ABOUT = "classifiers", "classifier.skops", "classifier.json"
PIXELS = 200_000
"""Pixels that are drawn from the training split, as many of each series."""
SEED = 73
PENALTY = 10.0
"""Inverse strength of the L2 penalty, of features with mean 0 and standard deviation 1."""
ITERATIONS = 300
"""Most iterations of the solver; further ones hardly change what is predicted."""


class ReferenceClassifier(NamedTuple):
    """A fitted classifier.

    Attributes:
        model: the pipeline of scikit-learn.
        folder: where it is kept.
        about: what it was fitted to.
    """

    model: Any
    folder: Path
    about: dict[str, Any]

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Return the class of each pixel (pixel,); 0 where a value is not finite."""
        finite = np.isfinite(features).all(axis=1)
        found = np.zeros(len(features), np.int64)
        if finite.any():
            found[finite] = self.model.predict(features[finite].astype(np.float64))
        return found


def description(dataset: Dataset) -> dict[str, Any]:
    """Return what a classifier depends on: records and fields of the dataset, size of images, settings, version.

    Raises:
        UserError: no sample of the training split has target and classes.
    """
    import sklearn

    experiment = dataset.experiment
    labelled = pools_of_truth(dataset.listing, "train")
    samples = {key: value for key, value in identity.dataset(dataset.listing).items() if key != "name"}
    return {
        "dataset": samples,
        "classes": {each.pool: each.field for each in labelled} if dataset.manifest.pools else labelled[0].field,
        "size": [experiment.IMG_HEIGHT, experiment.IMG_WIDTH],
        "fit": {"pixels": PIXELS, "seed": SEED, "C": PENALTY, "iterations": ITERATIONS},
        "scikit-learn": sklearn.__version__,
    }


def kept_or_fitted(dataset: Dataset, root: Path, report: Callable[[str], None]) -> ReferenceClassifier:
    """Return the classifier of a dataset: the one that is kept, else a new one, which is kept from now on.

    Args:
        dataset: with classes.
        root: the experiment root.
        report: receives a line.

    Raises:
        UserError: the dataset has no classes, values are of unit norm, or the file is damaged.
        OSError: it cannot be written.
    """
    if dataset.experiment.NORMALIZE == "l2":
        raise UserError(f"{dataset.experiment.file}: normalize: --classifier needs physical units, which 'l2' loses")
    described = json.loads(json.dumps(description(dataset)))
    folder = root / EVALUATION / FOLDER / identity.digest(described)[:16]
    if (folder / FILE).is_file() and (folder / ABOUT).is_file():
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        report(f"{folder}: the reference classifier of this dataset")
        return ReferenceClassifier(loaded(folder / FILE), folder, about)
    model, fitted = fit(dataset)
    _dump(model, folder / FILE)
    about = {"version": 1, **described, "name": dataset.manifest.name, "fitted": fitted}
    atomic.write_json(folder / ABOUT, about)
    report(f"{folder}: a reference classifier was fitted to {fitted['pixels']} pixels of {fitted['series']} series")
    return ReferenceClassifier(model, folder, about)


def fit(dataset: Dataset) -> tuple[Any, dict[str, Any]]:
    """Return a classifier that is fitted to true frames of the training split, and numbers of series and pixels.

    Raises:
        UserError: the split has no samples, no pixels with a class, or a single class.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    labelled = pools_of_truth(dataset.listing, "train")
    found = [members(dataset.manifest, names_of_pool(dataset, "train", each.pool)) for each in labelled]
    left_out, count = sum(each[1] for each in found), sum(len(each[0]) for each in found)
    if not count:
        raise UserError(
            f"{dataset.listing.folder / 'train'}: --classifier: has no samples, to whose true frames the classifier is"
            " fitted; write some, or leave --classifier out"
        )
    share = max(1, -(-PIXELS // count))
    features, labels = [], []
    for number, series in enumerate(one for each in labelled for one in true_series(dataset, "train", each)):
        of_series, classes = _drawn(series, share, np.random.default_rng([SEED, number]))
        features.append(of_series)
        labels.append(classes)
    known = np.unique(np.concatenate(labels)) if labels else np.zeros(0)
    if len(known) < 2:
        raise UserError(
            f"{dataset.listing.folder / 'train'}: --classifier: has {len(known)} classes other than 0 at measured"
            " pixels; two are needed"
        )
    model = make_pipeline(StandardScaler(), LogisticRegression(C=PENALTY, max_iter=ITERATIONS))
    joined = np.concatenate(features).astype(np.float64)
    # Several threads wait for each other in every iteration, for minutes where other processes share the cores.
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of iterations is recorded
        model.fit(joined, np.concatenate(labels).astype(np.int64))
    iterations = int(np.max(model[-1].n_iter_))
    numbers = {
        "iterations": iterations,
        "series": len(labels),
        "left_out": left_out,
        "pixels": len(joined),
        "features": joined.shape[1],
    }
    return model, numbers | {"classes": [int(one) for one in known]}


def _drawn(series: PixelSeries, most: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return features (pixel, feature) and classes (pixel,) of so many pixels of a series, those that are finite."""
    candidates = np.argwhere(series.chosen)
    taken = candidates[random.permutation(len(candidates))[:most]]
    chosen = np.zeros_like(series.chosen)
    chosen[tuple(taken.T)] = True
    values = pixel_features(series.frames[TRUE], chosen)
    finite = np.isfinite(values).all(axis=1)
    return values[finite], series.labels[chosen][finite]


def _skops() -> Any:
    """Return the module ``skops.io``.

    Raises:
        UserError: it is not installed.
    """
    try:
        import skops.io
    except ImportError as error:
        raise UserError(f"--classifier: {error}; install what requirements.txt names: make venv") from None
    return skops.io


def _dump(model: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic.replacing(path) as temporary:
        temporary.write_bytes(_skops().dumps(model))


def loaded(path: Path) -> Any:
    """Return a classifier that was kept; no type is trusted beyond those that skops trusts.

    Raises:
        UserError: the file is damaged, or holds other types.
    """
    skops = _skops()
    try:
        if unknown := skops.get_untrusted_types(file=path):
            raise ValueError(f"it holds the types {', '.join(unknown)}")
        return skops.load(path, trusted=[])
    except Exception as error:  # a damaged archive raises errors of many kinds
        raise UserError(f"{path}: cannot be used: {error}; remove the folder, and it is fitted again") from None

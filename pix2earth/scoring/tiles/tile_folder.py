"""The folder that is shared by all evaluations of the same samples, ``_evaluation/tiles/<digest>``."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from pix2earth.runs.folders import EVALUATION
from pix2earth.scoring.basis import Basis

FOLDER = "tiles"
PLACES = "places.csv"
STRETCH = "stretch.json"
SAMPLE, RUNS = "sample", "runs"
ABOUT = "about.json"


def tile_folder(root: Path, basis: Basis) -> Path | None:
    """Return the folder of the samples that scores are based on; None where it was not recorded which these are.

    Args:
        root: the experiment root.
        basis: of the scores; the metrics and the name of the dataset do not matter.
    """
    if basis.records is None or basis.manifest is None:
        return None
    content = [basis.split, basis.records, basis.manifest, basis.size, basis.unit_norm, basis.data_range]
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    return root / EVALUATION / FOLDER / digest[:16]


def pictures_of_sample(folder: Path, title: str) -> Path:
    """Return the folder with pictures of input, target or a baseline; ``title`` is one of these words."""
    return folder / SAMPLE / title


def pictures_of_run(folder: Path, run: str) -> Path:
    """Return the folder with pictures of the predictions of a run; ``run`` is the name of its CSV without suffix."""
    return folder / RUNS / run

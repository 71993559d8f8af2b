"""Picture of the table of the adversarial loss: the same tiles by every row, chosen by a measure."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from experiment import Environment
from pix2earth.results.adversarial import FOLDER, MODELS, WEIGHTS
from pix2earth.results.trained import TIMESTAMP
from pix2earth.runs.folders import RunFolders
from pix2earth.scoring.tables import csv_files
from pix2earth.settings.errors import UserError

WIDTH = 1100
QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of PSNR of the first row: the worst tile, the quartiles, the median and the best."""


def chosen_tiles(environment: Environment) -> list[str]:
    """Return the held-out tiles that are shown, from the worst to the best by PSNR of the row with L1 alone.

    Raises:
        UserError: it has no evaluation.
    """
    path = RunFolders(Path(environment.EXPERIMENT_ROOT), f"{FOLDER}/{MODELS[0]}", TIMESTAMP).evaluation
    if not path.is_file():
        raise UserError(f"{path}: is not there")
    table = csv_files.read(path)
    table = table[table["split"] == "test"].sort_values(["PSNR", "tile"])
    return [str(table["tile"].iloc[round(quantile * (len(table) - 1))]) for quantile in QUANTILES]


def draw(environment: Environment, output: Path) -> None:
    """Draw input, bicubic interpolation, target and the predictions of all rows.

    Raises:
        UserError: a row is not trained.
    """
    names = chosen_tiles(environment)
    from pix2earth.console.quiet import quieten_tensorflow
    from pix2earth.training.trained import open_run, restored_scorer

    quieten_tensorflow()
    from pix2earth.figures import sample_image
    from pix2earth.plugins.panels import PanelImages
    from pix2earth.scoring.shown.samples import shown

    images, panels = None, {}
    for row in MODELS:
        run = open_run(environment, f"{FOLDER}/{row}", TIMESTAMP)
        scorer, split, _ = restored_scorer(run, None, "last")
        found = shown(scorer, split, names, with_baseline=images is None, with_scores=images is None)
        images = images or found
        if WEIGHTS[row]:
            panels[f"Weight {WEIGHTS[row]:g}"] = PanelImages(np.asarray(found.predictions), "target")
    assert images is not None
    caption = "Prediction: L1 alone, its worst tile, the quartiles, its best. Weight: of the adversarial loss."
    sample_image.draw(run.manifest, names, images._replace(panels=panels), output, caption, width=WIDTH)

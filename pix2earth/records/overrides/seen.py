"""A dataset as an experiment sees it: its manifest with all that the experiment states instead."""

from __future__ import annotations

from pathlib import Path

from pix2earth.records.manifest import Manifest
from pix2earth.records.overrides.occlusion import with_occlusion
from pix2earth.records.overrides.transforms import with_transforms
from pix2earth.settings.schema import ExperimentFile


def seen_manifest(stored: Manifest, settings: ExperimentFile, file: Path, data_root: Path) -> Manifest:
    """Return the manifest of a dataset with the transforms and the occlusion of an experiment.

    Args:
        stored: the manifest of the records.
        settings: of the experiment.
        file: ``experiment.json``, for messages.
        data_root: folder of the datasets, in which that of the masks is.

    Raises:
        UserError: they do not fit the dataset.
    """
    transformed = with_transforms(stored, settings.transforms, settings.normalize, file)
    return with_occlusion(transformed, settings.occlusion, file, data_root, settings.tilesize)

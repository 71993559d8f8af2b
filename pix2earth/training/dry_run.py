"""What ``train.py --dry-run`` prints: settings, dataset, and what the plug-in needs; TensorFlow is not imported."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pix2earth.plugins.declared import ALL
from pix2earth.plugins.own_losses import ATTRIBUTES
from pix2earth.records.listing import fewer_than_asked
from pix2earth.records.manifest import SPLITS
from pix2earth.runs import treatments

if TYPE_CHECKING:
    from experiment import Experiment
    from pix2earth.batches.dataset import Dataset
    from pix2earth.plugins.declared import Declared

ROLES = ("input", "target", "mask", "score_by", "input_mask")


def show(
    experiment: Experiment, dataset: Dataset, plugin: Path, declared: Declared, identity: Mapping[str, Any]
) -> None:
    """Print the experiment with all defaults, and a summary of dataset and network.

    Args:
        experiment: what would be trained.
        dataset: its samples.
        plugin: the file of its plug-in.
        declared: what the plug-in's class declares.
        identity: of the run as this process would train it.
    """
    manifest = experiment.manifest
    print(json.dumps(experiment.resolved(), indent=2))
    print(f"environment: {experiment.environment.path or 'built in'}")
    print(f"plug-in: {plugin}")
    if asked := declared.parameters.get("train_step"):
        print(f"  train_step() asks for {', '.join(asked).replace(ALL, 'and all other fields')}")
    if "panels" in declared.parameters:
        print("  adds panels to sample images")
    if kind := declared.literals.get("sampling"):
        print(f"  reads {kind}")
    for key, (attribute, _) in ATTRIBUTES.items():
        if own := declared.literals.get(attribute):
            print(f"  {key}: has {', '.join(own)} of its own")
    if excluded := declared.literals.get("excluded_augmentation"):
        kept = treatments.is_former(identity) and treatments.of(identity)[treatments.CONTINUED]
        state = "stays on as a former version trained this run" if kept else "is switched off"
        print(f"  cannot bear {', '.join(excluded)}, which {state}")
    print(f"run: {experiment.output.LOGS}")
    counts = {split: len(dataset.names(split)) for split in SPLITS if dataset.has(split)}
    print(f"dataset: {experiment.DATA_ROOT} ({', '.join(f'{count} {split}' for split, count in counts.items())} used)")
    for line in fewer_than_asked(experiment, dataset.names("train")):
        print(line)
    if masks := dataset.listing.masks:
        print(f"masks: {masks.folder} ({', '.join(f'{len(masks.names(split))} {split}' for split in SPLITS)} records)")
    if dataset.selection:
        print(f"best checkpoint: {dataset.selection}")
    for name, field in manifest.fields.items():
        role = ", ".join(role for role in ROLES if getattr(manifest, role) == name)
        print(
            f"  {name}{f' ({role})' if role else ''}: {field.dtype} {'x'.join(map(str, field.shape))},"
            f" {field.kind}, {' '.join(field.bands)}"
        )
    print(
        f"network: {experiment.INPUT_CHANNELS} channels in, {experiment.OUTPUT_CHANNELS} out,"
        f" values {experiment.NORMALIZE}"
    )

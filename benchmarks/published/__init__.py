"""The published models for benchmarks: random data of a given size, and the experiments on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from experiment import PROJECT, Environment, Experiment, open_experiment
from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.records.writer import DatasetWriter
from pix2earth.settings.commented_json import read


class Case(NamedTuple):
    """A published model at one size.

    Attributes:
        example: folder in ``experiments/``, whose model and losses are taken.
        side: of the images in pixels.
        bands: of input and target.
        time_steps: of input and target; 0: images without time steps.
        params: of the model; those of the example do not count.
    """

    example: str
    side: int
    bands: tuple[int, int]
    time_steps: tuple[int, int] = (0, 0)
    params: dict[str, Any] = {}


PUBLISHED = {
    "ctgan": Case("ctgan", 256, (4, 4), (3, 0), {"as_published": True}),
    "gapfill": Case("gapfill", 224, (6, 6), (3, 3)),
    "cgan": Case("rsgan/cgan", 256, (6, 3)),
    "cgan_recurrent": Case("rsgan/cgan_recurrent", 256, (6, 3)),
    "cyclegan": Case("rsgan/cyclegan", 256, (3, 5)),
    "pix2pixcc": Case("pix2pixcc", 1024, (1, 1)),
}
"""Each model at its published size and width; band numbers are those of its publication."""
LAPTOP = {
    "ctgan": Case("ctgan", 128, (6, 6), (4, 0)),
    "gapfill": Case("gapfill", 128, (6, 6), (3, 3)),
    "cgan": Case("rsgan/cgan", 128, (6, 6), (4, 0)),
    "cgan_recurrent": Case("rsgan/cgan_recurrent", 128, (8, 6)),
    "cyclegan": Case("rsgan/cyclegan", 128, (2, 4)),
    "pix2pixcc": Case("pix2pixcc", 128, (2, 4)),
}
"""Each model on data of the size and bands of its example; `params` of the example are added by `laptop`."""


def laptop(name: str) -> Case:
    """Return a case of `LAPTOP` with the ``params`` of its example."""
    case = LAPTOP[name]
    return case._replace(params=settings_of(case)["params"])


def settings_of(case: Case) -> dict[str, Any]:
    """Return the keys of the example's experiment.json."""
    return dict(read(PROJECT / "experiments" / case.example / "experiment.json").data)


def fields_of(case: Case) -> dict[str, Field]:
    """Return the fields of a dataset for a case: input, target, and a mask of gaps where the model needs one."""
    shapes = {}
    for name, bands, steps in zip(("input_image", "target"), case.bands, case.time_steps, strict=True):
        shapes[name] = [*([steps] if steps else []), case.side, case.side, bands]
    fields = {
        name: Field(dtype="uint16", shape=shape, bands=[f"b{number}" for number in range(shape[-1])], gsd=10.0)
        for name, shape in shapes.items()
    }
    if case.example == "gapfill":
        shape = [*shapes["target"][:-1], 1]
        fields["cloud_mask"] = Field(dtype="uint8", shape=shape, kind="mask", bands=["gap"])
    return fields


def random_experiment(root: Path, name: str, case: Case, samples: int = 2, **settings: Any) -> Experiment:
    """Write random samples of a case and its experiment.json, and return the experiment.

    Args:
        root: an empty folder, or one that has experiments of other names on the same case.
        name: of the experiment.
        case: what to train.
        samples: number of training samples.
        settings: keys of experiment.json, instead of those of the example.
    """
    manifest = Manifest(
        name=case.example.replace("/", "_"), tilesize=case.side, split=Split(method="none"), fields=fields_of(case),
        sequence=r"(?P<sequence>s\d+)_(?P<position>\d+)" if case.example.endswith("recurrent") else None,
    )  # fmt: skip
    if not (root / "data").is_dir():
        random = np.random.default_rng(0)
        with DatasetWriter(root / "data", manifest) as writer:
            for split, count in (("train", samples), ("val", 1)):
                for number in range(count):
                    # In sequences of four.
                    writer.write(split, f"s{number // 4:03d}_{number % 4}", {
                        key: random.integers(0, 2 if field.kind == "mask" else 10000, field.shape).astype(field.dtype)
                        for key, field in manifest.fields.items()
                    })  # fmt: skip
        (root / "environment.json").write_text("{}")
    stated = settings_of(case) | {
        "params": case.params,
        "dataset": manifest.name,
        "tilesize": case.side,
        "metrics": ["PSNR"],
    }
    folder = root / "experiments" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "experiment.json").write_text(json.dumps(stated | settings))
    return open_experiment(name, Environment(root / "environment.json"), "a")

"""Synthetic datasets, ready for ``train.py``: generated scene by scene and written as records."""

from __future__ import annotations

import functools
import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pix2earth.settings.commented_json import Document
from pix2earth.settings.errors import UserError, nearest
from pix2earth.settings.validation import check, read
from synthetic.presets.fields import class_names
from synthetic.presets.permutation import permutation
from synthetic.presets.samples import CRS, SyntheticSample, sample_name
from synthetic.products.product import digest_of
from synthetic.schema.dataset import PRESETS, DatasetConfiguration
from synthetic.tables.land_cover import table
from synthetic.workers import in_order

if TYPE_CHECKING:
    from pix2earth.records.manifest import Manifest
    from pix2earth.records.writer import DatasetWriter

FILES = Path(__file__).resolve().parents[1] / "config" / "presets"
ABOUT = "synthetic.json"
LIMITS = (
    "Synthetic data: linear mixing of a handful of representative spectra, no bidirectional effects, no terrain, no"
    " adjacency effects, no atmospheric transfer; radar values are engineered. Good scores here show that a pipeline"
    " works and rank methods on controlled factors; they are no evidence of performance on real images."
)


def load(path: Path, profile: str, factor: int | None = None, seed: int | None = None) -> DatasetConfiguration:
    """Read the file of a dataset.

    Args:
        path: YAML or JSON.
        profile: "default", or one that the file has.
        factor: of super-resolution, instead of the file's.
        seed: instead of the file's.

    Raises:
        UserError: the file has errors or no such profile.
    """
    document = read(path)
    preset = document.data.get("preset") if isinstance(document.data, dict) else None
    if not isinstance(preset, str) or preset not in PRESETS:
        raise UserError(f"{document.place(('preset',))}: preset: must be one of {', '.join(PRESETS)}")
    data = dict(document.data)
    changes = data.get("profiles", {}) if isinstance(data.get("profiles", {}), dict) else {}
    if profile != "default":
        if not isinstance(changes.get(profile), dict):
            raise UserError(f"{path}: profiles: has no '{profile}'{nearest(profile, changes) or '; use default'}")
        data = merged(data, changes[profile])
    if factor is not None:
        if preset != "super_resolution":
            raise UserError(f"--factor {factor}: is of super_resolution; {preset} has none")
        data["factor"] = factor
    if seed is not None:
        data["seed"] = seed
    return check(Document(document.path, data, document.keys, document.values), PRESETS[preset])


def merged(data: dict[str, Any], changes: Any) -> dict[str, Any]:
    """Return nested settings with some changed."""
    result = dict(data)
    for key, value in (changes or {}).items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def recipe(configuration: DatasetConfiguration) -> Any:
    """Return the module that knows fields and samples."""
    return importlib.import_module(f"synthetic.presets.{configuration.preset}")  # type: ignore[attr-defined]


def manifest(configuration: DatasetConfiguration, name: str) -> Manifest:
    """Return the dataset's manifest, without counts and fingerprint."""
    from pix2earth.records.manifest import Manifest, Split

    fields, keys = recipe(configuration).fields(configuration)
    description = f"{LIMITS} Land cover: {class_names()}. What was made, and how: {ABOUT}."
    split = Split(method="scene", seed=configuration.seed, detail="every scene is another place; no two share pixels")
    side = fields["target"].size[0]
    return Manifest(name=name, tilesize=side, description=description, fields=fields, split=split, **keys)


def split_of(configuration: DatasetConfiguration, number: int) -> str:
    """Return the split of a scene; scenes are equally distributed, so that the first may be for training."""
    scenes = configuration.scenes
    return "train" if number < scenes.train else "val" if number < scenes.train + scenes.val else "test"


@functools.lru_cache(maxsize=2)
def _configuration(text: str) -> DatasetConfiguration:
    return PRESETS[json.loads(text)["preset"]].model_validate_json(text, strict=False)


def scene_samples(task: tuple[str, int]) -> list[SyntheticSample]:
    """Return the samples of a scene: what one process makes at a time."""
    configuration, number = _configuration(task[0]), task[1]
    seed = _permutation_seed(configuration)
    if seed is None:
        return recipe(configuration).samples(configuration, number)
    drawn = permutation(configuration.scenes.total, seed)[number]
    samples = recipe(configuration).samples(configuration, drawn)
    return [sample._replace(name=name) for sample, name in zip(samples, names(configuration, number), strict=True)]


def _permutation_seed(configuration: DatasetConfiguration) -> int | None:
    return getattr(configuration, "permutation_seed", None)


def names(configuration: DatasetConfiguration, number: int) -> list[str]:
    """Return the names of the samples of a scene."""
    preset = recipe(configuration)
    name = getattr(preset, "name_of_sample", sample_name)
    return [name(number, index) for index in range(preset.samples_of_scene(configuration))]


def make(options: Any) -> None:
    """Write a dataset, or resume writing it; the options are those of ``python -m synthetic make``.

    Raises:
        UserError: the file has errors, or another dataset is there.
    """
    path = Path(options.cfg) if options.cfg else FILES / f"{options.preset}.yaml"
    if options.seed is not None and options.seed < 0:
        raise UserError(f"--seed {options.seed}: must be at least 0")
    configuration = load(path, options.profile, options.factor, options.seed)
    place = Path(options.o)
    if place.name in ("", ".", "..") or place.name.isdecimal():
        raise UserError(f"--o {options.o}: must be DATA_ROOT/NAME, with a name for the dataset")
    requested = manifest(configuration, place.name)
    folder = place / str(requested.tilesize)
    writer = open_writer(configuration, place, requested, replace=options.overwrite)
    if writer is None:
        print(f"{folder}: is complete already; --overwrite writes it again")
        return
    write(configuration, writer, options.workers)
    print(folder)


def open_writer(
    configuration: DatasetConfiguration, place: Path, requested: Manifest, *, replace: bool
) -> DatasetWriter | None:
    """Return the writer of a dataset, or None where it is complete.

    Raises:
        UserError: another dataset is there, complete or not.
    """
    from pix2earth.console.quiet import quieten_tensorflow
    from pix2earth.records.resuming import Options, Recipe, open_dataset

    quieten_tensorflow()
    content = configuration.model_dump(mode="json")
    if _permutation_seed(configuration) is None:
        content.pop("permutation_seed", None)  # datasets of former versions, which state none, stay the same
    coefficients = {name: table(name) for name in ("land_cover", "sensors")}
    revision = getattr(recipe(configuration), "REVISION", None)
    digest = digest_of(content if revision is None else {**content, "revision": revision})
    about = {"digest": digest, "limits": LIMITS, "configuration": content, "coefficients": coefficients}
    if revision is not None:
        about["revision"] = revision
    planned = [
        (split_of(configuration, number), name)
        for number in range(configuration.scenes.total)
        for name in names(configuration, number)
    ]
    options = Options("--o", "--overwrite")
    return open_dataset(place.parent, requested, planned, replace=replace, recipe=Recipe(ABOUT, about), options=options)


def write(configuration: DatasetConfiguration, writer: DatasetWriter, workers: int) -> None:
    """Generate the missing scenes, write their samples, check the dataset for leaks, and write the manifest."""
    from pix2earth.console.progress import counted
    from pix2earth.records.splitting.leaks import check_for_leaks

    text = configuration.model_dump_json()
    with writer:
        missing = [
            number
            for number in range(configuration.scenes.total)
            if not all(writer.has(split_of(configuration, number), name) for name in names(configuration, number))
        ]
        generated = in_order(scene_samples, [(text, number) for number in missing], workers)
        with counted(writer.manifest.name, len(missing), "scenes") as advance:
            for number, samples in zip(missing, generated, strict=True):
                split = split_of(configuration, number)
                for sample in samples:
                    if not writer.has(split, sample.name):
                        writer.write(
                            split, sample.name, sample.fields, crs=CRS, transform=sample.transform,
                            acquired=sample.acquired,
                        )  # fmt: skip
                advance(1)
        print(check_for_leaks(writer.folder, writer.manifest))

"""From nothing to a dataset that is ready for ``train.py``."""

from __future__ import annotations

import functools
import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pix2earth.settings import atomic
from pix2earth.settings.commented_json import Document
from pix2earth.settings.errors import UserError, nearest
from pix2earth.settings.validation import check, read
from synthetic.presets.views import CRS, SyntheticSample, class_names, sample_name
from synthetic.products.product import digest_of
from synthetic.schema.dataset import PRESETS, DatasetConfiguration
from synthetic.tables.land_cover import table
from synthetic.workers import in_order

if TYPE_CHECKING:
    from pix2earth.records.manifest import Manifest

FILES = Path(__file__).resolve().parents[1] / "config" / "presets"
ABOUT = "synthetic.json"
LIMITS = (
    "A made-up Earth: linear mixing of a handful of representative spectra, no bidirectional effects, no terrain, no"
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
        UserError: the file has mistakes or no such profile.
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

    fields, roles = recipe(configuration).fields(configuration)
    description = f"{LIMITS} Land cover: {class_names()}. What was made, and how: {ABOUT}."
    split = Split(method="scene", seed=configuration.seed, detail="every scene is another place; no two share pixels")
    side = fields["target"].size[0]
    return Manifest(name=name, tilesize=side, description=description, fields=fields, split=split, **roles)


def split_of(configuration: DatasetConfiguration, number: int) -> str:
    """Return the split of a scene; scenes are equally distributed, so that the first may be for training."""
    scenes = configuration.scenes
    return "train" if number < scenes.train else "val" if number < scenes.train + scenes.val else "test"


@functools.lru_cache(maxsize=2)
def _configuration(text: str) -> DatasetConfiguration:
    return PRESETS[json.loads(text)["preset"]].model_validate_json(text, strict=False)


def scene_samples(task: tuple[str, int]) -> list[SyntheticSample]:
    """Return the samples of a scene: what one process makes at a time."""
    configuration = _configuration(task[0])
    return recipe(configuration).samples(configuration, task[1])


def names(configuration: DatasetConfiguration, number: int) -> list[str]:
    """Return the names of the samples of a scene."""
    return [sample_name(number, index) for index in range(recipe(configuration).samples_of_scene(configuration))]


def make(options: Any) -> None:
    """Write a dataset, or go on with one; the command line's options are those of ``python -m synthetic make``.

    Raises:
        UserError: the file has mistakes, or another dataset is there.
    """
    path = Path(options.cfg) if options.cfg else FILES / f"{options.preset}.yaml"
    if options.seed is not None and options.seed < 0:
        raise UserError(f"--seed {options.seed}: must be at least 0")
    configuration = load(path, options.profile, options.factor, options.seed)
    place = Path(options.o)
    if place.name in ("", ".", "..") or place.name.isdecimal():
        raise UserError(f"--o {options.o}: must be DATA_ROOT/NAME, with a name for the dataset")
    wanted = manifest(configuration, place.name)
    folder = place / str(wanted.tilesize)
    about: dict[str, Any] = {"digest": digest_of(configuration.model_dump(mode="json")), "limits": LIMITS}
    about |= {"configuration": configuration.model_dump(mode="json")}
    about |= {"coefficients": {name: table(name) for name in ("land_cover", "sensors")}}
    if not options.overwrite and complete(folder, about["digest"]):
        print(f"{folder}: is complete already; --overwrite writes it again")
        return
    write(configuration, place, wanted, about, options)
    print(folder)


def complete(folder: Path, digest: str) -> bool:
    """Tell whether the dataset is there as wanted.

    Raises:
        UserError: there is another one, complete or not.
    """
    from pix2earth.records.manifest import FILE, UNFINISHED

    # Hidden files are those of a process that was killed; without the first mark there is nothing else of it.
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")} if folder.is_dir() else set()
    if names <= {UNFINISHED}:
        return False
    if ABOUT not in names:
        raise UserError(f"{folder}: holds something else; choose another --o, or --overwrite it")
    try:
        known = json.loads((folder / ABOUT).read_text(encoding="utf-8"))["digest"]
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{folder / ABOUT}: is damaged; --overwrite writes the dataset again") from None
    if known != digest:
        raise UserError(f"{folder}: was made of another configuration or seed; choose another --o, or --overwrite it")
    return FILE in names and UNFINISHED not in names


def write(
    configuration: DatasetConfiguration, place: Path, wanted: Manifest, about: dict[str, Any], options: Any
) -> None:
    """Make the scenes that are not there yet, write their samples, check them for leaks, write the manifest."""
    from pix2earth.console.quiet import quieten_tensorflow

    quieten_tensorflow()
    from pix2earth.console.progress import counted
    from pix2earth.records.leaks import check_for_leaks
    from pix2earth.records.manifest import FILE
    from pix2earth.records.writer import DatasetWriter

    folder = place / str(wanted.tilesize)
    if not options.overwrite:
        (folder / FILE).unlink(missing_ok=True)  # of a process that was killed at its last step
    with DatasetWriter(place.parent, wanted, replace=options.overwrite) as writer:
        # Not before the samples of another configuration are gone: what is killed in between must not pass for this.
        atomic.write_json(folder / ABOUT, about)
        for path in folder.rglob(f".*{atomic.TEMPORARY_SUFFIX}"):  # of a process that was killed
            path.unlink()
        text = configuration.model_dump_json()
        missing = [
            number
            for number in range(configuration.scenes.total)
            if not all(writer.has(split_of(configuration, number), name) for name in names(configuration, number))
        ]
        made = in_order(scene_samples, [(text, number) for number in missing], options.workers)
        with counted(place.name, len(missing), "scenes") as advance:
            for number, samples in zip(missing, made, strict=True):
                split = split_of(configuration, number)
                for sample in samples:
                    if not writer.has(split, sample.name):
                        writer.write(
                            split, sample.name, sample.fields, crs=CRS, transform=sample.transform,
                            acquired=sample.acquired,
                        )  # fmt: skip
                advance(1)
        print(check_for_leaks(writer.folder, writer.manifest))

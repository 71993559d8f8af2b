"""Opening a dataset to write it: from nothing, where an interruption stopped it, or not at all because it is complete.

Every importer opens its datasets here, so that all of them resume, refuse and replace in the same way.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pix2earth.records.listing import Listing
from pix2earth.records.manifest import FILE, SUFFIX, UNFINISHED, Manifest
from pix2earth.records.started import is_finished, manifest_difference, started_manifest
from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from pix2earth.records.writer import DatasetWriter


class Recipe(NamedTuple):
    """A JSON file beside the manifest that says how a dataset was made; its key "digest" identifies the recipe."""

    file: str
    content: Mapping[str, Any]


class Options(NamedTuple):
    """How the command that writes the dataset calls the options that a message advises."""

    name: str = "--dataset"
    replace: str = "--replace"


OPTIONS = Options()


def open_dataset(
    data_root: Path,
    manifest: Manifest,
    planned: Collection[tuple[str, str]],
    *,
    replace: bool,
    complete: bool = True,
    recipe: Recipe | None = None,
    options: Options = OPTIONS,
) -> DatasetWriter | None:
    """Return a writer for a dataset, or None where it is complete as planned.

    Args:
        data_root: folder of the datasets.
        manifest: fields, roles and split.
        planned: split and name of every sample.
        replace: remove the samples that exist first.
        complete: whether a complete dataset holds all planned samples; False where tiles without data are left out.
        recipe: how the dataset is made, where the manifest does not say all of it.
        options: names for messages.

    Raises:
        UserError: the folder holds another dataset, complete or not; nothing is touched then.
    """
    folder = data_root / manifest.name / str(manifest.tilesize)
    if not replace:
        refuse_another(data_root, manifest, planned, complete=complete, recipe=recipe, options=options)
        if is_finished(folder):
            return None
        # With a manifest but still marked unfinished, writing stopped at the very end.
        (folder / FILE).unlink(missing_ok=True)
    from pix2earth.records.writer import DatasetWriter

    writer = DatasetWriter(data_root, manifest, replace=replace)
    if recipe:
        # Not before the samples of another recipe are gone: an interruption in between must not mix the two.
        atomic.write_json(folder / recipe.file, recipe.content)
    for path in folder.rglob(f".*{atomic.TEMPORARY_SUFFIX}"):  # left by a process that was killed
        path.unlink(missing_ok=True)
    return writer


def refuse_another(
    data_root: Path,
    manifest: Manifest,
    planned: Collection[tuple[str, str]],
    *,
    complete: bool = True,
    recipe: Recipe | None = None,
    options: Options = OPTIONS,
) -> None:
    """Make sure that a folder holds no other dataset than the one to be written; arguments as of ``open_dataset``.

    Raises:
        UserError: it does, complete or not.
    """
    folder = data_root / manifest.name / str(manifest.tilesize)
    if reason := difference(folder, manifest, planned, complete=complete, recipe=recipe):
        raise UserError(
            f"{folder}: {reason}; choose another {options.name}, or replace the dataset with {options.replace}"
        )
    if not is_finished(folder):
        refuse_others(folder, planned, options)


def difference(
    folder: Path, manifest: Manifest, planned: Collection[tuple[str, str]], *, complete: bool, recipe: Recipe | None
) -> str | None:
    """Return how the dataset in a folder differs from the one to be written, or None where it does not.

    Arguments are those of ``open_dataset``.

    Raises:
        UserError: a file of the dataset is damaged.
    """
    if recipe and (reason := recipe_difference(folder, recipe)):
        return reason
    existing = started_manifest(folder)
    if existing is None:
        return None
    if reason := manifest_difference(existing, manifest):
        return f"exists and {reason}"
    if is_finished(folder):
        indexed = Listing(folder, existing).indexed or {}
        samples = {(split, name) for split, names in indexed.items() for name in names}
        others = samples != set(planned) if complete else samples - set(planned)
        if others and {name for _, name in samples} == {name for _, name in planned}:
            return f"exists and was split otherwise ({existing.split.method}, seed {existing.split.seed})"
        if others:
            return f"exists and holds {len(samples)} samples, of other tiles than the {len(planned)} planned"
    return None


def recipe_difference(folder: Path, recipe: Recipe) -> str | None:
    """Return how the recipe of the dataset in a folder differs, or None.

    Raises:
        UserError: its file is damaged.
    """
    # Hidden files are left by a process that was killed; before its first record there is nothing else.
    existing = {path.name for path in folder.iterdir() if not path.name.startswith(".")} if folder.is_dir() else set()
    if existing <= {UNFINISHED}:
        return None
    path = folder / recipe.file
    if not path.is_file():
        return "holds something else"
    try:
        digest = json.loads(path.read_text(encoding="utf-8"))["digest"]
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{path}: is damaged; write the dataset again, replacing it") from None
    return None if digest == recipe.content["digest"] else "was made with another configuration, seed or version"


def refuse_others(folder: Path, planned: Iterable[tuple[str, str]], options: Options) -> None:
    """Make sure that an unfinished dataset holds nothing but planned samples.

    Raises:
        UserError: there are records of another split or of other tiles.
    """
    paths = {folder / split / f"{name}{SUFFIX}" for split, name in planned}
    others = sorted(set(folder.glob(f"*/*{SUFFIX}")) - paths)
    if others:
        raise UserError(
            f"{others[0]}: does not belong to this dataset (another seed or split?), nor do {len(others) - 1} more;"
            f" {options.replace} removes all records and writes the dataset again"
        )

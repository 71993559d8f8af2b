"""Command: import files of any format as a dataset."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pix2earth.settings.errors import UserError, reports_errors
from preprocessing import parallel
from preprocessing.importing.options import check, described, known_fields, parse, settings

if TYPE_CHECKING:
    from preprocessing.importing.layout.matching import Matched
    from preprocessing.importing.layout.scenes import Roots
    from preprocessing.importing.planning import ImportPlan, Request
    from preprocessing.sources.description import SourceDescription


@reports_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Import files as a dataset."""
    options = parse(argv)
    if options.list or options.schema:
        return _print_about(options)
    check(options)
    from experiment import Environment
    from preprocessing.importing.planning import Request, plan

    environment = Environment(options.env)
    each = functools.partial(parallel.each, workers=options.workers, scheduler=options.scheduler)
    description, roots, found = find(options, each)
    if found.missing and description.missing == "stop" and not options.dry_run:
        lines = found.missing[:20]
        more = [f"and {len(found.missing) - 20} more"] if len(found.missing) > 20 else []
        raise UserError(
            *lines, *more, "files are missing; add them, or leave such samples out with --leave_out missing"
        )
    if not found.scenes:
        raise UserError(f"{next(iter(roots.values()))[0]}: holds no complete sample", *found.missing[:5])
    request = Request(options.dataset, roots, options.split)
    planned = plan(description, request, found.scenes, each)
    from pix2earth.console.quiet import quieten_tensorflow

    if options.dry_run:
        return _dry_run(options, planned, found, Path(environment.EXPERIMENT_ROOT))
    quieten_tensorflow()
    return _write(options, planned, request, found, environment, each)


def _print_about(options: Any) -> int:
    """Print the shipped descriptions, or the JSON Schema."""
    from preprocessing.sources.description import SourceDescription, load_description, shipped

    if options.schema:
        from pix2earth.documentation.keys import json_schema

        print(json.dumps(json_schema(SourceDescription), indent=2))
        return 0
    width = max(map(len, shipped()))
    for name in shipped():
        print(f"{name:{width}}  {load_description(name).title}")
    return 0


def find(options: Any, each: Any) -> tuple[SourceDescription, Roots, Matched]:
    """Return the description of the source, the input folders, and the scenes in them.

    Raises:
        UserError: the description has errors, or files do not match.
    """
    own, fields = settings(options)
    if options.source == "pairs":
        from preprocessing.importing import short_ways

        folders = {"input": options.input[0]} if options.input else {}
        folders |= {role: path for role in ("target", "mask") if (path := getattr(options, role)) is not None}
        if options.pairs:
            folders = {"input": options.pairs.parent, "target": options.pairs.parent} | folders
        pairs = short_ways.Pairs(
            folders, options.pattern or (), options.pairs, options.side_by_side, options.unpaired, options.axes, fields
        )
        for path in folders.values():
            if not path.exists():
                raise UserError(f"{path}: there is no such folder or file")
        own = _with_split(own, options, {"by": "sample"})
        description = short_ways.description_of(pairs, own)
        known_fields(description.fields, fields)
        return description, short_ways.roots_of(pairs), short_ways.find(pairs, description)
    if options.source == "series":
        from preprocessing.importing import series

        return series.find(options, own, fields, each)
    from preprocessing.importing.layout.matching import match
    from preprocessing.sources.description import load_description

    description = changed(load_description(options.source), own, fields, options)
    roots = {"": options.input}
    return description, roots, match(description, roots)


def _with_split(own: dict[str, Any], options: Any, default: dict[str, Any]) -> dict[str, Any]:
    """Return keys of a description with the rule of the split that options state."""
    split = {**default, **own.get("split", {})}
    if options.seed is not None:
        split["seed"] = options.seed
    return {**own, "split": split}


def changed(
    description: SourceDescription, own: dict[str, Any], fields: dict[str, dict[str, Any]], options: Any
) -> SourceDescription:
    """Return a description with the keys that options state.

    Raises:
        UserError: one is unknown or wrong.
    """
    content = description.model_dump(mode="json", exclude_unset=True)
    content["split"] = description.split.model_dump(mode="json")
    known_fields(description.fields, fields)
    for name, keys in fields.items():
        content["fields"][name] |= keys
    if "split" in own and own["split"].get("by", content["split"]["by"]) != content["split"]["by"]:
        content["split"] = {}
    own = _with_split(own, options, content["split"]) if "split" in own or options.seed is not None else own
    return described({**content, **own})


def _begin_with(options: Any, planned: ImportPlan, experiments: Path) -> str | None:
    """Return the text of the experiment to begin with, which can be written where that is asked for.

    Raises:
        UserError: it cannot: the dataset has none, or there is another one of this name.
    """
    from preprocessing.importing.experiment_file import advice, check_experiment, experiment_for

    training = sum(split == "train" for split in planned.splits.values())
    text = experiment_for(planned.manifest, training)
    if options.write_experiment:
        if text is None:
            raise UserError(f"--write-experiment: {'; '.join(advice(planned.manifest))}; leave it out")
        check_experiment(experiments, options.write_experiment, text)
    return text


def _dry_run(options: Any, planned: ImportPlan, found: Matched, experiments: Path) -> int:
    """Print what was found, and write at most the experiment."""
    from preprocessing.importing.experiment_file import advice, write_experiment
    from preprocessing.importing.findings import show
    from preprocessing.importing.suspicions import suspicions

    show(planned, found.missing, found.unmatched, suspicions(planned))
    text = _begin_with(options, planned, experiments)
    for line in advice(planned.manifest):
        print(line)
    if text is not None:
        print("experiment.json to begin with (--write-experiment NAME writes it):")
        print(text, end="")
        if options.write_experiment:
            write_experiment(experiments, options.write_experiment, text)
    return 0


def _write(options: Any, planned: ImportPlan, request: Request, found: Matched, environment: Any, each: Any) -> int:
    """Write the dataset; what was found and decided is printed."""
    from pix2earth.records.resuming import open_dataset
    from pix2earth.records.splitting.splits import counts
    from preprocessing.importing.experiment_file import advice, write_experiment
    from preprocessing.importing.suspicions import suspicions
    from preprocessing.importing.writing import recipe_of, write

    experiments, data_root = Path(environment.EXPERIMENT_ROOT), Path(environment.DATA_ROOT)
    text = _begin_with(options, planned, experiments)
    for note in planned.notes:
        print(note)
    for line in suspicions(planned):
        print(f"suspicious: {line}")
    for line in advice(planned.manifest):
        print(line)
    if found.missing:
        print(f"{len(found.missing)} files are missing, and their samples left out: {found.missing[0]}")
    if found.unmatched:
        print(f"{len(found.unmatched)} files belong to no sample: {found.unmatched[0]}")
    stated = planned.manifest
    folder = data_root / stated.name / str(stated.tilesize)
    names = [(planned.splits[tile.name], tile.name) for tile in planned.tiles]
    complete = not planned.description.valid and planned.description.odd == "stop"
    writable(data_root)
    writer = open_dataset(
        data_root, stated, names, replace=options.replace, complete=complete, recipe=recipe_of(planned)
    )
    failures: list[str] = []
    if writer is None:
        print(f"{folder}: is complete already; --replace writes it again")
    else:
        written, failures = write(planned, request, writer, each)
        if failures and planned.description.odd == "stop":
            raise UserError(
                *failures[:20],
                f"{len(failures)} of {len(names)} samples cannot be written, and {folder} is not complete; correct the"
                " files and run the same command again, which continues, or leave them out: --leave_out odd",
            )
        print(f"{folder}: {', '.join(f'{count} {split}' for split, count in written.records.items() if count)}")
        parallel.report(failures, "samples")
    if options.write_experiment and text is not None:
        write_experiment(experiments, options.write_experiment, text)
    print_what_is_held_out(set(planned.splits.values()), counts(planned.splits.values()))
    return 0


def print_what_is_held_out(splits: set[str], counted: str) -> None:
    """Print a line where samples for validation, or for it and test, are missing."""
    if "val" in splits:
        return
    if "test" in splits:
        print(f"there is no validation split ({counted})")
    else:
        print(
            f"no sample is held out for validation and test ({counted}), which training and evaluation need; add"
            " images, or cut them into tiles: --tilesize N --size tile"
        )


def writable(root: Path) -> None:
    """Make sure that datasets can be written below a folder.

    Raises:
        UserError: they cannot.
    """
    import os
    import tempfile

    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            pass
    except OSError as error:
        raise UserError(
            f"{root}: no dataset can be written here: {os.strerror(error.errno or 0)}; choose another data_root in"
            " environment.json"
        ) from None


if __name__ == "__main__":
    main()

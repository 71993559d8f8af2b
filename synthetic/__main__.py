"""Commands: ``python -m synthetic {generate,derive,make,show,verify,baselines}``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pix2earth.settings.errors import Stopped, UserError, reports_errors

VIEW = "{view}"
PRESETS = ("super_resolution", "cloud_removal", "gap_filling", "sar_to_optical")
PROFILES = ("tiny", "cpu", "default")


def positive(text: str) -> int:
    """Return a whole number of at least 1 from the command line."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text}")
    return int(text)


def arguments() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(prog="python -m synthetic", description="A made-up Earth whose truth is known.")
    commands = parser.add_subparsers(dest="command", required=True)
    cores = os.cpu_count() or 1
    generate = commands.add_parser("generate", help="write an ideal product: what no sensor sees")
    derive = commands.add_parser("derive", help="write what a sensor makes of a product")
    make = commands.add_parser("make", help="write a dataset that is ready for train.py")
    for command in (generate, derive):
        command.add_argument("--cfg", required=True, metavar="PATH", help="YAML or JSON; templates: synthetic/config/")
        command.add_argument("--o", required=True, metavar="OUT", help="folder of the product; {view}: see --views")
        text = "write the views 1 to N, {view} in --o and --product"
        command.add_argument("--views", type=positive, metavar="N", help=text)
    derive.add_argument("--product", metavar="DIR", help="folder to derive from (default: product of the file)")
    source = make.add_mutually_exclusive_group(required=True)
    source.add_argument("--preset", choices=PRESETS, help="one of synthetic/config/presets/")
    source.add_argument("--cfg", metavar="PATH", help="a file of your own, like those")
    make.add_argument("--profile", choices=PROFILES, default="default", help="size of the dataset (default: default)")
    make.add_argument("--factor", type=positive, help="of super-resolution, instead of the file's")
    make.add_argument("--o", required=True, metavar="DATA_ROOT/NAME", help="folder of the dataset")
    for command in (generate, derive, make):
        command.add_argument("--seed", type=int, help="instead of the file's")
        text = f"processes (default {cores}); changes no byte"
        command.add_argument("--workers", type=positive, default=cores, help=text)
        command.add_argument("--overwrite", action="store_true", help="replace what is there")
    show = commands.add_parser("show", help="draw a sheet of a product or dataset: frames, classes, clouds, NDVI")
    show.add_argument("path", metavar="PATH", help="folder of a product or of a dataset")
    show.add_argument("--output", metavar="PNG", help="default: sheet.png in that folder")
    verify = commands.add_parser("verify", help="compare a product with its index (datasets: python dataset.py verify)")
    verify.add_argument("path", metavar="PATH", help="folder of a product")
    baselines = commands.add_parser("baselines", help="score what needs no training on a dataset's test split")
    baselines.add_argument("paths", metavar="PATH", nargs="+", help="folder of a dataset")
    baselines.add_argument("--page", action="store_true", help="freeze the tables in docs/results.md, all anew")
    return parser


def views(options: Any) -> list[int]:
    """Return the numbers of the views to write; 0 for a product that is alone.

    Raises:
        UserError: --views and {view} do not go together.
    """
    if (options.views is not None) != (VIEW in options.o):
        raise UserError(f"--o {options.o}: must have {VIEW} for the number of each of several --views" if options.views
                      else f"--o {options.o}: has {VIEW}; say with --views how many")  # fmt: skip
    return list(range(1, options.views + 1)) if options.views else [0]


def configured(options: Any, schema: Any) -> Any:
    """Return the file of --cfg, with the seed of the command line where one is given."""
    from pix2earth.settings.validation import load

    configuration = load(options.cfg, schema)
    if options.seed is not None:
        if options.seed < 0:
            raise UserError(f"--seed {options.seed}: must be at least 0")
        configuration.seed = options.seed
    return configuration


def chunks(frames: Sequence[int], count: int) -> Iterator[tuple[int, ...]]:
    """Divide frames into up to ``count`` runs of neighbours."""
    size = -(-len(frames) // count)
    for first in range(0, len(frames), size):
        yield tuple(frames[first : first + size])


def run(function: Any, tasks: Sequence[Any], title: str, frames: int, workers: int) -> None:
    """Carry out tasks under a progress bar that counts frames."""
    from pix2earth.console.progress import counted
    from synthetic.workers import in_order

    with counted(title, frames, "frames") as advance:
        for done in in_order(function, tasks, workers):
            advance(done)


def generate(options: Any) -> None:
    """Write one or several ideal products."""
    from synthetic.products import generation, product
    from synthetic.schema.generation import GenerationFile

    configuration = configured(options, GenerationFile)
    beside = Path(options.cfg).resolve().parent
    numbers = views(options)
    generation.check(configuration, options.cfg, beside)
    folders = {number: Path(options.o.replace(VIEW, str(number))) for number in numbers}
    digests = {number: generation.digest(configuration, number) for number in numbers}
    for number in numbers:  # all of them before anything is written
        product.needed(folders[number], digests[number], overwrite=options.overwrite)
    todo, tasks, text = [], [], configuration.model_dump_json()
    for number, folder in folders.items():
        if product.begin(folder, digests[number], overwrite=options.overwrite):
            todo.append((folder, number))
            parts = 1 if len(numbers) > 1 else options.workers
            for frames in chunks(range(configuration.product.horizon), parts):
                tasks.append(generation.GenerationTask(text, beside, folder, number, frames))
    run(generation.write, tasks, "generate", len(todo) * configuration.product.horizon, options.workers)
    for folder, number in todo:
        generation.finish(configuration, folder, number)
    report(options, len(todo), len(numbers))


def derive(options: Any) -> None:
    """Write what a sensor makes of one or several products."""
    from synthetic.products import derivation, product
    from synthetic.schema.derivation import DerivationFile

    configuration = configured(options, DerivationFile)
    named = options.product or configuration.product
    if named is None:
        raise UserError(f"{options.cfg}: product: names no product to derive from; name one there or with --product")
    source_of = str(Path(named) if options.product else Path(options.cfg).resolve().parent / named)
    products, todo, tasks, frames = [], [], [], 0
    for number in views(options):
        source, folder = (Path(text.replace(VIEW, str(number))) for text in (source_of, options.o))
        if source.resolve() == folder.resolve():
            raise UserError(f"--o {folder}: is the product to derive from; choose another folder")
        index = product.load_index(source)
        products.append((source, folder, index, derivation.check(configuration, options.cfg, source, index)))
        product.needed(folder, derivation.digest(configuration, index), overwrite=options.overwrite)
    for source, folder, index, made in products:
        if product.begin(folder, derivation.digest(configuration, index), overwrite=options.overwrite):
            todo.append((folder, index, made))
            kept = derivation.kept(configuration, index)
            frames += len(kept)
            parts = 1 if len(products) > 1 else options.workers
            text = configuration.model_dump_json()
            tasks += [derivation.DerivationTask(text, source, folder, part) for part in chunks(kept, parts)]
    run(derivation.write, tasks, "derive", frames, options.workers)
    for folder, index, made in todo:
        derivation.finish(configuration, folder, index, made)
    report(options, len(todo), len(products))


def report(options: Any, written: int, total: int) -> None:
    """Say what was written and what was there."""
    print(f"{options.o}: {written} written" + (f", {total - written} complete already" if written < total else ""))


def make(options: Any) -> None:
    """Write a dataset."""
    from synthetic.presets import datasets

    datasets.make(options)


def show(options: Any) -> None:
    """Draw a sheet."""
    from synthetic.products import sheet

    output = Path(options.output or Path(options.path) / "sheet.png")
    sheet.draw(Path(options.path), output)
    print(output)


def verify(options: Any) -> None:
    """Compare a product with its index; exit status 1 where they differ."""
    from synthetic.products import product, verification

    lines = verification.defects(Path(options.path))
    if lines:
        raise Stopped(*lines)
    index = product.load_index(Path(options.path))
    print(f"{options.path}: {index['features']['nframes']} frames, as the index says")


def baselines(options: Any) -> None:
    """Print the scores of trivial baselines."""
    from synthetic.baselines.report import report as report_baselines

    report_baselines(options.paths, page=options.page)


COMMANDS = {
    "generate": generate,
    "derive": derive,
    "make": make,
    "show": show,
    "verify": verify,
    "baselines": baselines,
}


@reports_errors
def main(argv: Sequence[str] | None = None) -> int | None:
    """Carry out a command."""
    options = arguments().parse_args(argv)
    try:
        COMMANDS[options.command](options)
    except KeyboardInterrupt:
        raise Stopped("interrupted; the same command goes on where it was") from None
    return None


if __name__ == "__main__":
    main()

"""Commands: ``python -m synthetic {generate,derive,make,show,verify,baselines}``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pix2earth.console.arguments import CommandArguments
from pix2earth.settings.errors import Stopped, UserError, reports_errors

VIEW = "{view}"
PRESETS = ("super_resolution", "cloud_removal", "gap_filling", "sar_to_optical", "series")
PROFILES = ("tiny", "cpu", "default")


def positive_integer(text: str) -> int:
    """Return an integer of at least 1 from the command line."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"must be an integer of at least 1, not {text}")
    return int(text)


def command_line() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = CommandArguments(
        prog="python -m synthetic",
        description="Synthetic data: scenes, products and datasets of known land cover, clouds and noise.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    generate = commands.add_parser(
        "generate", help="write a latent product: reflectance or backscatter without sensor effects"
    )
    derive = commands.add_parser("derive", help="write the product of a sensor from another product")
    make = commands.add_parser("make", help="write a dataset for train.py")
    for command in (generate, derive):
        command.add_argument("--cfg", required=True, metavar="PATH", help="YAML or JSON; templates: synthetic/config/")
        command.add_argument(
            "--o", required=True, metavar="OUT", help="folder of the product; with --views it contains {view}"
        )
        views_help = "write the products of scenes 1 to N; {view} in --o and --product is the number"
        command.add_argument("--views", type=positive_integer, metavar="N", help=views_help)
    derive.add_argument("--product", metavar="DIR", help="product to derive from (default: key product of the file)")
    source = make.add_mutually_exclusive_group(required=True)
    source.add_argument("--preset", choices=PRESETS, help="a file of synthetic/config/presets/")
    source.add_argument("--cfg", metavar="PATH", help="another file of that form")
    make.add_argument("--profile", choices=PROFILES, default="default", help="size of the dataset (default: default)")
    make.add_argument("--factor", type=positive_integer, help="ratio of super_resolution, instead of the file's")
    make.add_argument("--o", required=True, metavar="DATA_ROOT/NAME", help="folder of the dataset")
    for command in (generate, derive, make):
        command.add_argument("--seed", type=int, help="seed, instead of the file's")
        workers_help = "number of processes (default: one per core); the data do not depend on it"
        command.add_argument(
            "--workers", type=positive_integer, metavar="N", default=os.cpu_count() or 1, help=workers_help
        )
        command.add_argument("--overwrite", action="store_true", help="replace an existing product or dataset")
    show = commands.add_parser("show", help="draw a figure of a product or dataset: frames, classes, clouds, NDVI")
    show.add_argument("path", metavar="PATH", help="folder of a product or of a dataset")
    show.add_argument("--output", metavar="PNG", help="default: sheet.png in that folder")
    verify = commands.add_parser("verify", help="compare a product with its index (datasets: python dataset.py verify)")
    verify.add_argument("path", metavar="PATH", help="folder of a product")
    baselines = commands.add_parser("baselines", help="print the scores of baselines on the test split of datasets")
    baselines.add_argument("paths", metavar="PATH", nargs="+", help="folder of a dataset")
    baselines.add_argument("--page", action="store_true", help="replace the tables in docs/results.md")
    return parser


def scene_numbers(options: Any) -> list[int]:
    """Return the numbers of the scenes to write; [0] without --views.

    Raises:
        UserError: only one of --views and {view} is used.
    """
    if (options.views is not None) != (VIEW in options.o):
        problem = (
            f"must contain {VIEW}, which stands for the number of each of the --views"
            if options.views
            else f"contains {VIEW}; give the number of scenes with --views"
        )
        raise UserError(f"--o {options.o}: {problem}")
    return list(range(1, options.views + 1)) if options.views else [0]


def read_configuration(options: Any, schema: Any) -> Any:
    """Return the configuration of --cfg, with the seed of --seed if there is one."""
    from pix2earth.settings.validation import load

    configuration = load(options.cfg, schema)
    if options.seed is not None:
        if options.seed < 0:
            raise UserError(f"--seed {options.seed}: must be at least 0")
        configuration.seed = options.seed
    return configuration


def divide(frames: Sequence[int], count: int) -> Iterator[tuple[int, ...]]:
    """Divide frames into up to ``count`` sequences of consecutive frames."""
    size = -(-len(frames) // count)
    for first in range(0, len(frames), size):
        yield tuple(frames[first : first + size])


def run_tasks(function: Any, tasks: Sequence[Any], title: str, frames: int, workers: int) -> None:
    """Run tasks in processes, with a progress bar that counts frames."""
    from pix2earth.console.progress import counted
    from synthetic.workers import in_order

    with counted(title, frames, "frames") as advance:
        for completed in in_order(function, tasks, workers):
            advance(completed)


def generate(options: Any) -> None:
    """Write one latent product, or one for each of several scenes."""
    from synthetic.products import generation, product
    from synthetic.schema.generation import GenerationFile

    configuration = read_configuration(options, GenerationFile)
    config_folder = Path(options.cfg).resolve().parent
    numbers = scene_numbers(options)
    generation.check(configuration, options.cfg, config_folder)
    folders = {number: Path(options.o.replace(VIEW, str(number))) for number in numbers}
    digests = {number: generation.digest(configuration, number) for number in numbers}
    for number in numbers:  # all of them before anything is written
        product.needs_writing(folders[number], digests[number], overwrite=options.overwrite)
    unfinished, tasks, serialized = [], [], configuration.model_dump_json()
    for number, folder in folders.items():
        if product.start(folder, digests[number], overwrite=options.overwrite):
            unfinished.append((folder, number))
            parts = 1 if len(numbers) > 1 else options.workers
            for frames in divide(range(configuration.product.horizon), parts):
                tasks.append(generation.GenerationTask(serialized, config_folder, folder, number, frames))
    run_tasks(generation.write, tasks, "generate", len(unfinished) * configuration.product.horizon, options.workers)
    for folder, number in unfinished:
        generation.finish(configuration, folder, number)
    print_summary(options, len(unfinished), len(numbers))


def derive(options: Any) -> None:
    """Write the product of a sensor from another product, or one for each of several scenes."""
    from synthetic.products import derivation, product
    from synthetic.schema.derivation import DerivationFile

    configuration = read_configuration(options, DerivationFile)
    source_name = options.product or configuration.product
    if source_name is None:
        raise UserError(f"{options.cfg}: product: is missing; name the product to derive from here or with --product")
    source_pattern = str(Path(source_name) if options.product else Path(options.cfg).resolve().parent / source_name)
    products, unfinished, tasks, frames = [], [], [], 0
    for number in scene_numbers(options):
        source, folder = (Path(path.replace(VIEW, str(number))) for path in (source_pattern, options.o))
        if source.resolve() == folder.resolve():
            raise UserError(f"--o {folder}: is the product to derive from; choose another folder")
        index = product.load_index(source)
        products.append((source, folder, index, derivation.check(configuration, options.cfg, source, index)))
        product.needs_writing(folder, derivation.digest(configuration, index), overwrite=options.overwrite)
    for source, folder, index, outcome in products:
        if product.start(folder, derivation.digest(configuration, index), overwrite=options.overwrite):
            unfinished.append((folder, index, outcome))
            kept = derivation.kept_frames(configuration, index)
            frames += len(kept)
            parts = 1 if len(products) > 1 else options.workers
            serialized = configuration.model_dump_json()
            tasks += [derivation.DerivationTask(serialized, source, folder, part) for part in divide(kept, parts)]
    run_tasks(derivation.write, tasks, "derive", frames, options.workers)
    for folder, index, outcome in unfinished:
        derivation.finish(configuration, folder, index, outcome)
    print_summary(options, len(unfinished), len(products))


def print_summary(options: Any, written: int, total: int) -> None:
    """Print the number of products that were written, and of those that were complete."""
    print(f"{options.o}: {written} written" + (f", {total - written} already complete" if written < total else ""))


def make(options: Any) -> None:
    """Write a dataset."""
    from synthetic.presets import datasets

    datasets.make(options)


def show(options: Any) -> None:
    """Draw the overview figure of a product or dataset."""
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
    print(f"{options.path}: {index['features']['nframes']} frames, equal to the index")


def baselines(options: Any) -> None:
    """Print the scores of baselines."""
    from pix2earth.console.quiet import quieten_tensorflow

    quieten_tensorflow()
    from synthetic.presets.baselines import report

    report(options.paths, page=options.page)


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
    """Run a command."""
    options = command_line().parse_args(argv)
    try:
        COMMANDS[options.command](options)
    except KeyboardInterrupt:
        raise Stopped("interrupted; run the same command again to resume") from None
    return None


if __name__ == "__main__":
    main()

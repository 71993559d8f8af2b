"""Command: draw the pictures of ``docs/images`` again, or some held-out samples of any run."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from experiment import PROJECT, Environment
from pix2earth.console.arguments import CommandArguments
from pix2earth.results import adversarial, architectures, page_picture, started
from pix2earth.results.budgets import ON_SYNTHETIC
from pix2earth.results.page_picture import SCHEMES
from pix2earth.settings.errors import UserError, reports_errors

FOLDER = PROJECT / "docs" / "images"
DEMO_ENVIRONMENT = PROJECT / "experiments" / "demo" / "environment.json"
WIDTH, SAMPLES = 1100, 3
"""Of the sample image: pixels, and tiles."""
TABLES: dict[str, Any] = {table.FOLDER: table for table in (architectures, started, adversarial)}
"""Tables with one figure, by its name; the module draws it."""
OTHERS = {
    "olci.png": "its products are no part of the repository; docs/preprocessing.md has the commands",
    "series.png": "its rasters are no part of the repository; docs/importing.md has the commands",
}
"""Pictures that this command does not draw, and what does."""


@reports_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Draw the pictures whose runs are there; status 1 where one is missing."""
    arguments = CommandArguments(
        prog="python -m pix2earth.results.pictures",
        description="Draw the pictures of docs/images again, or some held-out samples of a run (--exp).",
    )
    arguments.add_argument("--env", metavar="PATH", help="default: that of the demos; of --exp as for other commands")
    arguments.add_argument(
        "--output", metavar="PATH", type=Path, default=FOLDER, help="folder (default docs/images); of --exp a PNG"
    )
    arguments.add_argument("--exp", metavar="NAME", help="draw held-out samples of this experiment's newest run")
    options = arguments.parse_args(argv)
    environment = Environment(options.env or (None if options.exp else str(DEMO_ENVIRONMENT)))
    if options.exp:
        if options.output.suffix.lower() != ".png":
            raise UserError(f"--output {options.output}: name the picture of --exp, with the end .png")
        tiles(environment, options.exp, options.output)
        print(options.output)
        return 0
    drawings: dict[str, tuple[Callable[[Environment, Path], Any], str]] = {
        "sharpening.png": (sharpening, "make demo"),
        "demo.png": (demo, "make demo-super-resolution"),
        "synthetic.png": (synthetic, "make venv"),
        **{
            f"{table}.png": (of_table(module.figures), f"python results.py {table}") for table, module in TABLES.items()
        },
        **{
            f"{table}-*.png".replace("_", "-"): (on_synthetic(table), f"python results.py {table}")
            for table in ON_SYNTHETIC
        },
        **dict.fromkeys(SCHEMES, (page_picture.draw, "the commands of docs/metrics.md, Which loss works best")),
    }
    missing = 0
    for name, (draw, target) in drawings.items():
        try:
            found = draw(environment, options.output / name)
            print(*(found or [options.output / name]), sep="\n")
        except UserError as error:
            missing += 1
            print(f"{name}: not drawn ({'; '.join(error.lines)}); first run: {target}", file=sys.stderr)
    for name, how in OTHERS.items():
        print(f"{name}: not drawn here: {how}", file=sys.stderr)
    return 1 if missing else 0


def of_table(figures: Callable[[Environment, Path], list[Path]]) -> Callable[[Environment, Path], list[Path]]:
    """Return the function from environment and path of a picture to the figures of a table, in the same folder."""
    return lambda environment, output: figures(environment, output.parent)


def on_synthetic(table: str) -> Callable[[Environment, Path], list[Path]]:
    """Return the function from environment and path of a picture to the figures of a table, one for each preset."""

    def draw(environment: Environment, output: Path) -> list[Path]:
        from pix2earth.results import published

        return published.figures(environment, output.parent, table)

    return draw


def sharpening(environment: Environment, output: Path) -> None:
    """Draw the map of the sharpening demo.

    Raises:
        UserError: there is no map, or it cannot be drawn.
    """
    path = Path(environment.DATA_ROOT).parent / "maps" / "s2_18svg_10m.tif"
    if not path.is_file():
        raise UserError(f"{path}: is not there")
    scene = str(PROJECT / "samples" / "s2_18svg")
    words = ["-m", "preprocessing.sharpening.figure", "--input", scene, "--map", str(path), "--output", str(output)]
    if subprocess.run([sys.executable, *words], cwd=PROJECT).returncode:
        raise UserError(f"{path}: cannot be drawn")


def synthetic(environment: Environment, output: Path) -> None:
    """Draw the overview of a product of clouded images, which is made for it.

    Raises:
        UserError: it cannot be made.
    """
    with tempfile.TemporaryDirectory() as name:
        latent, clouded = str(Path(name) / "latent_optical"), str(Path(name) / "clouded_optical")
        configurations = PROJECT / "synthetic" / "config"
        for words in (
            ["generate", "--cfg", str(configurations / "latent_optical.yaml"), "--o", latent],
            ["derive", "--cfg", str(configurations / "clouded_optical.yaml"), "--product", latent, "--o", clouded],
            ["show", clouded, "--output", str(output)],
        ):
            ended = subprocess.run(
                [sys.executable, "-m", "synthetic", *words], cwd=PROJECT, capture_output=True, text=True
            )
            if ended.returncode:
                raise UserError(ended.stderr.strip())


def demo(environment: Environment, output: Path) -> None:
    """Draw some test tiles of the super-resolution demo.

    Raises:
        UserError: there is no trained run.
    """
    tiles(environment, "demo", output)


def tiles(environment: Environment, name: str, output: Path) -> None:
    """Draw some test tiles of the best step of an experiment's newest run, evenly chosen.

    Raises:
        UserError: there is no trained run.
    """
    from pix2earth.console.quiet import quieten_tensorflow
    from pix2earth.training.trained import open_run, restored_scorer

    quieten_tensorflow()
    run = open_run(environment, name, None)
    scorer, split, step = restored_scorer(run, None, "best")

    from pix2earth.figures import sample_image
    from pix2earth.scoring.shown.samples import shown
    from pix2earth.training.validation import spread

    names = spread(scorer.dataset.names(split), SAMPLES)
    images = shown(scorer, split, names, with_baseline=True, with_scores=True)
    caption = f"{run.output.run_name}, step {step}, {split}"
    text = scorer.origin.tags() if scorer.origin else None
    sample_image.draw(run.manifest, names, images, output, caption, text=text, width=WIDTH)


if __name__ == "__main__":
    sys.exit(main())

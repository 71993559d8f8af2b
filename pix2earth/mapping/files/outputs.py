"""Outputs of files of images: names, formats, what is written with them, and what is there already."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pix2earth.image_files.image_file import ImageFile
from pix2earth.image_files.writing import SUFFIX_OF, WRITERS, NewImage
from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError, nearest

if TYPE_CHECKING:
    from pix2earth.mapping.inference import Network
    from pix2earth.runs.origin import Origin

FORMATS = [suffix.removeprefix(".") for suffix in WRITERS]
RECORD = "predictions.json"
"""File in a folder of outputs that says what they are of."""


def suffix_for(file: ImageFile, chosen: str | None) -> str:
    """Return the ending of the output of a file: of the format that the user chose, else of its own.

    Raises:
        UserError: there is no such format.
    """
    if chosen is None:
        return SUFFIX_OF[file.format]
    name = chosen.lower().removeprefix(".")
    name = {"tiff": "tif", "geotiff": "tif", "fts": "fits", "fit": "fits", "netcdf": "nc"}.get(name, name)
    if name not in FORMATS:
        raise UserError(f"--format {chosen}: is not written{nearest(name, FORMATS)}; choose from {', '.join(FORMATS)}")
    return f".{name}"


def stem_of(path: Path) -> str:
    """Return the name of a file without its ending, which has two parts where it is packed."""
    name = path.name.removesuffix(".gz")
    return Path(name).stem


def new_image(
    values: np.ndarray,
    network: Network,
    origin: Origin,
    source: ImageFile,
    *,
    times: Sequence[str] = (),
    further: Sequence[str] = (),
) -> NewImage:
    """Return a prediction with everything that is written with it.

    Args:
        values: physical values ``(height, width, band)``, or with time steps before.
        network: that predicted them.
        origin: of its weights.
        source: the file whose place, header and time they inherit.
        times: of acquisition.
        further: sentences for the history.
    """
    from pix2earth.mapping.dataset_maps import band_tags

    target, factor = network.target, network.geometry.factor
    tags = origin.tags()
    made = [
        tags.get("SOFTWARE", "pix2earth"),
        *(f"{key.lower()} {tags[key]}" for key in ("EXPERIMENT", "RUN", "STEP", "MODEL")),
    ]
    history = [f"Predicted by {', '.join(made)}", f"from {source.path.name}", *further]
    history += [f"every pixel is divided into {factor} x {factor}"] if factor > 1 else []
    return NewImage(
        values, target.bands, target.units, source, factor, tuple(times), target.bounds if target.valid_range else None,
        tags, history, band_tags(target, target.units)[: len(target.bands)],
    )  # fmt: skip


class OutputFolder:
    """A folder of outputs, whose work can be resumed.

    Attributes:
        path: of the folder.
    """

    def __init__(self, path: Path, origin: dict[str, Any], *, overwrite: bool) -> None:
        """Open the folder of outputs of a run, or a new one.

        Args:
            path: of the folder.
            origin: what outputs are of; JSON.
            overwrite: write outputs again that exist.

        Raises:
            UserError: it is a file, or holds outputs of something else.
        """
        self.path, self.overwrite, self.origin = path, overwrite, json.loads(json.dumps(origin))
        self.known = False
        if path.exists() and not path.is_dir():
            raise UserError(f"--output {path}: is a file; several outputs need a folder")
        record = path / RECORD
        if record.is_file():
            try:
                self.known = json.loads(record.read_text()) == self.origin
            except ValueError:
                self.known = False
        if record.is_file() and not self.known and not overwrite:
            raise UserError(
                f"--output {path}: holds outputs of another run, step, plug-in or option; name another folder, or"
                " --overwrite"
            )

    def begin(self) -> None:
        """Record what the outputs are of, before the first one is written."""
        atomic.write_json(self.path / RECORD, self.origin)

    def has(self, output: Path, sources: Collection[Path]) -> bool:
        """Return whether an output of this run exists that is newer than what it is made from.

        Raises:
            UserError: there is a file of this name of which nothing is known.
        """
        if not output.exists() or self.overwrite:
            return False
        if not self.known:
            raise UserError(f"{output}: exists, and nothing says what of; name another --output, or --overwrite")
        written = output.stat().st_mtime_ns
        return all(_changed(source) <= written for source in sources)


def _changed(path: Path) -> int:
    """Return when a file changed; of a folder such as a Zarr store, when its newest file did."""
    if not path.is_dir():
        return path.stat().st_mtime_ns
    return max((os.stat(file).st_mtime_ns for file in path.rglob("*")), default=0)


def check_distinct(outputs: Sequence[tuple[Path, Path]]) -> None:
    """Check that no two inputs have one output, and that none is an input.

    Args:
        outputs: (input, output) of every image; a file with several images is the input of each.

    Raises:
        UserError: two have.
    """
    seen: dict[Path, Path] = {}
    for source, output in outputs:
        if output in seen:
            raise UserError(f"{source}: has the same output as {seen[output].name}, {output.name}; rename one of them")
        seen[output] = source
        if output.exists() and (output.resolve() == source.resolve() or output.samefile(source)):
            raise UserError(f"--output {output}: is the input; name another folder or file")

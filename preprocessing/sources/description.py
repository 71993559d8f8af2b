"""Schema of a description: every key, its default and its meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat, NonNegativeFloat, PositiveFloat, PositiveInt, Strict, model_validator

from pix2earth.records.field import Dtype
from pix2earth.settings.base_schema import Schema
from pix2earth.settings.errors import UserError, nearest
from pix2earth.settings.validation import load
from pix2earth.settings.value_transform import ValueTransform
from preprocessing.sources.patterns import checked_pattern, parts_of
from preprocessing.sources.splitting_rules import BySample, SplitRule

FOLDER = Path(__file__).parent
Size = Literal["tile", "crop", "pad", "resize"]
Number = Annotated[FiniteFloat, Strict(False)]


class Layer(Schema):
    """Some bands of one time step, from one file."""

    files: str | None = None
    """Pattern of the files; null: that of the field."""
    piece: PositiveInt | None = None
    """Which of the images side by side, counted from 1 on the left; ``pieces`` of the field says how many there are."""
    select: list[PositiveInt] | None = None
    """Bands of the file in the order of the dataset, counted from 1; null: all."""
    variable: str | list[str] | None = None
    """Array of an NPZ, NetCDF or Zarr file, or image of a FITS file; several become bands."""


class StepFiles(Schema):
    """Time steps that differ in one named part of the files' names."""

    part: str
    """Name of the part."""
    values: list[str | int]
    """Its value in each time step, in the order of the dataset."""


class DateFrom(Schema):
    """Where the time of acquisition is read, if not in the file itself."""

    part: str | None = None
    """A named part of the files' names, such as 20240112 or 20240112T154101."""
    tag: str | None = None
    """A tag or keyword of the files."""
    table: str | None = None
    """A table of ``tables``."""
    columns: list[str] | None = None
    """Its columns: one, or one for each time step."""

    @model_validator(mode="after")
    def _one(self) -> DateFrom:
        if sum(value is not None for value in (self.part, self.tag, self.table)) != 1:
            raise ValueError("date: needs one of part, tag and table")
        if (self.table is None) != (self.columns is None):
            raise ValueError("date: table and columns go together")
        return self


class SourceField(Schema):
    """One array of every sample. Keys that are those of ``dataset.json`` have the same meaning there."""

    files: str | list[str] | None = None
    """Pattern of the files with named parts, such as "{tile}/{name}_{time:int}.tif"; of several, the bands follow each
    other."""
    folder: str = ""
    """Name of the input folder, where a short way has several."""
    times: StepFiles | None = None
    """Time steps in files of their own."""
    steps: list[list[Layer]] | None = None
    """Instead of ``times``: the layers of each time step."""
    fold: PositiveInt | None = None
    """Number of time steps that follow each other as bands of one file."""
    pieces: PositiveInt | None = None
    """Number of images of equal width side by side in one file."""
    piece: PositiveInt | None = None
    """Which of them, counted from 1."""
    select: list[PositiveInt] | None = None
    """Bands of the file in the order of the dataset, counted from 1; null: all."""
    variable: str | list[str] | None = None
    """Array of an NPZ, NetCDF or Zarr file, or image of a FITS file; several become bands."""
    axes: str | None = None
    """Axes of the stored array, letters of N (sample), T (time step), H, W, C (band), such as "NHWC"."""
    date: DateFrom | None = None
    """Where the time of acquisition is read; null: in the file, where it states one."""
    kind: Literal["image", "mask", "classes"] = "image"
    """Images are scaled and interpolated, masks and classes keep their values."""
    ones: list[int] | None = None
    """For masks: the stored numbers that become 1; others become 0."""
    bits: list[Annotated[int, Field(ge=0, le=31)]] | None = None
    """For masks of bit fields: pixels with any of these bits become 1, counted from 0."""
    above: Number | None = None
    """For masks: stored numbers above this become 1; without ones, bits and above, those above 0."""
    invert: bool = False
    """For masks: 1 becomes 0, and 0 becomes 1."""
    dtype: Dtype | None = None
    """Type in the dataset; null: that of the files."""
    bands: list[str] | None = None
    """Names of the bands; null: as the files name them."""
    units: str | None = None
    """Unit of the physical values; null: as the files state it."""
    scale: Number | None = None
    """Factor from stored to physical values; null: as the files state it."""
    offset: Number | None = None
    """Summand from stored to physical values; null: as the files state it."""
    nodata: Number | None = None
    """Stored number without a measurement; null: as the files state it."""
    valid_range: list[Number | list[Number]] | None = None
    """Lower and upper end of physical values; null: 0 to 255 for 8 bits, else measured."""
    rgb: list[str] | None = None
    """Bands shown as red, green and blue."""
    gsd: PositiveFloat | None = None
    """Ground sampling distance in metres; null: that of the grid where it is in metres."""
    transform: ValueTransform | None = None
    """Transform of physical values before they are scaled for the network."""

    @model_validator(mode="after")
    def _check(self) -> SourceField:
        if sum(value is not None for value in (self.times, self.steps, self.fold)) > 1:
            raise ValueError("times, steps and fold exclude each other")
        if self.steps is None and not self.files:
            raise ValueError("files: is missing; it is the pattern of the files")
        if self.kind != "mask" and (self.invert or any(one is not None for one in (self.ones, self.bits, self.above))):
            raise ValueError("ones, bits, above and invert are for masks; add kind: mask")
        for layers in self.layers:
            for layer in layers:
                if layer.files is None:
                    raise ValueError("files: is missing; it is the pattern of the files")
                checked_pattern(layer.files)
                if (layer.piece or 0) > (self.pieces or 0):
                    raise ValueError(f"piece: {layer.piece} of {self.pieces or 'unknown'} pieces; correct pieces")
        if self.valid_range is not None and len(self.valid_range) != 2:
            raise ValueError("valid_range must be [low, high]")
        return self

    @property
    def layers(self) -> list[list[Layer]]:
        """The layers of each time step; of a field without time steps, or with ``times`` and ``fold``, those of one."""
        own = self.files if isinstance(self.files, str) else None
        if self.steps is not None:
            return [[layer.model_copy(update={"files": layer.files or own}) for layer in one] for one in self.steps]
        patterns = [self.files] if isinstance(self.files, str) else self.files or []
        keys: dict[str, Any] = {"piece": self.piece, "select": self.select, "variable": self.variable}
        return [[Layer(files=pattern, **keys) for pattern in patterns]]


class Table(Schema):
    """A CSV file with a row for each sample."""

    file: str
    """Its path, relative to the input folder."""
    key: str
    """The column that names the sample."""
    name: str
    """Template of that name, of named parts, such as "{chip}"."""


class RowCondition(Schema):
    """Which rows of a table are taken."""

    table: str
    """Name of the table in ``tables``."""
    column: str
    """The column."""
    below: Number | None = None
    """The number must be smaller."""
    above: Number | None = None
    """The number must be larger."""
    equals: str | int | float | None = None
    """The number, or the text, must be this."""


class Nearest(Schema):
    """Fields whose files belong together by their times, not by their names."""

    field: str
    """The field that leads: each of its files is a sample, with the file of every other field that is nearest."""
    within: NonNegativeFloat = Field(strict=False)
    """Largest difference in seconds."""


class SourceDescription(Schema):
    """A source of data."""

    title: str
    """What it is, in a line."""
    link: str = ""
    """Where it comes from."""
    licence: str = ""
    """Terms of use."""
    citation: str = ""
    """What to cite, and the attribution that is required."""
    fields: dict[str, SourceField]
    """The arrays of every sample."""
    input: str = "input_image"
    """The field that a network reads."""
    target: str = "target"
    """The field that it generates."""
    mask: str | None = None
    """A mask: losses and metrics count only where it is 1."""
    score_by: str | None = None
    """A mask: metrics are also computed inside and outside of it."""
    input_mask: str | None = None
    """A mask that says what is hidden in the input (1)."""
    pools: dict[str, list[str]] = Field(default_factory=dict)
    """Where fields are not paired: the fields of each pool."""
    sample: str | None = None
    """Template of a sample's name, of named parts; null: all parts that its files share, joined by "_"."""
    nearest: Nearest | None = None
    """Match files by time."""
    tables: dict[str, Table] = Field(default_factory=dict)
    """CSV files with facts on samples."""
    where: list[RowCondition] = Field(default_factory=list)
    """Conditions of which all must hold."""
    split: SplitRule = Field(default_factory=lambda: BySample(by="sample"))
    """How samples are split."""
    tilesize: PositiveInt | None = None
    """Side of a target in pixels; null: that of the images, where all are squares of one size."""
    size: Size | None = None
    """What to do with images of another size: cut into tiles, cropped to their middle, padded with nodata, or resized;
    null: refuse them."""
    valid: Annotated[float, Field(ge=0, le=1, strict=False)] = 0.0
    """Share of a target's pixels that must be measured, or the sample is left out."""
    missing: Literal["leave_out", "stop"] = "stop"
    """What to do with samples of which a file is missing."""
    odd: Literal["leave_out", "stop"] = "stop"
    """What to do with samples of which a file is damaged or is not as described."""

    @model_validator(mode="after")
    def _names_exist(self) -> SourceDescription:
        for role in ("input", "target", "mask", "score_by", "input_mask"):
            name = getattr(self, role)
            if name is not None and name not in self.fields:
                raise ValueError(f"{role}: there is no field '{name}'{nearest(name, self.fields)}")
        if self.nearest and self.nearest.field not in self.fields:
            raise ValueError(
                f"nearest: there is no field '{self.nearest.field}'{nearest(self.nearest.field, self.fields)}"
            )
        for pool, names in self.pools.items():
            for name in names:
                if name not in self.fields:
                    raise ValueError(f"pools.{pool}: there is no field '{name}'{nearest(name, self.fields)}")
        used = {condition.table for condition in self.where} | {getattr(self.split, "table", None)}
        used |= {field.date.table for field in self.fields.values() if field.date}
        for table in sorted(used - {None}, key=str):
            if table not in self.tables:
                raise ValueError(f"there is no table '{table}'{nearest(str(table), self.tables)}")
        return self

    def parts(self) -> set[str]:
        """Return the names of all parts of the patterns."""
        layers = [layer for field in self.fields.values() for step in field.layers for layer in step]
        return {part for layer in layers for part in parts_of(layer.files or "")}


def shipped() -> list[str]:
    """Return the names of the descriptions that the toolkit has."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_description(source: str) -> SourceDescription:
    """Return a description by its name, or by the path of a YAML file.

    Raises:
        UserError: there is none, or one line for each of its errors.
    """
    if source in shipped():
        return load(FOLDER / f"{source}.yaml", SourceDescription)
    if source.endswith((".yaml", ".yml", ".json")):
        return load(source, SourceDescription)
    known = [*shipped(), "pairs", "series"]
    near = nearest(source, known)
    raise UserError(
        f"there is no source '{source}'{near}{'' if near.endswith('?') else ';'} or name a YAML file of your own"
    )

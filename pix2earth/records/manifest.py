"""The manifest ``dataset.json``: the fields of a dataset's samples, the splits, the fingerprint."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, NonNegativeInt, PositiveInt, PrivateAttr, model_validator
from pydantic import Field as PydanticField

from pix2earth.records.degradation_schema import Degradation
from pix2earth.records.field import Field
from pix2earth.records.sequences import checked_pattern
from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError, inside, nearest
from pix2earth.settings.occlusion import OcclusionInUse
from pix2earth.settings.schema import Schema

FILE = "dataset.json"
INDEX = "records.csv"
UNFINISHED = "dataset.json.unfinished"
SUFFIX = ".tfrecord"
SPLITS = ("train", "val", "test")
RESERVED = ("about", "shapes", "farmhash", "draws", "step", "validity", "sequence_start")
"""Names in records, batches and training steps."""


def _plain(name: str) -> str:
    if not inside(name) or "/" in name:
        raise ValueError("must be a plain name without '/' and '..'")
    if name in RESERVED:
        raise ValueError(f"'{name}' is reserved: records and batches use {', '.join(RESERVED)} themselves")
    return name


class Split(Schema):
    """How samples were assigned to train, val and test."""

    method: str
    """For instance "spatial block" or "scene"."""
    seed: int | None = None
    """Seed of the draw."""
    detail: str = ""
    """Further explanation."""


class Manifest(Schema):
    """A dataset: its fields, roles, splits, counts and fingerprint."""

    format: Literal["pix2earth"] = "pix2earth"
    """Identifies the file."""
    version: Literal[1] = 1
    """Version of the format."""
    name: str
    """Name of the dataset."""
    tilesize: PositiveInt
    """Height and width of a target tile in pixels."""
    description: str = ""
    """Source of the data, and the attribution that they require."""
    fields: dict[Annotated[str, AfterValidator(_plain)], Field]
    """The fields of every sample."""
    input: str = "input_image"
    """The field that the generator reads."""
    target: str = "target"
    """The field that the generator predicts."""
    mask: str | None = None
    """A mask field that restricts metrics to its valid pixels (1), or None."""
    score_by: str | None = None
    """A mask field by which metrics are additionally computed inside of it (1) and outside of it (0), or None."""
    input_mask: str | None = None
    """A mask field that says what is hidden in the input (1), per time step where it has several, or None; plug-ins ask
    for it as ``input_mask``."""
    guide: str | None = None
    """A field of other bands of the same scene with the pixels of the target, which sharpen the input, or None."""
    reduced: Annotated[int, PydanticField(ge=2)] | None = None
    """By how much all fields are averaged from the pixels that were measured (Wald's protocol: where the truth is not
    known at the measured pixel size, it is known one step coarser), or None; maps have the measured pixel size."""
    degradation: Degradation | None = None
    """How the input is made from the target, or None where it is not, or nobody knows."""
    sequence: Annotated[str, AfterValidator(checked_pattern)] | None = None
    """Where samples are the time steps of sequences: a regular expression for their whole names, with the groups
    ``sequence`` (equal for all of one place) and ``position`` (their order)."""
    first_row: Literal["top", "bottom"] = "top"
    """Where the first row of images belongs in pictures: "bottom" as in FITS, whose lowest row is the first. Records,
    metrics and maps keep the order of rows."""
    pools: dict[Annotated[str, AfterValidator(_plain)], list[str]] = PydanticField(default_factory=dict)
    """Where samples hold some of the fields only: the fields of each pool. A sample belongs to the pool with whose name
    and a hyphen its own name starts, such as `clear-0001`. Empty: every sample holds all fields."""
    split: Split
    """How the split was made."""
    records: dict[Literal["train", "val", "test"], NonNegativeInt] = PydanticField(default_factory=dict)
    """Number of samples in each split."""
    fingerprint: str = ""
    """SHA-256 over the names, sizes and checksums of all records."""
    legacy: bool = False
    """True for float lists without a manifest, as the original ARISGAN code writes them."""
    _occlusion: tuple[OcclusionInUse, Manifest] | None = PrivateAttr(default=None)

    @property
    def occlusion(self) -> OcclusionInUse | None:
        """How the input is made from the target when a record is read; None where records hold it."""
        return self._occlusion[0] if self._occlusion else None

    @property
    def as_stored(self) -> Manifest:
        """The manifest of the records, without fields that are made when they are read."""
        return self._occlusion[1] if self._occlusion else self

    def made_from(self, stored: Manifest, occlusion: OcclusionInUse) -> Manifest:
        """Return this manifest as one whose input is made from the records of another by an occlusion."""
        self._occlusion = (occlusion, stored)
        return self

    @model_validator(mode="after")
    def _roles_exist(self) -> Manifest:
        for role in ("input", "target", "mask", "score_by", "input_mask", "guide"):
            name = getattr(self, role)
            if name is not None and name not in self.fields:
                raise ValueError(f"{role}: there is no field '{name}'{nearest(name, self.fields)}")
        if self.input_mask is not None:
            steps = self.fields[self.input_mask].time_steps
            if self.fields[self.input_mask].kind != "mask" or steps not in (None, self.fields[self.input].time_steps):
                raise ValueError(f"input_mask: '{self.input_mask}' is no mask with the time steps of the input")
        if self.guide is not None and self.fields[self.guide].size != self.fields[self.target].size:
            raise ValueError(f"guide: '{self.guide}' has not the pixels of the target")
        if self.score_by is not None:
            mask, target = self.fields[self.score_by], self.fields[self.target]
            if mask.shape[:-1] != [*target.shape[:-3], *mask.size]:
                raise ValueError(f"score_by: '{self.score_by}' has not as many time steps as the target")
        return self

    @property
    def hidden_field(self) -> str | None:
        """What plug-ins get as ``input_mask``: that field, else a mask ``cloud_mask`` of the input or the target."""
        steps = [self.fields[role].time_steps for role in (self.input, self.target)]
        found = self.fields.get("cloud_mask")
        is_mask = found is not None and found.kind == "mask" and found.time_steps in steps
        return self.input_mask or ("cloud_mask" if is_mask else None)

    @model_validator(mode="after")
    def _degradation_fits(self) -> Manifest:
        if self.degradation is None:
            return self
        source, target, factor = self.fields[self.input], self.fields[self.target], self.degradation.factor
        size = self.degradation.size(target.size)
        shapes = [f"{height} x {width}" for height, width in (target.size, size, source.size)]
        if source.kind != "image" or target.kind != "image":
            raise ValueError("degradation: input and target must be images")
        if not min(size) or source.size not in (size, target.size):
            raise ValueError(
                f"degradation: factor {factor} makes {shapes[1]} of the target's {shapes[0]} pixels; the input has"
                f" {shapes[2]}"
            )
        if source.gsd and target.gsd and size_by_gsd(source, target) != size:
            raise ValueError(
                f"degradation: factor {factor} does not fit the gsd of input ({source.gsd:g}) and target"
                f" ({target.gsd:g})"
            )
        return self

    @model_validator(mode="after")
    def _pools_have_fields(self) -> Manifest:
        for pool, names in self.pools.items():
            if "-" in pool:
                raise ValueError(f"pools: '{pool}': must not contain a hyphen, which ends the pool in names of samples")
            for name in names:
                if name not in self.fields:
                    raise ValueError(f"pools.{pool}: there is no field '{name}'{nearest(name, self.fields)}")
        if missing := [name for name in self.fields if self.pools and all(name not in p for p in self.pools.values())]:
            raise ValueError(f"pools: no pool holds the field '{missing[0]}'; add it to one")
        return self

    def pool_of(self, sample: str) -> str:
        """Return the pool of a sample by its name; "" where there are no pools.

        Raises:
            UserError: there are pools, and its name starts with none of them.
        """
        if not self.pools:
            return ""
        pool = sample.partition("-")[0]
        if pool not in self.pools:
            raise UserError(
                f"sample '{sample}': its name starts with no pool: {', '.join(f'{p}-' for p in self.pools)}"
            )
        return pool

    def fields_of(self, pool: str) -> dict[str, Field]:
        """Return the fields of the samples of a pool, in the order of the manifest; all for ""."""
        return {name: field for name, field in self.fields.items() if not pool or name in self.pools[pool]}

    @property
    def upwards(self) -> bool:
        """Whether rows of images go upwards from the first one, which pictures draw as the lowest."""
        return self.first_row == "bottom"

    @property
    def ratio(self) -> float:
        """Ground sampling distance of the input over that of the target; 1 where one of them is not stated."""
        coarse, fine = self.fields[self.input].gsd, self.fields[self.target].gsd
        return coarse / fine if coarse and fine else 1.0

    @property
    def shared_bands(self) -> list[int] | None:
        """Indices of the target's bands among the input's, or None where the input lacks one."""
        inputs, targets = self.fields[self.input].bands, self.fields[self.target].bands
        return [inputs.index(band) for band in targets] if set(targets) <= set(inputs) else None

    def save(self, folder: Path, name: str = FILE) -> None:
        """Write ``dataset.json`` atomically."""
        atomic.write_json(folder / name, self.model_dump(mode="json", exclude_defaults=False, exclude={"legacy"}))


def size_by_gsd(source: Field, target: Field) -> tuple[int, int]:
    """Return the height and width of a target's tile in pixels of the input's sensor, rounded down; both have a gsd."""
    assert source.gsd and target.gsd
    height, width = (math.floor(side * target.gsd / source.gsd + 1e-6) for side in target.size)
    return height, width


class Record(NamedTuple):
    """One line of ``records.csv``."""

    split: str
    name: str
    bytes: int
    crc32c: str


def fingerprint(records: Iterable[Record]) -> str:
    """Return the SHA-256 over all records' split, name, size and checksum, in sorted order."""
    digest = hashlib.sha256()
    for record in sorted(records):
        digest.update(",".join(map(str, record)).encode() + b"\n")
    return f"sha256:{digest.hexdigest()}"

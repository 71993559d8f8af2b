"""Value transforms that an experiment states instead of those of its dataset."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pix2earth.records.field import Field
from pix2earth.records.manifest import Manifest
from pix2earth.settings.errors import InvalidData, UserError, nearest
from pix2earth.settings.value_transform import ValueTransform


def with_transforms(
    manifest: Manifest, transforms: Mapping[str, ValueTransform], normalize: str, file: Path
) -> Manifest:
    """Return a manifest with the value transforms of an experiment.

    Args:
        manifest: of the dataset.
        transforms: by field; others keep theirs.
        normalize: the key of the experiment.
        file: ``experiment.json``, for messages.

    Raises:
        UserError: there is no such field, it cannot be transformed, or ``normalize`` is "l2".
    """
    fields = dict(manifest.fields)
    for name, transform in transforms.items():
        if name not in fields:
            raise UserError(f"{file}: transforms.{name}: there is no field '{name}'{nearest(name, fields)}")
        try:
            fields[name] = Field(**{**fields[name].model_dump(), "transform": transform})
        except InvalidData as error:
            raise UserError(f"{file}: transforms.{name}: {error}") from None
    transformed = [name for name, field in fields.items() if field.transform]
    if normalize == "l2" and transformed:
        raise UserError(f'{file}: normalize: "l2" cannot be undone, and {transformed[0]} has a transform; use another')
    return manifest.model_copy(update={"fields": fields})

"""Occlusion of a dataset: the input is the target with hidden parts, whatever input the records hold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pix2earth.records.field import Field
from pix2earth.records.manifest import Manifest
from pix2earth.settings.errors import UserError
from pix2earth.settings.occlusion import INPUT, MADE, MASK, OTHER_TIME_STEPS, MaskField, Occlusion, OcclusionInUse


def with_occlusion(
    manifest: Manifest, occlusion: Occlusion | None, file: Path, data_root: Path, tilesize: int
) -> Manifest:
    """Return a manifest whose input and mask of hidden pixels are made from the target when a record is read.

    The made fields are ``input_image``, described as the target is, and ``cloud_mask``, which is ``input_mask`` and
    ``score_by``. Stored fields of these names are not read, or are called ``stored_<name>`` where they are the target,
    its mask or the guide.

    Args:
        manifest: of the dataset.
        occlusion: of the experiment; None: the manifest is returned as it is.
        file: ``experiment.json``, for messages.
        data_root: folder of the datasets.
        tilesize: of the experiment.

    Raises:
        UserError: the target has not the time steps, or the records have no mask that is needed.
    """
    if occlusion is None:
        return manifest
    target = manifest.fields[manifest.target]
    _check_target(occlusion, target, manifest.target, file)
    source = _own_masks(manifest, file) if occlusion.masks == OTHER_TIME_STEPS else None
    kept = (manifest.target, manifest.mask, manifest.guide)
    renamed = {name: f"stored_{name}" for name in MADE if name in kept}
    in_use = OcclusionInUse(occlusion, file, data_root, tilesize, renamed, source)
    shape = [*target.shape[:-1], 1]
    mask = Field(dtype="uint8", shape=shape, kind="mask", bands=["hidden"], valid_range=(0.0, 1.0))
    fields = {INPUT: target.model_copy(), **in_use.seen(manifest.fields), MASK: mask}
    pools = {
        pool: [*in_use.seen(dict.fromkeys(names)), *(MADE if manifest.target in names else ())]
        for pool, names in manifest.pools.items()
    }
    roles = {role: renamed.get(name, name) for role in ("target", "mask", "guide") if (name := getattr(manifest, role))}
    made = {"input": INPUT, "input_mask": MASK, "score_by": MASK, "degradation": None}
    occluded = manifest.model_copy(update={"fields": fields, "pools": pools, **roles, **made})
    return occluded.made_from(manifest, in_use)


def _check_target(occlusion: Occlusion, target: Field, name: str, file: Path) -> None:
    """Make sure that a target is an image that has all time steps of an occlusion.

    Raises:
        UserError: it is not.
    """
    if target.kind != "image":
        raise UserError(f"{file}: occlusion: hides parts of images, and the target '{name}' is of kind {target.kind}")
    steps = target.time_steps or 1
    for combination in occlusion.positions:
        for position in combination:
            if position > steps:
                counted = f"{steps} time steps" if steps > 1 else "one time step"
                raise UserError(
                    f"{file}: occlusion.positions: there is no time step {position}: the target '{name}' has {counted},"
                    " counted from 1"
                )


def _own_masks(manifest: Manifest, file: Path) -> MaskField:
    """Return the field of a dataset whose masks of single time steps hide others.

    Raises:
        UserError: it has none with the pixels of the target.
    """
    target = manifest.fields[manifest.target]
    for name in (manifest.input_mask, manifest.score_by, manifest.mask, MASK):
        field = manifest.fields.get(name or "")
        together = not manifest.pools or any({name, manifest.target} <= {*names} for names in manifest.pools.values())
        if name and field and together and field.kind == "mask" and field.time_steps and field.size == target.size:
            own = name != manifest.input_mask and field.time_steps == target.time_steps
            if not own or field.time_steps > 1:
                return MaskField(name, name == manifest.mask, own)
    raise UserError(
        f'{file}: occlusion.masks: "{OTHER_TIME_STEPS}" needs a mask of several time steps in the records, as'
        ' input_mask, score_by or mask of dataset.json; name a dataset of masks, or use "synthetic"'
    )


def mask_field(manifest: Manifest, place: str) -> MaskField:
    """Return the field of a dataset of masks that says what is hidden.

    It is ``input_mask``, else ``score_by``, else the only mask besides ``mask``, else ``mask``, whose 1 is not hidden.

    Args:
        manifest: of the dataset of masks.
        place: the key that names it, for messages.

    Raises:
        UserError: there is none, or it is not clear which.
    """
    masks = [name for name, field in manifest.fields.items() if field.kind == "mask" and len(field.bands) == 1]
    hiding = [name for name in masks if name != manifest.mask]
    for name in _preferred(manifest, hiding):
        return MaskField(name)
    if len(hiding) > 1:
        raise UserError(
            f"{place}: '{manifest.name}' has several masks: {', '.join(hiding)}; state one as input_mask in its"
            " dataset.json"
        )
    if manifest.mask in masks:
        return MaskField(str(manifest.mask), shows=True)
    raise UserError(f"{place}: '{manifest.name}' has no mask (fields: {', '.join(manifest.fields)}); name another")


def _preferred(manifest: Manifest, hiding: Sequence[str]) -> list[str]:
    """Return the mask to take among those in which 1 is hidden; none where it is not clear which."""
    stated = [name for name in (manifest.input_mask, manifest.score_by) if name in hiding]
    return [str(name) for name in stated[:1]] or (list(hiding) if len(hiding) == 1 else [])

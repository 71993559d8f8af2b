"""Save and read the summary of a pair that has been cut, so that step 40 skips it, and refuse tiles of another draw."""

from __future__ import annotations

import json
from typing import Any

from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError
from preprocessing.tiles.cutting_jobs import CutJob, CutOutcome, Window


def _options(job: CutJob) -> dict[str, Any]:
    """Return the options that a summary must agree in, with the types of JSON."""
    options = {"draw": job.draw._asdict(), "quantity": job.quantity, "s2": job.s2.name, "s3": job.s3.name}
    plain: dict[str, Any] = json.loads(json.dumps(options))
    return plain


def save_summary(job: CutJob, outcome: CutOutcome) -> None:
    """Write the summary of a pair, ``_inventory/<selection>/<index>.json``, and remove temporary files of killed calls.

    Raises:
        OSError: the disk is full.
    """
    atomic.sweep(job.tiles, f"{job.pair.label}_*")
    atomic.sweep(job.review, f"{job.pair.number}.*")
    # The number of new tiles depends on where an earlier call was interrupted; the summary must not.
    lasting = {key: value for key, value in outcome._asdict().items() if key != "written"}
    atomic.write_json(job.summary, {"options": _options(job), "outcome": lasting})


def finished(job: CutJob) -> CutOutcome | None:
    """Return the outcome of an earlier call with the same options if all its files exist, or None."""
    if not (job.summary.is_file() and job.plot.is_file()):
        return None
    try:
        summary = json.loads(job.summary.read_text(encoding="utf-8"))
        outcome = CutOutcome(**{**summary["outcome"], "written": 0})
        windows = [Window(*window) for window in outcome.windows]
    except (ValueError, TypeError, KeyError):
        raise UserError(f"{job.summary}: is damaged; remove it and run the command again") from None
    complete = all((job.tiles / f"{window.name(job.pair)}.tif").is_file() for window in windows)
    return outcome._replace(windows=windows) if summary["options"] == _options(job) and complete else None


def refuse_other_draws(job: CutJob) -> None:
    """Make sure that existing tiles of this pair come from the same draw.

    Raises:
        UserError: they come from another one, or from another program; new tiles could overlap them.
    """
    from preprocessing.tiles.tile_rasters import read_tags

    draw = json.loads(json.dumps(job.draw._asdict()))
    for path in sorted(job.tiles.glob(f"{job.pair.label}_*.tif")):
        tag = read_tags(path).get("DRAW")
        if tag is None:
            raise UserError(f"{path}: was cut by another program, and new tiles could overlap it; move such tiles away")
        recorded = json.loads(tag)
        differing = [key for key in draw if recorded.get(key) != draw[key]]
        if differing:
            key = differing[0]
            raise UserError(
                f"{path}: was cut with {key} {recorded.get(key)}, not {draw[key]}; use the same, or remove the tiles"
                f" {job.pair.label}_*.tif"
            )

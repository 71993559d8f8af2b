"""What was cut before: so that step 40 skips finished pairs, goes on with begun ones, and never mixes two draws."""

from __future__ import annotations

import json
from typing import Any

from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError
from preprocessing.tiles.cutting_jobs import CutJob, CutOutcome, Window


def _options(job: CutJob) -> dict[str, Any]:
    """Return what an account must agree in, as JSON has it."""
    options = {"draw": job.draw._asdict(), "quantity": job.quantity, "s2": job.s2.name, "s3": job.s3.name}
    plain: dict[str, Any] = json.loads(json.dumps(options))
    return plain


def record(job: CutJob, outcome: CutOutcome) -> None:
    """Write the account of a pair that is cut, ``_inventory/<selection>/<index>.json``.

    Raises:
        OSError: the disk is full.
    """
    atomic.sweep(job.tiles, f"{job.pair.label}_*")
    atomic.sweep(job.review, f"{job.pair.number}.*")
    # How many tiles were new depends on where an earlier call was interrupted; the account does not.
    stays = {key: value for key, value in outcome._asdict().items() if key != "written"}
    atomic.write_json(job.account, {"options": _options(job), "outcome": stays})


def finished(job: CutJob) -> CutOutcome | None:
    """Return the outcome of an earlier call with the same options whose files are all there, or None."""
    if not (job.account.is_file() and job.plot.is_file()):
        return None
    try:
        found = json.loads(job.account.read_text(encoding="utf-8"))
        outcome = CutOutcome(**{**found["outcome"], "written": 0})
        windows = [Window(*window) for window in outcome.windows]
    except (ValueError, TypeError, KeyError):
        raise UserError(f"{job.account}: is damaged; remove it and run the command again") from None
    complete = all((job.tiles / f"{window.name(job.pair)}.tif").is_file() for window in windows)
    return outcome._replace(windows=windows) if found["options"] == _options(job) and complete else None


def refuse_other_draws(job: CutJob) -> None:
    """Make sure that tiles of this pair which are there already come from the same draw.

    Raises:
        UserError: they come from another one, or from another program; new tiles could overlap them.
    """
    from preprocessing.tiles.tile_rasters import read_tags

    wanted = json.loads(json.dumps(job.draw._asdict()))
    for path in sorted(job.tiles.glob(f"{job.pair.label}_*.tif")):
        draw = read_tags(path).get("DRAW")
        if draw is None:
            raise UserError(f"{path}: was cut by another program, and new tiles could overlap it; move such tiles away")
        found = json.loads(draw)
        differing = [key for key in wanted if found.get(key) != wanted[key]]
        if differing:
            key = differing[0]
            raise UserError(
                f"{path}: was cut with {key} {found.get(key)}, not {wanted[key]}; use the same, or remove the tiles"
                f" {job.pair.label}_*.tif"
            )

"""An experiment root with evaluated runs, journals and pictures, as commands write them, for the page."""

import json
from pathlib import Path

import numpy as np

from pix2earth.figures.comparison_page import page
from pix2earth.figures.panels.contrast import Contrast
from pix2earth.figures.tile_pictures import webp
from pix2earth.runs.folders import RunFolders
from pix2earth.scoring.tables.comparison import groups, load, measure_of
from pix2earth.scoring.tables.documents import scores_of
from pix2earth.scoring.tables.gains import statistics_of
from pix2earth.scoring.tiles.tile_folder import ABOUT, STRETCH, pictures_of_run, pictures_of_sample
from pix2earth.settings import atomic
from tests.pix2earth.scoring.evaluated_runs import write_places, write_run

TILES = 40
PICTURES = 12
DIFFICULTY = np.repeat(np.random.default_rng(0).normal(0, 4, 10), 4) + np.random.default_rng(1).normal(0, 1, TILES)
COLOURS = {"input": (90, 90, 90), "target": (200, 40, 40), "bicubic": (40, 40, 200)}
HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">{{main}}"
LONG = "a-name-of-three-hundred-characters-" + "x" * 265


def columns(gain, number, count=TILES):
    """Return the columns of a CSV: PSNR, its baseline, RMSE, and PSNR inside of clouds."""
    noise = np.random.default_rng(50 + number).normal(0, 0.2, count)
    psnr = 30 + np.resize(DIFFICULTY, count) + gain + noise
    base = 30 + np.resize(DIFFICULTY, count)
    return {
        "PSNR": psnr.tolist(), "RMSE": (10 ** (-psnr / 20)).tolist(), "PSNR.inside": (psnr - 5).tolist(),
        "PSNR_bicubic": base.tolist(), "RMSE_bicubic": (10 ** (-base / 20)).tolist(),
        "PSNR.inside_bicubic": (base - 5).tolist(),
    }  # fmt: skip


def write_journal(root: Path, experiment: str, timestamp: str, level: float) -> None:
    """Write 300 steps of losses and three validations."""
    path = RunFolders(root, experiment, timestamp).journal
    path.parent.mkdir(parents=True)
    lines = [
        {"step": step, "epoch": step / 10, "losses": {"gen_l1": level / (1 + step / 30), "disc": 0.7}}
        for step in range(1, 301)
    ]
    lines += [{"step": step, "validation": {"PSNR": 20 + level + step / 100}} for step in (100, 200, 300)]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def picture(colour, number: int, side: int = 64) -> bytes:
    """Return a picture of a colour with a pattern, so that tiles differ."""
    rows, columns_ = np.mgrid[:side, :side]
    pattern = 40 * np.sin(rows / (3 + number)) * np.sin(columns_ / (4 + number))
    return webp(np.clip(np.array(colour) + pattern[..., None], 0, 255).astype(np.uint8))


def write_pictures(folder: Path, runs: dict[str, str], count: int = PICTURES, side: int = 64) -> None:
    """Write pictures of every third tile, and those of runs (name of the CSV -> checkpoint)."""
    for number in range(count):
        for title, colour in COLOURS.items():
            atomic.write_bytes(
                pictures_of_sample(folder, title) / f"t{3 * number:02d}.webp", picture(colour, number, side)
            )
        for index, run in enumerate(runs):
            content = picture((40, 90 + 20 * index, 40), number, side)
            atomic.write_bytes(pictures_of_run(folder, run) / f"t{3 * number:02d}.webp", content)
    for run, checkpoint in runs.items():
        atomic.write_json(pictures_of_run(folder, run) / ABOUT, {"checkpoint": checkpoint, "tiles": count})
    contrast = Contrast(0, 0.3, 1.4, "reflectance 0 to 0.3, gamma 1.4")
    atomic.write_json(folder / STRETCH, {"target": contrast._asdict(), "input": contrast._asdict()})


def write_root(root: Path) -> None:
    """Write three seeds of a good method, a poor one, one that fails, one on other records, one without pictures."""
    runs = {}
    for seed in range(3):
        name = f"good-seed{seed}_000{seed}"
        path = write_run(root, name, columns(1 + seed / 20, seed), seed=seed)
        runs[name] = f"{name} 4"
        write_journal(root, f"good-seed{seed}", f"000{seed}", 1 + seed / 10)
    write_run(root, "poor_0001", columns(-1, 7), settings={"gen_loss": {"gen_l1": 1}, "learning_rate": 1e-3})
    write_journal(root, "poor", "0001", 2)
    broken = columns(0.5, 8)
    broken["PSNR"][4] = broken["RMSE"][4] = float("nan")
    write_run(
        root, "broken_0001", broken, settings={"model_name": "psgan"}, failures={"non-finite predictions": 1}
    )  # fmt: skip
    other = {"fingerprint": "sha256:9999999999"}
    write_run(root, "elsewhere_0001", columns(3, 9), dataset=other)
    write_run(root, "plain_0001", columns(0.2, 10), settings={"gen_loss": {HOSTILE: 1.0}}, seed=5)
    folder = write_places(path, hidden=None)
    write_pictures(folder, {**runs, "poor_0001": "poor_0001 4", "broken_0001": "broken_0001 4"})


def write_page(root: Path, path: Path, renamed: dict[str, str] | None = None) -> None:
    """Write the page of all runs; runs may get other names than files can have."""
    runs = [run._replace(name=(renamed or {}).get(run.name, run.name)) for run in load(root, [""])]
    parts = groups(runs)
    measures = [measure_of(scores_of(group), None) for group in parts]
    found = [
        statistics_of(root, group, scores_of(group), measure) for group, measure in zip(parts, measures, strict=True)
    ]
    page.write(path, root, parts, found, measures)

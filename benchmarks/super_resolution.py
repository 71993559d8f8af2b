"""Super-resolution at equal wall time: the network of the demo, against a plain network as wide and deep.

`python benchmarks/super_resolution.py` makes the dataset of the shipped Sentinel-2 at factor 4 (tiles of 64 px),
measures how many steps the given time allows, trains `residual_upsampler` for so many (L1, consistency, cosine decay),
and prints its PSNR on the held-out tiles beside those of the baselines. The reference is a recorded figure, since it
needs another framework: the generator of the closest public one, of the same width and depth, with L1 and cosine decay,
trained for two minutes on two cores on the same tiles.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
RECORDED = 39.31
"""dB, of the reference on the 50 held-out tiles after two minutes on two cores."""
BATCH, CALIBRATION = 8, 150


def experiment(steps: int) -> dict:
    """Return the settings of a training."""
    return {
        "model_name": "residual_upsampler", "dataset": "demo", "tilesize": 64, "batch_size": BATCH, "steps": steps,
        "params": {"consistency": True, "beta_1": 0.9}, "gen_loss": {"gen_gan": None, "gen_l1": 100},
        "disc_loss": {"disc_bce": None}, "learning_rate": 2e-3, "schedule": {"kind": "cosine", "warmup": 50},
        "metrics": ["PSNR"], "ckpt_freq": steps, "sample_freq": steps, "validate_freq": steps, "seed": 0,
    }  # fmt: skip


def trained(root: Path, name: str, steps: int) -> tuple[float, Path]:
    """Train, and return the seconds that the command took, and its CSV of scores."""
    folder = root / "experiments" / name
    folder.mkdir(parents=True)
    (folder / "experiment.json").write_text(json.dumps(experiment(steps)))
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "train.py", "--exp", name, "--timestamp", "a"], cwd=ROOT, check=True,
        env=os.environ | {"PIX2EARTH_ENV": str(root / "environment.json")},
    )  # fmt: skip
    return time.perf_counter() - started, root / "experiments" / "_evaluation" / f"{name}_a.csv"


def main() -> None:
    """Print the scores."""
    import pandas as pd

    from pix2earth.runs import provenance
    from preprocessing.demo_dataset import DemoRecipe, make

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120.0, help="of the training steps")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "environment.json").write_text('{"data_root": "data", "experiment_root": "experiments"}')
        make(DemoRecipe("demo", 64, 4, seed=0), root / "data")
        trained(root, "calibration", CALIBRATION)
        run = provenance.load(next((root / "experiments" / "calibration").rglob("run.json")))
        assert run
        steps = round(options.seconds * run["sessions"][-1]["images_per_second"] / BATCH)
        seconds, csv = trained(root, "timed", steps)
        scores = pd.read_csv(csv)
    scores = scores[scores["split"] == "test"]
    means = {name: scores[name].mean() for name in scores.columns if name.startswith("PSNR")}
    print(f"{steps} steps of batch {BATCH}; the command took {seconds:.0f} s; mean over {len(scores)} held-out tiles")
    for name, mean in means.items():
        print(f"{name:28} {mean:6.2f} dB")
    ratio = 10 ** ((RECORDED - means["PSNR"]) / 20)
    print(f"{'recorded, two minutes':28} {RECORDED:6.2f} dB; ratio of the errors {ratio:.2f}")


if __name__ == "__main__":
    main()

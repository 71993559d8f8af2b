"""Evaluated runs for tests: a CSV of scores, and beside it what they belong to, as ``evaluate.py`` writes both."""

import copy

from pix2earth.runs.folders import RunFolders
from pix2earth.scoring import origins

FIELD = {"shape": [64, 64, 3], "valid_range": [0.0, 1.0], "scale": 1e-4, "bands": ["B04"]}
DATASET = {
    "name": "demo", "tilesize": 64, "fingerprint": "sha256:0123456789", "fields": {"target": FIELD},
    "roles": {"target": "target", "mask": None},
}  # fmt: skip
SETTINGS = {
    "model_name": "aris-a", "dataset": "demo", "batch_size": 8, "gen_loss": {"gen_gan": 1, "gen_l1": 100},
    "learning_rate": 1e-4,
}  # fmt: skip
SCALE = {"data_range": 1.0, "units": "1", "height": 64, "width": 64, "normalize": "symmetric"}
FAILURES = {"non-finite predictions": 0, "constant predictions": 0}


def write_run(
    root, name, columns, *, settings=None, seed=0, dataset=None, scale=None, step=4, selected_on="none", split="test",
    experiment=None, other=None, **entry,
):  # fmt: skip
    """Write the CSV of a run and the file beside it.

    Args:
        root: the experiment root.
        name: ``<experiment>_<timestamp>``.
        columns: scores by column; "tile" where the names matter.
        settings: of the experiment, where they differ.
        seed: of the run.
        dataset: what differs in the part "dataset" of the identity and of what was scored.
        scale: what differs in the scale.
        step: of the checkpoint.
        selected_on: the split on which it was selected.
        split: that was scored.
        experiment: its name, where that is not part of the name.
        other: name of the dataset that was scored, where it is not that of the run; its records are others.
        entry: other keys of the entry.
    """
    prefix, _, timestamp = name.rpartition("_")
    count = max(len(values) for values in columns.values())
    scores = {"tile": [f"t{number:02d}" for number in range(count)], "split": [split] * count, "step": [step] * count}
    scores |= columns
    rows = [{column: values[number] for column, values in scores.items()} for number in range(count)]
    of_dataset = copy.deepcopy(DATASET) | (dataset or {})
    identity = {
        "version": 1, "settings": SETTINGS | (settings or {}), "seed": seed, "plugin": {"name": "x", "sha256": "1"},
        "toolkit": {}, "dataset": of_dataset,
    }  # fmt: skip
    scored = of_dataset | ({"name": other, "fingerprint": f"sha256:{other}"} if other else {})
    content = {
        "step": step, "checkpoint": f"{name} {step}", "identity": identity, "evaluated_on": scored, "metrics": {},
        "scale": SCALE | (scale or {}), "selected_on": selected_on, "differences": [], "losses": [],
        "failures": FAILURES, **entry,
    }  # fmt: skip
    folders = RunFolders(root, experiment or prefix, timestamp)
    path = folders.evaluation_on(other, 64) if other else root / "_evaluation" / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    run = {"experiment": experiment or prefix, "timestamp": timestamp, "started": f"2026-01-01T{timestamp}"}
    run |= {"dataset": other} if other else {}
    origins.write(path, split, rows, run, content)
    return path


def write_places(path, split="test", per_block=4, hidden=0.25):
    """Write where the tiles of a CSV lie, side by side, so many in a block; return the folder."""
    import pandas as pd

    from pix2earth.scoring import basis
    from pix2earth.scoring.tiles.tile_folder import PLACES, tile_folder

    entry = origins.load(path)["splits"][split]
    folder = tile_folder(path.parents[1], basis.of_entry(entry, split))
    folder.mkdir(parents=True, exist_ok=True)
    tiles = sorted({row["tile"] for row in origins.rows_of(path)})
    numbers = range(len(tiles))
    if hidden is None:
        hidden = [number / 100 for number in numbers]
    places = {
        "tile": tiles, "unit": "block", "block": [f"b{number // per_block}" for number in numbers],
        "x": [960.0 * number for number in numbers], "y": 0.0, "crs": "EPSG:32632", "hidden": hidden,
    }  # fmt: skip
    pd.DataFrame(places).to_csv(folder / PLACES, index=False)
    return folder

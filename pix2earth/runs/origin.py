"""What a number, a map or a figure was computed from: run, checkpoint and identity."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pix2earth.runs import folders, former_runs, provenance
from pix2earth.runs.folders import RunFolders

LIBRARY = "pix2earth"


class Origin(NamedTuple):
    """The origin of what is computed with the networks of a checkpoint.

    Attributes:
        experiment: name of the experiment, as it is called now.
        timestamp: of the run.
        started: when the first process of the run started, ISO 8601; None where that was not recorded.
        step: of the checkpoint.
        checkpoint: SHA-256 of the checkpoint, as ``ckpt-N.json`` holds it; None before it is saved.
        identity: of the run when the checkpoint was saved; of a former version, as much as it recorded; None: nothing.
        losses: names of the losses that ``train_step`` returned.
        selected_on: the split on which the step was chosen: "none" where it is the last or was named by its number.
        differences: a line for each difference that was overridden, when the run was resumed or now.
    """

    experiment: str
    timestamp: str
    started: str | None
    step: int
    checkpoint: str | None
    identity: dict[str, Any] | None
    losses: Sequence[str] = ()
    selected_on: str = "none"
    differences: Sequence[str] = ()

    def tags(self) -> dict[str, str]:
        """Return it as text by name, for GeoTIFF tags and the text of PNG files."""
        known = self.identity or {}
        tags = {
            "EXPERIMENT": self.experiment, "RUN": self.timestamp, "STEP": str(self.step),
            "MODEL": known.get("settings", {}).get("model_name", "unknown"), "SOFTWARE": LIBRARY,
            "CHECKPOINT": self.checkpoint or "", "IDENTITY": json.dumps(self.identity, sort_keys=True),
            "DIFFERENCES": "; ".join(self.differences),
        }  # fmt: skip
        return {name: text for name, text in tags.items() if text}


def recorded_identity(output: RunFolders, metadata: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the identity of a checkpoint; of former versions what ``run.json`` recorded; None where there is neither.

    Args:
        output: folders of the run.
        metadata: content of ``ckpt-N.json``.
    """
    if "identity" in metadata:
        return dict(metadata["identity"])
    run = provenance.load(output.run_file)
    return former_runs.of_former_run(run) if run else None


def origin_of(
    output: RunFolders, metadata: Mapping[str, Any], selected_on: str = "none", differences: Sequence[str] = ()
) -> Origin:
    """Return the origin of what is computed from a checkpoint.

    Args:
        output: folders of the run.
        metadata: content of ``ckpt-N.json``.
        selected_on: the split on which the step was chosen, or "none".
        differences: a line for each difference between the checkpoint and now that was overridden.
    """
    recorded = recorded_identity(output, metadata)
    return Origin(
        output.experiment, output.timestamp, metadata.get("started") or folders.started(output.checkpoints),
        metadata["step"], metadata["sha256"], recorded, metadata.get("losses", ()), selected_on,
        [*(recorded or {}).get("changes", ()), *differences],
    )  # fmt: skip

"""What the scores of a run are based on: samples, fields, image size, range of values and definitions of the metrics.

Scores may be compared if they have the same basis. It is read from the file beside the CSV, of former versions from
``run.json``, which recorded less.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from metrics import PER_TIME_STEP, VERSIONS
from pix2earth.runs import identity

UNKNOWN = "?"


class Basis(NamedTuple):
    """What the scores of one split of a run are based on; None: not recorded.

    Attributes:
        dataset: name of the dataset; runs on the same records are compared whatever it is called.
        split: of the samples.
        records: fingerprint of the dataset.
        manifest: fields and roles of the dataset, as JSON.
        size: height and width of the scored images in pixels.
        unit_norm: whether images of unit norm were scored (``"normalize": "l2"``); otherwise physical values.
        data_range: upper minus lower end of the valid range, with its unit.
        outdated: metrics whose definition has changed since.
    """

    dataset: str
    split: str
    records: str | None = None
    manifest: str | None = None
    size: str | None = None
    unit_norm: bool | None = None
    data_range: str | None = None
    outdated: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for runs whose scores may be compared."""
        return (self.dataset if self.records is None else None, *self[1:])

    @property
    def title(self) -> str:
        """Name, first digits of the fingerprint, and split."""
        records = self.records.removeprefix("sha256:")[:8] if self.records else ""
        return " ".join(part for part in (self.dataset, records, self.split) if part)

    def differences(self, reference: Basis) -> dict[str, str]:
        """Return why scores must not be compared with those of another basis: a few words -> a longer phrase."""
        reasons = {}
        if self.records is None and reference.records is not None:
            return {"origin not recorded": "what the scores are based on was not recorded"}
        if self.split != reference.split:
            reasons[self.split or "no split"] = f"split {self.split or 'unknown'} instead of {reference.split}"
        if self.records != reference.records:
            reasons["other records"] = "other records of the dataset"
        if self.size != reference.size:
            reasons[self.size or "size not recorded"] = _instead("image size", self.size, reference.size)
        if self.unit_norm != reference.unit_norm:
            names = {True: "unit norm", False: "physical units", None: None}
            name = names[self.unit_norm]
            reasons[name or "scale not recorded"] = _instead("scale:", name, names[reference.unit_norm])
        elif self.data_range != reference.data_range:
            name = f"range {self.data_range}" if self.data_range else "range not recorded"
            reasons[name] = _instead("data range", self.data_range, reference.data_range)
        if self.manifest != reference.manifest and self.records == reference.records:
            reasons.update(self._of_manifest(reference))
        if self.outdated != reference.outdated:
            old = [name for name in self.outdated if name not in reference.outdated]
            names_text = ", ".join(old or reference.outdated)
            reasons["former metrics" if old else "present metrics"] = (
                f"{'former' if old else 'present'} definitions of {names_text}"
            )
        return reasons

    def _of_manifest(self, reference: Basis) -> dict[str, str]:
        if self.manifest is None or reference.manifest is None:
            return {"manifest not recorded": "the manifest of the dataset was not recorded"}
        found = list(identity.manifest_differences(json.loads(reference.manifest), json.loads(self.manifest)))
        lines = [f"{item.key} {json.dumps(item.current)} instead of {json.dumps(item.was)}" for item in found]
        return {"other manifest": "; ".join(lines) or "another manifest"}


def _instead(what: str, value: str | None, of_reference: str | None) -> str:
    """Return a phrase for a value that differs from that of the reference."""
    if value is None:
        return f"{what} was not recorded"
    return f"{what} {value}" + (f" instead of {of_reference}" if of_reference else ", there not recorded")


def of_entry(entry: Mapping[str, Any], split: str) -> Basis:
    """Return the basis of an entry of ``<run>.csv.json``."""
    scale, dataset = entry["scale"], entry["evaluated_on"]
    units = "" if scale["units"] in ("", "1") else f" {scale['units']}"
    versions = entry.get("metrics", {})
    if by_time_step(dataset) and not scale.get("by_time_step"):
        versions = {name: 0 if name not in PER_TIME_STEP else version for name, version in versions.items()}
    # How a network gets its values does not matter to scores in physical units, unless the target is saturated.
    fields = {
        name: {key: value for key, value in field.items() if key != "transform" or value["saturate"]}
        for name, field in dataset["fields"].items()
    }
    hidden = {"occlusion": dataset["occlusion"]} if "occlusion" in dataset else {}
    return Basis(
        dataset["name"], split, dataset["fingerprint"],
        json.dumps({"fields": fields, "roles": dataset["roles"], **hidden}, sort_keys=True),
        f"{scale['height']} x {scale['width']} px", scale["normalize"] == "l2", f"{scale['data_range']:g}{units}",
        _outdated(versions),
    )  # fmt: skip


def by_time_step(dataset: Mapping[str, Any]) -> bool:
    """Return whether all metrics are means over time steps: the target has several, and its pixels can be missing.

    Former versions scored all time steps together, without the pixels that are missing in any of them.

    Args:
        dataset: part "dataset" of an identity.
    """
    fields, roles = dataset["fields"], dataset["roles"]
    target = fields[roles["target"]]
    if len(target["shape"]) != 4:
        return False
    mask = fields[roles["mask"]]["shape"] if roles.get("mask") else []
    missing = target["nodata"] is not None or target["dtype"].startswith("float")
    return missing or mask[:-3] == target["shape"][:1]


def of_former_run(run: Mapping[str, Any], split: str, metrics: Collection[str]) -> Basis:
    """Return as much of the basis as the ``run.json`` of a former version recorded.

    Args:
        run: content of ``run.json``.
        split: of the samples.
        metrics: names of the metrics in the CSV.
    """
    settings, dataset = run.get("settings", {}), run["dataset"]
    height, width = settings.get("img_height"), settings.get("img_width")
    size = f"{height} x {width} px" if height and width else None
    return Basis(
        dataset["name"], split, dataset.get("fingerprint"), None, size,
        settings["normalize"] == "l2" if "normalize" in settings else None, None,
        _outdated(dict.fromkeys(metrics, 1)),
    )  # fmt: skip


def _outdated(versions: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(name for name in VERSIONS if name in versions and versions[name] != VERSIONS[name])


def reference_of(bases: Sequence[Basis]) -> Basis:
    """Return the basis that most runs have, of those that were recorded; the most complete one, then the first."""
    keys = [basis.key for basis in bases]

    def rank(basis: Basis) -> tuple[bool, int, int]:
        complete = sum(value is not None for value in basis) - len(basis.outdated)
        return basis.records is not None, keys.count(basis.key), complete

    return max(bases, key=rank)

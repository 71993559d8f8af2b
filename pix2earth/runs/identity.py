"""The identity of a run: everything that shaped its numbers. Every command compares it by this module alone.

An identity is a JSON object with the parts

* ``settings``: the resolved keys of ``experiment.json`` that shape the network, its data or its training;
* ``seed``, named apart, so that runs that differ by their seed alone can be grouped;
* ``plugin``: name, and checksum of the code of the plug-in with the files of ``models_root`` that it imports;
* ``toolkit``: checksums of the files of ``models``, ``layers``, ``losses`` and ``metrics`` that it imports;
* ``dataset``: name, tile size, fingerprint of the records, and of the manifest what gives numbers a meaning;
* ``augmentation``, ``missing`` and ``exclusion``: versions of what is done with tiles, see ``treatments``;

``selection``, the split by which its best step is chosen, of which a part of train is not trained on;
and, where a run was resumed with other values, ``changes``: a line for each of them, with the step.

It is written with each checkpoint, and what is computed from a checkpoint carries it on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pix2earth.runs import treatments
from pix2earth.runs.source_identity import checksum, imported_files, is_shipped
from pix2earth.settings.errors import UserError
from pix2earth.settings.optimization import NETWORKS
from pix2earth.settings.schema import ADDED, affects

if TYPE_CHECKING:
    from experiment import Experiment
    from pix2earth.records.listing import Listing

VERSION = 1
WITHOUT_EFFECT = frozenset(
    "seed steps metrics score_disk sample_freq ckpt_freq validate_freq keep_checkpoints deterministic".split()
)
"""Keys of ``experiment.json`` that do not change the weights after a step: when something is computed, not what."""
MANIFEST_KEYS = ("dtype", "shape", "kind", "bands", "units", "scale", "offset", "nodata", "valid_range", "rgb", "gsd")
ROLES = ("input", "target", "mask", "score_by")
ORDERS = ("pools", "sequence", "input_mask", "guide", "reduced")  # recorded where they are stated


class Difference(NamedTuple):
    """One thing that was recorded and is different now.

    Attributes:
        part: "network", "data", "training", "plug-in", "toolkit", "dataset", "manifest", "treatment", "seed" or
            "name"; a name is that of a dataset folder whose records are the same.
        key: what differs, such as a key of ``experiment.json`` or a file.
        was: its recorded value.
        current: its value now.
    """

    part: str
    key: str
    was: Any
    current: Any

    def __str__(self) -> str:
        """Return the difference in words."""
        if self.part in ("plug-in", "toolkit"):
            return f"{self.key}: its code has changed since ({self.part})"
        if self.part == "treatment":
            return treatments.in_words(self.key, self.was, self.current)
        if self.key == "fingerprint":
            return f"the records of the dataset have changed since ({_short(self.was)}, now {_short(self.current)})"
        return f"{self.key}: was {json.dumps(self.was)}, is {json.dumps(self.current)} ({self.part})"


def describe(experiment: Experiment, listing: Listing, plugin: Path, *, records: bool = True) -> dict[str, Any]:
    """Return the identity of a run as it is now.

    Args:
        experiment: its settings, and the manifest of its dataset.
        listing: of its dataset.
        plugin: the plug-in's file.
        records: False leaves the fingerprint out: a scene is predicted without the records of the dataset.
    """
    settings = experiment.resolved()
    return {
        "version": VERSION,
        "settings": {key: value for key, value in settings.items() if key not in WITHOUT_EFFECT},
        "seed": settings["seed"],
        **code(plugin, Path(experiment.PROJECT_ROOT), [Path(root) for root in experiment.environment.MODELS_ROOT]),
        "dataset": dataset(listing, records=records),
        **treatments.TREATMENTS,
    }


def code(plugin: Path, project: Path, models_roots: Collection[Path]) -> dict[str, Any]:
    """Return the parts ``plugin`` and ``toolkit``: checksums of the code, without comments and docstrings."""
    own, toolkit = [], {}
    for path in imported_files(plugin, project, list(models_roots))[1:]:
        if is_shipped(path, project):
            toolkit[path.relative_to(project.resolve()).as_posix()] = checksum(path)
        else:
            own.append(checksum(path))
    # Sorted by checksum: the folders may have other names on another machine.
    own = [checksum(plugin), *sorted(own)]
    return {
        "plugin": {"name": plugin.stem, "sha256": digest(own), "shipped": is_shipped(plugin, project)},
        "toolkit": dict(sorted(toolkit.items())),
    }


def dataset(listing: Listing, *, records: bool = True) -> dict[str, Any]:
    """Return the part ``dataset``, with the fingerprint of its records unless ``records`` is False."""
    manifest = listing.manifest
    fields = {
        name: {key: _plain(getattr(field, key)) for key in MANIFEST_KEYS}
        | ({"transform": field.transform.model_dump()} if field.transform else {})
        for name, field in manifest.fields.items()
    }
    roles = {role: getattr(manifest, role) for role in ROLES}
    orders = {key: getattr(manifest, key) for key in ORDERS if getattr(manifest, key)}
    if manifest.degradation:
        orders["degradation"] = manifest.degradation.model_dump(mode="json")
    if manifest.occlusion:
        orders["occlusion"] = manifest.occlusion.settings.model_dump(mode="json")
        orders["occlusion"] |= {"fingerprint": listing.masks.fingerprint} if records and listing.masks else {}
    fingerprint = {"fingerprint": listing.fingerprint} if records else {}
    return {
        "name": manifest.name,
        "tilesize": manifest.tilesize,
        **fingerprint,
        "fields": fields,
        "roles": roles,
    } | orders


def _plain(value: Any) -> Any:
    """Return a value as JSON gives it back."""
    return json.loads(json.dumps(value))


def digest(content: Any) -> str:
    """Return the SHA-256 of a JSON object."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def without_seed(identity: Mapping[str, Any]) -> str:
    """Return a checksum that runs share that differ by their seed alone.

    Neither name and degradation of the dataset count nor the toolkit's own code: records have a fingerprint, and
    metrics have versions.
    """
    content = {key: value for key, value in identity.items() if key not in ("version", "seed", "toolkit")}
    content |= treatments.of(identity)
    if content.get("settings"):
        content["settings"] = comparable(content["settings"])
    for part, name in (("settings", "dataset"), ("dataset", "name"), ("dataset", "degradation")):
        content[part] = {key: value for key, value in content.get(part, {}).items() if key != name}
    return digest(content)


def settings_of(identity: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of an identity with the seed, as ``Experiment`` takes those of an existing run."""
    seed = {"seed": identity["seed"]} if "seed" in identity else {}
    return {**identity.get("settings", {}), **seed}


def changed(recorded: Mapping[str, Any], current: Mapping[str, Any], step: int) -> dict[str, Any]:
    """Return the identity of a run that is resumed: the current one with all changes since the run was started.

    Args:
        recorded: that of the checkpoint.
        current: that of the resuming process.
        step: of the checkpoint.
    """
    changes = list(recorded.get("changes", []))
    changes += [
        f"step {step}: {difference}"
        for difference in differences(recorded, current)
        if difference.part not in ("toolkit", "name")
    ]
    return {**current, "changes": changes} if changes else dict(current)


def differences(recorded: Mapping[str, Any], current: Mapping[str, Any]) -> list[Difference]:
    """Return what differs between a recorded identity and the present one; parts that were not recorded are left out.

    Args:
        recorded: an identity as ``describe`` returned it then.
        current: as it returns it now.
    """
    found = [*_settings(recorded, current), *_code(recorded, current), *_dataset(recorded, current)]
    found += [Difference("treatment", *values) for values in treatments.differences(recorded, current)]
    return found


def _settings(recorded: Mapping[str, Any], current: Mapping[str, Any]) -> Iterator[Difference]:
    before, now = recorded.get("settings", {}), current["settings"]
    fingerprints = [one.get("dataset", {}).get("fingerprint") for one in (recorded, current)]
    same_records = fingerprints[0] == fingerprints[1] or None in fingerprints
    if "model_name" in before:
        before, now = comparable(before), comparable(now)
    for key in before:
        if key in now and before[key] != now[key]:
            renamed = key == "dataset" and same_records
            yield Difference("name" if renamed else affects(key) or "training", key, before[key], now[key])
    if recorded.get("seed", current["seed"]) != current["seed"]:
        yield Difference("seed", "seed", recorded["seed"], current["seed"])


def comparable(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings in a form in which those of former versions, which lack keys, equal the same of this one."""
    rate = settings.get("learning_rate")
    if (
        isinstance(rate, dict)
        and rate.keys() == {*NETWORKS}
        and len({*rate.values()}) == 1
        and None not in rate.values()
    ):
        rate = rate[NETWORKS[0]]
    content = {**settings, **{key: settings.get(key, value) for key, value in ADDED.items()}, "learning_rate": rate}
    content["start_standardize"] = bool(content["start_from"]) and content["start_standardize"]  # else without effect
    for key in ("gen_loss", "disc_loss"):  # without losses that are not computed, of which there are more now
        content[key] = {name: weight for name, weight in settings.get(key, {}).items() if weight is not None}
    return content


def _code(recorded: Mapping[str, Any], current: Mapping[str, Any]) -> Iterator[Difference]:
    before, now = recorded.get("plugin"), current["plugin"]
    if before and before.get("sha256") != now["sha256"]:
        # Former versions recorded a checksum of all bytes: of shipped files, they may differ by comments.
        shipped = now["shipped"] and (before.get("shipped") or "bytes" in before)
        yield Difference("toolkit" if shipped else "plug-in", f"plug-in '{now['name']}'", before, now)
    before, now = recorded.get("toolkit", current["toolkit"]), current["toolkit"]
    for file in sorted(before.keys() | now.keys()):
        if before.get(file) != now.get(file):
            yield Difference("toolkit", file, before.get(file), now.get(file))


def _dataset(recorded: Mapping[str, Any], current: Mapping[str, Any]) -> Iterator[Difference]:
    before, now = recorded.get("dataset", {}), current["dataset"]
    if "fingerprint" in before and "fingerprint" in now and before["fingerprint"] != now["fingerprint"]:
        yield Difference("dataset", "fingerprint", before["fingerprint"], now["fingerprint"])
    yield from manifest_differences(before, now)


def manifest_differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield what differs between two parts ``dataset`` in the meaning of the numbers."""
    for role, name in before.get("roles", {}).items():
        if now["roles"].get(role) != name:
            yield Difference("manifest", f"role {role}", name, now["roles"].get(role))
    for key in ORDERS:
        if "fields" in before and before.get(key) != now.get(key):
            yield Difference("manifest", key, before.get(key), now.get(key))
    yield from _occlusion_differences(before.get("occlusion") or {}, now.get("occlusion") or {})
    # Manifests that former versions wrote do not state it, and what was trained with one goes on with a new one.
    if "degradation" in before and before["degradation"] != now.get("degradation"):
        yield Difference("manifest", "degradation", before["degradation"], now.get("degradation"))
    recorded_fields, fields = before.get("fields", now["fields"]), now["fields"]
    for name in dict.fromkeys([*recorded_fields, *fields]):
        if name not in fields or name not in recorded_fields:
            yield Difference("manifest", f"field {name}", name in recorded_fields, name in fields)
            continue
        # A transform is recorded where there is one.
        for key, value in ({"transform": None} | recorded_fields[name]).items():
            if fields[name].get(key) != value:
                yield Difference("manifest", f"{name}.{key}", value, fields[name].get(key))


def _occlusion_differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield what differs in the parts of samples that are hidden; fingerprints of masks where both are known."""
    was, current = ({key: value for key, value in one.items() if key != "fingerprint"} for one in (before, now))
    if was != current:
        yield Difference("manifest", "occlusion", was or None, current or None)
    elif before.get("fingerprint") != now.get("fingerprint") and "fingerprint" in before and "fingerprint" in now:
        yield Difference("dataset", "fingerprint of the masks", before["fingerprint"], now["fingerprint"])


def of_parts(found: Iterable[Difference], *parts: str) -> list[Difference]:
    """Return the differences of some parts."""
    return [difference for difference in found if difference.part in parts]


def refuse(found: Collection[Difference], place: str, option: str | None) -> None:
    """Make sure that nothing differs.

    Args:
        found: what differs.
        place: what the recorded identity belongs to, such as a run or a checkpoint.
        option: the one option of the command that overrides the refusal, or None where none does.

    Raises:
        UserError: something differs; a line for each difference, and what to do.
    """
    if not found:
        return
    advice = f"change that back, or use {option}" if option else "change that back"
    raise UserError(*(f"{place}: {difference}" for difference in found), f"{place}: {advice}")


def _short(fingerprint: str) -> str:
    return fingerprint.removeprefix("sha256:")[:8]

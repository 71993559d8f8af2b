"""Matching: which files of the fields belong together, by the named parts of their names or by their times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from pix2earth.settings.errors import UserError
from preprocessing.importing.layout.scenes import (
    BandSource,
    Found,
    ImportScene,
    Roots,
    Steps,
    files_below,
    matching,
    opened,
)
from preprocessing.sources.description import Layer, SourceDescription, SourceField
from preprocessing.sources.patterns import TOKEN, filled, moment, nearest_path, parts_of, template_parts

Key = tuple[str, ...]


class Matched(NamedTuple):
    """What the input folders hold.

    Attributes:
        scenes: those whose files are all there, sorted by name.
        missing: a line for each file that a scene lacks.
        unmatched: files that belong to no scene.
    """

    scenes: list[ImportScene]
    missing: list[str]
    unmatched: list[str]


class Tree(NamedTuple):
    """The files below the input folders.

    Attributes:
        files: by the name of the folder in the description.
        places: paths of the folders by the same names, for messages.
    """

    files: Mapping[str, Sequence[Found]]
    places: Mapping[str, str]

    def of(self, name: str, field: SourceField, layer: Layer) -> list[tuple[dict[str, str], Found]]:
        """Return the files of a field that match a pattern of it, with their parts.

        Raises:
            UserError: there are none.
        """
        pattern, files = layer.files or "", self.files.get(field.folder, ())
        if found := matching(pattern, files):
            return found
        place = self.places.get(field.folder, "")
        if not files:
            raise UserError(f"{place}: holds no files for {name}; name the folder with its images")
        shown = pattern.replace("{suffix:suffix}", "*")
        near = (
            nearest_path(pattern, [one.name for one in files]) or f"; there are {len(files)}, such as {files[0].name}"
        )
        raise UserError(f"{place}: {name}: no file matches '{shown}'{near}")


def match(description: SourceDescription, roots: Roots) -> Matched:
    """Return the scenes below the input folders; those of every pool on their own where there are pools.

    Args:
        description: of the source.
        roots: input folders by name.

    Raises:
        UserError: a folder is missing, no file matches a pattern, or two files compete for one place in a scene.
    """
    files = {name: files_below(folders) for name, folders in roots.items()}
    groups = description.pools or {"": list(description.fields)}
    scenes: list[ImportScene] = []
    missing: list[str] = []
    for pool, names in groups.items():
        fields = {name: description.fields[name] for name in names}
        tree = Tree(files, {name: " and ".join(map(str, folders)) for name, folders in roots.items()})
        finder = _Nearest(description, fields, tree) if description.nearest else _Parts(description, fields, tree)
        found, lacking = finder.scenes()
        scenes += [one._replace(name=f"{pool}-{one.name}") for one in found] if pool else found
        missing += lacking
    used = {file for scene in scenes for file in scene.files}
    tables = {table.file for table in description.tables.values()} | set(
        getattr(description.split, "files", {}).values()
    )
    rest = [one.name for some in files.values() for one in some if one.path not in used and one.name not in tables]
    return Matched(sorted(scenes, key=lambda scene: scene.name), missing, rest)


class _Parts:
    """Matching by named parts."""

    def __init__(self, description: SourceDescription, fields: Mapping[str, SourceField], tree: Tree) -> None:
        self.description, self.fields, self.tree = description, fields, tree
        own = {name: self._own_parts(field) for name, field in fields.items()}
        if description.sample:
            self.key = list(dict.fromkeys(template_parts(description.sample)))
        else:
            lead = own.get(description.target) or next(iter(own.values()))
            most = max(own.values(), key=len)
            shared = [part for part in (lead or most) if all(part in parts for parts in own.values())]
            self.key = shared
        if not self.key:
            patterns = ", ".join(f"{name} {field.files}" for name, field in fields.items())
            raise UserError(
                f"the patterns share no named part, such as {{name}}, by which files belong together: {patterns}"
            )

    @staticmethod
    def _own_parts(field: SourceField) -> list[str]:
        """Return the parts of all patterns of a field, without that of its time steps."""
        parts = [part for one in field.layers for layer in one for part in parts_of(layer.files or "")]
        return [part for part in dict.fromkeys(parts) if not field.times or part != field.times.part]

    def scenes(self) -> tuple[list[ImportScene], list[str]]:
        """Return the complete scenes, and a line for each file that another lacks."""
        indexes: dict[tuple[str, str], dict[Key, tuple[Found, dict[str, str]]]] = {}
        keys: dict[Key, None] = {}
        for name, field in self.fields.items():
            for layer in {layer.files: layer for one in field.layers for layer in one}.values():
                index = self._index(name, field, layer)
                indexes[name, layer.files or ""] = index
                if set(self.key) <= set(parts_of(layer.files or "")):
                    keys |= dict.fromkeys(key[: len(self.key)] for key in index)
        if not keys:
            raise UserError(
                f"no pattern has all parts of a sample's name: {', '.join(self.key)}; add them, or shorten sample"
            )
        found, missing = [], []
        for key in sorted(keys):
            scene, lacking = self._scene(key, indexes)
            missing += lacking
            if scene:
                found.append(scene)
        names: dict[str, Key] = {}
        for scene in found:
            if scene.name in names:
                raise UserError(f"two samples are called {scene.name}; name more parts in sample")
            names[scene.name] = ()
        return found, missing

    def _index(self, name: str, field: SourceField, layer: Layer) -> dict[Key, tuple[Found, dict[str, str]]]:
        """Return the files of a pattern by the parts of the sample that it has, and by the time step's."""
        index: dict[Key, tuple[Found, dict[str, str]]] = {}
        for parts, file in self.tree.of(name, field, layer):
            key = self._key(parts, field)
            if key in index:
                raise UserError(
                    f"{name}: {index[key][0].name} and {file.name} are both {'_'.join(key)}; name the part in"
                    " which they differ in sample, or make the pattern narrower"
                )
            index[key] = (file, parts)
        return index

    def _key(self, parts: Mapping[str, str], field: SourceField) -> Key:
        step = (parts.get(field.times.part, ""),) if field.times else ()
        return (*(parts.get(part, "") for part in self.key), *step)

    def _scene(
        self, key: Key, indexes: Mapping[tuple[str, str], Mapping[Key, tuple[Found, dict[str, str]]]]
    ) -> tuple[ImportScene | None, list[str]]:
        """Return the scene of a key, or None and lines for what it lacks."""
        named = dict(zip(self.key, key, strict=True))
        parts, fields, missing = dict(named), {}, []
        name = filled(self.description.sample, named, "sample") if self.description.sample else "_".join(key)
        name = name.replace("/", "_")
        for field_name, field in self.fields.items():
            values = [str(value) for value in field.times.values] if field.times else [None]
            steps: list[tuple[BandSource, ...]] = []
            for value in values:
                for layers in field.layers:
                    sources = []
                    for layer in layers:
                        wanted = {part: named[part] if part in parts_of(layer.files or "") else "" for part in self.key}
                        place = (*wanted.values(), *([value] if value is not None else []))
                        entry = indexes[field_name, layer.files or ""].get(place)
                        if entry is None:
                            stated = {**named, **({field.times.part: value or ""} if field.times else {})}
                            folder = self.tree.places.get(self.fields[field_name].folder, "")
                            file = expected(layer.files or "", stated)
                            missing.append(f"{name}: {field_name}: there is no {file} in {folder}")
                            continue
                        parts |= {part: text for part, text in entry[1].items() if part not in parts}
                        sources.append(BandSource(entry[0].path, layer))
                    steps.append(tuple(sources))
            fields[field_name] = tuple(steps)
        return (None, missing) if missing else (ImportScene(name, parts, fields), [])


def expected(pattern: str, parts: Mapping[str, str]) -> str:
    """Return the name of a file that is expected: a pattern with the parts that are known, "*" for any suffix."""
    return "".join(
        parts.get(match[1], "*" if match[2] == "suffix" else f"{{{match[1]}}}") if match[1] else match[0]
        for match in TOKEN.finditer(pattern)
    )


class _Nearest:
    """Matching by time: each file of one field with the nearest of every other one."""

    def __init__(self, description: SourceDescription, fields: Mapping[str, SourceField], tree: Tree) -> None:
        self.description, self.fields, self.tree = description, fields, tree
        for name, field in fields.items():
            if len(field.layers) != 1 or len(field.layers[0]) != 1 or field.times:
                raise UserError(f"{name}: has several files for one sample, which cannot be matched by time")

    def scenes(self) -> tuple[list[ImportScene], list[str]]:
        """Return the scenes, and a line for each file of the leading field that has no partner."""
        rule = self.description.nearest
        assert rule is not None
        timed = {name: self._timed(name, field) for name, field in self.fields.items()}
        scenes, missing = [], []
        for time, file, parts in timed[rule.field]:
            chosen: dict[str, Steps] = {}
            acquired: dict[str, tuple[str, ...]] = {}
            for name, field in self.fields.items():
                near = min(timed[name], key=lambda entry: (abs(entry[0] - time), entry[0]))
                distance = abs((near[0] - time).total_seconds())
                if distance > rule.within:
                    missing.append(
                        f"{file.name}: {name}: the nearest file in time is {near[1].name}, {distance:g} s away (at most"
                        f" {rule.within:g} s)"
                    )
                    break
                chosen[name] = ((BandSource(near[1].path, field.layers[0][0]),),)
                acquired[name] = (near[0].isoformat(),)
            else:
                stem = file.name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
                name = filled(self.description.sample, parts, "sample") if self.description.sample else stem
                scenes.append(ImportScene(name, parts, chosen, acquired))
        return scenes, missing

    def _timed(self, name: str, field: SourceField) -> list[tuple[datetime, Found, dict[str, str]]]:
        """Return time, file and parts of every file of a field, by time.

        Raises:
            UserError: no file matches, or one has no time.
        """
        layer = field.layers[0][0]
        entries = []
        for parts, file in self.tree.of(name, field, layer):
            if field.date and field.date.part:
                text: str | None = moment(parts.get(field.date.part, ""))
            elif field.date and field.date.tag:
                text = moment(str(opened(BandSource(file.path, layer), field).keywords.get(field.date.tag, "")))
            else:
                text = next(iter(opened(BandSource(file.path, layer), field).times), None)
            if text is None:
                raise UserError(f"{file.path}: states no time by which it could be matched; say where it is (date)")
            entries.append((datetime.fromisoformat(text).replace(tzinfo=None), file, parts))
        return sorted(entries, key=lambda entry: (entry[0], entry[1].name))

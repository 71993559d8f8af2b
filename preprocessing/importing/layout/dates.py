"""Times of acquisition from the names of files and from tables."""

from __future__ import annotations

from collections.abc import Mapping

from pix2earth.settings.errors import UserError, nearest
from preprocessing.importing.layout.scenes import ImportScene
from preprocessing.sources.description import DateFrom, SourceDescription, SourceField
from preprocessing.sources.patterns import filled, moment
from preprocessing.sources.tables import Row


def with_dates(
    description: SourceDescription, scene: ImportScene, tables: Mapping[str, Mapping[str, Row]]
) -> ImportScene:
    """Return a scene with the times that its name or a table states; tags are read with the files.

    Raises:
        UserError: such a time is none.
    """
    acquired = dict(scene.acquired)
    for name, field in description.fields.items():
        if name not in scene.fields or field.date is None or field.date.tag:
            continue
        times = _of_parts(name, field, scene) if field.date.part else _of_table(description, field.date, scene, tables)
        if times:
            acquired[name] = times
    return scene._replace(acquired=acquired)


def _of_parts(name: str, field: SourceField, scene: ImportScene) -> tuple[str, ...]:
    assert field.date and field.date.part
    part = field.date.part
    if part not in scene.parts:
        raise UserError(f"{name}: date: no pattern has a part '{part}'{nearest(part, scene.parts)}")
    time = moment(scene.parts[part])
    if time is None:
        raise UserError(f"{scene.files[0]}: {name}: its part {part} is no date: '{scene.parts[part]}'")
    return (time,)


def _of_table(
    description: SourceDescription, date: DateFrom, scene: ImportScene, tables: Mapping[str, Mapping[str, Row]]
) -> tuple[str, ...]:
    assert date.table and date.columns
    table = description.tables[date.table]
    row = tables[date.table].get(filled(table.name, scene.parts, f"tables.{date.table}"))
    if row is None:
        return ()
    times = []
    for column in date.columns:
        if column not in row:
            raise UserError(f"{table.file}: has no column '{column}'{nearest(column, row)}")
        time = moment(row[column])
        if time is None:
            raise UserError(f"{table.file}: {scene.name}: {column} is no date: '{row[column]}'")
        times.append(time)
    return tuple(times)

"""Tables of keys in ``docs/``, and JSON Schemas for editors, generated from the schemas of the settings."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pix2earth.documentation.page_sections import with_section
from pix2earth.settings.schema import EnvironmentFile, ExperimentFile

DOCS = Path(__file__).resolve().parents[2] / "docs"
SECTION = "keys"
PAGES: Mapping[str, type[BaseModel]] = {"environment": EnvironmentFile, "experiment": ExperimentFile}
WORDS = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null", dict: "object"}


def generated_files() -> dict[Path, str]:
    """Return the expected content of each page and JSON Schema by its path."""
    files = {}
    for name, schema in PAGES.items():
        page = DOCS / f"{name}.md"
        files[page] = with_section(page, SECTION, table(schema))
        files[DOCS / f"{name}.schema.json"] = json.dumps(json_schema(schema), indent=2) + "\n"
    return files


def json_schema(schema: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema of a file; it accepts the key ``$schema``, by which editors find it."""
    content = schema.model_json_schema()
    for properties in content["properties"].values():
        properties.pop("restore", None)
    content["properties"]["$schema"] = {"type": "string", "description": "Path or address of this schema, for editors."}
    return content


def table(schema: type[BaseModel]) -> str:
    """Return a Markdown table of all keys with type, default and meaning."""
    lines = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for key, field in schema.model_fields.items():
        meaning = " ".join((field.description or "").split()).replace("|", "\\|")
        lines.append(f"| `{key}` | {words(field.annotation)} | {default(field)} | {meaning} |")
    return "\n".join(lines)


def words(annotation: Any) -> str:
    """Return the name of a type in the table."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return words(inner[0])
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(words(option) for option in inner))
    if origin is typing.Literal:
        return " or ".join(f'`"{choice}"`' for choice in inner)
    if origin is list:
        return f"list of {words(inner[0])}"
    if origin is dict:
        return "object"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "object"
    return WORDS[annotation]


def default(field: FieldInfo) -> str:
    """Return the default of a key in JSON."""
    if field.is_required():
        return "required"
    return f"`{json.dumps(field.get_default(call_default_factory=True))}`"

"""Validation of JSON and YAML files: all errors at once, each with file, line, column and key."""

from __future__ import annotations

import difflib
import json
import os
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from pix2earth.settings import commented_json, yaml_documents
from pix2earth.settings.commented_json import Document
from pix2earth.settings.errors import UserError, nearest

Model = TypeVar("Model", bound=BaseModel)

ESCAPED = {code: repr(chr(code))[1:-1] for code in range(32)}
WORDING = {
    "missing": "is missing; it is required",
    "string_type": "must be a string in double quotes",
    "int_type": "must be an integer",
    "int_from_float": "must be an integer",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be a boolean (true or false)",
    "dict_type": "must be an object in braces {}",
    "model_type": "must be an object in braces {}",
    "model_attributes_type": "must be an object in braces {}",
    "list_type": "must be a list in brackets []",
}


def load(path: str | os.PathLike[str], schema: type[Model]) -> Model:
    """Read and check a file.

    Raises:
        UserError: the file is not JSON (or YAML), or has one or several errors, each in a line of its own.
    """
    return check(read(path), schema)


def read(path: str | os.PathLike[str]) -> Document:
    """Parse a file: YAML where its name ends with ``.yaml`` or ``.yml``, else JSON with comments."""
    return (yaml_documents if str(path).endswith((".yaml", ".yml")) else commented_json).read(path)


def check(document: Document, schema: type[Model]) -> Model:
    """Validate a parsed file against a schema.

    Raises:
        UserError: as ``load``.
    """
    if not isinstance(document.data, dict):
        raise UserError(f"{document.place(())}: must be an object in braces {{}}, not {_show(document.data)}")
    # "$schema" is for editors.
    content = {key: value for key, value in document.data.items() if key != "$schema"}
    try:
        return schema.model_validate(content)
    except ValidationError as error:
        entries = sorted(_one_for_each_value(content, error), key=lambda entry: _place(document, entry))
        raise UserError(*dict.fromkeys(_explain(document, schema, entry) for entry in entries)) from None


def explain(name: str, values: Mapping[str, Any], error: ValidationError) -> list[str]:
    """Return a line for each error of values that a program has given to a schema.

    Args:
        name: of the schema.
        values: by key.
        error: what pydantic found.
    """
    lines = []
    for entry in _one_for_each_value(values, error):
        key = ".".join(str(part) for part in entry["loc"])
        fault = WORDING["missing"] if entry["type"] == "missing" else _fault(entry)
        if entry["type"] == "extra_forbidden":
            fault = "is no key of it"
        lines.append(f"{name}: {key}: {fault}" if key else f"{name}: {fault.partition(', not ')[0]}")
    return list(dict.fromkeys(lines))


def _place(document: Document, entry: dict[str, Any]) -> tuple[int, ...]:
    """Return line and column of an error."""
    place = document.place(entry["loc"], of_key=entry["type"] == "extra_forbidden")
    return tuple(int(part) for part in place.rsplit(":", 2)[1:])


def _one_for_each_value(content: Any, error: ValidationError) -> list[dict[str, Any]]:
    """Return one error for each value; pydantic reports one for every type of a union that it tried.

    The errors of all tried types are in the new entry ``tried``.
    """
    errors: dict[tuple[Any, ...], dict[str, Any]] = {}
    for entry in error.errors(include_url=False):
        key = _key(content, entry)
        merged = errors.setdefault(key, {**entry, "loc": key, "tried": []})
        merged["tried"].append(entry)
    # Where a part of a value is wrong, the value had the right type, and the errors of the other types are left out.
    return [
        entry
        for key, entry in errors.items()
        if not any(len(other) > len(key) > 0 and other[: len(key)] == key for other in errors)
    ]


def _key(content: Any, entry: Mapping[str, Any]) -> tuple[str | int, ...]:
    """Return the keys of an error's location without the union branches (``int``, ``literal['all']``) in between."""
    key: list[str | int] = []
    for part in entry["loc"]:
        if (isinstance(content, dict) and part in content) or (
            isinstance(content, list) and part in range(len(content))
        ):
            content = content[part]
            key.append(part)
    return (*key, entry["loc"][-1]) if entry["type"] == "missing" else tuple(key)


def _explain(document: Document, schema: type[BaseModel], error: dict[str, Any]) -> str:
    """Return the line for one error: file, line, column, key and fault."""
    key: tuple[str | int, ...] = error["loc"]
    shown = ".".join(str(part) for part in key).translate(ESCAPED)
    if error["type"] == "extra_forbidden":
        valid_keys = _keys(schema, key[:-1], document.data)
        return f"{document.place(key, of_key=True)}: unknown key '{shown}'{nearest(str(key[-1]), valid_keys)}"
    place = document.place(key)
    if not key:
        return f"{place}: {error['msg'].removeprefix('Value error, ')}"
    if error["type"] == "missing":
        return f"{place}: {shown}: {WORDING['missing']}"
    return f"{place}: {shown}: {_fault(error)}"


def _fault(error: dict[str, Any]) -> str:
    """Return what is wrong with a value; for a union, over all types that were tried."""
    own = [tried for tried in error["tried"] if tried["type"] == "value_error"]
    if own:  # a validator of the schema, which knows more than pydantic
        message = own[0]["msg"].removeprefix("Value error, ")
        return f"{message}, not {_show(error['input'])}" if isinstance(error["input"], str) else message
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return _wrong_tag(error["ctx"])
    parts = []
    choices: list[str] = []
    for tried in error["tried"]:
        if tried["type"] == "literal_error":
            choices += [str(choice).strip("'") for choice in _literal_choices(tried)]
        else:
            message = tried["msg"].replace("Input should be", "must be")
            parts.append(WORDING.get(tried["type"], message))
    if choices:
        near = difflib.get_close_matches(str(error["input"]), choices, n=1, cutoff=0.5)
        hint = f" (did you mean '{near[0]}'?)" if near else ""
        parts.append(f"must be one of {', '.join(choices)}{hint}" if len(choices) > 1 else f'must be "{choices[0]}"')
    return f"{' or '.join(dict.fromkeys(parts))}, not {_show(error['input'])}"


def _wrong_tag(context: Mapping[str, Any]) -> str:
    """Return what is wrong with the key that chooses between schemas (pydantic's tag)."""
    key = context["discriminator"].strip("'")
    if "tag" not in context:
        return f"{key}: is missing; it chooses the kind of the object"
    tags = context["expected_tags"].replace("'", "").split(", ")
    near = difflib.get_close_matches(context["tag"], tags, n=1, cutoff=0.5)
    hint = f" (did you mean '{near[0]}'?)" if near else ""
    return f"{key}: must be one of {', '.join(tags)}{hint}, not {_show(context['tag'])}"


def _literal_choices(error: dict[str, Any]) -> list[str]:
    return error["ctx"]["expected"].replace(" or ", ", ").split(", ")


def _show(value: Any) -> str:
    """Return a value as error messages show it."""
    if isinstance(value, str):
        return f'the string "{value}"'
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "an object"
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)


def _keys(schema: type[BaseModel], location: tuple[str | int, ...], content: Any) -> list[str]:
    """Return the keys that are valid at a location of a schema; ``content`` is that of the whole file."""
    options: list[type[BaseModel]] = [schema]
    for part in location:
        content = content[part]
        field = options[0].model_fields.get(str(part)) if options else None
        if field is not None:
            options = _schemas(field.annotation)
        # Else it is a key of a dictionary, or an item of a list, of the same schemas.
        if isinstance(content, dict) and len(options) > 1:
            options = [option for option in options if _chosen_by(option, content)] or options
    return list(options[0].model_fields) if options else []


def _schemas(annotation: Any) -> list[type[BaseModel]]:
    """Return the schemas in an annotation, however deep in lists, unions and dictionaries."""
    if _is_schema(annotation):
        return [annotation]
    return [schema for part in typing.get_args(annotation) for schema in _schemas(part)]


def _chosen_by(schema: type[BaseModel], content: Any) -> bool:
    """Return whether the literal keys of a schema (``kind``, ``type``) have the values that the content has."""
    literals = {
        name: typing.get_args(field.annotation)
        for name, field in schema.model_fields.items()
        if typing.get_origin(field.annotation) is typing.Literal
        and (field.is_required() or len(typing.get_args(field.annotation)) == 1)
    }
    return isinstance(content, dict) and all(content.get(name) in values for name, values in literals.items())


def _is_schema(candidate: Any) -> bool:
    return isinstance(candidate, type) and issubclass(candidate, BaseModel)

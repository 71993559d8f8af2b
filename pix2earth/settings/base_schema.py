"""The base of all schemas of settings, and the two kinds of keys that must not change when a run resumes."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pix2earth.settings.errors import InvalidData
from pix2earth.settings.validation import explain


def network(**options: Any) -> Any:
    """Declare a key that changes the networks or their optimisers; a run cannot resume with another value.

    Args:
        **options: of ``pydantic.Field``.
    """
    return Field(json_schema_extra={"restore": "network"}, **options)


def data(**options: Any) -> Any:
    """Declare a key that changes the samples that a run reads; a run cannot resume with another value.

    Args:
        **options: of ``pydantic.Field``.
    """
    return Field(json_schema_extra={"restore": "data"}, **options)


class Schema(BaseModel):
    """Base of all schemas: unknown keys are errors, types are strict, docstrings of keys are the documentation."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

    def __init__(self, **values: Any) -> None:
        """Check the values that a program gives; files are checked by ``validation.load``.

        Raises:
            InvalidData: a line for each value that is missing or wrong.
        """
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise InvalidData(*explain(type(self).__name__, values, error)) from None

    # With this mark pydantic does not call the constructor when it validates a file: errors need their place there.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

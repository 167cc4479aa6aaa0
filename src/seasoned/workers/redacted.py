"""A report without its secrets, whatever fields it has."""

from dataclasses import fields, replace
from typing import Any, TypeVar, cast

from seasoned.capture import Redactor

__all__ = ["redacted"]

_Report = TypeVar("_Report")


def redacted(report: _Report, redactor: Redactor) -> _Report:
    """The same dataclass with secrets replaced in every text, list and document of it. Fields are read as the entries
    of a document are: one whose name says that it holds a secret is replaced whole."""
    record = cast("Any", report)
    values: dict[str, Any] = {each.name: getattr(record, each.name) for each in fields(record)}
    clean = redactor.document(
        {
            name: list(cast("tuple[Any, ...]", value)) if isinstance(value, tuple) else value
            for name, value in values.items()
        }
    )
    return cast(
        _Report,
        replace(
            record,
            **{
                name: tuple(cast("list[object]", clean[name])) if isinstance(value, tuple) else clean[name]
                for name, value in values.items()
            },
        ),
    )

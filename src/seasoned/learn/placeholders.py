"""Typed placeholders: which values a template takes, as a JSON Schema, and what is wrong with those given.

A schema comes from traces or from a stranger, as values do. Invariant: checking either ends soon and reads nothing but
what was given. So the keywords are named one by one (https://json-schema.org/draft/2020-12/json-schema-validation),
without references, which could fetch or loop, without combinators, whose cost multiplies, and with patterns in RE2,
whose time is linear in the text. All problems are told at once, each with its place.
"""

import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
from jsonschema import Draft202012Validator, FormatChecker, SchemaError, ValidationError, validators

from seasoned.capture.linear_patterns import LinearPattern, compile_linear
from seasoned.errors import InputError, SettingsError
from seasoned.model import Document
from seasoned.model.ids import canonical_json

__all__ = [
    "VALUES_LIMIT",
    "TemplateError",
    "ValueProblem",
    "check_schema",
    "is_placeholder",
    "placeholder_names",
    "problems",
    "with_defaults",
]

VALUES_LIMIT = 100_000
"""Characters of all values together, written as JSON."""
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_]{0,60}\Z")
_RESERVED = frozenset(
    "and caller else false False for if in is kwargs loop none None not or self super true True varargs".split()
)
_SCHEMA_LIMIT = 50_000
_DEPTH_LIMIT = 12
"""Of a schema and of values: objects and lists within one another."""
_LEAVES_LIMIT = 5_000
"""Single values within the values."""
_ENUM_LIMIT = 200
_COUNTED_LIMIT = 20
"""Counted repetitions in all patterns together. RE2 writes each out, up to 1,000 times: twenty cost it 0.5 s."""
_SHOWN_PROBLEMS = 50
_ANNOTATIONS = frozenset({"$schema", "$comment", "title", "description", "examples", "default", "deprecated"})
_KEYWORDS = _ANNOTATIONS | frozenset(
    """type properties required additionalProperties items enum const minimum maximum exclusiveMinimum exclusiveMaximum
    minLength maxLength pattern format minItems maxItems""".split()
)
_COUNTED = re.compile(r"\{\d")


class TemplateError(InputError):
    """A template, or its schema, that is not written as they may be; says what, and where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueProblem:
    """One thing that is wrong with the values given."""

    place: str
    """The placeholder, with the path inside it: ``files[2].name``; empty for the values as a whole."""
    message: str


def is_placeholder(name: str) -> bool:
    """Whether a placeholder may be called so: letters, digits and ``_``, and no word of the template language."""
    return _NAME.match(name) is not None and name not in _RESERVED


def check_schema(schema: Document) -> None:
    """Raise TemplateError unless ``schema`` is a JSON Schema of an object, written in the keywords allowed."""
    _validator(_written(schema))


def placeholder_names(schema: Document) -> list[str]:
    """The placeholders that ``schema`` describes, in its order."""
    return list(_properties(schema))


def with_defaults(schema: Document, values: Mapping[str, object]) -> dict[str, object]:
    """``values``, and the schema's ``default`` for placeholders that they leave out."""
    defaults = {
        name: cast("Mapping[str, object]", about)["default"]
        for name, about in _properties(schema).items()
        if isinstance(about, Mapping) and "default" in about
    }
    return {**defaults, **values}


def problems(schema: Document, values: Mapping[str, object]) -> list[ValueProblem]:
    """Everything that is wrong with ``values``, by place (the first 50); empty when they fit.

    Values that the schema does not describe are a problem too, whatever it says of further properties. Raises
    TemplateError when the schema itself is none.
    """
    validator = _validator(_written(schema))
    if too_large := _too_large(values):
        return [ValueProblem(place="", message=too_large)]
    described = _properties(schema)
    listed = ", ".join(described) or "it has none"
    found = [
        ValueProblem(place=name, message=f"is no placeholder of this template; these are: {listed}")
        for name in values
        if name not in described
    ]
    known = {name: value for name, value in values.items() if name in described}
    for error in validator.iter_errors(known):
        found.append(ValueProblem(place=_place(error), message=_message(error)))
        if len(found) >= _SHOWN_PROBLEMS:
            break
    return sorted(found, key=lambda problem: (problem.place, problem.message))


def _properties(schema: Document) -> Mapping[str, object]:
    described = schema.get("properties")
    return cast("Mapping[str, object]", described) if isinstance(described, Mapping) else {}


def _written(schema: Document) -> str:
    try:
        text = canonical_json(schema)
    except (RecursionError, TypeError, ValueError) as error:
        raise TemplateError(f"The placeholder schema is no JSON: {error}.") from error
    if len(text) > _SCHEMA_LIMIT:
        raise TemplateError(f"The placeholder schema has {len(text):,} characters; {_SCHEMA_LIMIT:,} are allowed.")
    return text


def _too_large(values: Mapping[str, object]) -> str | None:
    """Why the values are more than is looked at; None when they are not. Walks no further than the limits."""
    waiting: list[tuple[object, int]] = [(dict(values), 0)]
    leaves = size = 0
    while waiting:
        value, depth = waiting.pop()
        if depth > _DEPTH_LIMIT:
            return f"are nested more than {_DEPTH_LIMIT} deep"
        if isinstance(value, Mapping):
            inner = cast("Mapping[str, object]", value)
            waiting += [(part, depth + 1) for part in inner.values()]
            size += sum(map(len, inner))
        elif isinstance(value, list):
            waiting += [(part, depth + 1) for part in cast("list[object]", value)]
        leaves += 1
        size += len(value) if isinstance(value, str) else 1
        if isinstance(value, int) and value.bit_length() > 256:
            return "hold a number of more than 256 bits"
        if size > VALUES_LIMIT or leaves + len(waiting) > _LEAVES_LIMIT:
            return f"are too many: at most {VALUES_LIMIT:,} characters in {_LEAVES_LIMIT:,} single values are allowed"
    return None


# -- the validator --------------------------------------------------------------------------------------------------
@lru_cache(maxsize=256)
def _validator(schema: str) -> "_Validator":
    read = msgspec.json.decode(schema, type=dict[str, object])
    _allowed(read, "", 0)
    try:
        Draft202012Validator.check_schema(read)  # pyright: ignore[reportUnknownMemberType]
    except (SchemaError, RecursionError) as error:
        told = error.message if isinstance(error, SchemaError) else "it is nested too deeply"
        raise TemplateError(f"The placeholder schema is no JSON Schema: {told[:300]}.") from error
    if read.get("type", "object") != "object":
        raise TemplateError("The placeholder schema must describe an object: one property for each placeholder.")
    for name in _properties(read):
        if not is_placeholder(name):
            raise TemplateError(
                f"{name[:80]!r} cannot be the name of a placeholder: letters, digits and _ are allowed."
            )
    patterns = {pattern: _linear(pattern) for pattern in sorted(set(_patterns(read)))}
    return _Validator(read, patterns)


class _Validator:
    """A compiled schema."""

    def __init__(self, schema: dict[str, object], patterns: Mapping[str, LinearPattern]) -> None:
        def matches(_: object, pattern: str, value: object, __: object) -> Iterator[ValidationError]:
            if isinstance(value, str) and patterns[pattern].search(value.encode("utf-8", "replace")) is None:
                yield ValidationError(f"{value!r} does not match {pattern!r}")

        def there(_: object, names: list[str], value: object, __: object) -> Iterator[ValidationError]:
            if isinstance(value, Mapping):
                for name in sorted(set(names) - set(cast("Mapping[str, object]", value))):
                    yield ValidationError("is missing", path=[name])

        extend = cast("Callable[..., Any]", validators.extend)  # pyright: ignore[reportUnknownMemberType]
        self._validator: Any = extend(Draft202012Validator, {"pattern": matches, "required": there})(
            schema, format_checker=_FORMATS
        )

    def iter_errors(self, values: Mapping[str, object]) -> Iterator[ValidationError]:
        """What does not fit."""
        return cast("Iterator[ValidationError]", self._validator.iter_errors(values))


def _allowed(schema: object, place: str, depth: int) -> None:
    """Raise TemplateError for a keyword that is not among those allowed; names its place."""
    where = place or "the placeholder schema"
    if depth > _DEPTH_LIMIT:
        raise TemplateError(f"The placeholder schema is nested more than {_DEPTH_LIMIT} deep.")
    if isinstance(schema, bool):
        return
    if not isinstance(schema, Mapping):
        raise TemplateError(f"{where} must be an object, not {type(schema).__name__}.")
    read = cast("Mapping[str, object]", schema)
    if foreign := sorted(set(read) - _KEYWORDS):
        raise TemplateError(f"{where} uses {foreign[0][:80]!r}; allowed are {', '.join(sorted(_KEYWORDS))}.")
    enum = read.get("enum")
    if isinstance(enum, list) and len(cast("list[object]", enum)) > _ENUM_LIMIT:
        raise TemplateError(f"{where} lists more than {_ENUM_LIMIT} allowed values.")
    form = read.get("format")
    if form is not None and form not in _FORMAT_CHECKS:
        raise TemplateError(
            f"{where}: the format {str(form)[:80]!r} is not known; these are: {', '.join(_FORMAT_CHECKS)}."
        )
    for name, about in _properties(dict(read)).items():
        _allowed(about, f"{place}.{name[:80]}" if place else name[:80], depth + 1)
    for key in ("items", "additionalProperties"):
        if key in read:
            _allowed(read[key], f"{place}[]" if key == "items" else f"{place}.*", depth + 1)


def _patterns(schema: object) -> Iterator[str]:
    """Patterns of a schema that ``_allowed`` has passed."""
    if not isinstance(schema, Mapping):
        return
    read = cast("Mapping[str, object]", schema)
    if isinstance(pattern := read.get("pattern"), str):
        yield pattern
    inner: list[object] = [*_properties(dict(read)).values(), read.get("items"), read.get("additionalProperties")]
    for part in inner:
        yield from _patterns(part)


def _linear(pattern: str) -> LinearPattern:
    if len(_COUNTED.findall(pattern)) > _COUNTED_LIMIT:
        raise TemplateError(f"A pattern of the placeholder schema counts more than {_COUNTED_LIMIT} repetitions.")
    try:
        return compile_linear(pattern, "The placeholder schema")
    except SettingsError as error:
        raise TemplateError(str(error)) from error
    except UnicodeEncodeError as error:
        raise TemplateError("A pattern of the placeholder schema is no text that UTF-8 can hold.") from error


def _is_uuid(value: str) -> bool:
    return str(uuid.UUID(value)) == value.lower()


def _is_email(value: str) -> bool:
    return re.fullmatch(r"[^@\s]{1,64}@[^@\s]{1,255}", value) is not None


def _is_uri(value: str) -> bool:
    return bool(urlsplit(value).scheme) and not re.search(r"\s", value)


_FORMAT_CHECKS: dict[str, Callable[[str], object]] = {
    "date": date.fromisoformat,
    "date-time": datetime.fromisoformat,
    "email": _is_email,
    "uri": _is_uri,
    "uuid": _is_uuid,
}
"""Formats that are checked; each says no by its answer or by a ValueError."""


def _formats(checks: Mapping[str, Callable[[str], object]]) -> FormatChecker:
    def check_of(check: Callable[[str], object]) -> Callable[[object], bool]:
        return lambda value: not isinstance(value, str) or check(value) is not False

    checker = FormatChecker(formats=())
    # On the instance: the decorator would register for everybody who uses the library in this process.
    checker.checkers = {name: (check_of(check), ValueError) for name, check in checks.items()}
    return checker


_FORMATS = _formats(_FORMAT_CHECKS)


# -- words ----------------------------------------------------------------------------------------------------------
def _place(error: ValidationError) -> str:
    text = ""
    for part in error.absolute_path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _message(error: ValidationError) -> str:
    text = str(error.message)
    return text if len(text) <= 300 else f"{text[:200]}…{text[-80:]}"

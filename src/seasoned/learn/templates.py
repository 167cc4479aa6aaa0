"""Templates: text with typed placeholders, filled after its values were checked; and the template of a pattern.

Invariant: a filled template holds the values as they were checked and nothing that was run; what a template may be is
the matter of ``template_language``, what a value may be that of ``placeholders``. Text of a trace that becomes part of
a template comes out as it stood, even where it holds the template language's own marks.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import cast

import msgspec
from jinja2 import Template as Compiled

from seasoned.errors import InputError
from seasoned.learn.placeholders import (
    TemplateError,
    ValueProblem,
    check_schema,
    placeholder_names,
    problems,
    with_defaults,
)
from seasoned.learn.template_language import FILLED_LIMIT, JOINED_LIMIT, checked, generate, runnable
from seasoned.model import Document, Pattern, Template
from seasoned.model.ids import canonical_json, name_id

__all__ = [
    "FILLED_LIMIT",
    "QUALITY_FLOOR",
    "TemplateError",
    "ValueProblem",
    "check_template",
    "fill",
    "names_in",
    "problems",
    "template_of",
    "text_of_plan",
]

QUALITY_FLOOR = 0.85
"""Quality from which a pattern becomes a template: the specification of learning, §6."""


def check_template(content: str, schema: Document) -> None:
    """Raise TemplateError unless ``content`` uses allowed parts alone and each of its placeholders is described by
    ``schema``, a JSON Schema of an object."""
    check_schema(schema)
    checked(content, frozenset(placeholder_names(schema)))


def names_in(content: str) -> list[str]:
    """The placeholders that a template uses, sorted. Raises TemplateError for one that may not be used."""
    return sorted(checked(content, None)[1])


def fill(content: str, schema: Document, values: Mapping[str, object]) -> str:
    """``content`` with ``values`` in place of its placeholders.

    Raises TemplateError for a template that may not be used, InputError for values that do not fit (every problem in
    one message) and for a result above ``FILLED_LIMIT`` characters. A placeholder with a ``default`` in the schema may
    be left out; one that is neither required nor given stands as ``<name>``.
    """
    full = with_defaults(schema, values)
    if wrong := problems(schema, full):
        listed = "; ".join(f"{each.place}: {each.message}" if each.place else f"They {each.message}" for each in wrong)
        raise InputError(f"The values do not fit the template. {listed}.")
    return generate(_compiled(content, canonical_json(schema)), full)


@lru_cache(maxsize=256)
def _compiled(content: str, schema: str) -> Compiled:
    described = msgspec.json.decode(schema, type=dict[str, object])
    return runnable(checked(content, frozenset(placeholder_names(described)))[0])


# -- templates of patterns ------------------------------------------------------------------------------------------
_NAMED = re.compile(r"\{([a-z][a-z0-9_]{0,60})\}")
_MARKS = re.compile(r"\{(?=[{%#]|\Z)")
"""A brace that would open a mark, also together with a placeholder behind it. A closing one alone is text."""
_COMMAND = re.compile(r"(?<=Run `)[^`]*(?=`)")
_RUN_AGAIN = re.compile(r"\b(?:ba|da|k|z)?sh\b|\b(?:eval|parallel|ssh|su|watch|xargs)\b|\s-[a-zA-Z]*[ce]\s")
_QUOTED = re.compile(r""""[^"]*"|'[^']*'""")
_SAFE, _ANY = "shell", "shell(true)"
_SEVERAL = re.compile(r"[\w@%+,:*?./~-]*[./*][\w@%+,:*?./~-]*(?: [\w@%+,:*?./~-]*[./*][\w@%+,:*?./~-]*)+")
"""Paths, packages or globs with blanks between them: several words. A message of several words is one."""


def text_of_plan(
    title: str,
    steps: Sequence[str],
    names: frozenset[str] | None = None,
    options: frozenset[str] = frozenset(),
) -> str:
    """The usual template of a pattern: its steps as a numbered list, with ``{name}`` as a placeholder.

    ``names`` are the placeholders there are; without them every ``{name}`` is one. What stands in a command (between
    ``Run``'s backticks) is quoted for a shell, and refused where it would be read as an option, but for those of
    ``options``; everything else of the text comes out as it stands.
    """
    lines = [f"# {_literal(' '.join(title.split()))}", ""]
    for number, step in enumerate(steps, 1):
        lines.append(f"{number}. {_step(' '.join(step.split()), names, options)}")
    return "\n".join(lines) + "\n"


def _step(text: str, names: frozenset[str] | None, options: frozenset[str]) -> str:
    parts: list[str] = []
    at = 0
    for command in _COMMAND.finditer(text):
        parts.append(_replaced(text[at : command.start()], names))
        parts.append(_command(command.group(), names, options))
        at = command.end()
    return "".join([*parts, _replaced(text[at:], names)])


def _command(text: str, names: frozenset[str] | None, options: frozenset[str]) -> str:
    """A command whose placeholders are quoted. Within quotes of its own the whole quoted text is quoted anew: a value
    there would else bring ``$(…)`` or a closing quote with it. Where quoting cannot be told to be right (a backslash,
    an open quote, a text that a second shell or an interpreter runs) ``{name}`` stays as it stands."""
    if "\\" in text or re.search("[\"']", _QUOTED.sub("", text)):
        return _literal(text)
    parts: list[str] = []
    at = 0
    for quoted in _QUOTED.finditer(text):
        inner = quoted.group()[1:-1]
        held = [found for found in _NAMED.finditer(inner) if names is None or found.group(1) in names]
        if not held:
            continue
        parts.append(_words(text, at, quoted.start(), names, options))
        at = quoted.end()
        if _RUN_AGAIN.search(text) or 2 * len(held) + 1 > JOINED_LIMIT:
            parts.append(_literal(quoted.group()))
            continue
        joined: list[str] = []
        end = 0
        for found in held:
            joined += [_constant(inner[end : found.start()]), found.group(1)]
            end = found.end()
        joined.append(_constant(inner[end:]))
        whole = " ~ ".join(part for part in joined if part != '""')
        leads = inner.startswith(held[0].group()) and held[0].group(1) not in options
        parts.append("{{ (" + whole + f") | {_SAFE if leads and _begins_word(text, quoted.start()) else _ANY} }}}}")
    return "".join([*parts, _words(text, at, len(text), names, options)])


def _words(text: str, start: int, end: int, names: frozenset[str] | None, options: frozenset[str]) -> str:
    """``text[start:end]``, part of a command and outside of quotes."""
    parts: list[str] = []
    at = start
    for found in _NAMED.finditer(text, start, end):
        name = found.group(1)
        if names is None or name in names:
            how = _SAFE if name not in options and _begins_word(text, found.start()) else _ANY
            parts += [_literal(text[at : found.start()]), f"{{{{ {name} | {how} }}}}"]
            at = found.end()
    return "".join([*parts, _literal(text[at:end])])


def _begins_word(command: str, place: int) -> bool:
    """Whether a value there is the beginning of a word that the command may read as an option."""
    before = command[:place]
    own = re.split("[;|&]", before)[-1]
    return (not before or before[-1] in " ;|&(}") and " -- " not in own


def _replaced(text: str, names: frozenset[str] | None) -> str:
    parts: list[str] = []
    at = 0
    for found in _NAMED.finditer(text):
        if names is None or found.group(1) in names:
            parts += [_literal(text[at : found.start()]), "{{ " + found.group(1) + " }}"]
            at = found.end()
    return "".join([*parts, _literal(text[at:])])


def _constant(text: str) -> str:
    """A constant of the template language."""
    escaped = "".join(f"\\x{ord(char):02x}" if char in "\"'\\{}%#" else char for char in text)
    return f'"{escaped}"'


def _literal(text: str) -> str:
    """Text that comes out as it stands, whatever of Jinja's own marks it holds."""
    return _MARKS.sub(lambda found: "{{ " + _constant(found.group()) + " }}", text)


def template_of(pattern: Pattern) -> Template | None:
    """The template that ``pattern`` becomes; None where it has no placeholders or its quality is below the floor.

    Quality is ``pattern_data["quality"]``, else ``success_score``. A newer version of a pattern gives the same
    template anew. Raises TemplateError for a pattern whose own template text may not be used.
    """
    data = pattern.pattern_data or {}
    schema = data.get("placeholders")
    quality = _quality(pattern)
    described = cast("Document", schema) if isinstance(schema, dict) else {}
    names = frozenset(placeholder_names(described))
    if not names or quality is None or quality < QUALITY_FLOOR:
        return None
    if pattern.pattern_template and pattern.extraction_method == "recorded":
        content = pattern.pattern_template
    else:
        actions = [step.action for step in pattern.recommended_steps]
        described = _with_lists(described, actions)
        content = text_of_plan(pattern.pattern_name, actions, names, _options(described))
    check_template(content, described)
    needed = data.get("prerequisites")
    about = data.get("description")
    return Template(
        template_id=name_id("template", pattern.namespace, pattern.agent_id, pattern.pattern_name),
        template_name=pattern.pattern_name,
        namespace=pattern.namespace,
        agent_id=pattern.agent_id,
        access_level=pattern.access_level,
        template_version=pattern.version,
        category=pattern.category,
        subcategory=pattern.subcategory,
        template_content=content,
        placeholder_schema=described,
        description=about if isinstance(about, str) else None,
        usage_example=_usage_example(content, described),
        prerequisites={"items": needed} if needed else None,
        quality_score=quality,
        validation_rules=pattern.validation_criteria,
        derived_from_pattern_id=pattern.pattern_id,
        derived_from_execution_id=pattern.execution_ids[0] if len(pattern.execution_ids) == 1 else None,
        tags=tuple(sorted({tag for tag in (pattern.category, pattern.subcategory) if tag})),
    )


def _options(schema: Document) -> frozenset[str]:
    """Placeholders that held options."""
    return frozenset(
        name
        for name, examples in _examples(schema).items()
        if any(str(word).startswith("-") for each in examples for word in _items(each))
    )


def _items(example: object) -> list[object]:
    return cast("list[object]", example) if isinstance(example, list) else [example]


def _with_lists(schema: Document, actions: Sequence[str]) -> Document:
    """``schema`` with a list for each text that held several words (``git add {path}``: two files): quoted as one text
    they would name one file. Only where it stands for whole words of commands and nowhere else."""
    several = {
        name
        for name, examples in _examples(schema).items()
        if any(isinstance(each, str) and _SEVERAL.fullmatch(each) for each in examples) and _is_words(name, actions)
    }
    described = cast("Mapping[str, Document]", schema.get("properties") or {})
    return {
        **schema,
        "properties": {name: _list_of(about) if name in several else about for name, about in described.items()},
    }


def _is_words(name: str, actions: Sequence[str]) -> bool:
    mark = f"{{{name}}}"
    whole = re.compile(rf"(?<![^ ]){re.escape(mark)}(?![^ ])")
    uses = words = 0
    for action in actions:
        uses += action.count(mark)
        for command in _COMMAND.finditer(action):
            words += len(whole.findall(_QUOTED.sub("", command.group())))
    return uses == words > 0


def _list_of(about: Document) -> Document:
    found: Document = {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1}
    if "description" in about:
        found["description"] = about["description"]
    if isinstance(examples := about.get("examples"), list):
        found["examples"] = [str(each).split() for each in cast("list[object]", examples)]
    if "default" in about:
        found["default"] = str(about["default"]).split()
    return found


def _examples(schema: Document) -> dict[str, list[object]]:
    """Of each placeholder that is a text; the default is one of them."""
    found: dict[str, list[object]] = {}
    for name, about in cast("Mapping[str, Document]", schema.get("properties") or {}).items():
        examples = about.get("examples")
        listed = cast("list[object]", examples) if isinstance(examples, list) else []
        found[name] = [*listed, *([about["default"]] if "default" in about else [])]
    return found


def _quality(pattern: Pattern) -> float | None:
    stated = (pattern.pattern_data or {}).get("quality")
    if isinstance(stated, int | float) and not isinstance(stated, bool):
        return float(stated)
    return pattern.success_score


def _usage_example(content: str, schema: Document) -> str | None:
    """Values, as JSON, with which the template can be filled: the schema's own examples. None where they do not fit."""
    values: dict[str, object] = {}
    for name, about in cast("Mapping[str, Mapping[str, object]]", schema["properties"]).items():
        examples = about.get("examples")
        if isinstance(examples, list) and examples:
            values[name] = examples[0]
        elif "default" not in about and name in cast("list[str]", schema.get("required", [])):
            return None
    try:
        fill(content, schema, values)
    except InputError:
        return None  # said by its absence: the examples of a trace are cut, and a cut value may not fit
    return canonical_json(values)

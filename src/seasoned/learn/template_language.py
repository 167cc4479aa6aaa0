"""The language of templates: what of Jinja a template may use, and what its filters do.

Invariant: filling cannot run anything, cannot run long and cannot grow large, whoever wrote the template and whoever
gives the values. The language is a small part of Jinja, named node by node: text, placeholders, their items,
conditions, loops over a list, joining with ``~``, and a handful of filters of our own. No calls, no arithmetic, no
assignment, no macros, no imports; so there is nothing to escape to, and Jinja's sandbox is the second wall, not the
first. Attributes are looked up among the items of a value alone: a Python object's are out of reach.

Three bounds hold the work: what a template may have (characters, nesting, parts of a ``~``), what a filter or an
output may become (``FILLED_LIMIT``), and how many nodes of loop bodies are visited, counted as they are.
"""

import shlex
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, cast

from jinja2 import Template as Compiled
from jinja2 import TemplateError as JinjaError
from jinja2 import TemplateSyntaxError, Undefined, nodes
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing, pass_context

from seasoned.errors import InputError
from seasoned.learn.placeholders import TemplateError, is_placeholder
from seasoned.model.ids import canonical_json

__all__ = ["FILLED_LIMIT", "JOINED_LIMIT", "checked", "generate", "runnable"]

FILLED_LIMIT = 100_000
"""Characters that a filled template may have."""
_TOO_LARGE = f"The filled template would have more than {FILLED_LIMIT:,} characters."
_TEMPLATE_LIMIT = 50_000
_LOOP_DEPTH = 2
"""Loops within loops."""
_NESTING = 40
"""Nodes within one another. The compiled form is Python, which reads no deeper than 100 levels."""
JOINED_LIMIT = 20
"""Parts of one ``~``."""
_WORK = 200_000
"""Nodes of loop bodies that one filling visits, about 0.1 s of Python."""
_BUDGET = "_budget"
_EACH = "_each"
_NODES = frozenset(
    """And Compare Concat Const Filter For Getattr Getitem If Keyword Name Not Operand Or Output Template
    TemplateData""".split()
)
_SPOKEN = {
    "Assign": "an assignment",
    "AssignBlock": "an assignment",
    "Block": "a block",
    "Call": "a call",
    "CallBlock": "a call",
    "CondExpr": "an inline condition",
    "Extends": "inheritance",
    "FromImport": "an import",
    "Import": "an import",
    "Include": "an include",
    "Macro": "a macro",
    "Test": "a test with 'is'",
}


# -- the language ---------------------------------------------------------------------------------------------------
def checked(content: str, known: frozenset[str] | None) -> tuple[nodes.Template, frozenset[str]]:
    """The syntax tree of a template, and the placeholders that it uses.

    Raises TemplateError unless it has allowed parts alone and uses none but the ``known`` placeholders (None: any).
    """
    if len(content) > _TEMPLATE_LIMIT:
        raise TemplateError(f"The template has {len(content):,} characters; {_TEMPLATE_LIMIT:,} are allowed.")
    try:
        tree = _environment().parse(content)
    except TemplateSyntaxError as error:
        raise TemplateError(f"Line {error.lineno}: {error.message}") from error
    except (RecursionError, ValueError, OverflowError) as error:
        raise TemplateError("The template is nested too deeply, or holds a number that is too long.") from error
    used: set[str] = set()
    waiting: list[tuple[nodes.Node, frozenset[str], int, int, bool]] = [(tree, frozenset(), 0, 0, False)]
    while waiting:
        node, bound, depth, loops, joining = waiting.pop()
        if depth > _NESTING:
            raise TemplateError(f"Line {node.lineno}: the template is nested too deeply.")
        _check_node(node, loops=loops, joining=joining)
        if isinstance(node, nodes.Name) and node.ctx == "load" and node.name not in bound:
            if known is not None and node.name not in known:
                listed = ", ".join(sorted(known)) or "none"
                raise TemplateError(
                    f"Line {node.lineno}: no description of the placeholder {node.name} in the schema's properties, "
                    f"which are: {listed}."
                )
            used.add(node.name)
        if isinstance(node, nodes.For):
            inside = bound | {"loop", cast(nodes.Name, node.target).name}
            waiting.append((node.iter, bound, depth + 1, loops, joining))
            rest = [*node.body, *node.else_, *([node.test] if node.test else [])]
            waiting += [(child, inside, depth + 1, loops + 1, joining) for child in rest]
        else:
            joined = joining or isinstance(node, nodes.Concat)
            waiting += [(child, bound, depth + 1, loops, joined) for child in node.iter_child_nodes()]
    return tree, frozenset(used)


def _check_node(node: nodes.Node, *, loops: int, joining: bool) -> None:
    kind, line = type(node).__name__, node.lineno
    if kind not in _NODES:
        raise TemplateError(f"Line {line}: {_SPOKEN.get(kind, repr(kind.lower()))} is not allowed in a template.")
    if isinstance(node, nodes.Filter) and (
        node.name not in _FILTERS or node.kwargs or node.dyn_args or node.dyn_kwargs
    ):
        allowed = ", ".join(sorted(_FILTERS))
        raise TemplateError(f"Line {line}: the filter {node.name!r}, so written, is not allowed; these are: {allowed}.")
    if isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
        raise TemplateError(f"Line {line}: names that begin with an underscore are not allowed.")
    if isinstance(node, nodes.Concat) and (joining or len(node.nodes) > JOINED_LIMIT):
        raise TemplateError(
            f"Line {line}: at most {JOINED_LIMIT} parts may be joined, and none of them be a '~' itself."
        )
    if isinstance(node, nodes.For):
        if loops >= _LOOP_DEPTH:
            raise TemplateError(f"Line {line}: at most {_LOOP_DEPTH} loops may stand within one another.")
        if node.recursive or not _names_a_value(node.iter):
            raise TemplateError(f"Line {line}: a loop runs over a placeholder, and over nothing else.")
        if not isinstance(node.target, nodes.Name) or not is_placeholder(node.target.name):
            raise TemplateError(f"Line {line}: a loop gives each item one name.")


def _names_a_value(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Getattr | nodes.Getitem):
        return _names_a_value(node.node)
    return isinstance(node, nodes.Name)


class _Open(Undefined):
    """A placeholder that was left out: false in a condition, ``<name>`` where it is to be printed."""

    def __str__(self) -> str:
        if self._undefined_obj is not missing:  # an item that a value does not have
            self._fail_with_undefined_error()
        return f"<{self._undefined_name}>"


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja without its globals, filters and tests, and with values that have items but no attributes."""

    def getitem(self, obj: object, argument: object) -> object:
        """An item of an object or a list, by a name or a whole number."""
        if isinstance(obj, Mapping) and isinstance(argument, str):
            item = cast("Mapping[str, object]", obj).get(argument, missing)
            if item is not missing:
                return item
        elif isinstance(obj, list) and isinstance(argument, int) and not isinstance(argument, bool):
            items = cast("list[object]", obj)
            if -len(items) <= argument < len(items):
                return items[argument]
        return self.undefined(obj=obj, name=str(argument)[:80])

    def getattr(self, obj: object, attribute: str) -> object:
        """The same; and of a loop where it stands."""
        if isinstance(obj, LoopContext) and attribute in {"first", "index", "index0", "last", "length"}:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)


@lru_cache(maxsize=1)
def _environment() -> _Environment:
    environment = _Environment(
        undefined=_Open,
        autoescape=False,  # the text is no HTML
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printed,
    )
    environment.globals = {}
    environment.tests = {}
    environment.filters = {**_FILTERS, _EACH: _each}
    return environment


# -- filters --------------------------------------------------------------------------------------------------------
def _printed(value: object) -> str:
    """A value as it stands in text: texts as they are, everything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, Undefined):
        return str(value)
    if value is None:
        return ""
    return _bounded(canonical_json(cast("Any", value)))


def _bounded(text: str) -> str:
    if len(text) > FILLED_LIMIT:
        raise InputError(_TOO_LARGE)
    return text


def _default(value: object, instead: object = "", when_false: bool = False) -> object:
    return instead if isinstance(value, Undefined) or value is None or (when_false and not value) else value


def _join(value: object, between: object = "") -> str:
    parts = [_printed(part) for part in _items(value)]
    separator = _printed(between)
    if sum(map(len, parts)) + len(separator) * (len(parts) - 1) > FILLED_LIMIT:
        raise InputError(_TOO_LARGE)
    return separator.join(parts)


def _items(value: object) -> list[object]:
    if isinstance(value, list):
        return cast("list[object]", value)
    if isinstance(value, Undefined):
        return []
    raise InputError(f"The template cannot be filled: a list is needed where {_printed(value)[:80]!r} stands.")


def _first(value: object) -> object:
    items = _items(value)
    return items[0] if items else None


def _last(value: object) -> object:
    items = _items(value)
    return items[-1] if items else None


def _length(value: object) -> int:
    if isinstance(value, str | list | Mapping):
        return len(cast("list[object]", value))
    return len(_items(value))


def _lower(value: object) -> str:
    return _bounded(_printed(value).lower())


def _trim(value: object) -> str:
    return _printed(value).strip()


def _tojson(value: object) -> str:
    return _bounded(canonical_json(cast("Any", None if isinstance(value, Undefined) else value)))


def _shell(value: object, may_be_option: bool = False) -> str:
    """One word for a POSIX shell, whatever stands in it; a list as its words.

    A word that begins with a dash would be read as an option of the command (``--upload-pack=…`` runs a program,
    https://cwe.mitre.org/data/definitions/88.html), which no quoting prevents: it is refused, unless the template says
    ``shell(true)``, for a place where options belong or cannot be read as such (behind ``--``, inside a word).
    """
    parts = [_printed(part) for part in cast("list[object]", value if isinstance(value, list) else [value])]
    if may_be_option is not True and (option := next((part for part in parts if part.startswith("-")), None)):
        raise InputError(
            f"The template cannot be filled: {option[:80]!r} begins with a dash and would be an option of the command. "
            "Write a path as ./-name."
        )
    return _bounded(" ".join(map(shlex.quote, parts)))


_FILTERS = {
    "d": _default,
    "default": _default,
    "first": _first,
    "join": _join,
    "last": _last,
    "length": _length,
    "lower": _lower,
    "shell": _shell,
    "tojson": _tojson,
    "trim": _trim,
}


@pass_context
def _each(context: Context, value: object, cost: int) -> Iterator[object]:
    budget = cast("list[int]", context[_BUDGET])
    for item in _items(value):
        budget[0] -= cost
        if budget[0] < 0:
            raise InputError("The template cannot be filled: its loops would run for too long.")
        yield item


# -- running --------------------------------------------------------------------------------------------------------
def runnable(tree: nodes.Template) -> Compiled:
    """A tree that ``checked`` has passed, compiled, with its loops counted. The tree is changed."""
    for loop in list(tree.find_all(nodes.For)):
        cost = sum(1 for part in (*loop.body, *loop.else_) for _ in (part, *part.find_all(nodes.Node)))
        loop.iter = nodes.Filter(loop.iter, _EACH, [nodes.Const(1 + cost)], [], None, None, lineno=loop.lineno)
    try:
        return _environment().from_string(tree)
    except TemplateSyntaxError as error:
        raise TemplateError(f"Line {error.lineno}: {error.message}") from error


def generate(template: Compiled, values: Mapping[str, object]) -> str:
    """The text. Raises InputError for what does not come out, or comes out too large or too late."""
    parts: list[str] = []
    size = 0
    try:
        for part in template.generate({**values, _BUDGET: [_WORK]}):
            size += len(part)
            if size > FILLED_LIMIT:
                raise InputError(_TOO_LARGE)
            parts.append(part)
    except (JinjaError, TypeError, ValueError) as error:
        raise InputError(f"The template cannot be filled: {str(error)[:300]}.") from error
    return "".join(parts)

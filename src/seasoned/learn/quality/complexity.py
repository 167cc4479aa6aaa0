"""What can be counted in a source text: lines, functions, cyclomatic complexity.

The counting is ``lizard``'s (https://github.com/terryyin/lizard), which reads the tokens of two dozen languages without
a parser for each. Its complexity is McCabe's number as far as tokens show it: one, and one more for every branch, loop,
handler and ``and``/``or``. Invariant: a function of the text and the file's name alone; a language that the counter
does not read yields lines and no functions, never a guess.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, cast

import lizard  # pyright: ignore[reportMissingTypeStubs]
from lizard_languages import get_reader_for  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from seasoned.model import Document

__all__ = ["CodeFigures", "FunctionFigures", "measure"]

_COUNTER = cast("Any", lizard)  # it has no types
_reader_for = cast("Callable[[str], Any]", get_reader_for)
_MOST_CHARS = 2_000_000
"""Longer texts are generated as a rule, and take the counter seconds."""


class _Function(Protocol):
    """Part of ``lizard.FunctionInfo``."""

    name: str
    start_line: int
    nloc: int
    cyclomatic_complexity: int
    full_parameters: list[str]


class _File(Protocol):
    """Part of ``lizard.FileInformation``."""

    nloc: int
    function_list: list[_Function]


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionFigures:
    """One function."""

    name: str
    line: int
    """Where it begins, from 1."""
    lines: int
    """Of code: neither blank nor comment alone."""
    complexity: int
    """Cyclomatic, ≥ 1."""
    parameters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeFigures:
    """One source text."""

    lines: int
    """All of them."""
    code_lines: int | None
    """Neither blank nor comment alone; None where the language is not read."""
    functions: tuple[FunctionFigures, ...] | None
    """By line; None where the language is not read."""

    def to_document(self) -> Document:
        """``complexity_metrics`` of an artifact."""
        document: Document = {"lines": self.lines}
        if self.functions is None or self.code_lines is None:
            return document
        numbers = [function.complexity for function in self.functions]
        document |= {"code_lines": self.code_lines, "functions": len(numbers)}
        if numbers:
            worst = max(self.functions, key=lambda each: (each.complexity, -each.line))
            longest = max(self.functions, key=lambda each: (each.lines, -each.line))
            document |= {
                "max_complexity": worst.complexity,
                "max_complexity_function": worst.name,
                "mean_complexity": round(sum(numbers) / len(numbers), 2),
                "max_function_lines": longest.lines,
                "max_function_lines_function": longest.name,
                "mean_function_lines": round(sum(each.lines for each in self.functions) / len(numbers), 1),
            }
        return document


def measure(text: str, file_name: str) -> CodeFigures:
    """The figures of a source text; the language is told by the suffix of ``file_name``. Texts above two million
    characters, and those that the counter gives up on, are counted by lines alone."""
    lines = len(text.splitlines())
    if len(text) > _MOST_CHARS or _reader_for(file_name) is None:
        return CodeFigures(lines=lines, code_lines=None, functions=None)
    read = _read(text, file_name)
    if read is None:
        return CodeFigures(lines=lines, code_lines=None, functions=None)
    functions = [
        FunctionFigures(
            name=each.name[:200],
            line=each.start_line,
            lines=each.nloc,
            complexity=each.cyclomatic_complexity,
            parameters=len(each.full_parameters),
        )
        for each in read.function_list
    ]
    functions.sort(key=lambda each: (each.line, each.name))
    return CodeFigures(lines=lines, code_lines=read.nloc, functions=tuple(functions))


def _read(text: str, file_name: str) -> _File | None:
    """What the counter makes of a text; None where it gives up (brackets or functions within one another without end)."""
    # Its own loop over a file (lizard.FileAnalyzer) is this one, but says on standard error that it gave up, and answers
    # with no functions, as if there were none.
    context = _COUNTER.FileInfoBuilder(file_name)
    reader = _reader_for(file_name)(context)
    tokens = reader.generate_tokens(text)
    try:
        for processor in _COUNTER.analyze_file.processors:
            tokens = processor(tokens, reader)
        for _ in reader(tokens, reader):
            pass
    except (RecursionError, IndexError):
        return None
    return cast(_File, context.fileinfo)

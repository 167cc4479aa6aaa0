"""What a pattern says, as text that an agent can read; ``library.delimited`` puts it between marks."""

from typing import cast

from seasoned.library.delimited import BEGIN, END, delimited
from seasoned.model import Pattern

__all__ = ["BEGIN", "END", "delimited", "page_of"]

_HEADED = ("problem", "description", "content", "solution", "steps", "when_to_use", "when_not_to_use", "gotchas")


def page_of(pattern: Pattern) -> str:
    """What a pattern says, as text: what it is for, what to do, when and when not."""
    data = pattern.pattern_data or {}
    lines = [f"# {pattern.pattern_name} ({pattern.version})"]
    for key in (*_HEADED, *(key for key in data if key not in _HEADED)):
        value = data.get(key)
        if isinstance(value, str) and value.strip():
            lines += ["", f"## {key.replace('_', ' ').capitalize()}", value]
        elif isinstance(value, list) and value and all(isinstance(each, str) for each in cast("list[object]", value)):
            lines += [
                "",
                f"## {key.replace('_', ' ').capitalize()}",
                *(f"- {each}" for each in cast("list[str]", value)),
            ]
    if pattern.recommended_steps:
        lines += ["", "## Recommended steps", *(f"{step.number}. {step.action}" for step in pattern.recommended_steps)]
    if pattern.required_tools:
        lines += ["", f"Tools: {', '.join(pattern.required_tools)}"]
    return "\n".join(lines)

"""What comes in, looked at before anything else reads it: size, depth, and characters that no text may hold.

A client is another program, and often a language model; what it sends is anything at all. Invariant: whatever passes is
a JSON object of at most ``MOST_CHARACTERS`` in all and ``DEEPEST`` levels, whose texts every store can hold.
"""

from collections.abc import Mapping
from typing import cast

from seasoned.errors import ValidationError

__all__ = ["DEEPEST", "MOST_CHARACTERS", "acceptable"]

MOST_CHARACTERS = 1_000_000
DEEPEST = 40


def acceptable(arguments: Mapping[str, object] | None) -> Mapping[str, object]:
    """The arguments, if they may be read. Raises ValidationError naming the argument."""
    given = arguments or {}
    total = 0
    for name, value in given.items():
        waiting: list[tuple[object, int]] = [(name, 0), (value, 1)]
        while waiting:
            part, depth = waiting.pop()
            if depth > DEEPEST:
                raise ValidationError(f"{name[:60]} is nested too deeply; {DEEPEST} levels are allowed.")
            total += 1
            if isinstance(part, str):
                total += len(part)
                _storable(name, part)
            elif isinstance(part, dict):
                for key, below in cast("dict[str, object]", part).items():
                    waiting += [(key, depth), (below, depth + 1)]
            elif isinstance(part, list):
                waiting += [(below, depth + 1) for below in cast("list[object]", part)]
            elif isinstance(part, int) and abs(part) >= 2**63:
                raise ValidationError(f"{name[:60]} holds a number of more than 64 bits.")
            if total > MOST_CHARACTERS:
                raise ValidationError(
                    f"The arguments are too large: {MOST_CHARACTERS:,} characters are allowed in all."
                )
    return given


def _storable(name: str, text: str) -> None:
    shown = name[:60].encode("ascii", "backslashreplace").decode()
    if "\0" in text:
        raise ValidationError(f"{shown} holds a NUL character, which no text may.")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ValidationError(f"{shown} holds half of a surrogate pair at character {error.start}.") from error

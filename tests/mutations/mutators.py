"""Ways in which a transcript goes wrong, each drawn from a seeded generator.

Bytes are damaged (flipped, cut out, put in, torn off), lines are lost, doubled, swapped and mixed with another
session's, and JSON values are replaced at any depth by what no format promises. Whoever mutates a line learns which
one it was, so that the others can be asked for afterwards.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, cast

__all__ = ["Mutated", "mutate_bytes", "mutate_document", "mutate_lines", "mutate_value"]

TIMES = (
    "0000-00-00T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00", "2026-02-30T00:00:00Z",
    "1969-12-31T23:59:59Z", "-292277022657-01-27T08:29:52Z", "yesterday", "2026-01-01", "", "2026-01-01T00:00:00+99:99",
    -1, 0, 1e18, -1e18, 253402300800, 9.3e15, 1e-300,
)  # fmt: skip
_TEXTS = ("", " ", "\0", "\ud800", "a\udfffb", "\u202e\x1b[31m", "../../../etc/passwd", "%s%n{}", "9" * 400, "null")
_NUMBERS = (-1, 0, 1, 2**31, 2**53, 2**63, -(2**63), 2**64, 10**30, 0.5, -0.5, 1e308, float("nan"), float("inf"))
_KEYS = ("", "type", "id", "constructor", "Type", "\0", "\ud800", "content ", "x" * 300)
_NOISE = (
    b"\0" * 64,
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b"\\",
    b"\n",
    b"\r",
    b",",
    b"\xed\xa0\x80",
)
_DEEP = (40, 400, 5_000)
_HUGE = 40_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutated:
    """What came out."""

    data: bytes
    what: str
    """Which mutation, for the statistics and for the message of a failure."""
    damaged: int | None = None
    """Index of the one line of the original that was made unusable, where that is all that happened."""
    inserted: bool = False
    """One unusable line was put between lines that are all as they were."""


def mutate_value(value: object, random: Random) -> object:
    """Another value in the place of ``value``, anything but what belongs there."""
    pick = random.randrange(14)
    match pick:
        case 0:
            return None
        case 1:
            return []
        case 2:
            return {}
        case 3:
            return [value]
        case 4:
            return {"value": value}
        case 5:
            return random.choice(_TEXTS)
        case 6:
            return random.choice(_NUMBERS)
        case 7:
            return random.choice(TIMES)
        case 8:
            return random.random() < 0.5
        case 9:
            return "x" * _HUGE
        case 10:
            return json.dumps(value)
        case 11:
            return -value if isinstance(value, int | float) else str(value)[::-1]
        case 12:
            return [value, None, value]
        case _:
            return _nested(random)


def _nested(random: Random) -> object:
    value: object = 1
    for _ in range(random.choice(_DEEP[:2])):
        value = [value] if random.random() < 0.5 else {"content": value}
    return value


def _places(value: object) -> list[tuple[Any, Any]]:
    """(container, key or index) of every value inside, at any depth."""
    found: list[tuple[Any, Any]] = []
    waiting: list[object] = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            entries = cast("dict[str, object]", node)
            found += [(entries, key) for key in entries]
            waiting += entries.values()
        elif isinstance(node, list):
            items = cast("list[object]", node)
            found += [(items, index) for index in range(len(items))]
            waiting += items
    return found


def mutate_document(value: object, random: Random, rounds: int) -> tuple[object, str]:
    """A JSON value with ``rounds`` changes somewhere inside. ``value`` itself is changed."""
    names: list[str] = []
    for _ in range(rounds):
        places = _places(value)
        if not places:
            return mutate_value(value, random), "replaced"
        container, key = random.choice(places)
        change = random.randrange(10)
        if change < 5:
            container[key] = mutate_value(container[key], random)
            names.append("swapped")
        elif change == 5:
            del container[key]
            names.append("missing")
        elif change == 6 and isinstance(container, dict):
            entries = cast("dict[str, object]", container)
            entries[random.choice(_KEYS)] = entries.pop(key)
            names.append("renamed")
        elif change == 7:
            other, other_key = random.choice(places)
            container[key] = json.loads(json.dumps(other[other_key]))
            names.append("copied")
        elif change == 8:
            kinds = [
                place for place in places if place[1] in {"type", "role", "kind", "action", "observation", "source"}
            ]
            container, key = random.choice(kinds or places)
            container[key] = random.choice(("zorp", "", "assistant", "user", "tool", 7))
            names.append("kind")
        else:
            times = [place for place in places if "time" in str(place[1]).lower() or "date" in str(place[1]).lower()]
            container, key = random.choice(times or places)
            container[key] = random.choice(TIMES)
            names.append("time")
    return value, "+".join(sorted(set(names)))


def mutate_bytes(data: bytes, random: Random) -> Mutated:
    """Damage that knows nothing of lines or values."""
    content = bytearray(data)
    pick = random.randrange(7)
    if pick == 0:
        return Mutated(data=data[: random.randrange(len(data) + 1)], what="cut off")
    if pick == 1:
        return Mutated(data=data[random.randrange(len(data) + 1) :], what="beginning lost")
    if pick == 2:
        codec = random.choice(("utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252"))
        return Mutated(data=data.decode("utf-8", "replace").encode(codec, "replace"), what="re-encoded")
    for _ in range(random.choice((1, 1, 2, 5, 20))):
        if not content:
            break
        at = random.randrange(len(content))
        match pick:
            case 3:
                content[at] ^= 1 << random.randrange(8)
            case 4:
                del content[at : at + random.randrange(1, 200)]
            case 5:
                content[at:at] = random.choice(_NOISE) * random.choice((1, 1, 3))
            case _:
                length = random.randrange(1, 4096)
                content[at : at + length] = bytes(len(content[at : at + length]))
    return Mutated(data=bytes(content), what=("flipped", "cut out", "put in", "zeroed")[pick - 3])


def mutate_lines(data: bytes, other: bytes, random: Random) -> Mutated:
    """A mutation of a file of lines; ``other`` is a file of the same format whose lines may get between."""
    lines = data.splitlines(keepends=True)
    index = random.randrange(len(lines))
    change: Callable[[list[bytes], int, Random], Mutated] | None = None
    pick = random.randrange(20)
    if pick < 10:
        change = _one_record
    elif pick < 12:
        change = _one_damaged
    elif pick < 14:
        change = _one_inserted
    if change is not None:
        return change(lines, index, random)
    if pick < 16:
        return mutate_bytes(data, random)
    match pick:
        case 16:
            del lines[index : index + random.choice((1, 1, 3, 20))]
            return Mutated(data=b"".join(lines), what="lines lost")
        case 17:
            lines[index:index] = [lines[random.randrange(len(lines))] for _ in range(random.choice((1, 3)))]
            return Mutated(data=b"".join(lines), what="lines doubled")
        case 18:
            span = random.choice((2, 5, len(lines)))
            part = lines[index : index + span]
            random.shuffle(part)
            lines[index : index + span] = part
            return Mutated(data=b"".join(lines), what="lines swapped")
        case _:
            for line in other.splitlines(keepends=True):
                lines.insert(random.randrange(len(lines) + 1), line if line.endswith(b"\n") else line + b"\n")
            return Mutated(data=b"".join(lines), what="sessions mixed")


def _one_record(lines: list[bytes], index: int, random: Random) -> Mutated:
    try:
        value = json.loads(lines[index])
    except ValueError:
        return mutate_bytes(b"".join(lines), random)
    value, what = mutate_document(value, random, random.choice((1, 1, 1, 2, 4)))
    lines[index] = json.dumps(value, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass") + b"\n"
    return Mutated(data=b"".join(lines), what=what)


def _one_damaged(lines: list[bytes], index: int, random: Random) -> Mutated:
    line = lines[index].rstrip(b"\n")
    at = random.randrange(len(line) or 1)
    damage = (
        line[: max(1, at)].rstrip(b"} \t\r") or b"{",
        b"\0" * 500 + b"\xff",
        b"[" * random.choice(_DEEP) + line,
        b"<<<<<<< HEAD",
        b"{" + line,
    )
    lines[index] = random.choice(damage) + b"\n"
    return Mutated(data=b"".join(lines), what="line damaged", damaged=index)


def _one_inserted(lines: list[bytes], index: int, random: Random) -> Mutated:
    junk = (
        b'{"type":"zorp","payload":{"type":"zorp"},"x":', b"no json at all", b"[1,2", b'"', b"{'a': 1}",
        b'{"a":' * random.choice(_DEEP),
    )  # fmt: skip
    lines.insert(index, random.choice(junk) + b"\n")
    return Mutated(data=b"".join(lines), what="line put in", inserted=True)

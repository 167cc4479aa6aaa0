"""The difference between two texts as a unified diff, exact to the last line's missing end.

Lines that both have at the beginning and at the end are set aside first: a client's state of a hundred thousand lines
with four new ones takes no longer than four lines.
"""

from difflib import SequenceMatcher

__all__ = ["unified_diff"]

_CONTEXT = 3


def unified_diff(before: str, after: str, *, old_name: str, new_name: str) -> str:
    """The diff, ending with a line end; empty for equal texts."""
    if before == after:
        return ""
    old, new = _lines(before), _lines(after)
    most = min(len(old), len(new))
    head = next((at for at in range(most) if old[at] != new[at]), most)
    tail = next((at for at in range(most - head) if old[-1 - at] != new[-1 - at]), most - head)
    start = max(head - _CONTEXT, 0)
    end = max(tail - _CONTEXT, 0)
    old_part, new_part = old[start : len(old) - end], new[start : len(new) - end]
    rows = [f"--- {old_name}\n", f"+++ {new_name}\n"]
    for group in SequenceMatcher(None, old_part, new_part, autojunk=False).get_grouped_opcodes(_CONTEXT):
        first, last = group[0], group[-1]
        rows.append(
            f"@@ -{_range(first[1], last[2], start)} +{_range(first[3], last[4], start)} @@\n",
        )
        for tag, old_from, old_to, new_from, new_to in group:
            if tag == "equal":
                rows += [_row(" ", line) for line in old_part[old_from:old_to]]
                continue
            rows += [_row("-", line) for line in old_part[old_from:old_to]]
            rows += [_row("+", line) for line in new_part[new_from:new_to]]
    return "".join(rows)


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    rows = [f"{line}\n" for line in lines[:-1]]
    return [*rows, lines[-1]] if lines[-1] else rows


def _range(start: int, stop: int, offset: int) -> str:
    length = stop - start
    begin = start + offset + (1 if length else 0)
    return f"{begin}" if length == 1 else f"{begin},{length}"


def _row(sign: str, line: str) -> str:
    return sign + (line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")

"""Semantic versions, in the order of their precedence."""

__all__ = ["version_order"]


def version_order(version: str) -> tuple[object, ...]:
    """Sorts semantic versions by precedence (https://semver.org/#spec-item-11); anything else below all of them."""
    numbers, _, early = version.partition("+")[0].partition("-")
    parts = numbers.split(".")
    if not all(part.isdecimal() and part.isascii() for part in parts):
        return (False, (), False, (), version)
    named = tuple((not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in early.split("."))
    return (True, tuple(map(int, parts)), not early, named, version)

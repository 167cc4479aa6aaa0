"""What a sync begins with: the files of the folder, and the patterns of the library that the caller may read.

Invariant: an id stands for one file. Where two have it, or where a file that had it cannot be read, it is held: nothing
is done with that pattern, least of all is its file taken for deleted.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from seasoned.errors import InputError, NotFoundError
from seasoned.library.folder import FolderFile, PatternFolder, Remembered
from seasoned.library.page import PatternFile, read_pattern
from seasoned.library.service import Library
from seasoned.library.sync_report import Change
from seasoned.model import Pattern
from seasoned.store import LibraryQuery

__all__ = ["BothSides", "FoundFile", "check_take", "read_both"]

_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A file that was read."""

    file: FolderFile
    read: PatternFile | None = None
    """What it says; None: it is as it was, and nobody has asked yet. Reading 1,000 takes a second or two."""

    @property
    def page(self) -> PatternFile:
        """What it says. Raises InputError."""
        return self.read if self.read is not None else read_page(self.file)


def read_page(file: FolderFile) -> PatternFile:
    """What the file says. Raises InputError."""
    return read_pattern(file.text, file.path, name=file.path.partition("/")[2].rpartition(".")[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class BothSides:
    """All that is there."""

    patterns: dict[str, Pattern]
    """Of the caller's namespace and readable by it, by id."""
    files: dict[str, FoundFile] = field(default_factory=dict[str, FoundFile])
    """By pattern id."""
    new: list[FoundFile] = field(default_factory=list[FoundFile])
    """Files of no pattern yet."""
    held: set[str] = field(default_factory=set[str])
    """Ids that must wait."""
    broken: list[Change] = field(default_factory=list[Change])
    """What cannot be read, and why."""


def read_both(library: Library, folder: PatternFolder, state: Mapping[str, Remembered]) -> BothSides:
    """Read everything. Raises UnreadableFileError of a folder that cannot be listed, StoreError."""
    both = BothSides(patterns=_readable(library))
    files, broken = folder.scan()
    by_path = {each.path: pattern_id for pattern_id, each in state.items()}
    several: dict[str, list[FoundFile]] = {}
    for file in files:
        known = by_path.get(file.path)
        if known is not None and state[known].text == file.digest:
            several.setdefault(known, []).append(FoundFile(file=file))
            continue
        try:
            page = read_page(file)
        except InputError as error:
            broken[file.path] = error
            continue
        found = FoundFile(file=file, read=page)
        known = page.pattern_id or known
        if known is None:
            both.new.append(found)
        else:
            several.setdefault(known, []).append(found)
    for path, error in sorted(broken.items()):
        both.broken.append(_broken(path, by_path.get(path), error))
        both.held.update({by_path[path]} if path in by_path else ())
    for pattern_id, each in several.items():
        if len(each) == 1:
            both.files[pattern_id] = each[0]
            continue
        both.held.add(pattern_id)
        paths = " and ".join(found.file.path for found in each)
        told = InputError(f"{paths} have the same id {pattern_id}; take the line `id` out of the one that is new.")
        both.broken.append(_broken(each[0].file.path, pattern_id, told))
    return both


def check_take(names: Collection[str], both: BothSides, state: Mapping[str, Remembered]) -> None:
    """Raise NotFoundError for what is no path, name or id here."""
    known = {*both.patterns, *(each.pattern_name for each in both.patterns.values())}
    known |= {each.file.path for each in (*both.files.values(), *both.new)} | {each.path for each in state.values()}
    if unknown := sorted(set(names) - known):
        raise NotFoundError(f"--take: {unknown[0]!r} is no path, name or id of a pattern here.")


def _broken(path: str, pattern_id: str | None, error: InputError) -> Change:
    return Change(what="broken", path=path, pattern_id=pattern_id, message=str(error), error=type(error).__name__)


def _readable(library: Library) -> dict[str, Pattern]:
    query = LibraryQuery(namespace=library.who.namespace)
    ids = [card.pattern_id for card in library.store.cards(library.who, query)]
    found: dict[str, Pattern] = {}
    for start in range(0, len(ids), _PAGE):
        part = tuple(ids[start : start + _PAGE])
        rows = library.store.visible_patterns(library.who, LibraryQuery(pattern_ids=part, limit=len(part)))
        found |= {each.pattern_id: each for each in rows}
    # A successor that the caller may not read is not named to it.
    return {
        key: replace(each, successor_id=None) if each.successor_id and each.successor_id not in found else each
        for key, each in found.items()
    }

"""Agent Skills: active patterns published as ``SKILL.md``, and folders of skills imported as patterns.

The format is https://agentskills.io/specification: a folder of the skill's name (small letters, digits, single hyphens,
at most 64) with a SKILL.md whose front matter has that name and a description of at most 1,024 characters. Invariant: a
skill that we did not write, or that was changed since, is never overwritten; ours bear a mark under ``metadata``. An
imported skill keeps its text, so that what is published of it is what was imported, but for the mark. Files beside a
SKILL.md (scripts, references) are not kept, and whatever is published without them names them.
"""

import hashlib
import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast

from seasoned.errors import (
    AccessDeniedError,
    ConflictError,
    InputError,
    SeasonedError,
    UnreadableFileError,
    ValidationError,
)
from seasoned.library.folder import read_text_file, write_text_file
from seasoned.library.front_matter import FrontMatter, read_front_matter, split_front_matter, write_front_matter
from seasoned.library.markdown import body_text
from seasoned.library.page import LAYOUT, PatternFile, read_pattern
from seasoned.library.service import Library
from seasoned.library.trust import auto_applied, best_key
from seasoned.library.versions import proposed_bump
from seasoned.model import Document, Pattern
from seasoned.store import LibraryQuery

__all__ = ["SkillChange", "import_skills", "publish_skills", "skill_name"]

FILE = "SKILL.md"
SKILL = "skill"
"""Key of the pattern's data for the skill's own text, its digest, and the names of the files beside it."""
_ID, _VERSION, _DIGEST, _WITHOUT = "seasoned-id", "seasoned-version", "seasoned-digest", "seasoned-without"
_BESIDE = 100
"""Files beside a SKILL.md that are named."""
_NAME, _DESCRIPTION = 64, 1_024
_WEIGHT = 5.0
_FAMILY = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillChange:
    """One skill, and what became of it."""

    what: Literal["published", "republished", "unchanged", "imported", "new_version", "kept", "waiting", "broken"]
    """``kept``: somebody else's, left as it is; ``waiting``: a reviewer must look at the pattern first."""
    path: str
    pattern_id: str | None = None
    message: str
    error: str | None = None
    """Name of the error, of something broken."""


def skill_name(name: str) -> str:
    """A name that the format allows; empty where nothing of ``name`` can stay."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_NAME].strip("-")


# -- publishing ---------------------------------------------------------------------------------------------------
def publish_skills(library: Library, project: Path, *, dry_run: bool = False) -> list[SkillChange]:
    """Write ``project/.claude/skills/NAME/SKILL.md`` of each active pattern of the namespace that the caller may read;
    of several active versions the best. Raises InputError where links lead out of the project, OutputError, StoreError."""
    root = project / ".claude" / "skills"
    for each in (project / ".claude", root):
        if each.is_symlink():
            raise InputError(f"{each}: a symbolic link, which is not followed; a folder is needed there.")
    best: dict[tuple[str, str], Pattern] = {}
    for pattern in _active(library):
        key = (pattern.agent_id, pattern.pattern_name)
        if key not in best or best_key(best[key]) < best_key(pattern):
            best[key] = pattern
    found: list[SkillChange] = []
    taken: set[str] = set()
    for pattern in sorted(best.values(), key=lambda each: (each.pattern_name, each.pattern_id)):
        short = pattern.pattern_id.replace("-", "")[-8:]
        name = skill_name(pattern.pattern_name) or f"pattern-{short}"
        if name in taken:
            name = f"{name[: _NAME - 9].strip('-')}-{short}"
        taken.add(name)
        path = f"{name}/{FILE}"
        try:
            found.append(_publish(pattern, root, name, dry_run=dry_run))
        except (InputError, ConflictError) as error:
            found.append(
                SkillChange(
                    what="broken",
                    path=path,
                    pattern_id=pattern.pattern_id,
                    message=str(error),
                    error=type(error).__name__,
                )
            )
    return found


def _active(library: Library) -> Iterator[Pattern]:
    query = LibraryQuery(namespace=library.who.namespace, status=("active",))
    ids = [card.pattern_id for card in library.store.cards(library.who, query)]
    for start in range(0, len(ids), _FAMILY):
        part = tuple(ids[start : start + _FAMILY])
        yield from library.store.visible_patterns(library.who, LibraryQuery(pattern_ids=part, limit=len(part)))


def _publish(pattern: Pattern, root: Path, name: str, *, dry_run: bool) -> SkillChange:
    path = f"{name}/{FILE}"

    def change(what: Literal["published", "republished", "unchanged", "kept", "waiting"], message: str) -> SkillChange:
        return SkillChange(what=what, path=path, pattern_id=pattern.pattern_id, message=message)

    if not auto_applied(pattern):
        return change("waiting", f"not published before a reviewer has looked at: {', '.join(pattern.review_flags)}")
    target = root / name / FILE
    if target.parent.is_symlink():
        return change("kept", "the folder is a symbolic link, which is not followed")
    missing = _missing(pattern, target.parent)
    text = skill_text(pattern, name, missing)
    told = f"version {pattern.version}" + (
        f"; without the files that stood beside it: {_few(missing)}" if missing else ""
    )
    before, newline, bom = None, *_shape(pattern)
    if os.path.lexists(target):
        before, newline, bom = read_text_file(target, path)
        mark = _mark(before, path)
        if mark.get(_ID) is None:
            return change("kept", "a skill of this name is there that was not written here; it is left as it is")
        if before == text:
            return change("unchanged", told)
        if mark.get(_DIGEST) != _digest(before, path):
            return change("kept", "was changed since it was published; delete it to have it written again")
    elif os.path.lexists(target.parent) and any(target.parent.iterdir()):
        return change("kept", "a folder of this name is there that was not made here; it is left as it is")
    if not dry_run:
        written = ("\ufeff" if bom else "") + text.replace("\n", newline)
        write_text_file(target, written, path, replaces=before is not None)
    return change("republished" if before is not None else "published", told)


def _missing(pattern: Pattern, folder: Path) -> list[str]:
    """Files that stood beside the imported skill and do not stand in ``folder``."""
    held = _held(pattern.pattern_data or {}).get("beside")
    named = [each for each in cast("list[object]", held) if isinstance(each, str)] if isinstance(held, list) else []
    below = [each for each in named if each and not Path(each).is_absolute() and ".." not in Path(each).parts]
    return [each for each in below[:_BESIDE] if not os.path.lexists(folder / each)]


def _few(names: Sequence[str]) -> str:
    shown = ", ".join("".join(c if c.isprintable() else "\ufffd" for c in each) for each in names[:5])
    return shown + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _shape(pattern: Pattern) -> tuple[str, bool]:
    """Line ends, and whether there is a byte order mark, as in the skill that was imported."""
    held = _held(pattern.pattern_data or {})
    return "\r\n" if held.get("newline") == "\r\n" else "\n", held.get("bom") is True


def _held(data: Mapping[str, object]) -> Mapping[str, object]:
    held = data.get(SKILL)
    return cast("Mapping[str, object]", held) if isinstance(held, Mapping) else {}


def skill_text(pattern: Pattern, name: str, missing: Sequence[str] = ()) -> str:
    """The SKILL.md of a pattern, under ``name``. ``missing``: files that it may speak of and that are not there."""
    data = pattern.pattern_data or {}
    page = _original(data, pattern.pattern_name)
    said = str(page.front.document().get("description") or "") if page is not None else ""
    if page is not None and data.get("description") == said and "description" not in page.sections:
        pattern = replace(pattern, pattern_data={key: each for key, each in data.items() if key != "description"})
    body = body_text(pattern, over=page)
    front = page.front if page is not None else FrontMatter()
    told = front.document().get("metadata")
    own = dict(cast("Mapping[str, object]", told)) if isinstance(told, Mapping) else {}
    values: Document = {
        "name": name,
        "description": said if 0 < len(said) <= _DESCRIPTION else _description(pattern),
        "metadata": {
            **own,
            _ID: pattern.pattern_id,
            _VERSION: pattern.version,
            _DIGEST: hashlib.sha256(body.encode()).hexdigest(),
            **({_WITHOUT: ", ".join(missing)} if missing else {}),
        },
    }
    return write_front_matter(front, values, ("name", "description", "metadata")) + body


def _original(data: Mapping[str, object], name: str) -> PatternFile | None:
    """The skill that the pattern was imported from."""
    text = _held(data).get("text")
    if not isinstance(text, str):
        return None
    try:
        return read_pattern(text, FILE, name=name, foreign=True)
    except InputError:
        return None  # written by the API, not by an import: data like any other


def _description(pattern: Pattern) -> str:
    """What it is for and when: what an agent chooses by."""
    data = pattern.pattern_data or {}
    parts = [data.get(key) for key in ("description", "problem", "when_to_use")]
    told = " ".join(" ".join(each.split()) for each in parts if isinstance(each, str)) or pattern.pattern_name
    return told if len(told) <= _DESCRIPTION else f"{told[: _DESCRIPTION - 1]}…"


def _mark(text: str, place: str) -> Mapping[str, object]:
    block, _, _ = split_front_matter(text, place)
    told = read_front_matter(block, place).document().get("metadata") if block is not None else None
    return cast("Mapping[str, object]", told) if isinstance(told, Mapping) else {}


def _digest(text: str, place: str) -> str:
    return hashlib.sha256(split_front_matter(text, place)[1].encode()).hexdigest()


# -- importing ----------------------------------------------------------------------------------------------------
def import_skills(library: Library, paths: Sequence[Path], *, dry_run: bool = False) -> list[SkillChange]:
    """Record skills as candidates: each ``SKILL.md`` at or below ``paths``, and files that are named themselves.

    ``category`` (else ``general``), ``subcategory``, ``author`` (the owner, where that is the caller or a local
    administrator acts) and ``importance`` (the learning weight, else 5) are read from the front matter or its
    ``metadata``; access is ``team``. What was imported before and is the same is left alone; what was changed since
    becomes the next version. A skill that cannot be read is in the answer, and does not stop the others."""
    found: list[SkillChange] = []
    unlisted: list[OSError] = []
    for path in dict.fromkeys(each for given in paths for each in _skills_in(given, unlisted.append)):
        try:
            found.append(_import(library, path, dry_run=dry_run))
        except (InputError, ValidationError, ConflictError, AccessDeniedError) as error:
            found.append(_broken(path, error))
    for error in unlisted:
        told = UnreadableFileError(f"{error.strerror or error}; the folder cannot be listed.")
        found.append(_broken(Path(cast("str", error.filename)), told))
    return found


def _broken(path: Path, error: SeasonedError) -> SkillChange:
    place = _place(path)
    told = str(error) if str(error).startswith(place) else f"{place}: {error}"
    return SkillChange(what="broken", path=place, message=told, error=type(error).__name__)


def _place(path: Path) -> str:
    """As messages name it; bytes that are no UTF-8 as escapes."""
    return str(path).encode("utf-8", "backslashreplace").decode()


def _skills_in(given: Path, unlisted: Callable[[OSError], None]) -> Iterator[Path]:
    if not given.is_dir():
        yield given
        return
    for folder, below, files in os.walk(given, onerror=unlisted):
        below.sort()
        yield from (Path(folder) / each for each in sorted(files) if each.casefold() == FILE.casefold())


def _import(library: Library, path: Path, *, dry_run: bool) -> SkillChange:
    place, whole = _place(path), path.name.casefold() == FILE.casefold()
    text, newline, bom = read_text_file(path, place)
    page = read_pattern(text, place, name=path.absolute().parent.name if whole else path.stem, foreign=True)
    front = page.front.document()
    below = front.get("metadata")
    extra: Mapping[str, object] = cast("Mapping[str, object]", below) if isinstance(below, Mapping) else {}
    if _published_here(library, extra.get(_ID)):
        same = extra.get(_DIGEST) == _digest(text, place)
        told = "published from this library" + ("" if same else " and changed since; make that change in the library")
        return SkillChange(what="kept", path=place, pattern_id=str(extra[_ID]), message=told)
    about = {key: front.get(key, extra.get(key)) for key in ("category", "subcategory", "author", "importance")}
    weight = _weight(about["importance"], place)
    owner, note = _owner(library, about["author"])
    beside = _beside(path) if whole else []
    note += f"; files beside it are not taken over: {_few(beside)}" if beside else ""
    data = _content(page, front)
    skill: Document = {"digest": hashlib.sha256(text.encode()).hexdigest(), "text": text}
    skill |= {"beside": beside} if beside else {}
    skill |= {"newline": newline} if newline != "\n" else {}
    data[SKILL] = skill | ({"bom": True} if bom else {})
    metadata: Document = {"migrated_from": place, "original_frontmatter": front}
    own = [each for each in _versions(owner, page.name) if _held(each.pattern_data or {})]
    same = next((each for each in own if _held(each.pattern_data or {}).get("digest") == skill["digest"]), None)
    if same is not None:
        return SkillChange(
            what="unchanged", path=place, pattern_id=same.pattern_id, message=f"{page.name}: imported before"
        )
    if dry_run:
        return SkillChange(
            what="new_version" if own else "imported", path=place, message=f"{page.name}: would be recorded{note}"
        )
    if own:
        latest = max(own, key=lambda each: each.pattern_id)
        bump = proposed_bump(_told(latest.pattern_data or {}), _told(data))
        made = owner.create_version(latest.pattern_id, data, bump=bump, metadata=metadata)
        message = f"{made.pattern_name}: version {made.version}, a candidate{note}"
        return SkillChange(what="new_version", path=place, pattern_id=made.pattern_id, message=message)
    subcategory = about["subcategory"]
    made = owner.create_pattern(
        page.name,
        str(about["category"] or "general"),
        data,
        subcategory=None if subcategory is None else str(subcategory),
        access_level="team",
        learning_weight=weight,
        metadata=metadata,
    )
    return SkillChange(
        what="imported",
        path=place,
        pattern_id=made.pattern_id,
        message=f"{made.pattern_name}: a candidate of {made.agent_id}{note}",
    )


def _published_here(library: Library, pattern_id: object) -> bool:
    found = library.get_pattern(pattern_id) if isinstance(pattern_id, str) and pattern_id.strip() else None
    return found is not None and found.pattern_id == pattern_id


def _beside(path: Path) -> list[str]:
    """Files below a skill's folder, by their names from there; no link is followed."""
    found: list[str] = []
    for folder, below, files in os.walk(path.parent):
        below[:] = sorted(each for each in below if not each.startswith("."))
        here = Path(folder)
        found += [(here / each).relative_to(path.parent).as_posix() for each in sorted(files) if here / each != path]
        if len(found) > _BESIDE:
            break
    return [_place(Path(each)) for each in found[:_BESIDE]]


def _content(page: PatternFile, front: Mapping[str, object]) -> Document:
    data = page.data()
    layout = data.get(LAYOUT)
    if isinstance(layout, dict):
        data[LAYOUT] = {**cast("Document", layout), "front": [], "head": ""}  # kept whole below, and in the metadata
    described = front.get("description")
    if isinstance(described, str) and described.strip():
        data.setdefault("description", described.strip())
    return data


def _weight(value: object, place: str) -> float:
    if value is None:
        return _WEIGHT
    try:
        found = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else -1.0
    except ValueError:
        found = -1.0
    if not 0 <= found <= 10:
        raise InputError(f"{place}: importance: a number from 0 to 10 is needed, not {ascii(value)[:60]}.")
    return found


def _owner(library: Library, author: object) -> tuple[Library, str]:
    """The library as whoever shall own the skill has it, and what there is to say about that."""
    if not isinstance(author, str) or author.strip() == library.who.agent_id:
        return library, ""
    try:
        return library.as_agent(author.strip()), ""
    except (AccessDeniedError, ValidationError):
        return library, f" (its author, {ascii(author)[:60]}, is kept as a note)"


def _versions(library: Library, name: str) -> list[Pattern]:
    query = LibraryQuery(
        namespace=library.who.namespace, agent_id=library.who.agent_id, pattern_name=name, limit=_FAMILY
    )
    return library.store.visible_patterns(library.who, query)


def _told(data: Mapping[str, object]) -> Document:
    return {key: value for key, value in data.items() if key not in {LAYOUT, SKILL}}

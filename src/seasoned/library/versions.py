"""Versions: a tree of them for each pattern, with branches, and what changed from one to another.

Invariant: what was used is not rewritten. The statistics of a version are of its content; so the content of a version
that is more than an unused candidate never changes, and a change of it becomes the next version.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

import msgspec

from seasoned.errors import ConflictError, ValidationError
from seasoned.library import checks
from seasoned.library.access import allow, right
from seasoned.library.learned import LEARNER_METHODS
from seasoned.library.trust import best_key, judged
from seasoned.library.using import Using
from seasoned.model import PROMOTION_ASKED, REVIEW_NOTES, AccessLevel, Document, Pattern
from seasoned.model.ids import new_id
from seasoned.model.versions import version_order
from seasoned.store import Writing

__all__ = ["VersionDiff", "VersionNode", "VersionTree", "Versions", "next_version", "proposed_bump"]

Bump = Literal["patch", "minor", "major"]
_WIDTH: Mapping[AccessLevel, int] = {"private": 0, "shared": 1, "team": 2, "public": 3, "system": 4}
_WORDING = frozenset({"description", "rationale", "example", "examples", "benefits", "drawbacks", "gotchas", "notes"})
"""Parts of the data that explain; a change of them alone is a patch."""

_LINES = 5_000
"""Lines of each version that a diff compares: time grows with their square, and 5,000 take 0.2 s at worst."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionNode:
    """A version and its place in the tree."""

    pattern: Pattern
    depth: int
    """0 for a root."""
    children: tuple[str, ...]
    """Ids of the versions drawn from it, by version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionTree:
    """All versions of one pattern that the caller may read, flat, so that no depth of it is too deep."""

    versions: tuple[VersionNode, ...]
    """From the roots down, each followed by all below it. Several roots where a common ancestor may not be read."""
    best_active_id: str | None
    """The active version that is worth most (success, use, confidence); None where none is active."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionDiff:
    """What changed between two versions."""

    before: Pattern
    after: Pattern
    changes: Mapping[str, tuple[object, object]]
    """Field, or ``pattern_data.KEY``, to (before, after); what is equal is left out, and counts and clocks always."""
    bump: Bump
    """What such a change calls for."""
    text: str
    """Unified diff of both in words."""


class Versions(Using):
    """The part of ``Library`` that is about changes and versions."""

    def update_pattern(
        self,
        pattern_id: str,
        updating_agent_id: str | None = None,
        pattern_data: Mapping[str, object] | None = None,
        learning_weight: float | None = None,
        complexity_score: float | None = None,
        access_level: AccessLevel | None = None,
        shared_with_agents: Sequence[str] | None = None,
    ) -> Pattern:
        """Change what is given; the pattern as it stands afterwards.

        New ``pattern_data`` for a version that is active, judged, used, or drawn by the learner, makes the next version,
        a candidate, and that is what comes back. An active pattern whose access its owner widens waits for a reviewer
        again.

        Raises NotFoundError, AccessDeniedError, ValidationError.
        """
        self._as_caller("updating_agent_id", updating_agent_id)
        found, _ = self._readable(pattern_id, "change")
        changes: dict[str, object] = {}
        if learning_weight is not None:
            changes["learning_weight"] = checks.number("learning_weight", learning_weight, 0, 10)
        if complexity_score is not None:
            changes["complexity_score"] = checks.number("complexity_score", complexity_score, 0, 1)
        if access_level is not None:
            changes["access_level"] = self._level(access_level)
        if shared_with_agents is not None:
            changes["shared_with_agents"] = self._agents("shared_with_agents", shared_with_agents)
        content = None if pattern_data is None else self._content(pattern_data)
        if not changes and content is None:
            raise ValidationError("Nothing to change was given.")
        with self._changing() as writing:
            before, _ = self._within(writing, found.pattern_id, "change")
            if "access_level" in changes or "shared_with_agents" in changes:
                allow(self.who, "share", before, pattern_id)
            renewed = content is not None and content != before.pattern_data
            # What the learner drew it draws anew: an edit of that would be gone with the next run.
            drawn = before.extraction_method in LEARNER_METHODS
            anew = renewed and (before.status != "candidate" or before.usage_count > 0 or drawn)
            after = replace(before, **changes)  # pyright: ignore[reportArgumentType]
            after = self._reviewed_again(before, after)
            if renewed and not anew:
                after = self._with_content(after, content or {})
            if changes or not anew:
                after = judged(after, ())
                if after != before:
                    writing.save_patterns([after])
                    what = "share" if {"access_level", "shared_with_agents"} & changes.keys() else "change"
                    old, new = difference(before, after)
                    self._note(writing, what, after, before=old, after=new)
            if anew:
                after = self._next_version(writing, after, content or {})
        return self._stored(after)

    def create_version(
        self,
        pattern: str | Pattern,
        pattern_data: Mapping[str, object] | None = None,
        new_version: str | None = None,
        *,
        bump: Bump | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> Pattern:
        """Record the next version of ``pattern`` (id, name, or what ``Pattern.create_version`` gave), a candidate.

        Without ``new_version`` it is numbered by ``bump``, else by what changed: a patch for wording, a minor version
        for additions, a major one where something was taken away or done otherwise. Whoever may read a pattern may
        draw a version of its own from it: it then belongs to the caller, who must be let by the name (a branch).
        ``metadata``: what replaces, key by key, what the parent's says.

        Raises NotFoundError, ValidationError, ConflictError for a version that is there.
        """
        if isinstance(pattern, Pattern):
            if pattern.parent_pattern_id is None:
                raise ValidationError("pattern: this version has no parent; create_pattern records a first one.")
            pattern_data = pattern_data if pattern_data is not None else pattern.pattern_data
            new_version = new_version or pattern.version
            pattern = pattern.parent_pattern_id
        parent, _ = self._readable(pattern)
        if pattern_data is None:
            raise ValidationError("pattern_data: what the new version says is needed.")
        content = self._content(pattern_data)
        number = None if new_version is None else self._version("new_version", new_version)
        if bump is not None and bump not in get_args(Bump):
            raise ValidationError(f"bump: {bump!r} is unknown; allowed are {', '.join(get_args(Bump))}.")
        extra = {} if metadata is None else self._metadata(metadata)
        with self._changing() as writing:
            made = self._next_version(writing, parent, content, number=number, bump=bump, extra=extra)
        return self._stored(made)

    def get_versions(self, pattern_id: str) -> VersionTree:
        """The tree in which the pattern stands. Raises NotFoundError."""
        found, _ = self._readable(pattern_id)
        return tree_of(self._shown(self.store.family(self.who, found.pattern_id)))

    def diff(self, before: str, after: str) -> VersionDiff:
        """What changed from one version to another, of this pattern or of two. Raises NotFoundError."""
        one, other = self._readable(before)[0], self._readable(after)[0]
        one, other = self._shown([one])[0], self._shown([other])[0]
        lines = difflib.unified_diff(
            _compared(in_words(one)),
            _compared(in_words(other)),
            f"{one.pattern_name} {one.version}",
            f"{other.pattern_name} {other.version}",
            lineterm="",
            n=3,
        )
        return VersionDiff(
            before=one,
            after=other,
            changes=_changes(one, other),
            bump=proposed_bump(one.pattern_data or {}, other.pattern_data or {}),
            text="\n".join(lines),
        )

    # -- parts --------------------------------------------------------------------------------------------------
    def _next_version(
        self,
        writing: Writing,
        parent: Pattern,
        content: Document,
        *,
        number: str | None = None,
        bump: Bump | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> Pattern:
        """Save the version behind ``parent`` with this content."""
        family = self.store.family(self.who, parent.pattern_id)
        own = self._owner_of_version(parent)
        taken = {each.version for each in family if each.agent_id == own}
        if number is not None and number in taken:
            raise ConflictError(f"new_version: {number} is there already; the next free one is {_free(number, taken)}.")
        if number is None:
            step = bump or proposed_bump(parent.pattern_data or {}, content)
            number = checks.version("new_version", _free(next_version(parent.version, step), taken))
        ours = right(self.who, "change", parent) == "yes"
        # What reviewers said was of what the parent says.
        data = {name: value for name, value in (parent.metadata or {}).items() if name not in REVIEW_NOTES} | dict(
            extra or {}
        )
        made = parent.create_version(
            number,
            content,
            pattern_id=new_id(self._clock()),
            namespace=self.who.namespace,
            agent_id=own,
            access_level=parent.access_level if ours else "private",
            shared_with_agents=parent.shared_with_agents if ours else (),
            origin_trust=parent.origin_trust if parent.namespace == self.who.namespace else "foreign",
            extraction_method="recorded",
            metadata=data or None,
        )
        made = self._with_content(made, content)
        writing.save_patterns([made])
        told: Document = {"pattern_name": made.pattern_name, "version": made.version, "parent": parent.pattern_id}
        self._note(writing, "create", made, after=told)
        return made

    def _reviewed_again(self, before: Pattern, after: Pattern) -> Pattern:
        """An active pattern is seen by more agents than its reviewer thought of only after another review."""
        wider = _WIDTH[after.access_level] > _WIDTH[before.access_level] or (
            after.access_level == "shared" and not set(after.shared_with_agents) <= set(before.shared_with_agents)
        )
        if not wider or before.status != "active" or self.who.reviewer:
            return after
        # Its owner alone has seen the flags of a private pattern; now somebody else must.
        data = dict(after.metadata or {})
        seen = cast("list[str]", data.pop("reviewed_flags", []))
        flags = tuple(sorted({*after.review_flags, *seen, PROMOTION_ASKED}))
        return replace(after, status="candidate", review_flags=flags, metadata=data or None)

    def _owner_of_version(self, parent: Pattern) -> str:
        """Whoever may change the parent goes on with it; everybody else branches."""
        return parent.agent_id if right(self.who, "change", parent) == "yes" else self.who.agent_id


def tree_of(versions: Sequence[Pattern]) -> VersionTree:
    """The tree of these versions; a parent that is not among them is none, and a cycle is cut at its lowest version."""
    known = {each.pattern_id for each in versions}
    below: dict[str | None, list[Pattern]] = {}
    for each in sorted(versions, key=lambda each: (version_order(each.version), each.pattern_id)):
        below.setdefault(each.parent_pattern_id if each.parent_pattern_id in known else None, []).append(each)
    ordered: dict[str, VersionNode] = {}
    waiting = [(each, 0) for each in reversed(below.get(None, []))]
    while waiting or len(ordered) < len(known):
        if not waiting:
            rest = (each for each in versions if each.pattern_id not in ordered)
            waiting.append((min(rest, key=lambda each: (version_order(each.version), each.pattern_id)), 0))
        pattern, depth = waiting.pop()
        if pattern.pattern_id in ordered:
            continue
        drawn = below.get(pattern.pattern_id, [])
        children = [each for each in drawn if each.pattern_id not in ordered and each.pattern_id != pattern.pattern_id]
        ids = tuple(each.pattern_id for each in children)
        ordered[pattern.pattern_id] = VersionNode(pattern=pattern, depth=depth, children=ids)
        waiting += [(each, depth + 1) for each in reversed(children)]
    active = [each for each in versions if each.status == "active"]
    best = max(active, key=lambda each: (best_key(each), version_order(each.version), each.pattern_id), default=None)
    return VersionTree(versions=tuple(ordered.values()), best_active_id=best.pattern_id if best else None)


def proposed_bump(before: Mapping[str, object], after: Mapping[str, object]) -> Bump:
    """What a change of the data calls for: ``major`` where something that is done was taken away or done otherwise,
    ``minor`` where something was added, ``patch`` for the wording of what explains."""
    lost, gained = False, False
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        if old == new or key in _WORDING:
            continue
        if key not in before:
            gained = True
        elif isinstance(old, list) and isinstance(new, list):
            kept = _kept_in_order(cast("list[object]", old), cast("list[object]", new))
            lost, gained = lost or not kept, gained or kept
        elif isinstance(old, str) and isinstance(new, str) and new.startswith(old.rstrip()):
            gained = True
        else:
            lost = True
    return "major" if lost else "minor" if gained else "patch"


def _kept_in_order(old: Sequence[object], new: Sequence[object]) -> bool:
    """Whether every item of ``old`` stands in ``new``, in the same order."""
    rest = iter(new)
    return all(any(item == each for each in rest) for item in old)


def next_version(version: str, bump: Bump) -> str:
    """The number behind ``version``; whatever is no semantic version counts as 0.0.0."""
    numbers = version.partition("+")[0].partition("-")[0].split(".")
    whole = [int(part) for part in numbers] if all(part.isdecimal() for part in numbers) else []
    major, minor, patch = (*whole, 0, 0, 0)[:3]
    match bump:
        case "major":
            return f"{major + 1}.0.0"
        case "minor":
            return f"{major}.{minor + 1}.0"
        case "patch":
            return f"{major}.{minor}.{patch + 1}"


def _free(version: str, taken: set[str]) -> str:
    while version in taken:
        version = next_version(version, "patch")
    return version


def _compared(text: str) -> list[str]:
    lines = text.splitlines()
    left = len(lines) - _LINES
    return lines if left <= 0 else [*lines[:_LINES], f"({left:,} more lines are not compared)"]


_COMPARED = (
    "pattern_name", "category", "subcategory", "pattern_type", "intent", "status", "access_level", "agent_id", "version",
    "pattern_template", "required_tools", "technology_requirements", "applicable_domains", "quality_thresholds",
    "validation_criteria", "applicability_criteria", "learning_weight", "complexity_score",
)  # fmt: skip


def _changes(one: Pattern, other: Pattern) -> dict[str, tuple[object, object]]:
    found: dict[str, tuple[object, object]] = {
        name: (getattr(one, name), getattr(other, name))
        for name in _COMPARED
        if getattr(one, name) != getattr(other, name)
    }
    old, new = one.pattern_data or {}, other.pattern_data or {}
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            found[f"pattern_data.{key}"] = (old.get(key), new.get(key))
    mine, theirs = [step.action for step in one.recommended_steps], [step.action for step in other.recommended_steps]
    if mine != theirs:
        found["recommended_steps"] = (mine, theirs)
    return found


def in_words(pattern: Pattern) -> str:
    """The version as text to be compared line by line."""
    lines = [f"# {pattern.pattern_name}", f"category: {pattern.category or ''}", f"type: {pattern.pattern_type}"]
    lines += [f"{name}: {', '.join(getattr(pattern, name))}" for name in ("required_tools", "technology_requirements")]
    if pattern.recommended_steps:
        lines += ["", "## recommended steps", *(f"{step.number}. {step.action}" for step in pattern.recommended_steps)]
    for key, value in sorted((pattern.pattern_data or {}).items()):
        lines += ["", f"## {key}"]
        if isinstance(value, str):
            lines += value.splitlines()
        elif isinstance(value, list) and all(isinstance(each, str) for each in cast("list[object]", value)):
            lines += [f"- {each}" for each in cast("list[str]", value)]
        else:
            lines += msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=2).decode().splitlines()
    return "\n".join(lines) + "\n"


def difference(before: Pattern, after: Pattern) -> tuple[Document, Document]:
    """What an audit entry says of a change: the fields that differ, long values by their size."""
    changes = _changes(before, after)
    old: Document = {key: _brief(value) for key, (value, _) in changes.items()}
    return old, {key: _brief(value) for key, (_, value) in changes.items()}


def _brief(value: object) -> object:
    encoded = msgspec.json.encode(value)
    return msgspec.json.decode(encoded) if len(encoded) <= 400 else {"bytes": len(encoded)}

"""Earning and losing trust: promotion, rejection, deprecation, review.

``candidate → active → deprecated``, and ``rejected``. Agents are advised from active patterns only. Invariant: nothing
becomes active without validation (or a waiver with a name and a reason), a reviewer (a person or an agent of that role;
of a private pattern its owner) and no open duplicate; and every move stands in the audit log with who made it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

from seasoned.errors import AccessDeniedError, ConflictError, ValidationError
from seasoned.library.access import right
from seasoned.library.patterns import page
from seasoned.library.references import named_in_document, without_in_document
from seasoned.library.trust import BLOCKING
from seasoned.library.versions import Versions
from seasoned.model import FALLING, PROMOTION_ASKED, WORTH_SHARING, Alert, AuditEntry, Document, Pattern, PatternUsage
from seasoned.store import LibraryQuery, PatternCard, Writing

__all__ = ["Governance", "Need", "QueueEntry"]

Need = Literal["validation", "reviewer", "duplicate", "flags"]
_QUEUE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueEntry:
    """A pattern that waits for a reviewer."""

    pattern: Pattern
    asked: bool
    """Its owner asked for the promotion."""
    needs: tuple[Need, ...]
    """What promotion still needs, the reviewer aside."""
    duplicates: tuple[str, ...]
    """Ids of active patterns that say the same, of those the caller may read."""
    why: str
    """A sentence: what to look at."""


class Governance(Versions):
    """The part of ``Library`` that is about states."""

    def promote(
        self,
        pattern_id: str,
        *,
        reason: str | None = None,
        waiver: str | None = None,
        distinct_from: Sequence[str] = (),
    ) -> Pattern:
        """Make a candidate (or a deprecated or rejected pattern, once more) active; the pattern as it then stands.

        ``waiver``: why it may be active without having been validated; kept with the reviewer's name. ``distinct_from``:
        ids of active patterns that look alike, but say something else. Flags of the pattern are taken as seen by the
        reviewer. An owner who is no reviewer thereby asks for a promotion: the pattern stays what it is and stands in
        the review queue.

        Raises NotFoundError, AccessDeniedError; ConflictError where it is active already; ValidationError with
        everything that is missing.
        """
        found, _ = self._readable(pattern_id, "promote")
        why = None if reason is None else self._text("reason", reason)
        waived = None if waiver is None else self._text("waiver", waiver)
        if isinstance(distinct_from, str):
            raise ValidationError("distinct_from: a list of ids is needed, not a text.")
        apart = {self._readable(each)[0].pattern_id for each in distinct_from}
        alike = [each for each in self._duplicates(found) if each.pattern_id not in apart]
        with self._changing() as writing:
            before, given = self._within(writing, found.pattern_id, "promote")
            if before.status == "active":
                raise ConflictError(f"{before.pattern_name!r} {before.version} is active already.")
            if given == "asks":
                after = replace(before, review_flags=_with(before, PROMOTION_ASKED))
                self._move(writing, "ask", before, after, why)
                return self._shown([after])[0]
            self._complete(before, waived, alike)
            data = _reviewed(before, before.review_flags)
            if apart:
                data["distinct_from"] = sorted(apart)
            after = replace(
                before,
                status="active",
                review_flags=tuple(each for each in before.review_flags if each not in {*BLOCKING, PROMOTION_ASKED}),
                waiver={"name": self._signature, "reason": waived} if waived else before.waiver,
                deprecation_reason=None,
                successor_id=None,
                deprecated_at=None,
                duplicate_of=None if before.duplicate_of in apart else before.duplicate_of,
                metadata=data or None,
            )
            self._move(writing, "promote", before, after, why or waived)
        return self._stored(after)

    def deprecate(self, pattern_id: str, reason: str, successor_id: str | None = None) -> Pattern:
        """Take a pattern out of use, with the reason and, if there is one, what to use instead.

        Raises NotFoundError, AccessDeniedError, ConflictError where it is deprecated, ValidationError for a successor
        that is itself, out of use, or would lead back here."""
        found, _ = self._readable(pattern_id, "promote")
        why = self._text("reason", reason)
        successor = None if successor_id is None else self._successor(found, successor_id)
        with self._changing() as writing:
            before, _ = self._within(writing, found.pattern_id, "promote")  # "asks" is enough: it is its own
            if before.status in {"deprecated", "rejected"}:
                raise ConflictError(f"{before.pattern_name!r} {before.version} is {before.status} already.")
            after = replace(
                before, status="deprecated", deprecation_reason=why, deprecated_at=self._clock(), successor_id=successor
            )
            self._move(writing, "deprecate", before, after, why)
        return self._stored(after)

    def reject(self, pattern_id: str, reason: str) -> Pattern:
        """Turn a candidate down. Raises NotFoundError, AccessDeniedError, ConflictError where it is no candidate."""
        found, _ = self._readable(pattern_id, "promote")
        why = self._text("reason", reason)
        with self._changing() as writing:
            before, _ = self._within(writing, found.pattern_id, "promote")  # "asks" is enough: it is its own
            if before.status != "candidate":
                raise ConflictError(
                    f"{before.pattern_name!r} {before.version} is {before.status}; only candidates are rejected."
                )
            after = replace(
                before,
                status="rejected",
                deprecation_reason=why,
                review_flags=tuple(each for each in before.review_flags if each != PROMOTION_ASKED),
            )
            self._move(writing, "reject", before, after, why)
        return self._stored(after)

    def clear_flags(self, pattern_id: str, reason: str, flags: Sequence[str] | None = None) -> Pattern:
        """Say that a reviewer has looked at these flags (None: all) and the pattern may go on as it is.

        Raises NotFoundError, AccessDeniedError, ValidationError for a flag that it does not have."""
        found, _ = self._readable(pattern_id, "promote")
        why = self._text("reason", reason)
        with self._changing() as writing:
            before, given = self._within(writing, found.pattern_id, "promote")
            if given == "asks":
                raise AccessDeniedError("Flags are cleared by a reviewer: a person, a librarian or an administrator.")
            seen = set(before.review_flags if flags is None else flags)
            if unknown := seen - set(before.review_flags):
                held = ", ".join(before.review_flags) or "none"
                raise ValidationError(f"flags: {', '.join(sorted(unknown))} it does not have; it has {held}.")
            after = replace(
                before,
                review_flags=tuple(each for each in before.review_flags if each not in seen),
                metadata=_reviewed(before, seen) or None,
            )
            self._move(writing, "review", before, after, why)
        return self._stored(after)

    def review_queue(self, limit: int = 50) -> list[QueueEntry]:
        """Patterns that the caller may judge and that wait for it: first those that are active or asked for and
        flagged, then candidates, the surest first."""
        most = page(limit)["limit"]
        cards = [
            card
            for card in self.store.cards(self.who, LibraryQuery(namespace=self.who.namespace))
            if card.status == "candidate" or (card.status == "active" and FALLING in card.review_flags)
        ]
        cards.sort(key=_urgency)
        found: list[QueueEntry] = []
        for start in range(0, len(cards), _QUEUE):
            part = cards[start : start + _QUEUE]
            ids = tuple(card.pattern_id for card in part)
            query = LibraryQuery(pattern_ids=ids, limit=len(ids))
            full = {each.pattern_id: each for each in self._shown(self.store.visible_patterns(self.who, query))}
            for card in part:
                pattern = full.get(card.pattern_id)
                if pattern is None or right(self.who, "promote", pattern) != "yes":
                    continue
                found.append(self._queued(pattern))
                if len(found) == most:
                    return found
        return found

    def audit(self, pattern_id: str | None = None, limit: int = 50) -> list[AuditEntry]:
        """What was done to the pattern, or in the namespace (reviewers), newest first. Raises NotFoundError."""
        subject = None if pattern_id is None else self._readable(pattern_id)[0].pattern_id
        found = self.store.audit(self.who, subject=subject, limit=page(limit)["limit"])
        hidden = self._unreadable(
            {ref for each in found for part in (each.before, each.after) for ref in named_in_document(part)}
        )
        return [
            replace(
                each, before=without_in_document(each.before, hidden), after=without_in_document(each.after, hidden)
            )
            for each in found
        ]

    def usages(self, pattern_id: str, limit: int = 50) -> list[PatternUsage]:
        """Who used it and how it went, newest first, in the caller's namespace. Raises NotFoundError."""
        return self.store.usages(self.who, self._readable(pattern_id)[0].pattern_id, limit=page(limit)["limit"])

    def alerts(self) -> list[Alert]:
        """Open alerts about patterns that the caller may read, newest first."""
        found = self.store.alerts(self.who.namespace)
        hidden = self._unreadable({ref for each in found for ref in (each.subject, *named_in_document(each.details))})
        return [
            replace(each, details=without_in_document(each.details, hidden))
            for each in found
            if each.subject not in hidden
        ]

    # -- parts --------------------------------------------------------------------------------------------------
    def _move(self, writing: Writing, what: str, before: Pattern, after: Pattern, reason: str | None) -> None:
        writing.save_patterns([after])
        old: Document = {}
        new: Document = {}
        for name in ("status", "review_flags", "deprecation_reason", "successor_id", "waiver", "duplicate_of"):
            one, other = getattr(before, name), getattr(after, name)
            if one != other:
                old[name], new[name] = one, other
        self._note(writing, what, after, before=old, after=new, reason=reason)

    def _complete(self, pattern: Pattern, waiver: str | None, alike: Sequence[Pattern]) -> None:
        missing: list[str] = []
        if pattern.validation_status != "validated" and waiver is None:
            missing.append("it was not validated: give a waiver that says why it may be active all the same")
        if alike:
            told = ", ".join(f"{each.pattern_name!r} ({each.pattern_id})" for each in alike[:3])
            missing.append(
                f"it says the same as {told}: deprecate one of them, or give its id as distinct_from if they differ"
            )
        if missing:
            raise ValidationError(f"{pattern.pattern_name!r} cannot be promoted: {'; '.join(missing)}.")

    def _successor(self, pattern: Pattern, key: str) -> str:
        successor = self._readable(key)[0]
        if successor.pattern_id == pattern.pattern_id:
            raise ValidationError("successor_id: a pattern cannot be its own successor.")
        if successor.status in {"deprecated", "rejected"}:
            raise ValidationError(
                f"successor_id: {successor.pattern_name!r} {successor.version} is {successor.status}."
            )
        seen = {pattern.pattern_id}
        following: Pattern | None = successor
        while following is not None:
            if following.pattern_id in seen:
                raise ValidationError(
                    f"successor_id: {successor.pattern_name!r} leads back to this pattern, or in a circle."
                )
            seen.add(following.pattern_id)
            further = following.successor_id
            following = self.store.visible_pattern(self.who, further) if further is not None else None
        return successor.pattern_id

    def _queued(self, pattern: Pattern) -> QueueEntry:
        alike = self._duplicates(pattern)
        needs: list[Need] = []
        if pattern.validation_status != "validated":
            needs.append("validation")
        if alike:
            needs.append("duplicate")
        if BLOCKING.intersection(pattern.review_flags):
            needs.append("flags")
        return QueueEntry(
            pattern=pattern,
            asked=PROMOTION_ASKED in pattern.review_flags,
            needs=tuple(needs),
            duplicates=tuple(each.pattern_id for each in alike),
            why=_why(pattern, alike),
        )


def _reviewed(pattern: Pattern, flags: Collection[str]) -> Document:
    """Its metadata with these flags among those that a reviewer has seen."""
    data: Document = dict(pattern.metadata or {})
    known = data.get("reviewed_flags")
    before = cast("list[str]", known) if isinstance(known, list) else []
    if seen := sorted({*before, *flags} - {FALLING, PROMOTION_ASKED, WORTH_SHARING}):
        data["reviewed_flags"] = seen
    if FALLING in flags:
        data["reviewed_uses"] = pattern.success_count + pattern.failure_count
    return data


def _with(pattern: Pattern, flag: str) -> tuple[str, ...]:
    return tuple(sorted({*pattern.review_flags, flag}))


def _urgency(card: PatternCard) -> tuple[object, ...]:
    return (
        FALLING not in card.review_flags,
        PROMOTION_ASKED not in card.review_flags,
        -(card.confidence_score or 0.0),
        -card.usage_count,
        card.pattern_name,
        card.pattern_id,
    )


def _why(pattern: Pattern, alike: Sequence[Pattern]) -> str:
    told: list[str] = []
    if PROMOTION_ASKED in pattern.review_flags:
        told.append(f"{pattern.agent_id} asks for its promotion")
    if FALLING in pattern.review_flags:
        told.append("its latest uses fell below its threshold")
    if WORTH_SHARING in pattern.review_flags:
        told.append("used well enough to be shared with the team")
    evidence = pattern.evidence_count + pattern.success_count + pattern.failure_count
    if evidence:
        won = pattern.evidence_success_count + pattern.success_count
        told.append(f"{won} of {evidence} known outcomes were successes")
    else:
        told.append("no outcome is known")
    if alike:
        told.append(f"says the same as {alike[0].pattern_name!r}")
    seen = [each for each in pattern.review_flags if each not in {PROMOTION_ASKED, FALLING, WORTH_SHARING}]
    if seen:
        told.append("look at: " + ", ".join(each.replace("_", " ") for each in seen))
    return "; ".join(told)

"""What the learner found, taken into the library.

The library is the only writer of patterns: the learner proposes, this decides what is new, what is brought up to date
and what the history no longer supports. Invariant: what people decided about a pattern, or counted by using it, stays;
a candidate that nobody has used or judged is drawn anew or goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from seasoned.learn.patterns import Merged, brought_up_to_date, deduplicate
from seasoned.library.words import keywords_of
from seasoned.model import PROMOTION_ASKED, REVIEW_NOTES, Pattern
from seasoned.store import PatternQuery, Store, Writing

__all__ = ["LEARNER_METHODS", "Intake", "all_patterns", "intake", "untouched"]

LEARNER_METHODS = frozenset({"cluster", "correction", "single"})
"""Extraction methods of patterns that the learner draws and may withdraw."""
_DRAWN_ACCESS = "team"
"""Level at which the learner draws; another one was somebody's decision."""
_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What a run of the learner changes in the library of one namespace."""

    before: tuple[Pattern, ...]
    """Everything that stood there."""
    save: tuple[Pattern, ...]
    """New, or changed by new evidence."""
    withdrawn: tuple[str, ...]
    """Ids of candidates that the history no longer supports, sorted."""

    @property
    def standing(self) -> list[Pattern]:
        """Every pattern afterwards."""
        stored = {pattern.pattern_id: pattern for pattern in (*self.before, *self.save)}
        return [pattern for key, pattern in stored.items() if key not in set(self.withdrawn)]

    def write(self, writing: Writing) -> None:
        """Save and delete, in the caller's transaction. What was used or judged since it was read keeps that: counts and
        decisions are taken from the row as it now stands. Names are unique, so what goes must be gone before another
        pattern takes its name, and what is renamed steps aside first."""
        seen = {pattern.pattern_id: pattern for pattern in self.before}
        going = [key for key in self.withdrawn if writing.pattern(key) == seen.get(key)]
        writing.delete_patterns(going)
        save: list[Pattern] = []
        for pattern in self.save:
            current = writing.pattern(pattern.pattern_id)
            same = current is None or current == seen.get(pattern.pattern_id)
            save.append(pattern if same or current is None else brought_up_to_date(current, pattern))
        named = {key: pattern.pattern_name for key, pattern in seen.items()}
        renamed = [each for each in save if named.get(each.pattern_id, each.pattern_name) != each.pattern_name]
        writing.save_patterns([replace(each, pattern_name=each.pattern_id) for each in renamed])
        writing.save_patterns(save)


def intake(store: Store, namespace: str, proposed: Sequence[Pattern], now: datetime) -> Intake:
    """What ``proposed`` changes; nothing is written yet. Raises StoreError."""
    before = all_patterns(store, namespace)
    kept = [pattern for pattern in before if not untouched(pattern)]
    save, withdrawn = _changes(deduplicate(proposed, kept), before, now)
    return Intake(before=tuple(before), save=tuple(save), withdrawn=tuple(withdrawn))


def all_patterns(store: Store, namespace: str) -> list[Pattern]:
    """Every pattern of the namespace, whoever owns it: for the service itself, never for a caller."""
    found: list[Pattern] = []
    while page := store.patterns(PatternQuery(namespace=namespace, limit=_PAGE, offset=len(found))):
        found += page
    return found


def untouched(pattern: Pattern) -> bool:
    """A candidate of the learner that nobody has used or decided anything about."""
    return (
        pattern.extraction_method in LEARNER_METHODS
        and pattern.status == "candidate"
        and not pattern.usage_count
        and pattern.waiver is None
        and pattern.successor_id is None
        and pattern.validation_status is None
        and pattern.access_level == _DRAWN_ACCESS
        and PROMOTION_ASKED not in pattern.review_flags
        and not REVIEW_NOTES & (pattern.metadata or {}).keys()
    )


def _changes(merged: Merged, before: Sequence[Pattern], now: datetime) -> tuple[list[Pattern], list[str]]:
    """What to save and what to delete; a pattern that comes out as it stands is neither."""
    stored = {pattern.pattern_id: pattern for pattern in before}
    save: list[Pattern] = []
    for proposed in merged.save:
        pattern = replace(proposed, keywords=keywords_of(proposed))
        old = stored.get(pattern.pattern_id)
        if old is None:
            save.append(replace(pattern, extracted_at=now))
        else:
            clocks = {name: getattr(old, name) for name in ("extracted_at", "created_at", "updated_at")}
            if (fresh := replace(pattern, **clocks)) != old:
                save.append(replace(fresh, extracted_at=now))
    standing = {pattern.pattern_id for pattern in merged.save}
    withdrawn = {pattern.pattern_id for pattern in before if untouched(pattern)} - standing
    return save, sorted({*withdrawn, *merged.obsolete})

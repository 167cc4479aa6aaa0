"""Patterns that say the same.

Invariant: two patterns that agents are advised from do not say the same thing twice, unless a reviewer said that they
differ. Versions of one pattern are alike by their nature and are no duplicates; private patterns are told to nobody.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from seasoned.library.patterns import Patterns
from seasoned.model import Pattern
from seasoned.store import LibraryQuery

__all__ = ["Duplicates"]

_NEAR = 50
_ALIKE = 0.8
"""Share of all words of both that two patterns have in common when they count as duplicates (Jaccard); patterns drawn
from different tasks of one kind were below 0.6 where that was looked at, copies with a reworded line above 0.85."""


class Duplicates(Patterns):
    """The part of ``Library`` that is about likeness."""

    def _duplicates(self, pattern: Pattern) -> list[Pattern]:
        """Active patterns of its namespace outside its own family that say the same, the likest first."""
        query = LibraryQuery(namespace=pattern.namespace, status=("active",))
        near = self.store.keyword_patterns(self.who, self._telling(pattern), query, _NEAR) if pattern.keywords else []
        known = (pattern.metadata or {}).get("distinct_from")
        apart = set(cast("list[object]", known)) if isinstance(known, list) else set[object]()
        if pattern.duplicate_of is not None:
            near = [pattern.duplicate_of, *near]
        ids = tuple(each for each in dict.fromkeys(near) if each != pattern.pattern_id and each not in apart)
        if not ids:
            return []
        held = self.store.words_held(self.who, ids, pattern.keywords)
        enough = _ALIKE * len(pattern.keywords)  # |A ∩ B| ≥ t |A ∪ B| ≥ t |A|
        ids = tuple(each for each in ids if len(held.get(each, ())) >= enough or each == pattern.duplicate_of)
        if not ids:
            return []
        family = {each.pattern_id for each in self.store.family(self.who, pattern.pattern_id)}
        others = self.store.visible_patterns(self.who, replace(query, pattern_ids=ids, limit=len(ids)))
        scored = [
            (_overlap(pattern.keywords, each.keywords), each)
            for each in others
            if each.pattern_id not in family and each.access_level != "private"
        ]
        chosen = [(score, each) for score, each in scored if score >= _ALIKE or each.pattern_id == pattern.duplicate_of]
        return [each for _, each in sorted(chosen, key=lambda found: (-found[0], found[1].pattern_id))]

    def _telling(self, pattern: Pattern) -> list[str]:
        """So many of its words, the rarest ones, that whatever is alike holds one of them: a Jaccard index of t leaves out
        at most |A| − ⌈t |A|⌉ words of A (prefix filtering, Chaudhuri et al. 2006, https://doi.org/10.1109/ICDE.2006.9)."""
        many = len(pattern.keywords) - math.ceil(_ALIKE * len(pattern.keywords)) + 1
        known, _ = self.store.document_frequencies(pattern.namespace, pattern.keywords)
        return sorted(pattern.keywords, key=lambda word: (known.get(word, 0), -len(word), word))[:many]


def _overlap(one: Sequence[str], other: Sequence[str]) -> float:
    mine, theirs = set(one), set(other)
    return len(mine & theirs) / len(mine | theirs) if mine or theirs else 0.0

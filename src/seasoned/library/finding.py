"""Finding patterns: by a question, and for an agent and its task.

Two stages. Candidates come from full text and from vectors, both inside the caller's rights; then one score for each,
explained. Invariant: what is recommended is active, free of flags that a person should look at, and the best version
of its family; and looking is not using: nothing here is counted.

The words of a question weigh by their rarity, ln(1 + N/df) as in Robertson's idf (https://doi.org/10.1561/1500000019),
with N and df over the candidates at hand.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from seasoned.capture.excerpt import cut
from seasoned.errors import ValidationError
from seasoned.learn.keywords import keywords
from seasoned.library import checks
from seasoned.library.governance import Governance
from seasoned.library.patterns import page
from seasoned.library.trust import BLOCKING, BaseScore, base_score, best_key, days_between, decayed
from seasoned.library.words import text_of, texts_in
from seasoned.model import AccessLevel, Pattern
from seasoned.model.versions import version_order
from seasoned.store import LibraryQuery, PatternCard

__all__ = ["Finding", "FoundPattern", "Recommendation"]

_CANDIDATES = 200
_EMBED_AT_ONCE = 64
_QUESTION = 8_000
_SEMANTIC, _KEYWORD = 0.6, 0.4
"""A choice: embeddings carry reworded questions, words carry names; neither alone may make a full score."""
_FLOOR = 0.25
"""Cosine below which likeness means nothing: unrelated texts reach 0.2 with the built-in model."""
_SIMILARITY_BOOST, _CONTEXT_BOOST = 0.10, 0.20
"""Most that each boost can add to the base score of 0..1."""
_USED = 50
_Scored = tuple[float, PatternCard, BaseScore, float, float]
"""Score, card, its base score, and both boosts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPattern:
    """A pattern that answers a question."""

    pattern: Pattern
    score: float
    """0..1: 0.6 · semantic + 0.4 · keyword; keyword alone where there is no embedding."""
    semantic: float | None
    """Cosine, 0..1; None: without an embedding."""
    keyword: float
    """Share, by rarity, of the question's words that the pattern holds, 0..1."""
    shared: tuple[str, ...]
    """Those words, the rarest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ranked:
    """A pattern's score, as in ``FoundPattern``."""

    pattern_id: str
    score: float
    semantic: float | None
    keyword: float
    shared: tuple[str, ...]


class Recommendation(tuple[Pattern, float]):
    """``(pattern, score)`` that can also explain itself."""

    base: BaseScore
    similarity_boost: float
    """0..0.1: likeness to what this agent has used."""
    context_boost: float
    """0..0.2: likeness to the task at hand."""

    def __new__(
        cls, pattern: Pattern, base: BaseScore, similarity_boost: float, context_boost: float
    ) -> "Recommendation":
        """The score is the base score and both boosts, 0..1.3."""
        made = super().__new__(cls, (pattern, round(base.total + similarity_boost + context_boost, 6)))
        made.base, made.similarity_boost, made.context_boost = base, similarity_boost, context_boost
        return made

    @property
    def pattern(self) -> Pattern:
        """What is recommended."""
        return self[0]

    @property
    def score(self) -> float:
        """0..1.3."""
        return self[1]

    @property
    def explanation(self) -> str:
        """Where the score comes from."""
        rate = self[0].success_rate
        told = f"success {rate:.2f}" if rate is not None else "no known outcome"
        parts = [f"{told} · 0.4", f"{self[0].usage_count} uses → {self.base.usage:.2f} · 0.3"]
        parts.append(f"confidence {self.base.confidence:.2f} · 0.3")
        if self.similarity_boost:
            parts.append(f"like what you used +{self.similarity_boost:.2f}")
        if self.context_boost:
            parts.append(f"fits the task +{self.context_boost:.2f}")
        return f"{self[1]:.2f} = " + ", ".join(parts)


class Finding(Governance):
    """The part of ``Library`` that is about search and recommendation."""

    def search_patterns(
        self,
        query_text: str | None = None,
        category: str | None = None,
        subcategory: str | None = None,
        namespace: str | None = None,
        access_levels: Sequence[AccessLevel] | None = None,
        requesting_agent_id: str | None = None,
        min_success_rate: float = 0.0,
        min_usage_count: int = 0,
        limit: int = 50,
        *,
        status: Sequence[str] = (),
    ) -> list[Pattern]:
        """Patterns that match, of any state that ``status`` does not leave out. With ``query_text`` those that answer
        it, best first; without, the surest first. ``namespace`` None: the caller's, and what is public elsewhere.

        Raises ValidationError, AccessDeniedError."""
        self._as_caller("requesting_agent_id", requesting_agent_id)
        query = LibraryQuery(
            namespace=checks.wanted("namespace", namespace),
            status=tuple(checks.status(each) for each in checks.listed("status", status)),
            category=checks.wanted("category", category),
            subcategory=checks.wanted("subcategory", subcategory),
            access_levels=tuple(
                checks.access_level(each) for each in checks.listed("access_levels", access_levels or ())
            ),
            min_success_rate=checks.number("min_success_rate", min_success_rate, 0, 1),
            min_usage_count=checks.whole("min_usage_count", min_usage_count, 0, 10**9),
            limit=page(limit)["limit"],
        )
        if query_text is not None and not isinstance(query_text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValidationError(f"query_text: a text is needed, not {type(query_text).__name__}.")
        if query_text is None or not query_text.strip():
            return self._shown(self.store.visible_patterns(self.who, query))
        return [found.pattern for found in self.find(query_text, query)]

    def list_patterns(self, query: LibraryQuery) -> list[Pattern]:
        """What matches, the surest first."""
        return self._shown(self.store.visible_patterns(self.who, query))

    def find(self, question: str, query: LibraryQuery | None = None) -> list[FoundPattern]:
        """What answers ``question``, best first, with its score; at most ``query.limit``."""
        told = self._ranked(question, query or LibraryQuery(limit=20))
        ids = tuple(each.pattern_id for each in told)
        full = self.store.visible_patterns(self.who, LibraryQuery(pattern_ids=ids, limit=len(ids)))
        patterns = {each.pattern_id: each for each in self._shown(full)}
        return [
            FoundPattern(
                pattern=patterns[each.pattern_id],
                score=each.score,
                semantic=each.semantic,
                keyword=each.keyword,
                shared=each.shared,
            )
            for each in told
            if each.pattern_id in patterns
        ]

    def _ranked(self, question: str, query: LibraryQuery) -> list[_Ranked]:
        """The same, before anything of the patterns is read but which words they hold."""
        asked = cut(self._redactor.text(question), _QUESTION)
        words = keywords(asked)
        vector = self._vector(asked)
        near: dict[str, float] = {}
        if vector is not None:
            model = self._embedded()
            near = dict(self.store.nearest_patterns(self.who, model, vector, query, _CANDIDATES))
        ids = self.store.keyword_patterns(self.who, words, query, _CANDIDATES) if words else []
        candidates = tuple(dict.fromkeys([*near, *ids]))
        held = self.store.words_held(self.who, candidates, words) if candidates else {}
        weigh = _rarity(words, held.values(), len(candidates))
        scored = [_scored(each, words, weigh, held.get(each, frozenset()), near.get(each)) for each in candidates]
        told = [each for each in scored if each.keyword > 0 or (each.semantic or 0) >= _FLOOR]
        told.sort(key=lambda each: (-each.score, each.pattern_id))
        return told[query.offset : query.offset + query.limit]

    def recommend_patterns(
        self,
        agent_id: str | None = None,
        category: str | None = None,
        context_data: Mapping[str, object] | None = None,
        limit: int = 10,
    ) -> list[Recommendation]:
        """Active patterns for the caller, best first, as ``(pattern, score)``.

        Score: 0.4 · success rate + 0.3 · min(uses / 10, 1) + 0.3 · confidence (decayed where the stack moved on), plus
        at most 0.1 for likeness to patterns that the agent used, plus at most 0.2 for likeness to ``context_data`` (the
        task at hand, any texts in it). Raises ValidationError, AccessDeniedError."""
        self._as_caller("agent_id", agent_id)
        most, wanted = page(limit)["limit"], checks.wanted("category", category)
        query = LibraryQuery(status=("active",), category=wanted)
        context = self._context(context_data, query)
        likeness = self._likeness_to_used(query)
        cards = {card.pattern_id: card for card in self.store.strongest(self.who, query, max(_CANDIDATES, 2 * most))}
        boosted = tuple(each for each in {**context, **likeness} if each not in cards)
        if boosted:
            cards |= {card.pattern_id: card for card in self.store.cards(self.who, replace(query, pattern_ids=boosted))}
        in_use = self._technologies_in_use()
        now = self._clock()
        scored: list[_Scored] = []
        for card in cards.values():
            if BLOCKING.intersection(card.review_flags) or card.successor_id is not None:
                continue
            seen = card.last_used_at or card.updated_at
            sure = decayed(
                card.confidence_score,
                technologies=card.technology_requirements,
                in_use=in_use,
                age_days=days_between(seen, now),
            )
            base = base_score(card, sure)
            similar = _SIMILARITY_BOOST * likeness.get(card.pattern_id, 0.0)
            fitting = _CONTEXT_BOOST * context.get(card.pattern_id, 0.0)
            scored.append((base.total + similar + fitting, card, base, round(similar, 6), round(fitting, 6)))
        scored.sort(key=lambda each: (-each[0], each[1].pattern_id))
        chosen = self._best_versions(scored, most)
        ids = tuple(card.pattern_id for _, card, *_ in chosen)
        full = self.store.visible_patterns(self.who, LibraryQuery(pattern_ids=ids, limit=len(ids)))
        patterns = {each.pattern_id: each for each in self._shown(full)}
        return [
            Recommendation(patterns[card.pattern_id], base, similar, fitting)
            for _, card, base, similar, fitting in chosen
            if card.pattern_id in patterns
        ]

    # -- parts --------------------------------------------------------------------------------------------------
    def _best_versions(self, scored: Sequence[_Scored], most: int) -> list[_Scored]:
        """The first ``most`` of which no other active version of the same family is worth more."""
        chosen: list[_Scored] = []
        for start in range(0, len(scored), 4 * most):
            part = scored[start : start + 4 * most]
            families = self.store.families(self.who, [each[1].pattern_id for each in part])
            for each in part:
                family = families.get(each[1].pattern_id, [])
                rivals = [
                    card
                    for card in family
                    if card.status == "active"
                    and card.successor_id is None
                    and not BLOCKING.intersection(card.review_flags)
                ]
                if max(rivals, key=_worth, default=each[1]).pattern_id == each[1].pattern_id:
                    chosen.append(each)
                if len(chosen) == most:
                    return chosen
        return chosen

    def _vector(self, text: str) -> list[float] | None:
        if self.embedder is None:
            return None
        return [float(value) for value in self.embedder.embed([text], "query")[0]]

    def _embedded(self) -> str:
        """Give vectors to some patterns that have none yet; the name of the model."""
        assert self.embedder is not None
        model = self.embedder.info.model
        if lacking := self.store.without_pattern_embedding(model, _EMBED_AT_ONCE):
            vectors = self.embedder.embed([text_of(each) for each in lacking], "document")
            rows = [
                (each.namespace, each.pattern_id, [float(value) for value in vector])
                for each, vector in zip(lacking, vectors, strict=True)
            ]
            with self.store.writing(durable=False) as writing:
                writing.save_pattern_embeddings(model, rows)
        return model

    def _context(self, data: Mapping[str, object] | None, query: LibraryQuery) -> dict[str, float]:
        if not data:
            return {}
        said = "\n".join(texts_in(checks.document("context_data", data)))
        if not said.strip():
            return {}
        return {each.pattern_id: each.score for each in self._ranked(said, replace(query, limit=_CANDIDATES))}

    def _likeness_to_used(self, query: LibraryQuery) -> dict[str, float]:
        """How like what the caller has used the likest patterns are, 0..1: by meaning where there are embeddings, else
        by words."""
        used = self.store.used_by(self.who, limit=_USED)
        if not used:
            return {}
        if self.embedder is not None:
            import numpy as np  # listing patterns needs no array library

            model = self._embedded()
            held = self.store.pattern_vectors(self.who, model, used)
            centre = np.zeros(self.embedder.info.dimensions, dtype=np.float32)
            for vector in held.values():
                centre += np.frombuffer(vector, dtype="<f4")
            norm = float(np.linalg.norm(centre))
            if norm:
                direction = [float(value) for value in centre / norm]
                near = self.store.nearest_patterns(self.who, model, direction, query, _CANDIDATES)
                return {each: _clamp(value) for each, value in near}
        mine = self.store.visible_patterns(self.who, LibraryQuery(pattern_ids=tuple(used), limit=len(used)))
        words = {word for each in mine for word in each.keywords}
        ids = self.store.keyword_patterns(self.who, sorted(words), query, _CANDIDATES)
        like = self.store.visible_patterns(self.who, replace(query, pattern_ids=tuple(ids), limit=_CANDIDATES))
        return {each.pattern_id: _jaccard(each.keywords, words) for each in like}

    def _technologies_in_use(self) -> set[str]:
        return set(self.store.technologies(self.who.namespace))


def _worth(card: PatternCard) -> tuple[object, ...]:
    return (best_key(card), version_order(card.version), card.pattern_id)


def _rarity(words: Sequence[str], held: Iterable[frozenset[str]], of: int) -> dict[str, float]:
    count = Counter(word for each in held for word in each)
    return {word: math.log(1 + max(of, 1) / max(count[word], 1)) for word in words}


def _scored(
    pattern_id: str, words: Sequence[str], weigh: Mapping[str, float], held: frozenset[str], cosine: float | None
) -> _Ranked:
    shared = sorted(held, key=lambda word: (-weigh[word], word))
    total = math.fsum(weigh[word] for word in words)
    keyword = math.fsum(weigh[word] for word in shared) / total if total else 0.0
    semantic = None if cosine is None else _clamp(cosine)
    score = keyword if semantic is None else _SEMANTIC * semantic + _KEYWORD * keyword
    return _Ranked(
        pattern_id=pattern_id, score=round(score, 6), semantic=semantic, keyword=round(keyword, 6), shared=tuple(shared)
    )


def _clamp(value: float) -> float:
    return min(1.0, max(0.0, value))


def _jaccard(one: Sequence[str], other: set[str]) -> float:
    mine = set(one)
    return len(mine & other) / len(mine | other) if mine or other else 0.0

"""Past tasks like the one at hand, with the reasons, or an honest "nothing".

Two ways in, one way out. In: the hashes name the same task and the same shape at once; the vector index and the
full text name candidates. Out: every candidate is scored once by ``learn.similarity``, whatever way it came in, and
only what is returned is explained.

Works without an embedder and an index, from hashes and keywords alone; then no array library and no inference engine
is imported (a cold process must answer within 150 ms), which is why ``embed`` stands under TYPE_CHECKING.
"""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, cast

from seasoned.learn import Scorer, StrategyName, fingerprint, named_strategy
from seasoned.model import Fingerprint, Match, MatchKind, SimilarTasks, TaskType, Trace
from seasoned.store.port import Store, StoredFingerprint

if TYPE_CHECKING:
    from seasoned.embed.port import Embedder, VectorIndex, Vectors

__all__ = ["SimilarTaskFinder"]

_NEIGHBOURS = 60
"""Nearest vectors taken as candidates; more are taken where more answers are wanted."""
_KEYWORD_HITS = 120
_EXECUTIONS_READ = 12
_EXECUTIONS_SHOWN = 3
_REFRESH_S = 5.0
"""How long the number of vectors in the table is believed before it is asked for again."""
_TASK_TYPES = frozenset("code_generation refactoring debugging testing documentation research operations other".split())


class SimilarTaskFinder:
    """Finds past tasks. Keep one where many questions are asked: it spares a count of the vectors each time."""

    def __init__(
        self,
        store: Store,
        *,
        index: "VectorIndex | None" = None,
        embedder: "Embedder | None" = None,
        strategy: StrategyName = "measured",
        most_tokens: int | None = None,
    ) -> None:
        """Without ``index`` or ``embedder``: hashes and keywords alone. ``most_tokens``: of a prompt whose meaning is
        looked at, for whoever has no time for the whole."""
        self._store = store
        self._index = index
        self._embedder = embedder
        self._strategy = named_strategy(strategy)
        self._most_tokens = most_tokens
        self._refreshed: dict[str, tuple[float, int]] = {}

    def find(
        self,
        namespace: str,
        prompt: str,
        *,
        task_type: TaskType | Literal["auto"] | str = "auto",
        domain: str = "auto",
        files: Sequence[str] = (),
        limit: int = 5,
        min_score: float | None = None,
    ) -> SimilarTasks:
        """At most ``limit`` past tasks of ``namespace`` like ``prompt`` (redacted): the same task first, then by score.

        ``min_score`` (0..1) holds for every match. Where it is None the strategy's calibrated floor decides, but what
        has the same shape is always relevant. Raises what the store, the index and the embedder raise, and ValueError
        for a task type that does not exist.
        """
        begun = time.perf_counter()
        if task_type != "auto" and task_type not in _TASK_TYPES:
            raise ValueError(f"no task type {task_type!r}; there are {', '.join(sorted(_TASK_TYPES))} and auto")
        kind = cast("TaskType | Literal['auto']", task_type)
        asked = fingerprint(prompt, namespace, files=files, task_type=kind, domain=domain)
        frequencies, searched = self._store.document_frequencies(namespace, asked.prompt_tokens)
        scorer = Scorer(asked, document_frequencies=frequencies, documents=searched, strategy=self._strategy)
        embedded: int | None = None
        cosines: dict[str, float] = {}
        kinds: dict[str, MatchKind] = {}
        if searched and asked.normalized_prompt:
            kinds = self._by_hash(asked)
            embedded = self._vectors(asked.namespace)
            vector = self._vector(asked) if embedded else None
            self._neighbours(asked, vector, max(_NEIGHBOURS, 2 * limit), cosines, kinds)
            if embedded is None or embedded < searched or scorer.keywords_count:
                hits = self._store.keyword_candidates(namespace, asked.prompt_tokens, max(_KEYWORD_HITS, 2 * limit))
                for owner in hits:
                    kinds.setdefault(owner, "similar")
                self._cosines(asked, vector, [owner for owner in kinds if owner not in cosines], cosines)
        elif self._index is not None and self._embedder is not None:
            embedded = 0

        stored = self._store.fingerprints(list(kinds))
        scored = _scored(scorer, kinds, stored, cosines)
        chosen = [
            (score, owner)
            for score, owner in scored
            if (
                score >= min_score
                if min_score is not None
                else _relevant(scorer, kinds[owner], score, cosines.get(owner))
            )
        ][:limit]
        executions = self._store.executions_of([owner for _, owner in chosen], per_fingerprint=_EXECUTIONS_READ)
        matches = tuple(
            Match(
                fingerprint=stored[owner].fingerprint,
                stats=stored[owner].stats,
                kind=kinds[owner],
                score=score,
                terms=scorer.terms(stored[owner].fingerprint, cosines.get(owner)),
                shared_keywords=scorer.shared_keywords(stored[owner].fingerprint),
                executions=_telling(executions.get(owner, [])),
            )
            for score, owner in chosen
        )
        least = scorer.floor(embedded=embedded is not None) if min_score is None else min_score
        return SimilarTasks(
            prompt=prompt,
            matches=matches,
            searched=searched,
            embedded=embedded,
            reason=self._reason(asked, matches, searched, embedded, scored[0] if scored else None, stored, least),
            latency_ms=(time.perf_counter() - begun) * 1000,
        )

    def _by_hash(self, asked: Fingerprint) -> dict[str, MatchKind]:
        kinds: dict[str, MatchKind] = {}
        for owner in self._store.by_hash(asked.namespace, shape_hash=asked.shape_hash):
            kinds[owner] = "shape"
        for owner in self._store.by_hash(asked.namespace, task_hash=asked.task_hash):
            kinds[owner] = "exact"
        return kinds

    def _vectors(self, namespace: str) -> int | None:
        """How many fingerprints have a vector; None without an embedder."""
        if self._index is None or self._embedder is None:
            return None
        now = time.monotonic()
        at, count = self._refreshed.get(namespace, (0.0, 0))
        if not count or now - at > _REFRESH_S:
            count = self._index.refresh(namespace, self._embedder.info.model)
            self._refreshed[namespace] = now, count
        return count

    def _vector(self, asked: Fingerprint) -> "Vectors | None":
        if self._embedder is None:
            return None
        # The text that was embedded for the past ones too (``Store.without_embedding``).
        return self._embedder.embed([asked.normalized_prompt], "query", most_tokens=self._most_tokens)[0]

    def _neighbours(
        self,
        asked: Fingerprint,
        vector: "Vectors | None",
        limit: int,
        cosines: dict[str, float],
        kinds: dict[str, MatchKind],
    ) -> None:
        if vector is None or self._index is None or self._embedder is None:
            return
        for neighbour in self._index.nearest(asked.namespace, self._embedder.info.model, vector, limit):
            cosines[neighbour.owner_id] = neighbour.similarity
            kinds.setdefault(neighbour.owner_id, "similar")

    def _cosines(
        self, asked: Fingerprint, vector: "Vectors | None", owners: Sequence[str], cosines: dict[str, float]
    ) -> None:
        if vector is not None and owners and self._index is not None and self._embedder is not None:
            model = self._embedder.info.model
            cosines.update(self._index.similarities(asked.namespace, model, vector, owners))

    def _reason(
        self,
        asked: Fingerprint,
        matches: Sequence[Match],
        searched: int,
        embedded: int | None,
        best: tuple[float, str] | None,
        stored: Mapping[str, StoredFingerprint],
        least: float,
    ) -> str:
        """One or two sentences: what was found or why nothing was, and what the judgement rests on."""
        if not asked.normalized_prompt:
            return "The prompt is empty."
        if not searched:
            return "Nothing has been recorded in this namespace yet."
        past = f"{searched:,} past task{'s' if searched != 1 else ''}"
        if matches:
            same = sum(1 for match in matches if match.kind == "exact")
            alike = len(matches) - same
            parts = [
                *(["the same task was done before"] if same else []),
                *([f"{alike} {'are' if alike != 1 else 'is'} alike"] if alike else []),
            ]
            said = f"Of {past}: {' and '.join(parts)}."
        elif best is None or best[1] not in stored:
            said = f"None of the {past} shares anything with this prompt."
        else:
            nearest = stored[best[1]].fingerprint.normalized_prompt
            nearest = nearest if len(nearest) <= 60 else nearest[:59] + "…"
            scores = f"scores {best[0]:.2f} of the {least:.2f} needed"
            said = f"None of the {past} is close enough: the nearest, “{nearest}”, {scores}."
        if embedded is None:
            return f"{said} Judged by hashes and keywords, without embeddings."
        if embedded < searched:
            waiting = searched - embedded
            said = (
                f"{said} {waiting:,} of them {'have' if waiting != 1 else 'has'} no embedding yet and "
                f"{'were' if waiting != 1 else 'was'} judged by keywords."
            )
        if self._embedder is not None and _foreign(asked.normalized_prompt, self._embedder.info.languages):
            said = f"{said} The embedding model knows {', '.join(self._embedder.info.languages)} only."
        return said


def _scored(
    scorer: Scorer,
    kinds: Mapping[str, MatchKind],
    stored: Mapping[str, StoredFingerprint],
    cosines: Mapping[str, float],
) -> list[tuple[float, str]]:
    """(score, owner), the same task first, then best first, ties by id. The same task scores 1, whatever its terms."""
    owners = [owner for owner in kinds if owner in stored]
    scores = scorer.scores([stored[o].fingerprint for o in owners], [cosines.get(owner) for owner in owners])
    pairs = [(1.0 if kinds[owner] == "exact" else score, owner) for score, owner in zip(scores, owners, strict=True)]
    return sorted(pairs, key=lambda pair: (kinds[pair[1]] != "exact", -pair[0], pair[1]))


def _relevant(scorer: Scorer, kind: MatchKind, score: float, cosine: float | None) -> bool:
    # A name in the prompt moves up what shares it; it must not hide what says the same without it.
    return kind != "similar" or max(score, cosine or 0.0) >= scorer.floor(embedded=cosine is not None)


def _telling(traces: Sequence[Trace]) -> tuple[Trace, ...]:
    """Successful ones first, then by quality, then the newest: what can be learned from most."""
    order = {"success": 0, "failure": 1, "unknown": 2, "aborted": 3, "in_progress": 4}
    newest = sorted(traces, key=lambda trace: trace.started_at.timestamp() if trace.started_at else 0.0, reverse=True)
    return tuple(sorted(newest, key=lambda t: (order[t.status], -(t.quality_score or 0.0)))[:_EXECUTIONS_SHOWN])


def _foreign(text: str, languages: Sequence[str]) -> bool:
    """Whether most letters are in another script than the model was made for. Tells scripts apart, not languages."""
    if tuple(languages) != ("en",):
        return False
    letters = [char for char in text[:400] if char.isalpha()]
    return sum(1 for char in letters if ord(char) > 0x24F) * 2 > len(letters)

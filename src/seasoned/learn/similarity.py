"""How alike two tasks are, as a number that can explain itself.

Four terms, each 0..1: the cosine of the embeddings, the overlap of keywords weighted by how rare they are, same
domain, same task type. A strategy says how much each counts:

``published``
    0.40, 0.30, 0.20, 0.10, whatever is asked.
``measured``, the default
    The embedding alone where the prompt is plain language: on paraphrases without a shared word every fixed keyword
    or domain share only loses. Where the prompt carries names (identifiers, paths, error codes) that the history knows,
    up to 0.8 goes to the keywords, in which a name counts ten times a plain word of the same rarity; an embedding
    hardly tells ``GH006`` from ``GH001``. Domain and task type weigh nothing: guessed classes cost as many ranks as
    they won. Fitted on the tuning halves of ``evaluate/data``, reported on the others.

A term that cannot be computed (no embedding yet) leaves its weight to the others. No array library is imported here:
a cold process without embeddings must answer within 150 ms.

Inverse document frequency is that of BM25 (Robertson and Zaragoza, https://doi.org/10.1561/1500000019, eq. 3.15),
with one added inside the logarithm so that it is never negative.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from seasoned.learn.keywords import names
from seasoned.model import Fingerprint, ScoreTerm

__all__ = ["MEASURED", "PUBLISHED", "Scorer", "Strategy", "StrategyName", "Weights", "named_strategy", "similarity"]

StrategyName = Literal["measured", "published"]
_PLAIN = 0.1
"""What a plain word counts beside a name of the same rarity, under ``measured``."""
_NAMES_SHARE = 0.8
"""Most that keywords can weigh under ``measured``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Shares of the four terms; each ≥ 0, together 1."""

    semantic: float
    keyword: float
    domain: float
    task_type: float

    def __post_init__(self) -> None:
        shares = (self.semantic, self.keyword, self.domain, self.task_type)
        if min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
            raise ValueError(f"weights must be at least 0 and sum to 1, not {shares}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """How terms become a score."""

    name: str
    weights: Weights
    names_share: float = 0.0
    """The keyword weight of a prompt that is nothing but names the history knows; grows from ``weights.keyword`` to
    this, taken from the other terms in proportion. 0: it does not grow."""
    plain: float = 1.0
    """What a plain word counts beside a name of the same rarity, 0..1."""
    floor: float
    """Score below which a task is not relevant."""
    keyword_floor: float
    """The same where no embedding took part."""


PUBLISHED = Strategy(
    name="published",
    weights=Weights(semantic=0.40, keyword=0.30, domain=0.20, task_type=0.10),
    floor=0.6,
    keyword_floor=0.6,
)
"""Floor 0.6, as in the SQL function ``find_similar_tasks``."""
MEASURED = Strategy(
    name="measured",
    weights=Weights(semantic=1.0, keyword=0.0, domain=0.0, task_type=0.0),
    names_share=_NAMES_SHARE,
    plain=_PLAIN,
    floor=0.45,
    keyword_floor=0.4,
)
"""Floors, on 600 prompts of real sessions: of tasks foreign to them 1 in 10 found something above 0.46 by embedding and
above 0.41 by keywords; of the prompts themselves 8 in 10 and 4 in 10 found another one."""


def named_strategy(name: StrategyName) -> Strategy:
    """The strategy of that name."""
    return PUBLISHED if name == "published" else MEASURED


class Scorer:
    """Scores many candidates against one question. Immutable once made; safe to share between threads."""

    def __init__(
        self,
        asked: Fingerprint,
        *,
        document_frequencies: Mapping[str, int],
        documents: int,
        strategy: Strategy = MEASURED,
    ) -> None:
        """``document_frequencies``: in how many of ``documents`` fingerprints each of the prompt's keywords stands;
        absent means in none."""
        self._asked = asked
        self._strategy = strategy
        self._idf = {
            token: math.log(1 + (documents - count + 0.5) / (count + 0.5))
            for token in asked.prompt_tokens
            for count in (min(document_frequencies.get(token, 0), documents),)
        }
        named = names(asked.original_prompt)
        self._counts = {token: idf * (1.0 if token in named else strategy.plain) for token, idf in self._idf.items()}
        self._total = sum(self._counts.values())
        known = sum(
            count for token, count in self._counts.items() if token in named and document_frequencies.get(token)
        )
        plain = sum(count for token, count in self._counts.items() if token not in named)
        self._weights = _grown(strategy, known / (known + plain) if known else 0.0)

    @property
    def asked(self) -> Fingerprint:
        """The question."""
        return self._asked

    @property
    def keywords_count(self) -> bool:
        """Whether keywords have a say beside an embedding; if not, nothing that only they find can win."""
        return self._weights.keyword > 0

    def floor(self, *, embedded: bool) -> float:
        """Score below which nothing is relevant."""
        return self._strategy.floor if embedded else self._strategy.keyword_floor

    def score(self, candidate: Fingerprint, cosine: float | None) -> float:
        """0..1. ``cosine`` −1..1 between the embeddings, None where one is missing."""
        keyword, domain, task_type = self._values(candidate)
        semantic, w = _clamp(cosine), self._weights
        if semantic is None:
            rest = w.keyword + w.domain + w.task_type
            if rest <= 0:
                return keyword
            return (w.keyword * keyword + w.domain * domain + w.task_type * task_type) / rest
        return w.semantic * semantic + w.keyword * keyword + w.domain * domain + w.task_type * task_type

    def scores(self, candidates: Sequence[Fingerprint], cosines: Sequence[float | None]) -> list[float]:
        """One score for each candidate, in their order."""
        return [self.score(candidate, cosine) for candidate, cosine in zip(candidates, cosines, strict=True)]

    def terms(self, candidate: Fingerprint, cosine: float | None) -> tuple[ScoreTerm, ...]:
        """Why the score is what it is: its four terms, with the weights as they were after redistribution."""
        keyword, domain, task_type = self._values(candidate)
        semantic, w = _clamp(cosine), self._weights
        shares = [0.0 if semantic is None else w.semantic, w.keyword, w.domain, w.task_type]
        total = sum(shares)
        shares = [share / total for share in shares] if total > 0 else [0.0, 1.0, 0.0, 0.0]
        return (
            ScoreTerm(name="semantic", value=semantic, weight=shares[0]),
            ScoreTerm(name="keyword", value=keyword, weight=shares[1]),
            ScoreTerm(name="domain", value=domain, weight=shares[2]),
            ScoreTerm(name="task_type", value=task_type, weight=shares[3]),
        )

    def shared_keywords(self, candidate: Fingerprint) -> tuple[str, ...]:
        """Keywords of both, rarest first."""
        shared = [token for token in candidate.prompt_tokens if token in self._idf]
        return tuple(sorted(shared, key=lambda token: (-self._idf[token], token)))

    def _values(self, candidate: Fingerprint) -> tuple[float, float, float]:
        counts = self._counts
        keyword = 0.0
        if self._total > 0:
            keyword = min(1.0, sum(counts[token] for token in candidate.prompt_tokens if token in counts) / self._total)
        same_domain = 1.0 if candidate.domain == self._asked.domain else 0.0
        same_type = 1.0 if candidate.task_type == self._asked.task_type else 0.0
        return keyword, same_domain, same_type


def similarity(
    asked: Fingerprint,
    other: Fingerprint,
    *,
    cosine: float | None,
    document_frequencies: Mapping[str, int],
    documents: int,
    strategy: Strategy = MEASURED,
) -> float:
    """Score of one pair, 0..1. For many candidates make one ``Scorer``: its preparation is most of the cost."""
    scorer = Scorer(asked, document_frequencies=document_frequencies, documents=documents, strategy=strategy)
    return scorer.score(other, cosine)


def _grown(strategy: Strategy, known: float) -> Weights:
    """The weights for a prompt of which ``known`` (0..1) of the keyword evidence are names the history knows."""
    base = strategy.weights
    keyword = max(base.keyword, strategy.names_share * known)
    if keyword <= base.keyword:
        return base
    left = (1 - keyword) / (1 - base.keyword)
    return Weights(
        semantic=base.semantic * left, keyword=keyword, domain=base.domain * left, task_type=base.task_type * left
    )


def _clamp(cosine: float | None) -> float | None:
    return None if cosine is None else max(0.0, min(1.0, cosine))

"""Tasks that are alike, from their fingerprints alone: no steps, no outcomes, no store.

Tasks of one shape (prompts that differ in literals only) always stay together. Near shapes are joined by star
clustering (Aslam, Pelekhov and Rus 2004, https://doi.org/10.7155/jgaa.00084): the shape with the most near ones
becomes a centre and takes those that are still free. Every member is therefore near to its centre, and chains, in
which the ends have nothing in common, do not form. What the steps then disagree on is split again (``extraction``).

How near two shapes are is the mean of the cosine of their keywords, weighted by rarity, and of that of their vectors
where both have one. Candidates come from an inverted index over each shape's rarest keywords; postings longer than
``_LONGEST_POSTING`` are not followed, so that the work stays at a constant number of comparisons per shape; a shape
whose keywords are all frequent is then compared with a bounded window of each. Below ``_EXACT`` shapes the vectors
are compared each with each, in blocks.

Invariant: the same tasks give the same clusters, in whatever order they come. Memory is that of the fingerprints.
"""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seasoned.model import Fingerprint

__all__ = ["Cluster", "Member", "clusters"]

Vectors = Mapping[str, NDArray[np.float32]]
"""By fingerprint_id: ``(dimensions,) float32``, L2-normalised."""

NEAR = 0.55
"""Likeness from which two shapes may belong together; below it the tasks of the histories looked at had little in
common but their domain, and splitting by steps has the last word anyway."""
_EXACT = 2000
_BLOCK = 512
_RAREST = 12
_LONGEST_POSTING = 64
_CANDIDATES = 64
_KEYWORDS = 60


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Member:
    """One execution of a cluster."""

    execution_id: str
    fingerprint_id: str
    shape_hash: str
    session_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Executions of tasks that are alike."""

    kind: Literal["shape", "near", "routine"]
    """``shape``: one task asked again, with other literals at most. ``near``: several shapes of alike tasks.
    ``routine``: whatever was asked, work with one technology."""
    about: str = ""
    """Of a routine: the technology."""
    members: tuple[Member, ...]
    """By execution_id."""
    centre: str
    """The fingerprint that stands for it: of the central shape, the one with most executions."""
    tightness: float
    """0..1: mean likeness of the executions' shapes to the central one; 0 for a routine, where none is asked for."""

    @property
    def execution_ids(self) -> tuple[str, ...]:
        """Of its members, sorted."""
        return tuple(member.execution_id for member in self.members)

    def chosen(self, most: int) -> tuple[str, ...]:
        """At most ``most`` of them to be looked at: the first by id. Ids are hashes, so they are a sample."""
        return self.execution_ids[:most]


class _Shape:
    __slots__ = ("fingerprints", "members", "norm", "vector", "weights")

    def __init__(self) -> None:
        self.members: list[Member] = []
        self.fingerprints: dict[str, Fingerprint] = {}
        self.weights: dict[str, float] = {}
        self.norm = 0.0
        self.vector: NDArray[np.float32] | None = None


def clusters(
    tasks: Iterable[tuple[str, Fingerprint, str | None]], vectors: Vectors | None = None, *, near: float = NEAR
) -> list[Cluster]:
    """Clusters of ``(execution_id, fingerprint, session_id)``, largest first, ties by their first execution.

    Every execution is in one cluster of its shape, perhaps alone there, in at most one of near shapes, and in one for
    each technology of its task: a task that recurs has a way of its own, what alike tasks have in common is another
    thing to know, and how work is checked and handed over in a project is a third. ``near`` is the likeness (0..1) from which shapes are joined; above 1 only
    tasks of the same shape are."""
    shapes: dict[str, _Shape] = {}
    for execution_id, fingerprint, session_id in tasks:
        kept = shapes.setdefault(fingerprint.shape_hash, _Shape())
        kept.fingerprints[fingerprint.fingerprint_id] = fingerprint
        kept.members.append(
            Member(
                execution_id=execution_id,
                fingerprint_id=fingerprint.fingerprint_id,
                shape_hash=fingerprint.shape_hash,
                session_id=session_id,
            )
        )
    order = sorted(shapes)
    listed = [shapes[key] for key in order]
    _weigh(listed, vectors or {})
    edges = _edges(listed, near) if near <= 1 else [dict[int, float]() for _ in listed]
    found: list[Cluster] = []
    taken = [False] * len(listed)
    for number in sorted(range(len(listed)), key=lambda n: (-len(edges[n]), -len(listed[n].members), order[n])):
        if taken[number]:
            continue
        star = {number: 1.0, **{other: score for other, score in edges[number].items() if not taken[other]}}
        for other in star:
            taken[other] = True
        if len(star) > 1:
            found += [_of_shape(listed[other]) for other in star]
        members = sorted(member for other in star for member in listed[other].members)
        total = math.fsum(score * len(listed[other].members) for other, score in sorted(star.items()))
        counts = Counter(member.fingerprint_id for member in listed[number].members)
        found.append(
            Cluster(
                kind="near" if len(star) > 1 else "shape",
                members=tuple(members),
                centre=min(counts, key=lambda key: (-counts[key], key)),
                tightness=round(total / len(members), 6),
            )
        )
    found += _routines(listed)
    return sorted(found, key=lambda each: (-len(each.members), each.members[0].execution_id, each.kind, each.about))


def _of_shape(shape: _Shape) -> Cluster:
    counts = Counter(member.fingerprint_id for member in shape.members)
    return Cluster(
        kind="shape",
        members=tuple(sorted(shape.members)),
        centre=min(counts, key=lambda key: (-counts[key], key)),
        tightness=1.0,
    )


def _routines(shapes: list[_Shape]) -> list[Cluster]:
    members: dict[str, list[Member]] = {}
    for shape in shapes:
        for member in shape.members:
            for technology in shape.fingerprints[member.fingerprint_id].technology_stack:
                members.setdefault(technology, []).append(member)
    return [
        Cluster(kind="routine", about=name, members=tuple(sorted(own)), centre=min(own).fingerprint_id, tightness=0.0)
        for name, own in sorted(members.items())
        if len({member.session_id for member in own}) > 1
    ]


def _weigh(shapes: list[_Shape], vectors: Vectors) -> None:
    """Keywords by rarity among the shapes (a shape counts once, however often it was asked), and the mean vector."""
    tokens = [_tokens(shape) for shape in shapes]
    frequency = Counter(token for each in tokens for token in each)
    for shape, own in zip(shapes, tokens, strict=True):
        # What a single shape says cannot be shared; left in, it would only make detailed prompts alike to nothing.
        weights = {token: math.log(1 + len(shapes) / frequency[token]) for token in own if frequency[token] > 1}
        heaviest = sorted(weights, key=lambda token: (-weights[token], token))[:_KEYWORDS]
        shape.weights = {token: weights[token] for token in heaviest}
        shape.norm = math.sqrt(math.fsum(weight * weight for weight in shape.weights.values()))
        known = [vectors[key] for key in sorted(shape.fingerprints) if key in vectors]
        if known:
            mean = np.mean(np.stack(known).astype(np.float64), axis=0)
            length = float(np.linalg.norm(mean))
            shape.vector = (mean / length).astype(np.float32) if length else None


def _tokens(shape: _Shape) -> set[str]:
    """Keywords that all prompts of the shape share, else those of its first: literals that vary tell nothing."""
    each = [set(shape.fingerprints[key].prompt_tokens) for key in sorted(shape.fingerprints)]
    shared = each[0].intersection(*each[1:])
    return shared or each[0]


def _edges(shapes: list[_Shape], near: float) -> list[dict[int, float]]:
    edges: list[dict[int, float]] = [{} for _ in shapes]
    for number, others in enumerate(_candidates(shapes)):
        for other in others:
            score = _likeness(shapes[number], shapes[other])
            if score >= near:
                edges[number][other] = edges[other][number] = score
    return edges


def _likeness(one: _Shape, other: _Shape) -> float:
    words = 0.0
    if one.norm and other.norm:
        shared = sorted(one.weights.keys() & other.weights.keys())
        words = math.fsum(one.weights[token] * other.weights[token] for token in shared) / (one.norm * other.norm)
    if one.vector is None or other.vector is None:
        return round(words, 6)
    # Rounded: the last digits of a dot product depend on how the array library splits the sum.
    return round((words + max(0.0, float(np.dot(one.vector, other.vector)))) / 2, 4)


def _candidates(shapes: list[_Shape]) -> list[list[int]]:
    """For each shape, later ones that may be near."""
    postings: dict[str, list[int]] = {}
    for number, shape in enumerate(shapes):
        for token in shape.weights:
            postings.setdefault(token, []).append(number)
    found: list[Counter[int]] = []
    for number, shape in enumerate(shapes):
        votes: Counter[int] = Counter()
        followed = 0
        for token in sorted(shape.weights, key=lambda token: (len(postings[token]), token)):
            posting = postings[token]
            if len(posting) > _LONGEST_POSTING:
                at = bisect_left(posting, number)
                posting = posting[max(0, at - 8) : at + 9]
            for other in posting:
                if other != number:
                    votes[other] += 1
            followed += len(posting) > 1
            if followed == _RAREST:
                break
        found.append(votes)
    if len(shapes) <= _EXACT:
        _add_nearest_vectors(shapes, found)
    picked = [sorted(votes, key=lambda other: (-votes[other], other))[:_CANDIDATES] for votes in found]
    later: list[set[int]] = [set() for _ in shapes]
    for number, others in enumerate(picked):
        for other in others:
            later[min(number, other)].add(max(number, other))
    return [sorted(each) for each in later]


def _add_nearest_vectors(shapes: list[_Shape], votes: list[Counter[int]]) -> None:
    having = [number for number, shape in enumerate(shapes) if shape.vector is not None]
    if len(having) < 2:
        return
    matrix = np.stack([vector for number in having if (vector := shapes[number].vector) is not None])
    for start in range(0, len(having), _BLOCK):
        scores = np.round(matrix[start : start + _BLOCK] @ matrix.T, 4)
        for row, number in enumerate(having[start : start + _BLOCK]):
            # A stable sort of the negated scores: best first, ties by number.
            nearest = np.argsort(-scores[row], kind="stable")[: _CANDIDATES // 2]
            for place in nearest.tolist():
                if having[place] != number:
                    votes[number][having[place]] += _RAREST  # before those that share a keyword only

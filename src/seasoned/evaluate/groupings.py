"""How well groups agree with labels.

Homogeneity: Rosenberg and Hirschberg 2007, https://aclanthology.org/D07-1043/. Adjusted mutual information: Vinh, Epps
and Bailey 2010, https://jmlr.org/papers/v11/vinh10a.html. Both are here in a few lines, because a machine learning
library for two formulas would be the largest thing that Seasoned depends on.
"""

import math
from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np

__all__ = ["adjusted_mutual_information", "homogeneity"]


def homogeneity(clusters: Sequence[Hashable], labels: Sequence[Hashable]) -> float:
    """1 minus the share of the labels' entropy that is left inside clusters; 0..1, 1 where there is one label."""
    whole = _entropy(Counter(labels))
    if whole == 0:
        return 1.0
    joint, sizes = Counter(zip(clusters, labels, strict=True)), Counter(clusters)
    left = -math.fsum(count / len(labels) * math.log(count / sizes[cluster]) for (cluster, _), count in joint.items())
    return 1 - left / whole


def adjusted_mutual_information(clusters: Sequence[Hashable], labels: Sequence[Hashable]) -> float:
    """Mutual information above what chance gives for such cluster sizes, over the mean entropy above chance: 0 for
    chance, 1 for agreement."""
    n, joint = len(labels), Counter(zip(clusters, labels, strict=True))
    rows, columns = Counter(clusters), Counter(labels)
    shared = math.fsum(
        count / n * math.log(n * count / (rows[row] * columns[column])) for (row, column), count in joint.items()
    )
    chance = _expected(Counter(rows.values()), Counter(columns.values()), n)
    mean = (_entropy(rows) + _entropy(columns)) / 2
    return 1.0 if math.isclose(mean, chance) else (shared - chance) / (mean - chance)


def _expected(rows: Counter[int], columns: Counter[int], n: int) -> float:
    """Expected mutual information under the hypergeometric model; ``rows`` and ``columns``: how many have which size."""
    log = [0.0, *np.cumsum(np.log(np.arange(1, n + 1))).tolist()]
    total = 0.0
    for a, times_a in rows.items():
        for b, times_b in columns.items():
            for both in range(max(1, a + b - n), min(a, b) + 1):
                chance = math.exp(
                    log[a] + log[b] + log[n - a] + log[n - b]
                    - log[n] - log[both] - log[a - both] - log[b - both] - log[n - a - b + both]
                )  # fmt: skip
                total += times_a * times_b * both / n * math.log(n * both / (a * b)) * chance
    return total


def _entropy(counts: Counter[Hashable]) -> float:
    n = sum(counts.values())
    return -math.fsum(count / n * math.log(count / n) for count in counts.values())

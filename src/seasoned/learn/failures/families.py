"""Alike signatures in one family: the finer category of a failure.

``not enough balance in payment method`` and ``gift card balance is not enough`` are two signatures and one trouble.
Families only group what signatures made; a signature never changes because another joined its family.

Two signatures belong together when the weighted Jaccard index of their words reaches ``ALIKE`` (a word weighs the less
the more signatures have it); families are the connected parts of that relation, so that no order is involved. Words
are looked up by their rarest ones, which keeps the work near the number of signatures.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable

__all__ = ["families"]

ALIKE = 0.6
_WORD = re.compile(r"[^\W\d_]{2,}")
_RARE = 4
"""Words of a signature that are looked up; two alike ones share one of their rarest."""
_CROWD = 200
"""Signatures that share a word beyond which the word is too common to join by."""
_WEAK = frozenset("the of is to in for on at be been was were are by with and or an it its this that".split())


def families(signatures: Iterable[str]) -> dict[str, str]:
    """The family of each signature, named after its shortest member (ties: first by alphabet). Deterministic, and the
    same for any order of ``signatures``."""
    texts = sorted(set(signatures))
    words = {text: frozenset(_WORD.findall(text)) - _WEAK for text in texts}
    counts = Counter(word for text in texts for word in words[text])
    weight = {word: math.log(1 + len(texts) / count) for word, count in counts.items()}
    # exactly rounded sums: the order of a set's words, which differs from run to run, must not decide a close case
    total = {text: math.fsum(weight[word] for word in words[text]) for text in texts}
    above = {text: text for text in texts}

    def top(text: str) -> str:
        while above[text] != text:
            above[text] = above[above[text]]
            text = above[text]
        return text

    by_word: dict[str, list[str]] = defaultdict(list)
    for text in texts:
        for word in sorted(words[text], key=lambda one: (counts[one], one))[:_RARE]:
            by_word[word].append(text)
    for found in by_word.values():
        if len(found) > _CROWD:
            continue
        for index, one in enumerate(found):
            for other in found[index + 1 :]:
                less, more = sorted((total[one], total[other]))
                if less < ALIKE * more:
                    continue  # the index is at most the ratio of the weights
                shared = words[one] & words[other]
                both = math.fsum(weight[word] for word in shared)
                if both < ALIKE * (less + more - both):
                    continue
                low, high = sorted((top(one), top(other)))
                if low != high:
                    above[high] = low
    members: dict[str, list[str]] = defaultdict(list)
    for text in texts:
        members[top(text)].append(text)
    names = {head: min(found, key=lambda one: (len(one), one)) for head, found in members.items()}
    return {text: names[top(text)] for text in texts}


def likeness(one: frozenset[str], other: frozenset[str], weight: dict[str, float]) -> float:
    """Weighted Jaccard index, 0..1; words without a weight count 1."""
    union = math.fsum(weight.get(word, 1.0) for word in one | other)
    return math.fsum(weight.get(word, 1.0) for word in one & other) / union if union else 0.0

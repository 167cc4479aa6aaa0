"""What comparing two tasks costs, in microseconds of processor time, beside counting the words that they share.

    python benchmarks/similarity.py [PATHS…] [--pairs N] [--repeat N] [--json]

*One pair* is ``learn.similarity`` as a caller has it who knows two fingerprints and nothing more; *one of many* is what
each candidate costs when one question is scored against all. The reference is the least that any keyword comparison
must do: the intersection of two sets of words. Prompts: ``material/prompts.py``. Each figure is the best of the
repeats, since everything else that runs on a machine only adds to it. Target: at most 50 µs.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from time import process_time

import numpy as np

from material.figures import Figures, options, show
from material.prompts import Recombined, real_sentences, recombined_rows
from seasoned.learn import Scorer, named_strategy, similarity
from seasoned.model import Fingerprint


def microseconds(
    call: Callable[[Fingerprint, Fingerprint], object], pairs: Sequence[tuple[Fingerprint, Fingerprint]]
) -> float:
    """Of processor time for one pair, on average over all."""
    began = process_time()
    for one, other in pairs:
        call(one, other)
    return (process_time() - began) / len(pairs) * 1e6


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--pairs", type=int, default=2_000)
    parser.add_argument("--repeat", type=int, default=7)
    arguments = parser.parse_args()
    sentences = real_sentences(arguments.paths, 6_000)
    rows = recombined_rows(len(sentences), 2 * arguments.pairs, seed=4)
    prints = list(Recombined(sentences, np.zeros((len(sentences), 1), np.float32), rows).fingerprints("n"))
    pairs = list(zip(prints[::2], prints[1::2], strict=True))
    frequencies = {token: 1 + len(token) for print_ in prints for token in print_.prompt_tokens}
    documents = 100_000
    asked = prints[0]

    def pair(strategy: str) -> Callable[[Fingerprint, Fingerprint], object]:
        chosen = named_strategy(strategy)  # pyright: ignore[reportArgumentType]
        return lambda one, other: similarity(
            one, other, cosine=0.5, document_frequencies=frequencies, documents=documents, strategy=chosen
        )

    scorer = Scorer(asked, document_frequencies=frequencies, documents=documents)
    calls: dict[str, Callable[[Fingerprint, Fingerprint], object]] = {
        "one pair, measured": pair("measured"),
        "one pair, published": pair("published"),
        "one of many": lambda _, other: scorer.score(other, 0.5),
        "explained": lambda _, other: (scorer.terms(other, 0.5), scorer.shared_keywords(other)),
        "reference: shared words": lambda one, other: len(set(one.prompt_tokens).intersection(other.prompt_tokens)),
    }
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(arguments.repeat):
        for name, call in calls.items():
            taken[name].append(microseconds(call, pairs))
    least = min(taken["reference: shared words"])
    figures: dict[str, Figures] = {
        name: {
            "best_us": round(min(each), 2), "median_us": round(float(np.median(each)), 2),
            "ratio_to_reference": round(min(each) / least, 1),
        }
        for name, each in taken.items()
    }  # fmt: skip
    words = np.mean([len(print_.prompt_tokens) for print_ in prints])
    notes = [f"{words:.0f} words a prompt on average; target of one pair: 50 µs"]
    show(f"similarity of two tasks, {len(pairs):,} pairs", figures, as_json=arguments.json, notes=notes)


if __name__ == "__main__":
    main()

"""Executions in any number, copied from real ones: those of the bundled sample, or of histories given.

A copy differs from its original in its ids, its time, and its prompt (real sentences recombined, ``prompts``), of which
every one is executed five times on average; everything else (follow-ups, signals, counters, context) is what an importer
made of a real session, so rows are as wide as real rows.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import numpy as np

from material.prompts import Recombined, real_sentences, recombined_rows
from seasoned.app import Seasoned
from seasoned.model import Fingerprint, Trace
from seasoned.model.ids import name_id
from seasoned.settings import load
from seasoned.store import SqlStore, TraceQuery

SAMPLE = Path(__file__).parents[2] / "src/seasoned/sample/histories"
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=2)
"""Between two copies."""
_BATCH = 2_000


@contextmanager
def opened(home: Path) -> Iterator[Seasoned]:
    """A ``Seasoned`` of its own, with no settings but the defaults."""
    home.mkdir(parents=True, exist_ok=True)
    with Seasoned(load({"HOME": str(home), "SEASONED_HOME": str(home)}, working_dir=home)) as seasoned:
        yield seasoned


def real_traces(paths: Sequence[Path], folder: Path) -> list[Trace]:
    """What the importers make of ``paths`` (files or folders; the sample where there are none), newest first."""
    with opened(folder / "originals") as seasoned:
        seasoned.import_histories(list(paths) or [SAMPLE], jobs=0)
        return seasoned.store.traces(TraceQuery(namespace=seasoned.namespace, limit=1_000_000))


def copies(originals: Sequence[Trace], count: int, namespace: str) -> Iterator[tuple[Trace, Fingerprint]]:
    """``count`` root executions two minutes apart, each with the fingerprint of one of ``count / 5`` prompts."""
    sentences = real_sentences((), 2_000)
    rows = recombined_rows(len(sentences), max(1, count // 5), seed=6)
    prints = list(Recombined(sentences, np.zeros((len(sentences), 1), np.float32), rows).fingerprints(namespace))
    draw = random.Random(5)
    for number in range(count):
        original = originals[draw.randrange(len(originals))]
        print_ = prints[draw.randrange(len(prints))]
        started = FIRST + number * STEP
        ended = None if original.duration_ms is None else started + timedelta(milliseconds=original.duration_ms)
        copy = replace(
            original, execution_id=name_id("copy", str(number)), namespace=namespace, parent_id=None, root_id=None,
            prompt=print_.original_prompt, started_at=started, completed_at=ended,
        )  # fmt: skip
        yield copy, print_


def fill(store: SqlStore, originals: Sequence[Trace], count: int, namespace: str) -> Counter[tuple[str, str]]:
    """Write ``count`` copies with their fingerprints; how many there are of each (domain, status)."""
    kinds: Counter[tuple[str, str]] = Counter()
    stream = copies(originals, count, namespace)
    while batch := list(islice(stream, _BATCH)):
        kinds.update((print_.domain, trace.status) for trace, print_ in batch)
        owners = {print_.fingerprint_id: print_ for _, print_ in batch}
        with store.writing(durable=False) as writing:
            writing.save_fingerprints(list(owners.values()))
            writing.save_traces([(trace, print_.fingerprint_id) for trace, print_ in batch])
            writing.refresh_derived([trace.execution_id for trace, _ in batch], list(owners))
    return kinds

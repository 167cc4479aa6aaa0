"""Distinct prompts in any number, and vectors for them, from some thousands of real sentences.

The sentences stand in real sessions: the bundled sample, the transcripts under ``tests/data``, or histories given. Each
is embedded once by the built-in model. A prompt is two to four of them in a row; its vector is the mean of theirs, each
with a random weight (0.2 to 1.2), normalised again. So neighbourhoods have the structure that the model gives to real
text (random vectors have none, and a graph that is good on them says nothing), and a million cost seconds rather than
the half hour that embedding them would. What it is not: the model's own vector of the joined text.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from seasoned.embed import Vectors
from seasoned.learn.fingerprint import fingerprint, shape_hash, task_hash
from seasoned.model import Fingerprint
from seasoned.model.ids import fingerprint_id

_ROOT = Path(__file__).parents[2]
BUNDLED = (_ROOT / "src/seasoned/sample/histories", _ROOT / "tests/data", _ROOT / "src/seasoned/evaluate/data")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_WEIGHTS = (0.2, 1.2)
_BLOCK = 65_536


@dataclass(frozen=True, slots=True)
class Recombined:
    """Prompts as rows of sentence numbers; −1 where a prompt has fewer than four."""

    sentences: list[str]
    sentence_vectors: Vectors
    parts: "np.ndarray[tuple[int, int], np.dtype[np.int32]]"
    """``(prompts, 4) int32``."""

    def text(self, row: int) -> str:
        """The prompt."""
        return " ".join(self.sentences[part] for part in self.parts[row].tolist() if part >= 0)

    def vectors(self, seed: int) -> Vectors:
        """``(prompts, dimensions) float32``, L2-normalised."""
        draw = np.random.default_rng(seed)
        made = np.empty((len(self.parts), self.sentence_vectors.shape[1]), np.float32)
        for start in range(0, len(made), _BLOCK):
            block = self.parts[start : start + _BLOCK]
            weights = draw.uniform(*_WEIGHTS, size=block.shape).astype(np.float32) * (block >= 0)
            mixed = np.einsum("ij,ijk->ik", weights, self.sentence_vectors[block])
            made[start : start + _BLOCK] = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
        return made

    def fingerprints(self, namespace: str) -> Iterator[Fingerprint]:
        """One for each prompt, put together from those of its sentences: 20 times as fast as from the whole text.

        Words, hashes and the shape are those of the whole; type and domain are those of the first sentence.
        """
        of = [fingerprint(sentence, namespace) for sentence in self.sentences]
        for row in self.parts.tolist():
            pieces = [of[part] for part in row if part >= 0]
            text = " ".join(piece.original_prompt for piece in pieces)
            shape = " ".join(piece.shape_prompt for piece in pieces)
            digest = task_hash(namespace, text)
            yield Fingerprint(
                fingerprint_id=fingerprint_id(digest),
                namespace=namespace,
                task_hash=digest,
                shape_hash=shape_hash(namespace, shape),
                shape_prompt=shape,
                task_type=pieces[0].task_type,
                task_type_confidence=pieces[0].task_type_confidence,
                domain=pieces[0].domain,
                domain_confidence=pieces[0].domain_confidence,
                intent=pieces[0].intent,
                complexity_score=pieces[0].complexity_score,
                original_prompt=text,
                normalized_prompt=" ".join(piece.normalized_prompt for piece in pieces),
                prompt_tokens=tuple(sorted({token for piece in pieces for token in piece.prompt_tokens})),
                file_patterns=(),
                technology_stack=(),
            )


def real_sentences(paths: Sequence[Path], most: int) -> list[str]:
    """At most ``most`` distinct sentences of 20 to 200 characters that are words rather than code, in a fixed order."""
    found: set[str] = set()
    for path in paths or BUNDLED:
        for file in [path] if path.is_file() else sorted(path.rglob("*.json*")):
            with file.open("rb") as lines:
                for line in lines:
                    found.update(_sentences(line))
    chosen = sorted(found)
    random.Random(1).shuffle(chosen)
    return chosen[:most]


def _sentences(line: bytes) -> Iterator[str]:
    try:
        document = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):  # part of a document of several lines, or a torn record
        return
    for text in _texts(document):
        for sentence in map(str.strip, _SENTENCE_END.split(text)):
            plain = sum(1 for character in sentence if character.isalpha() or character == " ")
            if 20 <= len(sentence) <= 200 and sentence.count(" ") >= 3 and plain > 0.85 * len(sentence):
                yield sentence


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def recombined_rows(sentences: int, count: int, seed: int) -> "np.ndarray[tuple[int, int], np.dtype[np.int32]]":
    """``(count, 4) int32``, no two alike: two to four numbers below ``sentences``, then −1."""
    draw = np.random.default_rng(seed)
    rows = np.empty((0, 4), np.int32)
    while len(rows) < count:
        more = draw.integers(0, sentences, size=(count + count // 50 + 10, 4), dtype=np.int32)
        lengths = draw.integers(2, 5, size=len(more))
        more[np.arange(4) >= lengths[:, None]] = -1
        rows = np.unique(np.vstack([rows, more]), axis=0)
    draw.shuffle(rows)
    return rows[:count]

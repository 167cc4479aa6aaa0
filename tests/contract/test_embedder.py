"""The built-in embedder under its contract, and what it does with files that are not the right ones."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from seasoned.embed import Embedder, MiniLmEmbedder, embedder_names, open_embedder
from seasoned.embed.minilm import MODEL_DIGEST, VOCABULARY_DIGEST
from seasoned.errors import EmbedderError
from seasoned.testing.embedders import EmbedderContract


@pytest.fixture(scope="module")
def minilm() -> MiniLmEmbedder:
    return MiniLmEmbedder()


class TestMiniLm(EmbedderContract):
    @pytest.fixture
    def embedder(self, minilm: MiniLmEmbedder) -> Embedder:
        return minilm

    def test_knows_words_from_their_pieces(self, minilm: MiniLmEmbedder) -> None:
        vectors = minilm.embed(["tokenization", "Tokenization", "splitting text into words", "cooking pasta"], "query")
        assert (vectors[0] == vectors[1]).all()
        assert vectors[0] @ vectors[2] > vectors[0] @ vectors[3] + 0.1


def test_equal_texts_have_equal_vectors(minilm: MiniLmEmbedder) -> None:
    first, _, again = minilm.embed(["same", "other", "same"], "document")
    assert (first == again).all()


def test_reads_the_first_256_tokens_only(minilm: MiniLmEmbedder) -> None:
    # two of the 256 are [CLS] and [SEP]
    whole, cut, short = minilm.embed(["word " * 254, "word " * 254 + "elephant", "word " * 200], "document")
    assert np.array_equal(whole, cut)
    assert not np.array_equal(whole, short)


def test_opens_by_name() -> None:
    assert "minilm" in embedder_names()
    assert open_embedder("minilm").info.dimensions == 384
    with pytest.raises(EmbedderError, match=r"no embedder 'nonesuch' is installed; known: .*minilm"):
        open_embedder("nonesuch")


def test_refuses_other_weights(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(b"not the model")
    with pytest.raises(EmbedderError, match=rf"model\.onnx: .*{MODEL_DIGEST} expected, [0-9a-f]{{64}} found"):
        MiniLmEmbedder(model_file=file).embed(["x"], "query")


def test_refuses_another_vocabulary(tmp_path: Path) -> None:
    file = tmp_path / "vocabulary.txt"
    file.write_text("[PAD]\nword\n")
    with pytest.raises(EmbedderError, match=f"{VOCABULARY_DIGEST} expected"):
        MiniLmEmbedder(vocabulary_file=file).embed(["x"], "query")


def test_says_which_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match=r"gone\.onnx: cannot be read"):
        MiniLmEmbedder(model_file=tmp_path / "gone.onnx").embed(["x"], "query")


def test_is_not_loaded_before_it_is_asked(tmp_path: Path) -> None:
    embedder = MiniLmEmbedder(model_file=tmp_path / "gone.onnx")
    assert embedder.info.dimensions == 384
    assert embedder.embed([], "query").shape == (0, 384)


def test_the_runtime_keeps_and_sends_nothing_of_its_own(tmp_path: Path) -> None:
    """Its own switch comes too late or not at all; in CI it is silent by itself, so this is no CI. Folders are made when
    the package is loaded, well before anything is sent."""
    program = "from seasoned.embed import MiniLmEmbedder; MiniLmEmbedder().embed(['a text'], 'query')"
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", program], env=environment, cwd=tmp_path, check=True, timeout=60)
    assert list(tmp_path.rglob("*")) == []

"""What every embedder must do, as tests. Subclass, give an ``embedder`` fixture, and run pytest::

    class TestMine(EmbedderContract):
        @pytest.fixture
        def embedder(self) -> Embedder:
            return MyEmbedder()

The texts are English, so that a model of any training can be held to the few that speak of meaning.
"""
# ruff: noqa: D102  the name of a test is its sentence

from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np

from seasoned.embed import Embedder

__all__ = ["EmbedderContract"]

_TEXTS = (
    "Fix the crash when the configuration file is missing",
    "Add rate limiting to the login endpoint",
    "x",
    "日本語のテキスト",
    "def f(x): return x  # `code` and 💥",
    "long " * 400,
)
_KINDS: tuple[Literal["query", "document"], ...] = ("query", "document")


class EmbedderContract:
    """The tests; each takes the ``embedder`` fixture that the subclass gives."""

    def test_says_what_it_is(self, embedder: Embedder) -> None:
        info = embedder.info
        assert info.model
        assert info.dimensions > 0
        assert info.languages
        assert embedder.info == info

    def test_gives_one_unit_row_for_each_text(self, embedder: Embedder) -> None:
        for kind in _KINDS:
            vectors = embedder.embed(_TEXTS, kind)
            assert vectors.shape == (len(_TEXTS), embedder.info.dimensions)
            assert vectors.dtype == np.float32
            assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)

    def test_gives_no_rows_for_no_texts(self, embedder: Embedder) -> None:
        assert embedder.embed([], "document").shape == (0, embedder.info.dimensions)

    def test_takes_any_text(self, embedder: Embedder) -> None:
        vectors = embedder.embed(["", " ", "\x00", "\ud800", "\u0301" * 100], "document")
        assert np.isfinite(vectors).all()
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)

    def test_gives_a_text_the_same_vector_whatever_stands_beside_it(self, embedder: Embedder) -> None:
        together = embedder.embed(_TEXTS, "document")
        backwards = embedder.embed(_TEXTS[::-1], "document")[::-1]
        alone = np.vstack([embedder.embed([text], "document") for text in _TEXTS])
        assert np.allclose(together, backwards, atol=1e-5)
        assert np.allclose(together, alone, atol=1e-5)

    def test_reads_no_more_than_it_is_asked_to(self, embedder: Embedder) -> None:
        one, other = (" ".join(["limit"] * 30 + [word] * 60) for word in ("logins", "charts"))
        first, second = embedder.embed([one, other], "query", most_tokens=16)
        assert (first == second).all()
        whole, different = embedder.embed([one, other], "query")
        assert not np.allclose(whole, different, atol=1e-3)

    def test_gives_the_same_vector_again(self, embedder: Embedder) -> None:
        once, again = (embedder.embed(_TEXTS[:3], "query") for _ in range(2))
        assert (once == again).all()

    def test_works_from_several_threads(self, embedder: Embedder) -> None:
        expected = [embedder.embed([text], "query") for text in _TEXTS]
        with ThreadPoolExecutor(4) as pool:
            waiting = [pool.submit(embedder.embed, [text], "query") for text in _TEXTS]
            found = [future.result() for future in waiting]
        assert all(np.allclose(one, other, atol=1e-5) for one, other in zip(expected, found, strict=True))

    def test_puts_what_means_the_same_closer(self, embedder: Embedder) -> None:
        documents = embedder.embed(["Limit how often a person may try to sign in", "Draw a bar chart"], "document")
        near, far = documents @ embedder.embed(["Stop repeated login attempts"], "query")[0]
        assert near > far

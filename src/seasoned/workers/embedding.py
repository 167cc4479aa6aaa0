"""Embedding behind the import: vectors for fingerprints that have none yet.

Rows are durable before their vectors exist; a crash here loses nothing that is not computed again. Equal texts are
embedded once. Batches are sorted by length inside the embedder, so they should be large; memory is that of a batch.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from seasoned.store import Store

if TYPE_CHECKING:
    from seasoned.embed.port import Embedder

__all__ = ["embed_pending"]

BATCH = 256


def embed_pending(
    store: Store,
    embedder: "Embedder",
    on_progress: Callable[[int, int], None] | None = None,
    *,
    limit: int | None = None,
) -> int:
    """Embed every fingerprint without a vector of ``embedder``'s model (at most ``limit``); returns how many.

    ``on_progress(done, waiting)`` is called after each batch with what is known to wait.
    """
    model = embedder.info.model
    done = 0
    while limit is None or done < limit:
        waiting = store.without_embedding(model, BATCH if limit is None else min(BATCH, limit - done))
        if not waiting:
            break
        texts = list(dict.fromkeys(text for _, _, text in waiting))
        vectors = dict(zip(texts, embedder.embed(texts, "document"), strict=True))
        with store.writing(durable=False) as writing:
            # Behind the write lock: what was forgotten while its vector was computed gets none.
            here = store.fingerprints([owner for _, owner, _ in waiting])
            writing.save_embeddings(
                model,
                ((namespace, owner, vectors[text].tolist()) for namespace, owner, text in waiting if owner in here),
            )
        done += len(waiting)
        if on_progress is not None:
            on_progress(done, len(waiting))
    return done

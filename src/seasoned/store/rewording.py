"""A fingerprint whose prompt has been seen in another spelling: which of them the row shows.

Prompts that differ only in case and white space are one task, but the words that are kept as they were written (the
original, its keywords and its complexity) differ. The spelling that sorts first by code point is shown, whatever
order they came in. Capitals sort before small letters, so ``useSession`` wins over ``usesession``, which has lost two
keywords.

Keyword counts and full text follow triggers when a row comes or goes; a change of words is rare, and is told them here.
"""

from collections.abc import Sequence
from typing import assert_never

from seasoned.model import Fingerprint
from seasoned.store.dialect import Dialect
from seasoned.store.rows import Codec
from seasoned.store.session import Session

__all__ = ["first_spelling", "reword"]

_UPDATE = (
    "UPDATE task_fingerprints SET original_prompt = ?, prompt_tokens = ?, complexity_score = ? WHERE fingerprint_id = ?"
)
_TERMS = "(SELECT group_concat(hex(f.namespace) || 'x' || hex(value), ' ') FROM json_each(f.prompt_tokens))"
_FORGET_TERMS = (
    f"INSERT INTO fingerprint_search (fingerprint_search, rowid, terms) SELECT 'delete', f.number, {_TERMS} "
    "FROM task_fingerprints f WHERE f.fingerprint_id = ?"
)
_LEARN_TERMS = (
    f"INSERT INTO fingerprint_search (rowid, terms) SELECT f.number, {_TERMS} "
    "FROM task_fingerprints f WHERE f.fingerprint_id = ?"
)
_ONE_LESS = "UPDATE keyword_counts SET fingerprints = fingerprints - 1 WHERE namespace = ? AND token = ?"
_NONE_LEFT = "DELETE FROM keyword_counts WHERE namespace = ? AND token = ? AND fingerprints = 0"
_ONE_MORE = (
    "INSERT INTO keyword_counts (namespace, token, fingerprints) VALUES (?, ?, 1) "
    "ON CONFLICT (namespace, token) DO UPDATE SET fingerprints = keyword_counts.fingerprints + 1"
)


def first_spelling(one: Fingerprint, other: Fingerprint) -> Fingerprint:
    """Of two pieces about one fingerprint the one whose spelling is shown. Commutative, associative, idempotent."""
    return min(one, other, key=lambda piece: piece.original_prompt)


def reword(session: Session, codec: Codec, changed: Sequence[tuple[Fingerprint, Sequence[str]]]) -> None:
    """Show the spelling of each of ``changed``, which come with the keywords that the row has now."""
    dialect: Dialect = session.dialect
    for fingerprint, before in sorted(changed, key=lambda each: each[0].fingerprint_id):
        owner, now = fingerprint.fingerprint_id, fingerprint.prompt_tokens
        update = fingerprint.original_prompt, codec.list(now), fingerprint.complexity_score, owner
        match dialect:
            case "sqlite":
                session.run(_FORGET_TERMS, (owner,))
                session.run(_UPDATE, update)
                session.run(_LEARN_TERMS, (owner,))
            case "postgresql":  # its full-text index is an expression over the row
                session.run(_UPDATE, update)
            case _:
                assert_never(dialect)
        lost = [(fingerprint.namespace, token) for token in sorted(set(before) - set(now))]
        gained = [(fingerprint.namespace, token) for token in sorted(set(now) - set(before))]
        session.many(_ONE_LESS, lost)
        session.many(_NONE_LEFT, lost)
        session.many(_ONE_MORE, gained)

"""Of two pieces about the same span or artifact: which one stands.

Transcripts overlap. A session that grows is told again at every checkpoint, a fork repeats its beginning, a sub-agent's
call stands in two files; so the same thing arrives several times, told more or less fully, in any order (a killed import
goes on with the files in another one). Invariant: what is stored in the end does not depend on that order. The fuller
piece wins, and pieces that are equally full are decided by their content.
"""

from seasoned.store.dialect import Dialect, excluded_wins, upsert
from seasoned.store.rows import ARTIFACT_COLUMNS, ARTIFACT_FINDINGS, SPAN_COLUMNS

__all__ = ["artifact_upsert", "span_upsert"]

_SPAN_RANK = (
    "(@.name <> '')", "(@.outcome <> 'unknown')", "coalesce(@.result_bytes, -1)", "coalesce(@.duration_ms, -1)",
    "(@.arguments IS NOT NULL)", "(@.started_at IS NOT NULL)", "length(coalesce(@.result_preview, ''))",
    "length(coalesce(@.error_message, ''))", "coalesce(@.tokens, -1)", "@.number", "@.execution_id",
)  # fmt: skip
_SPAN_RANK_TEXTS = ("outcome", "error_type", "error_message", "result_preview", "name", "description", "model")
_CHANGES = ("lines_added", "lines_modified", "lines_deleted", "content_hash", "content_preview")
"""What is told of a change, together: from one piece, never mixed."""
_LINES = _CHANGES[:3]


def span_upsert(dialect: Dialect, unknown_namespace: str) -> str:
    """INSERT of a span; where it exists, the row that ranks higher stays whole. A span of another namespace is left
    alone, unless it stands in ``unknown_namespace``."""
    ours = f"spans.namespace IN (excluded.namespace, '{unknown_namespace}')"
    fuller = excluded_wins(dialect, "spans", _SPAN_RANK, _SPAN_RANK_TEXTS)
    return upsert("spans", SPAN_COLUMNS, "span_id", where=f"{ours} AND {fuller}")


def artifact_upsert(dialect: Dialect) -> str:
    """INSERT of an artifact; where it exists, the reading that saw more lines change tells of the change. A piece
    without lines (a measurement of the file) adds what it found, whenever it comes; its NULLs say nothing."""
    total = " + ".join(f"coalesce(@.{name}, 0)" for name in _LINES)
    rank = (total, *(f"coalesce(@.{name}, -1)" for name in _LINES))
    fuller = excluded_wins(dialect, "code_artifacts", rank, _CHANGES[3:])
    silent = f"coalesce({', '.join(f'excluded.{name}' for name in _LINES)}) IS NULL"
    return upsert(
        "code_artifacts",
        ARTIFACT_COLUMNS,
        "execution_id, file_path",
        keep=("created_at",),
        known=ARTIFACT_FINDINGS,
        chosen=_CHANGES,
        when=f"{silent} OR {fuller}",
    )

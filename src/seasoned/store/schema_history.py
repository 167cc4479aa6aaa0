"""Tables of what happened: fingerprints, traces, spans, artifacts, and the log that they were folded from.

The names, constraints and rules are those of the data model; columns that it does not
name are ``revision``, ``outcome_tier``, ``source_version``, ``model``, ``follow_ups``, ``technology_stack``, the two
cache counts and the two span counts of ``execution_traces``, the two confidences and ``number`` of
``task_fingerprints``, what ``import_state`` and ``dead_letters`` have beyond the model, and the tables
``keyword_counts`` and ``similarity_weights``.

Invariant: everything that hangs on a fingerprint is reached by ON DELETE CASCADE, or by a trigger where the owner is
named by kind and id (``embeddings``) or by its words (``keyword_counts``, full text).
"""

from collections.abc import Iterable
from itertools import chain

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy import text as sql
from sqlalchemy.schema import SchemaItem

from seasoned.model import ArtifactType, Intent, OutcomeTier, SpanKind, SpanOutcome, Status, TaskType, TopicName
from seasoned.store.column_types import Position, Vector
from seasoned.store.columns import (
    METADATA,
    Items,
    Newest,
    computed,
    count,
    doc,
    duration,
    enum,
    flag,
    list_of,
    number,
    percent,
    rate,
    ref,
    score,
    text,
    time,
    uid,
    values_of,
)

__all__ = [
    "artifacts",
    "consumer_offsets",
    "dead_letters",
    "embeddings",
    "events",
    "fingerprints",
    "import_state",
    "keyword_counts",
    "similarity_weights",
    "spans",
    "table",
    "traces",
]


def table(name: str, *parts: Items | SchemaItem) -> Table:
    """A table of METADATA from columns that come with their constraints."""
    items: Iterable[SchemaItem] = chain.from_iterable(part if isinstance(part, tuple) else (part,) for part in parts)
    return Table(
        name,
        METADATA,
        *items,
        # A position of the log or a row number of the index is never used twice, not even after a deletion.
        sqlite_autoincrement=name in {"task_fingerprints", "events", "audit_log"},
        # Nothing but its key and a number: one tree instead of a table and an index that repeats it.
        sqlite_with_rowid=name not in {"keyword_counts", "pattern_keywords"},
    )


def _position(name: str) -> Column[int]:
    return Column(name, Position, Identity(always=False), primary_key=True)


fingerprints = table(
    "task_fingerprints",
    # Order of arrival. Rows of the full-text index point at it: ids are too wide and arrive in no order.
    _position("number"),
    *(uid("fingerprint_id", null=False), text("task_hash", null=False, unique=True), text("shape_hash", null=False)),
    *(text("shape_prompt", null=False), text("namespace", null=False)),
    *(enum("task_type", values_of(TaskType)), score("task_type_confidence", null=False)),
    *(text("domain", null=False), score("domain_confidence", null=False), enum("intent", values_of(Intent))),
    *(
        score("complexity_score", null=False),
        text("original_prompt", null=False),
        text("normalized_prompt", null=False),
    ),
    *(list_of("prompt_tokens"), list_of("file_patterns"), list_of("technology_stack"), doc("framework_context")),
    *(time("first_seen_at"), time("last_seen_at")),
    *(
        count("execution_count", default=True),
        count("success_count", default=True),
        count("failure_count", default=True),
    ),
    *(number("avg_execution_time_ms", low=0), score("avg_quality_score")),
    UniqueConstraint("fingerprint_id"),
)
Index("ix_task_fingerprints_shape", fingerprints.c.namespace, fingerprints.c.shape_hash)
# Covers the join by which traces are asked for by domain or type: rows with their prompts are not touched.
Index(
    "ix_task_fingerprints_kind",
    *(fingerprints.c.namespace, fingerprints.c.domain, fingerprints.c.task_type, fingerprints.c.fingerprint_id),
)

traces = table(
    "execution_traces",
    *(uid("execution_id", key=True), text("namespace", null=False), count("revision", default=True)),
    *(text("correlation_id"), ref("root_id", "execution_traces.execution_id")),
    *(ref("parent_id", "execution_traces.execution_id"), text("session_id"), text("user_id"), text("agent_id")),
    *(text("agent_name"), list_of("agent_chain"), text("source"), text("source_version"), text("model")),
    *(text("prompt"), computed("prompt_text", Text, "prompt"), list_of("follow_ups")),
    *(ref("fingerprint_id", "task_fingerprints.fingerprint_id"), time("started_at"), time("completed_at")),
    *(duration("duration_ms"), enum("status", values_of(Status))),
    computed("success", Boolean, "CASE status WHEN 'success' THEN true WHEN 'failure' THEN false END"),
    *(enum("outcome_tier", values_of(OutcomeTier)), score("outcome_confidence"), doc("outcome_evidence")),
    *(score("quality_score"), flag("user_acceptance"), text("error_type"), text("error_message")),
    *(count("span_count", default=True), count("failed_span_count", default=True)),
    *(count("step_count", default=True), text("path_signature"), list_of("tools_used"), count("api_calls_count")),
    *(count("input_tokens"), count("output_tokens"), count("cache_read_tokens"), count("cache_write_tokens")),
    *(count("total_tokens_used"), number("cost_usd", low=0), count("cache_hits")),
    *(uid("pattern_used_id"), uid("template_used_id"), text("repo"), text("git_branch"), text("git_commit")),
    *(text("cwd"), list_of("technology_stack"), doc("context"), list_of("tags"), doc("metadata")),
    *(time("created_at", null=False), time("updated_at", null=False)),
)
_newest = Newest(traces.c.started_at)
Index("ix_execution_traces_time", traces.c.namespace, _newest, traces.c.execution_id, traces.c.fingerprint_id)
Index(
    "ix_execution_traces_status",
    *(traces.c.namespace, traces.c.status, _newest, traces.c.execution_id, traces.c.fingerprint_id),
)
Index("ix_execution_traces_session", traces.c.namespace, traces.c.session_id, _newest)
# Newest first within a fingerprint, and everything its counters are made of: neither touches the wide rows.
Index(
    "ix_execution_traces_fingerprint",
    *(traces.c.fingerprint_id, _newest, traces.c.execution_id, traces.c.status),
    *(traces.c.duration_ms, traces.c.quality_score),
)
for _name in ("parent_id", "root_id"):
    Index(
        f"ix_execution_traces_{_name}",
        traces.c[_name],
        sqlite_where=sql(f"{_name} IS NOT NULL"),
        postgresql_where=sql(f"{_name} IS NOT NULL"),
    )

spans = table(
    "spans",
    *(uid("span_id", key=True), ref("execution_id", "execution_traces.execution_id", null=False)),
    # No foreign key: an index for it would cost 45 bytes a span, and spans go with their trace anyway.
    *(text("namespace", null=False), uid("parent_span_id"), count("number", null=False)),
    *(enum("kind", values_of(SpanKind)), text("name", null=False), text("tool"), text("model"), text("description")),
    *(time("started_at"), duration("duration_ms"), enum("outcome", values_of(SpanOutcome)), text("error_type")),
    *(text("error_message"), list_of("files"), doc("arguments"), text("result_preview"), count("result_bytes")),
    *(count("tokens"), doc("attributes")),
)
Index("ix_spans_execution", spans.c.execution_id, spans.c.number)

artifacts = table(
    "code_artifacts",
    *(uid("artifact_id", key=True), ref("execution_id", "execution_traces.execution_id", null=False)),
    *(ref("fingerprint_id", "task_fingerprints.fingerprint_id"), text("namespace", null=False)),
    *(text("file_path", null=False), enum("artifact_type", values_of(ArtifactType)), text("language")),
    *(text("content_hash"), text("content_preview"), count("lines_added"), count("lines_modified")),
    *(count("lines_deleted"), score("quality_score"), score("onex_compliance_score")),
    enum("onex_node_type", ("Effect", "Compute", "Reducer", "Orchestrator"), null=True),
    *(doc("pattern_compliance"), doc("complexity_metrics"), percent("test_coverage"), count("tests_passed")),
    *(count("tests_failed"), flag("lint_passed"), flag("type_check_passed"), flag("security_scan_passed")),
    *(time("created_at", null=False), doc("metadata")),
    UniqueConstraint("execution_id", "file_path"),
)
Index("ix_code_artifacts_fingerprint", artifacts.c.fingerprint_id)

embeddings = table(
    "embeddings",
    *(text("namespace", null=False), text("model", null=False)),
    *(enum("owner_kind", ("fingerprint", "pattern", "failure", "file")), uid("owner_id", null=False)),
    *(count("dimensions", null=False), Column("vector", Vector, nullable=False)),
    PrimaryKeyConstraint("namespace", "model", "owner_kind", "owner_id"),
)
Index("ix_embeddings_owner", embeddings.c.owner_id)

keyword_counts = table(
    "keyword_counts",
    # Document frequencies; the empty token counts the fingerprints of the namespace.
    *(text("namespace", null=False), text("token", null=False), count("fingerprints", null=False)),
    PrimaryKeyConstraint("namespace", "token"),
)

similarity_weights = table(
    "similarity_weights",
    *(text("name", key=True), rate("semantic", null=False), rate("keyword", null=False), rate("domain", null=False)),
    *(rate("task_type", null=False), Column("active", Boolean, nullable=False)),
)

events = table(
    "events",
    _position("position"),
    *(uid("event_id", null=False), enum("topic", values_of(TopicName)), text("key", null=False)),
    *(text("namespace", null=False), time("occurred_at", null=False), time("recorded_at", null=False)),
    *(count("schema_version", null=False), text("correlation_id"), text("root_id"), text("parent_id")),
    # zlib over the payload's JSON (``model.codec``): the log holds every span a second time, as it came.
    Column("payload", LargeBinary, nullable=False),
    UniqueConstraint("event_id"),
)

consumer_offsets = table(
    "consumer_offsets", text("consumer", key=True), count("position", null=False), time("updated_at", null=False)
)

dead_letters = table(
    "dead_letters",
    *(uid("event_id", null=False), text("consumer", null=False), count("position", null=False)),
    *(text("topic", null=False), text("error", null=False), count("attempts", null=False)),
    *(enum("state", ("dead", "replayed")), time("first_at", null=False), time("last_at", null=False)),
    PrimaryKeyConstraint("event_id", "consumer"),
)

import_state = table(
    "import_state",
    *(text("file", key=True), count("size", null=False), count("modified_ns", null=False)),
    *(Column("offset", BigInteger, nullable=False), CheckConstraint('"offset" >= 0', name="offset")),
    *(text("digest", null=False), doc("state"), text("importer", null=False)),
    time("updated_at", null=False),
)

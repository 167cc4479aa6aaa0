"""Tables of what was learned and of who may use it: patterns, failures, routing, advice, agents, operation.

Invariant: evidence outlives what it was drawn from. A pattern keeps standing when an execution behind it is purged
(its reference becomes NULL); occurrences of a failure go with their execution. Deleting a version of a pattern moves
its children to its parent (a trigger, as no foreign key action can say so).
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    UniqueConstraint,
    false,
)

from seasoned.model import AdviceKind, Arm, ModeName, MomentName, Opportunity, TaskType
from seasoned.store.column_types import Position
from seasoned.store.columns import (
    METADATA,
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
from seasoned.store.schema_history import table

__all__ = [
    "METADATA",
    "adaptations",
    "advice",
    "agents",
    "alerts",
    "audit_log",
    "chains",
    "failure_occurrences",
    "failures",
    "forgotten",
    "learning_runs",
    "library_revision",
    "modes",
    "pattern_keywords",
    "pattern_usages",
    "patterns",
    "recoveries",
    "resolutions",
    "rollups",
    "routing",
    "templates",
    "tokens",
]

_EXECUTION = "execution_traces.execution_id"
_FINGERPRINT = "task_fingerprints.fingerprint_id"
_ACCESS = ("private", "team", "shared", "public", "system")
_FAILURE_TYPES = (
    "compilation_error", "runtime_error", "validation_failure", "timeout", "quality_gate_failure", "tool_error",
    "resource_exhausted", "permission_denied", "dependency_missing", "network", "unknown",
)  # fmt: skip
_PATTERN_TYPES = (
    "workflow", "code_template", "validation_sequence", "tool_chain", "fix", "preference", "agent_routing",
    "hook_sequence", "endpoint_chain",
)  # fmt: skip
_LEARNING_STATES = (
    "queued", "snapshotting", "validating", "validated", "validation_failed", "not_proving", "flaky", "snapshot_failed",
    "stalled_snapshot", "needs_manual_scenario", "crystallized", "rejected",
)  # fmt: skip

patterns = table(
    "patterns",
    # What lists and sums read stands before the documents, of which a row has some 10 KB: SQLite reads a row from its
    # beginning, page after page, up to the last column asked for.
    *(uid("pattern_id", key=True), text("pattern_name", null=False), text("namespace", null=False)),
    *(text("agent_id", null=False), text("category"), text("subcategory"), enum("pattern_type", _PATTERN_TYPES)),
    *(enum("status", ("candidate", "active", "deprecated", "rejected")), enum("access_level", _ACCESS)),
    *(list_of("shared_with_agents"), text("version", null=False)),
    *(ref("parent_pattern_id", "patterns.pattern_id", on_delete="NO ACTION"),),
    *(ref("fingerprint_id", _FINGERPRINT, on_delete="SET NULL"), text("extraction_method")),
    *(score("success_score"), count("evidence_count", default=True), count("evidence_success_count", default=True)),
    *(count("usage_count", default=True), count("success_count", default=True)),
    *(count("failure_count", default=True), rate("success_rate")),
    *(number("avg_quality_improvement", low=-1, high=1), score("confidence_score")),
    *(number("learning_weight", low=0, high=10), score("complexity_score"), duration("estimated_duration_ms")),
    *(text("validation_status"), enum("origin_trust", ("own", "team", "foreign", "read_outside_content"))),
    *(list_of("review_flags"), ref("duplicate_of", "patterns.pattern_id", on_delete="SET NULL")),
    *(ref("successor_id", "patterns.pattern_id", on_delete="SET NULL"), time("extracted_at"), time("last_used_at")),
    *(time("created_at", null=False), time("updated_at", null=False), time("deprecated_at")),
    *(list_of("required_tools"), list_of("applicable_domains"), list_of("technology_requirements")),
    *(list_of("keywords", default=True), list_of("execution_ids"), text("deprecation_reason"), doc("waiver")),
    *(text("intent"), doc("pattern_data"), text("pattern_template"), doc("applicability_criteria")),
    *(doc("recommended_steps"), doc("validation_criteria"), doc("quality_thresholds"), doc("metadata")),
    UniqueConstraint("namespace", "agent_id", "pattern_name", "version"),
    CheckConstraint("usage_count >= success_count + failure_count", name="outcomes"),
    CheckConstraint("evidence_success_count <= evidence_count", name="evidence"),
    CheckConstraint("parent_pattern_id <> pattern_id", name="parent"),
)
Index("ix_patterns_status", patterns.c.namespace, patterns.c.status, patterns.c.pattern_type)
Index("ix_patterns_name", patterns.c.pattern_name)
Index("ix_patterns_access", patterns.c.access_level)
Index("ix_patterns_fingerprint", patterns.c.fingerprint_id)
Index("ix_patterns_parent", patterns.c.parent_pattern_id)

# Which patterns have a word; kept by triggers. A table and no index over lists: under row-level security PostgreSQL
# takes an index only for operators that cannot tell about hidden rows, and those of lists are not among them
# (https://www.postgresql.org/docs/current/rules-privileges.html).
pattern_keywords = table(
    "pattern_keywords",
    *(text("token", null=False), uid("pattern_id", null=False)),
    PrimaryKeyConstraint("token", "pattern_id"),
)

# Grows with every transaction that changes the library, so that whoever keeps something in memory can ask.
library_revision = table(
    "library_revision",
    *(enum("part", ("patterns", "vectors")), count("revision", default=True)),
    # Of the last change, on PostgreSQL: a transaction counts once, since a row that it changed many times is slow.
    Column("changed_in", BigInteger),
    PrimaryKeyConstraint("part"),
)

pattern_usages = table(
    "pattern_usages",
    *(uid("usage_id", key=True), ref("pattern_id", "patterns.pattern_id", null=False), text("namespace", null=False)),
    *(ref("execution_id", _EXECUTION, on_delete="SET NULL"), text("agent_id"), duration("execution_time_ms")),
    *(flag("success"), number("quality_delta", low=-1, high=1), doc("context_data"), time("used_at", null=False)),
)
Index("ix_pattern_usages_pattern", pattern_usages.c.pattern_id, pattern_usages.c.used_at)
Index("ix_pattern_usages_execution", pattern_usages.c.execution_id)
Index("ix_pattern_usages_agent", pattern_usages.c.namespace, pattern_usages.c.agent_id, pattern_usages.c.used_at)

templates = table(
    "pattern_templates",
    *(uid("template_id", key=True), text("template_name", null=False), text("namespace", null=False)),
    *(text("agent_id", null=False), enum("access_level", _ACCESS), text("template_version", null=False)),
    *(text("category"), text("subcategory"), text("template_content", null=False), doc("placeholder_schema")),
    *(
        text("description"),
        text("usage_example"),
        doc("prerequisites"),
        score("quality_score"),
        doc("validation_rules"),
    ),
    *(ref("derived_from_pattern_id", "patterns.pattern_id", on_delete="SET NULL"),),
    *(ref("derived_from_execution_id", _EXECUTION, on_delete="SET NULL"), count("usage_count", default=True)),
    *(rate("success_rate"), score("avg_quality_score"), list_of("tags"), time("created_at", null=False)),
    *(time("updated_at", null=False), time("deprecated_at"), doc("metadata")),
    UniqueConstraint("namespace", "agent_id", "template_name"),
)
Index("ix_pattern_templates_pattern", templates.c.derived_from_pattern_id)
Index("ix_pattern_templates_execution", templates.c.derived_from_execution_id)

failures = table(
    "failure_patterns",
    *(uid("failure_id", key=True), text("namespace", null=False), text("signature", null=False)),
    *(enum("failure_type", _FAILURE_TYPES), text("error_category"), text("error_message"), text("error_stack_trace")),
    *(text("failed_step"), text("root_cause_analysis"), doc("contributing_factors"), text("resolution_applied")),
    *(doc("resolution_steps"), duration("time_to_resolve_ms"), count("occurrence_count", default=True)),
    *(time("first_occurrence_at"), time("last_occurrence_at"), text("prevention_strategy")),
    *(Column("automated_fix_available", Boolean, nullable=False, server_default=false()), percent("fix_success_rate")),
    *(doc("context_at_failure"), doc("metadata")),
    UniqueConstraint("namespace", "signature"),
)

resolutions = table(
    "resolutions",
    *(uid("resolution_id", key=True), ref("failure_id", "failure_patterns.failure_id", null=False)),
    *(text("namespace", null=False), text("description", null=False), doc("steps"), count("times_seen", default=True)),
    *(count("times_worked", default=True), time("last_worked_at"), enum("source", ("mined", "recorded"))),
)
Index("ix_resolutions_failure", resolutions.c.failure_id)

failure_occurrences = table(
    "failure_occurrences",
    *(uid("occurrence_id", key=True), ref("failure_id", "failure_patterns.failure_id", null=False)),
    *(text("namespace", null=False), ref("execution_id", _EXECUTION), uid("span_id")),
    *(ref("fingerprint_id", _FINGERPRINT), text("message"), time("occurred_at", null=False)),
    *(ref("resolved_by", "resolutions.resolution_id", on_delete="SET NULL"), duration("time_to_resolve_ms")),
)
Index("ix_failure_occurrences_failure", failure_occurrences.c.failure_id, failure_occurrences.c.occurred_at)
for _name in ("execution_id", "fingerprint_id", "resolved_by"):
    Index(f"ix_failure_occurrences_{_name}", failure_occurrences.c[_name])

routing = table(
    "agent_routing_decisions",
    *(uid("decision_id", key=True), ref("execution_id", _EXECUTION, on_delete="SET NULL")),
    *(text("namespace", null=False), text("request"), doc("candidates"), text("selected_agent", null=False)),
    *(score("confidence"), text("strategy"), count("latency_ms"), time("decided_at", null=False), text("outcome")),
)
Index("ix_agent_routing_decisions_execution", routing.c.execution_id)
Index("ix_agent_routing_decisions_time", routing.c.namespace, routing.c.decided_at)

chains = table(
    "agent_chaining_patterns",
    *(uid("chain_id", key=True), text("namespace", null=False), list_of("chain")),
    *(enum("task_type", values_of(TaskType), null=True), text("domain"), count("support", null=False)),
    *(rate("success_rate"), number("avg_duration_ms", low=0), time("last_seen_at")),
)
Index("ix_agent_chaining_patterns_kind", chains.c.namespace, chains.c.task_type, chains.c.domain)

recoveries = table(
    "recovery_attempts",
    *(uid("attempt_id", key=True), text("namespace", null=False), enum("failure_type", _FAILURE_TYPES)),
    *(text("signature"), enum("strategy", ("retry", "skip", "simplify", "escalate", "fix", "abort"))),
    *(ref("execution_id", _EXECUTION), count("attempt", null=False), flag("success"), duration("duration_ms")),
    time("at", null=False),
)
Index("ix_recovery_attempts_signature", recoveries.c.namespace, recoveries.c.signature)
Index("ix_recovery_attempts_execution", recoveries.c.execution_id)

adaptations = table(
    "plan_adaptations",
    *(uid("adaptation_id", key=True), text("namespace", null=False), ref("execution_id", _EXECUTION)),
    *(doc("plan_before"), doc("plan_after"), doc("insights_used"), number("expected_gain")),
    *(enum("arm", ("given", "held_out")), text("outcome"), time("adapted_at", null=False)),
)
Index("ix_plan_adaptations_execution", adaptations.c.execution_id)

learning_runs = table(
    "learning_runs",
    *(uid("run_id", key=True), text("namespace", null=False), text("task_id"), ref("execution_id", _EXECUTION)),
    *(enum("state", _LEARNING_STATES), count("attempts", default=True), doc("snapshot"), doc("scenario")),
    *(doc("validation"), ref("pattern_id", "patterns.pattern_id", on_delete="SET NULL"), text("approver")),
    *(time("created_at", null=False), time("updated_at", null=False), time("finished_at")),
)
Index("ix_learning_runs_state", learning_runs.c.state)
Index("ix_learning_runs_execution", learning_runs.c.execution_id)

advice = table(
    "advice",
    *(uid("advice_id", key=True), text("namespace", null=False), time("given_at", null=False), text("session_id")),
    *(
        ref("execution_id", _EXECUTION),
        uid("about_id"),
        text("agent_id"),
        text("source"),
        text("user_id"),
        text("repo"),
    ),
    *(enum("moment", values_of(MomentName), null=True), enum("kind", values_of(AdviceKind), null=True)),
    *(enum("opportunity", values_of(Opportunity), null=True), enum("arm", values_of(Arm), null=True), score("share")),
    *(text("unit"), text("subject"), doc("items"), text("reason"), count("latency_ms"), count("tokens_added")),
    *(flag("followed"), flag("accepted"), text("outcome"), doc("endpoints")),
)
Index("ix_advice_session", advice.c.namespace, advice.c.session_id, advice.c.given_at)
Index("ix_advice_execution", advice.c.execution_id)
Index("ix_advice_time", advice.c.namespace, advice.c.given_at, advice.c.advice_id)

rollups = table(
    "metric_rollups",
    *(text("namespace", null=False), text("metric", null=False), text("subject", null=False)),
    *(enum("period", ("hour", "day")), time("starts_at", null=False), count("samples", null=False)),
    *(number("total", null=False), number("smallest"), number("largest"), Column("sketch", LargeBinary)),
    PrimaryKeyConstraint("namespace", "metric", "subject", "period", "starts_at"),
)

alerts = table(
    "alerts",
    *(uid("alert_id", key=True), text("namespace", null=False), text("rule", null=False), text("subject", null=False)),
    *(time("first_seen_at", null=False), time("last_seen_at", null=False), count("occurrences", default=True)),
    *(enum("state", ("open", "recovered")), time("notified_at"), doc("details")),
)
Index("ix_alerts_rule", alerts.c.namespace, alerts.c.rule, alerts.c.subject)

agents = table(
    "agents",
    *(text("namespace", null=False), text("agent_id", null=False), text("name", null=False)),
    *(enum("role", ("agent", "librarian", "admin")), time("created_at", null=False)),
    PrimaryKeyConstraint("namespace", "agent_id"),
)

tokens = table(
    "api_tokens",
    *(text("hash", key=True), text("namespace", null=False), text("agent_id", null=False), list_of("scopes")),
    *(time("created_at", null=False), time("expires_at"), time("last_used_at"), time("revoked_at")),
)

modes = table(
    "modes",
    *(text("namespace", null=False), text("agent", null=False), enum("mode", values_of(ModeName))),
    Column("kill_switch", Boolean, nullable=False, server_default=false()),
    *(text("set_by"), time("set_at", null=False)),
    PrimaryKeyConstraint("namespace", "agent"),
)

audit_log = table(
    "audit_log",
    Column("entry", Position, Identity(always=False), primary_key=True),
    *(text("namespace", null=False), text("who", null=False), text("what", null=False), text("subject")),
    *(doc("before"), doc("after"), text("reason"), time("at", null=False)),
)
Index("ix_audit_log_time", audit_log.c.namespace, audit_log.c.at)
Index("ix_audit_log_subject", audit_log.c.subject, audit_log.c.namespace, audit_log.c.at)

# Executions that somebody erased: whatever still arrives of them is dropped.
forgotten = table("forgotten", uid("execution_id", key=True), text("namespace", null=False), time("at", null=False))

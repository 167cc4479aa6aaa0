-- Revision 0002, SQLite: the library. Counts of failures, words to be found by, and the order of the columns.
--
-- SQLite changes neither the constraints nor the order of columns of a table that is there: the table is made anew
-- (https://sqlite.org/lang_altertable.html#otheralter), without the views that read it and with its triggers after.
DROP VIEW pattern_usage_history;
DROP VIEW learning_patterns;
DROP VIEW success_patterns;

CREATE TABLE patterns_new (
    pattern_id VARCHAR(36) NOT NULL,
    pattern_name TEXT NOT NULL,
    namespace TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    category TEXT,
    subcategory TEXT,
    pattern_type TEXT NOT NULL,
    status TEXT NOT NULL,
    access_level TEXT NOT NULL,
    shared_with_agents TEXT NOT NULL,
    version TEXT NOT NULL,
    parent_pattern_id VARCHAR(36),
    fingerprint_id VARCHAR(36),
    extraction_method TEXT,
    success_score DOUBLE,
    evidence_count BIGINT DEFAULT 0 NOT NULL,
    evidence_success_count BIGINT DEFAULT 0 NOT NULL,
    usage_count BIGINT DEFAULT 0 NOT NULL,
    success_count BIGINT DEFAULT 0 NOT NULL,
    failure_count BIGINT DEFAULT 0 NOT NULL,
    success_rate DOUBLE,
    avg_quality_improvement DOUBLE,
    confidence_score DOUBLE,
    learning_weight DOUBLE,
    complexity_score DOUBLE,
    estimated_duration_ms BIGINT,
    validation_status TEXT,
    origin_trust TEXT NOT NULL,
    review_flags TEXT NOT NULL,
    duplicate_of VARCHAR(36),
    successor_id VARCHAR(36),
    extracted_at VARCHAR(27),
    last_used_at VARCHAR(27),
    created_at VARCHAR(27) NOT NULL,
    updated_at VARCHAR(27) NOT NULL,
    deprecated_at VARCHAR(27),
    required_tools TEXT NOT NULL,
    applicable_domains TEXT NOT NULL,
    technology_requirements TEXT NOT NULL,
    keywords TEXT DEFAULT '[]' NOT NULL,
    execution_ids TEXT NOT NULL,
    deprecation_reason TEXT,
    waiver TEXT,
    intent TEXT,
    pattern_data TEXT,
    pattern_template TEXT,
    applicability_criteria TEXT,
    recommended_steps TEXT,
    validation_criteria TEXT,
    quality_thresholds TEXT,
    metadata TEXT,
    CONSTRAINT pk_patterns PRIMARY KEY (pattern_id),
    CONSTRAINT ck_patterns_pattern_type CHECK (pattern_type IN ('workflow', 'code_template', 'validation_sequence', 'tool_chain', 'fix', 'preference', 'agent_routing', 'hook_sequence', 'endpoint_chain')),
    CONSTRAINT ck_patterns_status CHECK (status IN ('candidate', 'active', 'deprecated', 'rejected')),
    CONSTRAINT ck_patterns_access_level CHECK (access_level IN ('private', 'team', 'shared', 'public', 'system')),
    CONSTRAINT ck_patterns_success_score CHECK (success_score BETWEEN 0 AND 1),
    CONSTRAINT ck_patterns_evidence_count CHECK (evidence_count >= 0),
    CONSTRAINT ck_patterns_evidence_success_count CHECK (evidence_success_count >= 0),
    CONSTRAINT ck_patterns_usage_count CHECK (usage_count >= 0),
    CONSTRAINT ck_patterns_success_count CHECK (success_count >= 0),
    CONSTRAINT ck_patterns_failure_count CHECK (failure_count >= 0),
    CONSTRAINT ck_patterns_success_rate CHECK (success_rate BETWEEN 0 AND 1),
    CONSTRAINT ck_patterns_avg_quality_improvement CHECK (avg_quality_improvement BETWEEN -1 AND 1),
    CONSTRAINT ck_patterns_confidence_score CHECK (confidence_score BETWEEN 0 AND 1),
    CONSTRAINT ck_patterns_learning_weight CHECK (learning_weight BETWEEN 0 AND 10),
    CONSTRAINT ck_patterns_complexity_score CHECK (complexity_score BETWEEN 0 AND 1),
    CONSTRAINT ck_patterns_estimated_duration_ms CHECK (estimated_duration_ms >= 0),
    CONSTRAINT ck_patterns_origin_trust CHECK (origin_trust IN ('own', 'team', 'foreign', 'read_outside_content')),
    CONSTRAINT uq_patterns_namespace_agent_id_pattern_name_version UNIQUE (namespace, agent_id, pattern_name, version),
    CONSTRAINT ck_patterns_outcomes CHECK (usage_count >= success_count + failure_count),
    CONSTRAINT ck_patterns_evidence CHECK (evidence_success_count <= evidence_count),
    CONSTRAINT ck_patterns_parent CHECK (parent_pattern_id <> pattern_id),
    CONSTRAINT fk_patterns_parent_pattern_id FOREIGN KEY(parent_pattern_id) REFERENCES patterns (pattern_id) ON DELETE NO ACTION DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_patterns_fingerprint_id FOREIGN KEY(fingerprint_id) REFERENCES task_fingerprints (fingerprint_id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_patterns_duplicate_of FOREIGN KEY(duplicate_of) REFERENCES patterns (pattern_id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_patterns_successor_id FOREIGN KEY(successor_id) REFERENCES patterns (pattern_id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED
);

INSERT INTO patterns_new (
    pattern_id, pattern_name, namespace, agent_id, category, subcategory, pattern_type, status, access_level,
    shared_with_agents, version, parent_pattern_id, fingerprint_id, extraction_method, success_score, evidence_count,
    evidence_success_count, usage_count, success_count, success_rate, avg_quality_improvement, confidence_score,
    learning_weight, complexity_score, estimated_duration_ms, validation_status, origin_trust, review_flags,
    duplicate_of, successor_id, extracted_at, last_used_at, created_at, updated_at, deprecated_at, required_tools,
    applicable_domains, technology_requirements, execution_ids, deprecation_reason, waiver, intent, pattern_data,
    pattern_template, applicability_criteria, recommended_steps, validation_criteria, quality_thresholds, metadata,
    failure_count
)
SELECT
    pattern_id, pattern_name, namespace, agent_id, category, subcategory, pattern_type, status, access_level,
    shared_with_agents, version, nullif(parent_pattern_id, pattern_id), fingerprint_id, extraction_method,
    success_score, evidence_count, evidence_success_count, usage_count, success_count, success_rate,
    avg_quality_improvement, confidence_score, learning_weight, complexity_score, estimated_duration_ms,
    validation_status, origin_trust, review_flags, duplicate_of, successor_id, extracted_at, last_used_at, created_at,
    updated_at, deprecated_at, required_tools, applicable_domains, technology_requirements, execution_ids,
    deprecation_reason, waiver, intent, pattern_data, pattern_template, applicability_criteria, recommended_steps,
    validation_criteria, quality_thresholds, metadata,
    min(usage_count - success_count, (SELECT count(*) FROM pattern_usages u WHERE u.pattern_id = patterns.pattern_id AND NOT u.success))
FROM patterns;

DROP TABLE patterns;
ALTER TABLE patterns_new RENAME TO patterns;

CREATE INDEX ix_patterns_access ON patterns (access_level);
CREATE INDEX ix_patterns_fingerprint ON patterns (fingerprint_id);
CREATE INDEX ix_patterns_name ON patterns (pattern_name);
CREATE INDEX ix_patterns_parent ON patterns (parent_pattern_id);
CREATE INDEX ix_patterns_status ON patterns (namespace, status, pattern_type);
CREATE INDEX ix_pattern_usages_agent ON pattern_usages (namespace, agent_id, used_at);
CREATE INDEX ix_audit_log_subject ON audit_log (subject, namespace, at);

CREATE TABLE pattern_keywords (
    token TEXT NOT NULL,
    pattern_id VARCHAR(36) NOT NULL,
    CONSTRAINT pk_pattern_keywords PRIMARY KEY (token, pattern_id)
) WITHOUT ROWID;

CREATE TABLE library_revision (
    part TEXT NOT NULL,
    revision BIGINT DEFAULT 0 NOT NULL,
    changed_in BIGINT,
    CONSTRAINT pk_library_revision PRIMARY KEY (part),
    CONSTRAINT ck_library_revision_part CHECK (part IN ('patterns', 'vectors')),
    CONSTRAINT ck_library_revision_revision CHECK (revision >= 0)
);

INSERT INTO library_revision (part) VALUES ('patterns'), ('vectors');

CREATE TABLE forgotten (
    execution_id VARCHAR(36) NOT NULL,
    namespace TEXT NOT NULL,
    at VARCHAR(27) NOT NULL,
    CONSTRAINT pk_forgotten PRIMARY KEY (execution_id)
);

CREATE VIEW success_patterns AS
SELECT
    pattern_id, pattern_name, namespace, agent_id, category, pattern_type, intent, status, version, parent_pattern_id,
    fingerprint_id, usage_count AS reuse_count, success_count, success_rate * 100 AS success_rate,
    avg_quality_improvement, confidence_score, complexity_score, applicable_domains, pattern_data, last_used_at,
    created_at, updated_at
FROM patterns
WHERE status IN ('candidate', 'active');

CREATE VIEW learning_patterns AS
SELECT
    pattern_id, pattern_name, namespace, agent_id, category, subcategory, pattern_type, intent, status, access_level,
    version, parent_pattern_id, fingerprint_id, execution_ids, extraction_method, pattern_data, pattern_template,
    recommended_steps, required_tools, estimated_duration_ms, success_score, evidence_count, evidence_success_count,
    usage_count, success_count, success_rate, confidence_score, learning_weight, origin_trust, review_flags,
    extracted_at, last_used_at, created_at, updated_at, deprecated_at
FROM patterns;

CREATE VIEW pattern_usage_history AS
SELECT
    u.usage_id, u.used_at, u.pattern_id, p.pattern_name, p.version, p.pattern_type, u.namespace, u.execution_id, u.agent_id,
    t.status AS execution_status, t.quality_score, u.success, u.quality_delta, u.execution_time_ms
FROM pattern_usages u
JOIN patterns p ON p.pattern_id = u.pattern_id
LEFT JOIN execution_traces t ON t.execution_id = u.execution_id;

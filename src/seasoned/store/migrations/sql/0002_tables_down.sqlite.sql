-- Undoes 0002_tables on SQLite: the table of patterns as it was. Words and failures counted go.
DROP VIEW pattern_usage_history;
DROP VIEW learning_patterns;
DROP VIEW success_patterns;

CREATE TABLE patterns_old (
    pattern_id VARCHAR(36) NOT NULL,
    pattern_name TEXT NOT NULL,
    namespace TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    category TEXT,
    subcategory TEXT,
    pattern_type TEXT NOT NULL,
    intent TEXT,
    status TEXT NOT NULL,
    access_level TEXT NOT NULL,
    shared_with_agents TEXT NOT NULL,
    version TEXT NOT NULL,
    parent_pattern_id VARCHAR(36),
    fingerprint_id VARCHAR(36),
    execution_ids TEXT NOT NULL,
    extraction_method TEXT,
    pattern_data TEXT,
    pattern_template TEXT,
    applicability_criteria TEXT,
    recommended_steps TEXT,
    required_tools TEXT NOT NULL,
    estimated_duration_ms BIGINT,
    validation_criteria TEXT,
    quality_thresholds TEXT,
    applicable_domains TEXT NOT NULL,
    technology_requirements TEXT NOT NULL,
    success_score DOUBLE,
    evidence_count BIGINT DEFAULT 0 NOT NULL,
    evidence_success_count BIGINT DEFAULT 0 NOT NULL,
    usage_count BIGINT DEFAULT 0 NOT NULL,
    success_count BIGINT DEFAULT 0 NOT NULL,
    success_rate DOUBLE,
    avg_quality_improvement DOUBLE,
    confidence_score DOUBLE,
    learning_weight DOUBLE,
    complexity_score DOUBLE,
    validation_status TEXT,
    origin_trust TEXT NOT NULL,
    review_flags TEXT NOT NULL,
    duplicate_of VARCHAR(36),
    successor_id VARCHAR(36),
    deprecation_reason TEXT,
    waiver TEXT,
    extracted_at VARCHAR(27),
    last_used_at VARCHAR(27),
    created_at VARCHAR(27) NOT NULL,
    updated_at VARCHAR(27) NOT NULL,
    deprecated_at VARCHAR(27),
    metadata TEXT,
    CONSTRAINT pk_patterns PRIMARY KEY (pattern_id),
    CONSTRAINT ck_patterns_pattern_type CHECK (pattern_type IN ('workflow', 'code_template', 'validation_sequence', 'tool_chain', 'fix', 'preference', 'agent_routing', 'hook_sequence', 'endpoint_chain')),
    CONSTRAINT ck_patterns_status CHECK (status IN ('candidate', 'active', 'deprecated', 'rejected')),
    CONSTRAINT ck_patterns_access_level CHECK (access_level IN ('private', 'team', 'shared', 'public', 'system')),
    CONSTRAINT ck_patterns_estimated_duration_ms CHECK (estimated_duration_ms >= 0),
    CONSTRAINT ck_patterns_success_score CHECK (success_score BETWEEN 0 AND 1),
    CONSTRAINT ck_patterns_evidence_count CHECK (evidence_count >= 0),
    CONSTRAINT ck_patterns_evidence_success_count CHECK (evidence_success_count >= 0),
    CONSTRAINT ck_patterns_usage_count CHECK (usage_count >= 0),
    CONSTRAINT ck_patterns_success_count CHECK (success_count >= 0),
    CONSTRAINT ck_patterns_success_rate CHECK (success_rate BETWEEN 0 AND 1),
    CONSTRAINT ck_patterns_avg_quality_improvement CHECK (avg_quality_improvement BETWEEN -1 AND 1),
    CONSTRAINT ck_patterns_confidence_score CHECK (confidence_score BETWEEN 0 AND 1),
    CONSTRAINT ck_patterns_learning_weight CHECK (learning_weight BETWEEN 0 AND 10),
    CONSTRAINT ck_patterns_complexity_score CHECK (complexity_score BETWEEN 0 AND 1),
    CONSTRAINT ck_patterns_origin_trust CHECK (origin_trust IN ('own', 'team', 'foreign', 'read_outside_content')),
    CONSTRAINT uq_patterns_namespace_agent_id_pattern_name_version UNIQUE (namespace, agent_id, pattern_name, version),
    CONSTRAINT ck_patterns_successes CHECK (success_count <= usage_count),
    CONSTRAINT ck_patterns_evidence CHECK (evidence_success_count <= evidence_count),
    CONSTRAINT fk_patterns_parent_pattern_id FOREIGN KEY(parent_pattern_id) REFERENCES patterns (pattern_id) ON DELETE NO ACTION DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_patterns_fingerprint_id FOREIGN KEY(fingerprint_id) REFERENCES task_fingerprints (fingerprint_id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_patterns_duplicate_of FOREIGN KEY(duplicate_of) REFERENCES patterns (pattern_id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_patterns_successor_id FOREIGN KEY(successor_id) REFERENCES patterns (pattern_id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED
);

INSERT INTO patterns_old (
    pattern_id, pattern_name, namespace, agent_id, category, subcategory, pattern_type, intent, status, access_level,
    shared_with_agents, version, parent_pattern_id, fingerprint_id, execution_ids, extraction_method, pattern_data,
    pattern_template, applicability_criteria, recommended_steps, required_tools, estimated_duration_ms,
    validation_criteria, quality_thresholds, applicable_domains, technology_requirements, success_score,
    evidence_count, evidence_success_count, usage_count, success_count, success_rate, avg_quality_improvement,
    confidence_score, learning_weight, complexity_score, validation_status, origin_trust, review_flags, duplicate_of,
    successor_id, deprecation_reason, waiver, extracted_at, last_used_at, created_at, updated_at, deprecated_at,
    metadata
)
SELECT
    pattern_id, pattern_name, namespace, agent_id, category, subcategory, pattern_type, intent, status, access_level,
    shared_with_agents, version, parent_pattern_id, fingerprint_id, execution_ids, extraction_method, pattern_data,
    pattern_template, applicability_criteria, recommended_steps, required_tools, estimated_duration_ms,
    validation_criteria, quality_thresholds, applicable_domains, technology_requirements, success_score,
    evidence_count, evidence_success_count, usage_count, success_count, success_rate, avg_quality_improvement,
    confidence_score, learning_weight, complexity_score, validation_status, origin_trust, review_flags, duplicate_of,
    successor_id, deprecation_reason, waiver, extracted_at, last_used_at, created_at, updated_at, deprecated_at,
    metadata
FROM patterns;

DROP TABLE patterns;
ALTER TABLE patterns_old RENAME TO patterns;

CREATE INDEX ix_patterns_fingerprint ON patterns (fingerprint_id);
CREATE INDEX ix_patterns_parent ON patterns (parent_pattern_id);
CREATE INDEX ix_patterns_status ON patterns (namespace, status, pattern_type);

DROP INDEX ix_pattern_usages_agent;
DROP INDEX ix_audit_log_subject;
DROP TABLE pattern_keywords;
DROP TABLE library_revision;
DROP TABLE forgotten;

CREATE TRIGGER pattern_removed BEFORE DELETE ON patterns
BEGIN
    UPDATE patterns SET parent_pattern_id = old.parent_pattern_id WHERE parent_pattern_id = old.pattern_id;
    DELETE FROM embeddings WHERE owner_id = old.pattern_id AND owner_kind = 'pattern';
END;

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

-- Revision 0002, PostgreSQL: the library. Counts of failures, words to be found by, what changed and what was forgotten.
ALTER TABLE patterns
    DROP CONSTRAINT ck_patterns_successes,
    ADD COLUMN failure_count BIGINT DEFAULT 0 NOT NULL,
    ADD COLUMN keywords TEXT[] DEFAULT '{}' NOT NULL;

UPDATE patterns SET parent_pattern_id = NULL WHERE parent_pattern_id = pattern_id;
UPDATE patterns SET failure_count = least(usage_count - success_count, failed.usages)
FROM (SELECT pattern_id, count(*) AS usages FROM pattern_usages WHERE NOT success GROUP BY pattern_id) failed
WHERE patterns.pattern_id = failed.pattern_id;
-- A table with checks that wait for the commit cannot be altered.
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;

ALTER TABLE patterns
    ADD CONSTRAINT ck_patterns_failure_count CHECK (failure_count >= 0),
    ADD CONSTRAINT ck_patterns_outcomes CHECK (usage_count >= success_count + failure_count),
    ADD CONSTRAINT ck_patterns_parent CHECK (parent_pattern_id <> pattern_id);

CREATE INDEX ix_patterns_access ON patterns (access_level);
CREATE INDEX ix_patterns_name ON patterns (pattern_name);
CREATE INDEX ix_pattern_usages_agent ON pattern_usages (namespace, agent_id, used_at);
CREATE INDEX ix_audit_log_subject ON audit_log (subject, namespace, at);

CREATE TABLE pattern_keywords (
    token TEXT NOT NULL,
    pattern_id UUID NOT NULL,
    CONSTRAINT pk_pattern_keywords PRIMARY KEY (token, pattern_id)
);

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
    execution_id UUID NOT NULL,
    namespace TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_forgotten PRIMARY KEY (execution_id)
);

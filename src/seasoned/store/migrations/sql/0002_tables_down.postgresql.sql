-- Undoes 0002_tables on PostgreSQL. Words and failures counted go.
DROP TABLE forgotten;
DROP TABLE library_revision;
DROP TABLE pattern_keywords;
DROP INDEX ix_audit_log_subject;
DROP INDEX ix_pattern_usages_agent;
DROP INDEX ix_patterns_name;
DROP INDEX ix_patterns_access;

ALTER TABLE patterns
    DROP CONSTRAINT ck_patterns_outcomes,
    DROP CONSTRAINT ck_patterns_parent,
    DROP COLUMN failure_count,
    DROP COLUMN keywords,
    ADD CONSTRAINT ck_patterns_successes CHECK (success_count <= usage_count);

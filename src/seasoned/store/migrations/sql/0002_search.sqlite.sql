-- Revision 0002, SQLite: what follows a change of the library.
CREATE TRIGGER pattern_removed BEFORE DELETE ON patterns
BEGIN
    UPDATE patterns SET parent_pattern_id = nullif(old.parent_pattern_id, pattern_id)
    WHERE parent_pattern_id = old.pattern_id;
    DELETE FROM embeddings WHERE owner_id = old.pattern_id AND owner_kind = 'pattern';
    DELETE FROM pattern_keywords
    WHERE pattern_id = old.pattern_id AND token IN (SELECT value FROM json_each(old.keywords));
END;

CREATE TRIGGER pattern_keywords_added AFTER INSERT ON patterns
BEGIN
    INSERT INTO pattern_keywords (token, pattern_id) SELECT DISTINCT value, new.pattern_id FROM json_each(new.keywords);
END;

CREATE TRIGGER pattern_keywords_changed AFTER UPDATE OF keywords ON patterns WHEN new.keywords <> old.keywords
BEGIN
    DELETE FROM pattern_keywords
    WHERE pattern_id = old.pattern_id AND token IN (SELECT value FROM json_each(old.keywords));
    INSERT INTO pattern_keywords (token, pattern_id) SELECT DISTINCT value, new.pattern_id FROM json_each(new.keywords);
END;

CREATE TRIGGER library_patterns_inserted AFTER INSERT ON patterns
BEGIN
    UPDATE library_revision SET revision = revision + 1 WHERE part = 'patterns';
END;

CREATE TRIGGER library_patterns_updated AFTER UPDATE ON patterns
BEGIN
    UPDATE library_revision SET revision = revision + 1 WHERE part = 'patterns';
END;

CREATE TRIGGER library_patterns_deleted AFTER DELETE ON patterns
BEGIN
    UPDATE library_revision SET revision = revision + 1 WHERE part = 'patterns';
END;

CREATE TRIGGER library_pattern_usages_inserted AFTER INSERT ON pattern_usages
BEGIN
    UPDATE library_revision SET revision = revision + 1 WHERE part = 'patterns';
END;

CREATE TRIGGER library_pattern_usages_updated AFTER UPDATE ON pattern_usages
BEGIN
    UPDATE library_revision SET revision = revision + 1 WHERE part = 'patterns';
END;

CREATE TRIGGER library_pattern_usages_deleted AFTER DELETE ON pattern_usages
BEGIN
    UPDATE library_revision SET revision = revision + 1 WHERE part = 'patterns';
END;

CREATE TRIGGER library_pattern_templates_inserted AFTER INSERT ON pattern_templates
BEGIN
    UPDATE library_revision SET revision = revision + 1 WHERE part = 'patterns';
END;

CREATE TRIGGER library_pattern_templates_updated AFTER UPDATE ON pattern_templates
BEGIN
    UPDATE library_revision SET revision = revision + 1 WHERE part = 'patterns';
END;

CREATE TRIGGER library_pattern_templates_deleted AFTER DELETE ON pattern_templates
BEGIN
    UPDATE library_revision SET revision = revision + 1 WHERE part = 'patterns';
END;

CREATE TRIGGER library_vector_inserted AFTER INSERT ON embeddings WHEN new.owner_kind = 'pattern'
BEGIN
    UPDATE library_revision SET revision = revision + 1 WHERE part = 'vectors';
END;

CREATE TRIGGER library_vector_updated AFTER UPDATE ON embeddings WHEN new.owner_kind = 'pattern'
BEGIN
    UPDATE library_revision SET revision = revision + 1 WHERE part = 'vectors';
END;

CREATE TRIGGER library_vector_deleted AFTER DELETE ON embeddings WHEN old.owner_kind = 'pattern'
BEGIN
    UPDATE library_revision SET revision = revision + 1 WHERE part = 'vectors';
END;

-- Undoes 0002_search on PostgreSQL.
DROP TRIGGER library_vectors_removed ON embeddings;
DROP TRIGGER library_vectors_changed ON embeddings;
DROP TRIGGER library_templates_changed ON pattern_templates;
DROP TRIGGER library_usages_changed ON pattern_usages;
DROP TRIGGER library_patterns_changed ON patterns;
DROP TRIGGER pattern_keywords_changed ON patterns;
DROP TRIGGER pattern_keywords_moved ON patterns;
DROP FUNCTION seasoned_library_changed();
DROP FUNCTION seasoned_pattern_words();

CREATE OR REPLACE FUNCTION seasoned_pattern_removed() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    UPDATE patterns SET parent_pattern_id = old.parent_pattern_id WHERE parent_pattern_id = old.pattern_id;
    DELETE FROM embeddings WHERE owner_id = old.pattern_id AND owner_kind = 'pattern';
    RETURN old;
END $body$;
ALTER FUNCTION seasoned_pattern_removed() RESET search_path;

-- Revision 0002, PostgreSQL: what follows a change of the library.
--
-- These functions run with the rights of whoever owns them: who may change a pattern need not have rights to the tables
-- behind it. Where they look for tables is therefore fixed (the last statement), whatever the caller's search path says.
CREATE OR REPLACE FUNCTION seasoned_pattern_removed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $body$
BEGIN
    UPDATE patterns SET parent_pattern_id = nullif(old.parent_pattern_id, pattern_id)
    WHERE parent_pattern_id = old.pattern_id;
    DELETE FROM embeddings WHERE owner_id = old.pattern_id AND owner_kind = 'pattern';
    RETURN old;
END $body$;

CREATE FUNCTION seasoned_pattern_words() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $body$
BEGIN
    IF tg_op <> 'INSERT' THEN
        DELETE FROM pattern_keywords WHERE pattern_id = old.pattern_id AND token = ANY (old.keywords);
    END IF;
    IF tg_op <> 'DELETE' THEN
        INSERT INTO pattern_keywords (token, pattern_id)
        SELECT DISTINCT word.token, new.pattern_id FROM unnest(new.keywords) AS word (token);
    END IF;
    RETURN NULL;
END $body$;

CREATE TRIGGER pattern_keywords_moved AFTER INSERT OR DELETE ON patterns
FOR EACH ROW EXECUTE FUNCTION seasoned_pattern_words();
CREATE TRIGGER pattern_keywords_changed AFTER UPDATE OF keywords ON patterns
FOR EACH ROW WHEN (old.keywords IS DISTINCT FROM new.keywords) EXECUTE FUNCTION seasoned_pattern_words();

-- Once in a transaction: of a row that one transaction changed many times every version must be walked through.
CREATE FUNCTION seasoned_library_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $body$
BEGIN
    UPDATE library_revision SET revision = revision + 1, changed_in = pg_current_xact_id()::text::bigint
    WHERE part = tg_argv[0] AND changed_in IS DISTINCT FROM pg_current_xact_id()::text::bigint;
    RETURN NULL;
END $body$;

CREATE TRIGGER library_patterns_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON patterns
FOR EACH STATEMENT EXECUTE FUNCTION seasoned_library_changed('patterns');
CREATE TRIGGER library_usages_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON pattern_usages
FOR EACH STATEMENT EXECUTE FUNCTION seasoned_library_changed('patterns');
CREATE TRIGGER library_templates_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON pattern_templates
FOR EACH STATEMENT EXECUTE FUNCTION seasoned_library_changed('patterns');
CREATE TRIGGER library_vectors_changed AFTER INSERT OR UPDATE ON embeddings
FOR EACH ROW WHEN (new.owner_kind = 'pattern') EXECUTE FUNCTION seasoned_library_changed('vectors');
CREATE TRIGGER library_vectors_removed AFTER DELETE ON embeddings
FOR EACH ROW WHEN (old.owner_kind = 'pattern') EXECUTE FUNCTION seasoned_library_changed('vectors');

DO $body$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['seasoned_pattern_removed', 'seasoned_pattern_words', 'seasoned_library_changed'] LOOP
        EXECUTE format('ALTER FUNCTION %I() SET search_path = %I, pg_temp', name, current_schema());
    END LOOP;
END $body$;

-- Undoes 0002_rights on PostgreSQL. What was granted to seasoned_agent in this database goes with DROP OWNED.
DO $body$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT polname, polrelid::regclass AS place FROM pg_policy
        WHERE polname LIKE 'seasoned\_%' AND polrelid IN (
            SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace
        )
    LOOP
        EXECUTE format('DROP POLICY %I ON %s', found.polname, found.place);
        EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', found.place);
        EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', found.place);
    END LOOP;
END $body$;

DROP TRIGGER template_guarded ON pattern_templates;
DROP TRIGGER pattern_guarded ON patterns;
DROP FUNCTION seasoned_template_guarded();
DROP FUNCTION seasoned_pattern_guarded();
DROP FUNCTION seasoned_may_audit(text, text, text);
DROP FUNCTION seasoned_may_review(text, text, text, text[]);
DROP FUNCTION seasoned_may_change(text, text, text);
DROP FUNCTION seasoned_may_read(text, text, text, text[]);
DROP FUNCTION seasoned_owns(text, text);
DROP FUNCTION seasoned_reader_role();
DROP FUNCTION seasoned_reader_id();
DROP FUNCTION seasoned_reader_namespace();
DROP OWNED BY seasoned_agent;

-- Revision 0002, PostgreSQL: who may see and change what, once more. `seasoned.library.access` is the table.
--
-- Whoever migrates owns the tables and serves: its policy is "everything". Reads and changes for an agent run as
-- seasoned_agent, which owns nothing, with three settings of the transaction: seasoned.namespace, seasoned.agent_id and
-- seasoned.role (agent, librarian, admin). Where one of them is missing nothing is seen. The functions are bound to what
-- they call when they are made (RETURN …), so that no search path changes their meaning.
CREATE FUNCTION seasoned_reader_namespace() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('seasoned.namespace', true), '');

CREATE FUNCTION seasoned_reader_id() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('seasoned.agent_id', true), '');

CREATE FUNCTION seasoned_reader_role() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN current_setting('seasoned.role', true) IN ('agent', 'librarian', 'admin')
    AND nullif(current_setting('seasoned.namespace', true), '') IS NOT NULL
    AND nullif(current_setting('seasoned.agent_id', true), '') IS NOT NULL
    THEN current_setting('seasoned.role', true) END;

-- Its own; what the learner drew belongs to the administrators of the namespace.
CREATE FUNCTION seasoned_owns(p_namespace text, p_agent_id text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(seasoned_reader_role() IS NOT NULL AND p_namespace = seasoned_reader_namespace()
    AND (p_agent_id = seasoned_reader_id() OR (p_agent_id = 'seasoned' AND seasoned_reader_role() = 'admin')), false);

CREATE FUNCTION seasoned_may_read(p_namespace text, p_agent_id text, p_access_level text, p_shared text[])
RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(seasoned_reader_role() IS NOT NULL AND (
    p_access_level IN ('public', 'system')
    OR (p_namespace = seasoned_reader_namespace() AND (
        p_access_level = 'team' OR p_agent_id = seasoned_reader_id()
        OR (p_agent_id = 'seasoned' AND seasoned_reader_role() = 'admin')
        OR (p_access_level = 'shared' AND seasoned_reader_id() = ANY (p_shared))))), false);

-- Change, share and delete.
CREATE FUNCTION seasoned_may_change(p_namespace text, p_agent_id text, p_access_level text)
RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE p_access_level
    WHEN 'system' THEN coalesce(p_namespace = seasoned_reader_namespace() AND seasoned_reader_role() = 'admin', false)
    ELSE seasoned_owns(p_namespace, p_agent_id) END;

-- Promote, reject and deprecate what others own.
CREATE FUNCTION seasoned_may_review(p_namespace text, p_agent_id text, p_access_level text, p_shared text[])
RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(p_namespace = seasoned_reader_namespace() AND seasoned_reader_role() IN ('librarian', 'admin')
    AND (p_access_level <> 'system' OR seasoned_reader_role() = 'admin')
    AND seasoned_may_read(p_namespace, p_agent_id, p_access_level, p_shared), false);

-- As `store.library_rows.auditable`. With the owner's rights, which alone knows what is deleted and what is only hidden.
CREATE FUNCTION seasoned_may_audit(p_namespace text, p_subject text, p_who text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER AS $body$
DECLARE
    subject patterns%ROWTYPE;
BEGIN
    IF seasoned_reader_role() IS NULL OR p_namespace <> seasoned_reader_namespace() THEN
        RETURN false;
    END IF;
    IF p_who = seasoned_reader_id() THEN
        RETURN true;
    END IF;
    IF p_subject ~ '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' THEN
        SELECT * INTO subject FROM patterns p WHERE p.pattern_id = p_subject::uuid;
        IF FOUND THEN
            RETURN seasoned_may_read(
                subject.namespace, subject.agent_id, subject.access_level, subject.shared_with_agents
            );
        END IF;
    END IF;
    IF EXISTS (
        SELECT 1 FROM audit_log b WHERE b.subject = p_subject AND b.namespace = p_namespace AND b.what = 'create'
            AND (b.who = seasoned_reader_id() OR b.who LIKE '% for %' AND right(b.who, length(seasoned_reader_id()) + 5)
                = ' for ' || seasoned_reader_id())
    ) THEN
        RETURN true;
    END IF;
    RETURN seasoned_reader_role() IN ('librarian', 'admin') AND NOT EXISTS (
        SELECT 1 FROM audit_log b WHERE b.subject = p_subject AND b.namespace = p_namespace AND b.what = 'delete'
            AND coalesce(b.before ->> 'access_level', 'private') = 'private'
    );
END $body$;

-- What a policy cannot say: which columns may change. For the owner of the table itself nothing is refused.
CREATE FUNCTION seasoned_pattern_guarded() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    judged CONSTANT text[] := ARRAY[
        'status', 'review_flags', 'successor_id', 'duplicate_of', 'deprecation_reason', 'waiver', 'validation_status',
        'deprecated_at', 'updated_at', 'metadata'
    ];
    -- Of the metadata, what only reviewing writes: `seasoned.model.REVIEW_NOTES`.
    notes CONSTANT text[] := ARRAY['distinct_from', 'reviewed_flags', 'reviewed_uses'];
    owner boolean;
BEGIN
    IF pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = tg_relid), 'USAGE') THEN
        RETURN new;
    END IF;
    IF tg_op = 'UPDATE' THEN
        owner := seasoned_may_change(old.namespace, old.agent_id, old.access_level);
        IF (new.pattern_id, new.namespace, new.agent_id) IS DISTINCT FROM (old.pattern_id, old.namespace, old.agent_id) THEN
            RAISE EXCEPTION 'a pattern keeps its id, its namespace and its owner' USING ERRCODE = '42501';
        END IF;
        IF NOT owner AND (
            to_jsonb(new) - judged <> to_jsonb(old) - judged
            OR coalesce(new.metadata, '{}') - notes <> coalesce(old.metadata, '{}') - notes
        ) THEN
            RAISE EXCEPTION 'only the owner may change what a pattern says' USING ERRCODE = '42501';
        END IF;
        IF old.status = 'active' THEN
            RETURN new;
        END IF;
    ELSE
        owner := seasoned_may_change(new.namespace, new.agent_id, new.access_level);
    END IF;
    IF new.status = 'active' AND NOT (
        seasoned_may_review(new.namespace, new.agent_id, new.access_level, new.shared_with_agents)
        OR (owner AND new.access_level = 'private')
    ) THEN
        RAISE EXCEPTION 'only a reviewer may make a pattern active' USING ERRCODE = '42501';
    END IF;
    RETURN new;
END $body$;

CREATE TRIGGER pattern_guarded BEFORE INSERT OR UPDATE ON patterns
FOR EACH ROW EXECUTE FUNCTION seasoned_pattern_guarded();

CREATE FUNCTION seasoned_template_guarded() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF (new.template_id, new.namespace, new.agent_id) IS DISTINCT FROM (old.template_id, old.namespace, old.agent_id)
        AND NOT pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = tg_relid), 'USAGE')
    THEN
        RAISE EXCEPTION 'a template keeps its id, its namespace and its owner' USING ERRCODE = '42501';
    END IF;
    RETURN new;
END $body$;

CREATE TRIGGER template_guarded BEFORE UPDATE ON pattern_templates
FOR EACH ROW EXECUTE FUNCTION seasoned_template_guarded();

DO $body$
DECLARE
    name text;
BEGIN
    EXECUTE format('ALTER FUNCTION seasoned_may_audit(text, text, text) SET search_path = %I, pg_temp', current_schema());
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO seasoned_agent', current_schema());
    FOREACH name IN ARRAY ARRAY[
        'advice', 'agent_chaining_patterns', 'agent_routing_decisions', 'agents', 'alerts', 'api_tokens', 'audit_log',
        'code_artifacts', 'embeddings', 'events', 'execution_traces', 'failure_occurrences', 'failure_patterns',
        'forgotten', 'keyword_counts', 'learning_runs', 'metric_rollups', 'modes', 'pattern_keywords',
        'pattern_templates', 'pattern_usages', 'patterns', 'plan_adaptations', 'recovery_attempts', 'resolutions',
        'spans', 'task_fingerprints'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY seasoned_service ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY[
        'agent_chaining_patterns', 'code_artifacts', 'execution_traces', 'failure_occurrences', 'failure_patterns',
        'keyword_counts', 'resolutions', 'spans', 'task_fingerprints'
    ] LOOP
        EXECUTE format(
            'CREATE POLICY seasoned_read ON %I FOR SELECT TO seasoned_agent '
            'USING (seasoned_reader_role() IS NOT NULL AND namespace = seasoned_reader_namespace())', name
        );
    END LOOP;
END $body$;

GRANT SELECT, INSERT, UPDATE, DELETE ON patterns, pattern_templates TO seasoned_agent;
GRANT SELECT, INSERT ON pattern_usages, audit_log TO seasoned_agent;
GRANT SELECT ON
    agent_chaining_patterns, code_artifacts, embeddings, execution_traces, failure_occurrences, failure_patterns,
    keyword_counts, library_revision, pattern_keywords, resolutions, similarity_weights, spans, task_fingerprints
TO seasoned_agent;
GRANT SELECT ON
    agent_execution_logs, endpoint_calls, error_patterns, execution_paths, hook_executions, learning_patterns,
    pattern_usage_history, pattern_usage_log, success_patterns
TO seasoned_agent;

CREATE POLICY seasoned_read ON patterns FOR SELECT TO seasoned_agent
USING (seasoned_may_read(namespace, agent_id, access_level, shared_with_agents));
-- Of a system pattern an administrator makes the next version, whose owner stays who it was.
CREATE POLICY seasoned_insert ON patterns FOR INSERT TO seasoned_agent
WITH CHECK (seasoned_may_change(namespace, agent_id, access_level));
CREATE POLICY seasoned_update ON patterns FOR UPDATE TO seasoned_agent
USING (
    seasoned_may_change(namespace, agent_id, access_level)
    OR seasoned_may_review(namespace, agent_id, access_level, shared_with_agents)
)
WITH CHECK (
    seasoned_may_change(namespace, agent_id, access_level)
    OR seasoned_may_review(namespace, agent_id, access_level, shared_with_agents)
);
CREATE POLICY seasoned_delete ON patterns FOR DELETE TO seasoned_agent
USING (seasoned_may_change(namespace, agent_id, access_level));

-- A template has no list of agents: shared is the owner's.
CREATE POLICY seasoned_read ON pattern_templates FOR SELECT TO seasoned_agent
USING (seasoned_may_read(namespace, agent_id, access_level, '{}'));
CREATE POLICY seasoned_insert ON pattern_templates FOR INSERT TO seasoned_agent
WITH CHECK (seasoned_owns(namespace, agent_id) AND (access_level <> 'system' OR seasoned_reader_role() = 'admin'));
CREATE POLICY seasoned_update ON pattern_templates FOR UPDATE TO seasoned_agent
USING (seasoned_may_change(namespace, agent_id, access_level))
WITH CHECK (seasoned_may_change(namespace, agent_id, access_level));
CREATE POLICY seasoned_delete ON pattern_templates FOR DELETE TO seasoned_agent
USING (seasoned_may_change(namespace, agent_id, access_level));

-- What hangs on a pattern is seen by whom the pattern is seen: inside a policy its own policies apply.
CREATE POLICY seasoned_read ON pattern_keywords FOR SELECT TO seasoned_agent
USING (EXISTS (SELECT 1 FROM patterns p WHERE p.pattern_id = pattern_keywords.pattern_id));
CREATE POLICY seasoned_read ON pattern_usages FOR SELECT TO seasoned_agent
USING (
    namespace = seasoned_reader_namespace()
    AND EXISTS (SELECT 1 FROM patterns p WHERE p.pattern_id = pattern_usages.pattern_id)
);
CREATE POLICY seasoned_insert ON pattern_usages FOR INSERT TO seasoned_agent
WITH CHECK (
    seasoned_reader_role() IS NOT NULL AND namespace = seasoned_reader_namespace() AND agent_id = seasoned_reader_id()
    AND EXISTS (SELECT 1 FROM patterns p WHERE p.pattern_id = pattern_usages.pattern_id)
);
CREATE POLICY seasoned_read ON embeddings FOR SELECT TO seasoned_agent
USING (
    seasoned_reader_role() IS NOT NULL AND CASE owner_kind
        WHEN 'pattern' THEN EXISTS (SELECT 1 FROM patterns p WHERE p.pattern_id = embeddings.owner_id)
        ELSE namespace = seasoned_reader_namespace() END
);

CREATE POLICY seasoned_read ON audit_log FOR SELECT TO seasoned_agent
USING (namespace = seasoned_reader_namespace() AND seasoned_may_audit(namespace, subject, who));
CREATE POLICY seasoned_insert ON audit_log FOR INSERT TO seasoned_agent
WITH CHECK (
    seasoned_reader_role() IS NOT NULL AND namespace = seasoned_reader_namespace() AND (
        who = seasoned_reader_id()
        OR right(who, length(seasoned_reader_id()) + 5) = ' for ' || seasoned_reader_id()
    )
);

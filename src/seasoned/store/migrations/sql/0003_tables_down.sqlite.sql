-- Undoes 0003_tables on SQLite. Advice of which it is not known whether it was given goes.
CREATE TABLE advice_old (
    advice_id VARCHAR(36) NOT NULL,
    namespace TEXT NOT NULL,
    execution_id VARCHAR(36),
    session_id TEXT,
    agent_id TEXT,
    kind TEXT NOT NULL,
    opportunity TEXT NOT NULL,
    arm TEXT NOT NULL,
    items TEXT,
    latency_ms BIGINT,
    tokens_added BIGINT,
    followed BOOLEAN,
    accepted BOOLEAN,
    outcome TEXT,
    given_at VARCHAR(27) NOT NULL,
    CONSTRAINT pk_advice PRIMARY KEY (advice_id),
    CONSTRAINT ck_advice_kind CHECK (kind IN ('similar', 'pattern', 'route', 'fix', 'plan')),
    CONSTRAINT ck_advice_opportunity CHECK (opportunity IN ('automatic', 'asked')),
    CONSTRAINT ck_advice_arm CHECK (arm IN ('given', 'held_out')),
    CONSTRAINT ck_advice_latency_ms CHECK (latency_ms >= 0),
    CONSTRAINT ck_advice_tokens_added CHECK (tokens_added >= 0),
    CONSTRAINT fk_advice_execution_id FOREIGN KEY(execution_id) REFERENCES execution_traces (execution_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
);

INSERT INTO advice_old (
    advice_id, namespace, given_at, session_id, execution_id, agent_id, kind, opportunity, arm, items, latency_ms,
    tokens_added, followed, accepted, outcome
)
SELECT
    advice_id, namespace, given_at, session_id, execution_id, agent_id, kind, opportunity, arm, items, latency_ms,
    tokens_added, followed, accepted, outcome
FROM advice
WHERE kind IS NOT NULL AND opportunity IS NOT NULL AND arm IS NOT NULL;

DROP TABLE advice;
ALTER TABLE advice_old RENAME TO advice;
CREATE INDEX ix_advice_execution ON advice (execution_id);
CREATE INDEX ix_advice_session ON advice (namespace, session_id, given_at);

CREATE TABLE modes_old (
    namespace TEXT NOT NULL,
    agent TEXT NOT NULL,
    mode TEXT NOT NULL,
    kill_switch BOOLEAN DEFAULT 0 NOT NULL,
    set_by TEXT,
    set_at VARCHAR(27) NOT NULL,
    CONSTRAINT pk_modes PRIMARY KEY (namespace, agent)
);

INSERT INTO modes_old (namespace, agent, mode, kill_switch, set_by, set_at)
SELECT namespace, agent, mode, kill_switch, set_by, set_at FROM modes;

DROP TABLE modes;
ALTER TABLE modes_old RENAME TO modes;

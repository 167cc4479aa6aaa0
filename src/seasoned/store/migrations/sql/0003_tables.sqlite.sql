-- Revision 0003, SQLite: advice that says by which chance it was given, and modes of known names.
--
-- SQLite changes neither the constraints nor the order of columns of a table that is there: the table is made anew
-- (https://sqlite.org/lang_altertable.html#otheralter).
CREATE TABLE advice_new (
    advice_id VARCHAR(36) NOT NULL,
    namespace TEXT NOT NULL,
    given_at VARCHAR(27) NOT NULL,
    session_id TEXT,
    execution_id VARCHAR(36),
    about_id VARCHAR(36),
    agent_id TEXT,
    source TEXT,
    user_id TEXT,
    repo TEXT,
    moment TEXT,
    kind TEXT,
    opportunity TEXT,
    arm TEXT,
    share DOUBLE,
    unit TEXT,
    subject TEXT,
    items TEXT,
    reason TEXT,
    latency_ms BIGINT,
    tokens_added BIGINT,
    followed BOOLEAN,
    accepted BOOLEAN,
    outcome TEXT,
    endpoints TEXT,
    CONSTRAINT pk_advice PRIMARY KEY (advice_id),
    CONSTRAINT ck_advice_moment CHECK (moment IN ('prompt', 'before_tool', 'after_failure', 'asked')),
    CONSTRAINT ck_advice_kind CHECK (kind IN ('similar', 'pattern', 'route', 'fix', 'plan')),
    CONSTRAINT ck_advice_opportunity CHECK (opportunity IN ('automatic', 'asked')),
    CONSTRAINT ck_advice_arm CHECK (arm IN ('given', 'held_out')),
    CONSTRAINT ck_advice_share CHECK (share BETWEEN 0 AND 1),
    CONSTRAINT ck_advice_latency_ms CHECK (latency_ms >= 0),
    CONSTRAINT ck_advice_tokens_added CHECK (tokens_added >= 0),
    CONSTRAINT fk_advice_execution_id FOREIGN KEY(execution_id) REFERENCES execution_traces (execution_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
);

INSERT INTO advice_new (
    advice_id, namespace, given_at, session_id, execution_id, agent_id, kind, opportunity, arm, items, latency_ms,
    tokens_added, followed, accepted, outcome
)
SELECT
    advice_id, namespace, given_at, session_id, execution_id, agent_id, kind, opportunity, arm, items, latency_ms,
    tokens_added, followed, accepted, outcome
FROM advice;

DROP TABLE advice;
ALTER TABLE advice_new RENAME TO advice;
CREATE INDEX ix_advice_execution ON advice (execution_id);
CREATE INDEX ix_advice_session ON advice (namespace, session_id, given_at);
CREATE INDEX ix_advice_time ON advice (namespace, given_at, advice_id);

CREATE TABLE modes_new (
    namespace TEXT NOT NULL,
    agent TEXT NOT NULL,
    mode TEXT NOT NULL,
    kill_switch BOOLEAN DEFAULT 0 NOT NULL,
    set_by TEXT,
    set_at VARCHAR(27) NOT NULL,
    CONSTRAINT pk_modes PRIMARY KEY (namespace, agent),
    CONSTRAINT ck_modes_mode CHECK (mode IN ('shadow', 'suggest', 'opt_in', 'auto'))
);

INSERT INTO modes_new (namespace, agent, mode, kill_switch, set_by, set_at)
SELECT namespace, agent, mode, kill_switch, set_by, set_at FROM modes
WHERE mode IN ('shadow', 'suggest', 'opt_in', 'auto');

DROP TABLE modes;
ALTER TABLE modes_new RENAME TO modes;

-- Revision 0003, PostgreSQL: advice that says by which chance it was given, and modes of known names.
ALTER TABLE advice
    ALTER COLUMN kind DROP NOT NULL,
    ALTER COLUMN opportunity DROP NOT NULL,
    ALTER COLUMN arm DROP NOT NULL,
    ADD COLUMN about_id UUID,
    ADD COLUMN source TEXT,
    ADD COLUMN user_id TEXT,
    ADD COLUMN repo TEXT,
    ADD COLUMN moment TEXT,
    ADD COLUMN share DOUBLE PRECISION,
    ADD COLUMN unit TEXT,
    ADD COLUMN subject TEXT,
    ADD COLUMN reason TEXT,
    ADD COLUMN endpoints JSONB,
    ADD CONSTRAINT ck_advice_moment CHECK (moment IN ('prompt', 'before_tool', 'after_failure', 'asked')),
    ADD CONSTRAINT ck_advice_share CHECK (share BETWEEN 0 AND 1);
CREATE INDEX ix_advice_time ON advice (namespace, given_at, advice_id);

DELETE FROM modes WHERE mode NOT IN ('shadow', 'suggest', 'opt_in', 'auto');
ALTER TABLE modes ADD CONSTRAINT ck_modes_mode CHECK (mode IN ('shadow', 'suggest', 'opt_in', 'auto'));

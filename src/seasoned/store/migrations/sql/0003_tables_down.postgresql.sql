-- Undoes 0003_tables on PostgreSQL. Advice of which it is not known whether it was given goes.
ALTER TABLE modes DROP CONSTRAINT ck_modes_mode;

DROP INDEX ix_advice_time;
DELETE FROM advice WHERE kind IS NULL OR opportunity IS NULL OR arm IS NULL;
ALTER TABLE advice
    DROP CONSTRAINT ck_advice_moment,
    DROP CONSTRAINT ck_advice_share,
    DROP COLUMN about_id,
    DROP COLUMN source,
    DROP COLUMN user_id,
    DROP COLUMN repo,
    DROP COLUMN moment,
    DROP COLUMN share,
    DROP COLUMN unit,
    DROP COLUMN subject,
    DROP COLUMN reason,
    DROP COLUMN endpoints,
    ALTER COLUMN kind SET NOT NULL,
    ALTER COLUMN opportunity SET NOT NULL,
    ALTER COLUMN arm SET NOT NULL;

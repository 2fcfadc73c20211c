-- A phone that came by a recovery code typed in an unknown browser is on hold until then.
ALTER TABLE devices ADD COLUMN held_until BIGINT;
-- Opened by a recovery code or pass, in this bound browser or in an unknown one.
ALTER TABLE enrolments ADD COLUMN opened_by_recovery BIGINT NOT NULL DEFAULT 0;
ALTER TABLE enrolments ADD COLUMN opened_by_browser BYTEA;

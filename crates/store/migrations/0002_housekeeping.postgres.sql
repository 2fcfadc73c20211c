-- Housekeeping finds what ended without reading whole tables.
CREATE INDEX sessions_by_start ON sessions (created_at);
CREATE INDEX app_sessions_of_session ON app_sessions (session_id);
CREATE INDEX enrolments_by_end ON enrolments (expires_at);
CREATE INDEX browsers_by_start ON browsers (created_at);
CREATE INDEX browser_secrets_of_browser ON browser_secrets (browser_id);
CREATE INDEX devices_pending ON devices (created_at) WHERE state = 'pending';
DROP INDEX enrolments_by_device;

-- Recovery codes and passes that have not been used. `hash` is sealed under the data key.
CREATE TABLE recovery_codes (
    id BLOB PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id),
    kind TEXT NOT NULL CHECK (kind IN ('code', 'pass')),
    prefix TEXT NOT NULL,
    hash BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    checksum BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX recovery_codes_of_user ON recovery_codes (user_id);

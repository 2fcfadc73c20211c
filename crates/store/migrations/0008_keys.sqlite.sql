-- Security keys and passkeys that belong to no phone. `counter` is the authenticator's signature counter as last seen.
CREATE TABLE security_keys (
    id BLOB PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    credential_id BLOB NOT NULL UNIQUE,
    public_key BLOB NOT NULL,
    aaguid BLOB NOT NULL,
    backup_eligible INTEGER NOT NULL,
    counter INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    checksum BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX security_keys_of_user ON security_keys (user_id);

-- The key that an enrolment ended with in place of a phone; `device_id` then holds its id as well.
ALTER TABLE enrolments ADD COLUMN key_id BLOB;

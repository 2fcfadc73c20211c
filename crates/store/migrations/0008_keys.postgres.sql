-- Security keys and passkeys that belong to no phone. `counter` is the authenticator's signature counter as last seen.
CREATE TABLE security_keys (
    id BYTEA PRIMARY KEY,
    user_id BYTEA NOT NULL REFERENCES users (id),
    name TEXT COLLATE "C" NOT NULL,
    credential_id BYTEA NOT NULL UNIQUE,
    public_key BYTEA NOT NULL,
    aaguid BYTEA NOT NULL,
    backup_eligible BIGINT NOT NULL,
    counter BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    checksum BYTEA
);
CREATE INDEX security_keys_of_user ON security_keys (user_id);

-- The key that an enrolment ended with in place of a phone; `device_id` then holds its id as well.
ALTER TABLE enrolments ADD COLUMN key_id BYTEA;

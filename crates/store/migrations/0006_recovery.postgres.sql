-- Recovery codes and passes that have not been used. `hash` is sealed under the data key.
CREATE TABLE recovery_codes (
    id BYTEA PRIMARY KEY,
    user_id BYTEA NOT NULL REFERENCES users (id),
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('code', 'pass')),
    prefix TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    checksum BYTEA
);
CREATE INDEX recovery_codes_of_user ON recovery_codes (user_id);

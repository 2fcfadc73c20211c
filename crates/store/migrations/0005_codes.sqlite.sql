-- Tokens that make one-time codes. `next_counter` is the first step or count whose code is still good.
CREATE TABLE oath_tokens (
    id BLOB PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    step INTEGER,
    algorithm TEXT NOT NULL,
    digits INTEGER NOT NULL,
    secret BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'active')),
    next_counter INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    checksum BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX oath_tokens_of_user ON oath_tokens (user_id);

-- The token whose code proved the sign-in.
ALTER TABLE sign_ins ADD COLUMN token_id BLOB;

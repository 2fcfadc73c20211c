-- Tokens that make one-time codes. `next_counter` is the first step or count whose code is still good.
CREATE TABLE oath_tokens (
    id BYTEA PRIMARY KEY,
    user_id BYTEA NOT NULL REFERENCES users (id),
    name TEXT COLLATE "C" NOT NULL,
    step BIGINT,
    algorithm TEXT COLLATE "C" NOT NULL,
    digits BIGINT NOT NULL,
    secret BYTEA NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('pending', 'active')),
    next_counter BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    checksum BYTEA
);
CREATE INDEX oath_tokens_of_user ON oath_tokens (user_id);

-- The token whose code proved the sign-in.
ALTER TABLE sign_ins ADD COLUMN token_id BYTEA;

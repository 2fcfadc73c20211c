-- Ids are 16 random bytes, hashes 32 bytes, times milliseconds since the epoch, truth 0 or 1, states text. Text is ordered by
-- its bytes, as in SQLite.

-- The store's clock, the only one that judges expiry (INV-06): it goes on inside a transaction.
CREATE FUNCTION nod_now() RETURNS BIGINT LANGUAGE sql VOLATILE AS $$
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::BIGINT
$$;

-- The number of an advisory lock for whatever has these bytes as its id. Two ids that share it wait for each other, no more.
CREATE FUNCTION nod_lock(id BYTEA) RETURNS BIGINT LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT ('x' || encode(substring(id FROM 1 FOR 8), 'hex'))::BIT(64)::BIGINT
$$;

-- The last event of the audit, held until the transaction ends: whoever adds one waits here for whoever added the one before, and
-- the second statement then sees it.
CREATE FUNCTION nod_end_of_chain() RETURNS TABLE (place BIGINT, hash BYTEA) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7957689017749733378);
    RETURN QUERY SELECT audit.place, audit.hash FROM audit ORDER BY audit.place DESC LIMIT 1;
END
$$;

CREATE TABLE users (
    id BYTEA PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    display_name TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('active', 'disabled')),
    password_hash TEXT COLLATE "C",
    number_always BIGINT NOT NULL,
    terminal_phone BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    checksum BYTEA
);

CREATE TABLE user_groups (
    id BYTEA PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

CREATE TABLE members (
    group_id BYTEA NOT NULL REFERENCES user_groups (id) ON DELETE CASCADE,
    user_id BYTEA NOT NULL REFERENCES users (id),
    checksum BYTEA,
    PRIMARY KEY (group_id, user_id)
);

CREATE TABLE apps (
    id BYTEA PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    display_name TEXT COLLATE "C" NOT NULL,
    origin TEXT COLLATE "C" NOT NULL UNIQUE,
    group_id BYTEA REFERENCES user_groups (id),
    created_at BIGINT NOT NULL,
    checksum BYTEA
);

CREATE TABLE devices (
    id BYTEA PRIMARY KEY,
    user_id BYTEA NOT NULL REFERENCES users (id),
    name TEXT COLLATE "C" NOT NULL,
    platform TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('pending', 'active', 'revoked')),
    device_key TEXT COLLATE "C" NOT NULL,
    checksum BYTEA,
    notifications TEXT COLLATE "C" NOT NULL,
    subscription_id BYTEA,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL
);
CREATE INDEX devices_of_user ON devices (user_id);
CREATE INDEX devices_by_subscription ON devices (subscription_id) WHERE subscription_id IS NOT NULL;

-- A passkey falls with its phone.
CREATE TABLE passkeys (
    id BYTEA PRIMARY KEY,
    user_id BYTEA NOT NULL REFERENCES users (id),
    device_id BYTEA NOT NULL UNIQUE REFERENCES devices (id),
    credential_id BYTEA NOT NULL UNIQUE,
    public_key BYTEA NOT NULL,
    backup_eligible BIGINT NOT NULL,
    checksum BYTEA,
    created_at BIGINT NOT NULL
);
CREATE INDEX passkeys_of_user ON passkeys (user_id);

CREATE TABLE subscriptions (
    id BYTEA PRIMARY KEY,
    endpoint TEXT COLLATE "C" NOT NULL,
    p256dh BYTEA NOT NULL,
    auth BYTEA NOT NULL,
    refusals BIGINT NOT NULL
);

CREATE TABLE device_sessions (
    secret BYTEA NOT NULL,
    device_id BYTEA NOT NULL REFERENCES devices (id),
    expires_at BIGINT NOT NULL,
    checksum BYTEA,
    PRIMARY KEY (secret, device_id)
);
CREATE INDEX device_sessions_of_device ON device_sessions (device_id);

CREATE TABLE nonces (
    nonce BYTEA PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX nonces_by_end ON nonces (expires_at);

CREATE TABLE browsers (
    id BYTEA PRIMARY KEY,
    user_id BYTEA NOT NULL REFERENCES users (id),
    label TEXT COLLATE "C" NOT NULL,
    bound_by TEXT COLLATE "C" NOT NULL,
    bound BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    checksum BYTEA
);
CREATE INDEX browsers_of_user ON browsers (user_id);

CREATE TABLE browser_secrets (
    hash BYTEA PRIMARY KEY,
    browser_id BYTEA NOT NULL REFERENCES browsers (id),
    issued_at BIGINT NOT NULL,
    retired BIGINT NOT NULL,
    checksum BYTEA
);
CREATE INDEX browser_secrets_live ON browser_secrets (browser_id) WHERE retired = 0;

CREATE TABLE sign_ins (
    row BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id BYTEA NOT NULL UNIQUE,
    secret BYTEA NOT NULL,
    user_id BYTEA NOT NULL REFERENCES users (id),
    app_id BYTEA,
    return_to TEXT COLLATE "C" NOT NULL,
    binding BYTEA,
    browser_id BYTEA,
    address TEXT COLLATE "C" NOT NULL,
    agent TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('open', 'proved', 'finished', 'cancelled')),
    passkey_id BYTEA,
    keep_browser BIGINT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    checksum BYTEA
);
CREATE INDEX sign_ins_by_end ON sign_ins (expires_at);
CREATE INDEX sign_ins_open_of_browser ON sign_ins (browser_id) WHERE state = 'open';

-- Kept when their sign-in is swept: an answered challenge is evidence.
CREATE TABLE challenges (
    row BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id BYTEA NOT NULL UNIQUE,
    sign_in_id BYTEA NOT NULL,
    user_id BYTEA NOT NULL REFERENCES users (id),
    version BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (
        state IN ('pending', 'approved', 'consumed', 'denied', 'failed', 'expired', 'superseded', 'withdrawn')
    ),
    nonce BYTEA NOT NULL,
    context BYTEA NOT NULL,
    number TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    answer_device BYTEA,
    decision TEXT COLLATE "C",
    jws TEXT COLLATE "C",
    assertion TEXT COLLATE "C",
    answered_at BIGINT,
    checksum BYTEA,
    CHECK ((state IN ('approved', 'consumed', 'denied', 'failed')) = (answer_device IS NOT NULL))
);
CREATE INDEX challenges_of_sign_in ON challenges (sign_in_id);
CREATE INDEX challenges_pending ON challenges (user_id) WHERE state = 'pending';
CREATE INDEX challenges_denied ON challenges (user_id, answered_at) WHERE state IN ('denied', 'failed');
CREATE INDEX challenges_answered ON challenges (answer_device, answered_at) WHERE answer_device IS NOT NULL;

CREATE TABLE pushes (
    row BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id BYTEA NOT NULL UNIQUE,
    kind TEXT COLLATE "C" NOT NULL,
    subject BYTEA NOT NULL,
    device_id BYTEA NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('queued', 'claimed', 'accepted', 'dropped')),
    due_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL
);
CREATE INDEX pushes_open ON pushes (due_at) WHERE state IN ('queued', 'claimed');
CREATE INDEX pushes_of_subject ON pushes (subject);
CREATE INDEX pushes_by_end ON pushes (expires_at);

CREATE TABLE stages (
    row BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject BYTEA NOT NULL,
    device_id BYTEA NOT NULL,
    stage TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    UNIQUE (subject, device_id, stage)
);

CREATE TABLE sessions (
    row BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id BYTEA NOT NULL UNIQUE,
    user_id BYTEA NOT NULL REFERENCES users (id),
    secret BYTEA NOT NULL UNIQUE,
    browser_id BYTEA,
    method TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    agent TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    ended BIGINT NOT NULL,
    checksum BYTEA
);
CREATE INDEX sessions_of_user ON sessions (user_id) WHERE ended = 0;

CREATE TABLE app_codes (
    code BYTEA PRIMARY KEY,
    session_id BYTEA NOT NULL,
    app_id BYTEA NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    binding BYTEA NOT NULL,
    return_to TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL,
    used BIGINT NOT NULL,
    checksum BYTEA
);

CREATE TABLE app_sessions (
    secret BYTEA PRIMARY KEY,
    session_id BYTEA NOT NULL,
    app_id BYTEA NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    checksum BYTEA
);

CREATE TABLE enrolments (
    id BYTEA PRIMARY KEY,
    user_id BYTEA NOT NULL REFERENCES users (id),
    opened_by_session BYTEA,
    link BYTEA NOT NULL UNIQUE,
    session BYTEA UNIQUE,
    state TEXT COLLATE "C" NOT NULL CHECK (
        state IN ('issued', 'opened', 'proved', 'coded', 'joined', 'confirmed', 'introduced', 'ended')
    ),
    code BYTEA,
    code_expires_at BIGINT,
    device_id BYTEA,
    password_tries BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    checksum BYTEA,
    CHECK ((state = 'coded') = (code IS NOT NULL)),
    CHECK ((state IN ('joined', 'confirmed', 'introduced')) = (device_id IS NOT NULL))
);
CREATE INDEX enrolments_of_user ON enrolments (user_id);
CREATE INDEX enrolments_by_code ON enrolments (code) WHERE code IS NOT NULL;
CREATE INDEX enrolments_by_device ON enrolments (device_id) WHERE device_id IS NOT NULL;

CREATE TABLE introduction_links (
    secret BYTEA PRIMARY KEY,
    user_id BYTEA NOT NULL REFERENCES users (id),
    expires_at BIGINT NOT NULL,
    used BIGINT NOT NULL,
    checksum BYTEA
);

CREATE TABLE counters (
    bucket TEXT COLLATE "C" PRIMARY KEY,
    since BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    count BIGINT NOT NULL
);

CREATE TABLE audit (
    place BIGINT PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    user_id BYTEA,
    user_name TEXT COLLATE "C",
    app_id BYTEA,
    app_name TEXT COLLATE "C",
    device_id BYTEA,
    device_name TEXT COLLATE "C",
    address TEXT COLLATE "C",
    detail TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL
);

CREATE TABLE meta (
    key TEXT COLLATE "C" PRIMARY KEY,
    value BYTEA NOT NULL
);

-- What each commit changed, for nodes that did not hear it said. Nodes that lost their connection wake everybody, so it need not survive a crash.
CREATE UNLOGGED TABLE wakes (
    xid XID8 NOT NULL,
    topic TEXT COLLATE "C" NOT NULL,
    node TEXT NOT NULL,
    at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (xid, topic)
);

-- Ids are 16 random bytes, hashes 32 bytes, times milliseconds since the epoch, states text.

CREATE TABLE users (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'disabled')),
    password_hash TEXT,
    number_always INTEGER NOT NULL,
    terminal_phone INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    checksum BLOB
) STRICT, WITHOUT ROWID;

CREATE TABLE user_groups (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE members (
    group_id BLOB NOT NULL REFERENCES user_groups (id) ON DELETE CASCADE,
    user_id BLOB NOT NULL REFERENCES users (id),
    checksum BLOB,
    PRIMARY KEY (group_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE apps (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    origin TEXT NOT NULL UNIQUE,
    group_id BLOB REFERENCES user_groups (id),
    created_at INTEGER NOT NULL,
    checksum BLOB
) STRICT, WITHOUT ROWID;

CREATE TABLE devices (
    id BLOB PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    platform TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'active', 'revoked')),
    device_key TEXT NOT NULL,
    checksum BLOB,
    notifications TEXT NOT NULL,
    subscription_id BLOB,
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX devices_of_user ON devices (user_id);
CREATE INDEX devices_by_subscription ON devices (subscription_id) WHERE subscription_id IS NOT NULL;

-- A passkey falls with its phone.
CREATE TABLE passkeys (
    id BLOB PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id),
    device_id BLOB NOT NULL UNIQUE REFERENCES devices (id),
    credential_id BLOB NOT NULL UNIQUE,
    public_key BLOB NOT NULL,
    backup_eligible INTEGER NOT NULL,
    checksum BLOB,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX passkeys_of_user ON passkeys (user_id);

CREATE TABLE subscriptions (
    id BLOB PRIMARY KEY,
    endpoint TEXT NOT NULL,
    p256dh BLOB NOT NULL,
    auth BLOB NOT NULL,
    refusals INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE device_sessions (
    secret BLOB NOT NULL,
    device_id BLOB NOT NULL REFERENCES devices (id),
    expires_at INTEGER NOT NULL,
    checksum BLOB,
    PRIMARY KEY (secret, device_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX device_sessions_of_device ON device_sessions (device_id);

CREATE TABLE nonces (
    nonce BLOB PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX nonces_by_end ON nonces (expires_at);

CREATE TABLE browsers (
    id BLOB PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id),
    label TEXT NOT NULL,
    bound_by TEXT NOT NULL,
    bound INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    checksum BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX browsers_of_user ON browsers (user_id);

CREATE TABLE browser_secrets (
    hash BLOB PRIMARY KEY,
    browser_id BLOB NOT NULL REFERENCES browsers (id),
    issued_at INTEGER NOT NULL,
    retired INTEGER NOT NULL,
    checksum BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX browser_secrets_live ON browser_secrets (browser_id) WHERE retired = 0;

CREATE TABLE sign_ins (
    row INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    secret BLOB NOT NULL,
    user_id BLOB NOT NULL REFERENCES users (id),
    app_id BLOB,
    return_to TEXT NOT NULL,
    binding BLOB,
    browser_id BLOB,
    address TEXT NOT NULL,
    agent TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'proved', 'finished', 'cancelled')),
    passkey_id BLOB,
    keep_browser INTEGER,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    checksum BLOB
) STRICT;
CREATE INDEX sign_ins_by_end ON sign_ins (expires_at);
CREATE INDEX sign_ins_open_of_browser ON sign_ins (browser_id) WHERE state = 'open';

-- Kept when their sign-in is swept: an answered challenge is evidence.
CREATE TABLE challenges (
    row INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    sign_in_id BLOB NOT NULL,
    user_id BLOB NOT NULL REFERENCES users (id),
    version INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (
        state IN ('pending', 'approved', 'consumed', 'denied', 'failed', 'expired', 'superseded', 'withdrawn')
    ),
    nonce BLOB NOT NULL,
    context BLOB NOT NULL,
    number TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    answer_device BLOB,
    decision TEXT,
    jws TEXT,
    assertion TEXT,
    answered_at INTEGER,
    checksum BLOB,
    CHECK ((state IN ('approved', 'consumed', 'denied', 'failed')) = (answer_device IS NOT NULL))
) STRICT;
CREATE INDEX challenges_of_sign_in ON challenges (sign_in_id);
CREATE INDEX challenges_pending ON challenges (user_id) WHERE state = 'pending';
CREATE INDEX challenges_denied ON challenges (user_id, answered_at) WHERE state IN ('denied', 'failed');
CREATE INDEX challenges_answered ON challenges (answer_device, answered_at) WHERE answer_device IS NOT NULL;

CREATE TABLE pushes (
    row INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    subject BLOB NOT NULL,
    device_id BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'claimed', 'accepted', 'dropped')),
    due_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL
) STRICT;
CREATE INDEX pushes_open ON pushes (due_at) WHERE state IN ('queued', 'claimed');
CREATE INDEX pushes_of_subject ON pushes (subject);
CREATE INDEX pushes_by_end ON pushes (expires_at);

CREATE TABLE stages (
    row INTEGER PRIMARY KEY,
    subject BLOB NOT NULL,
    device_id BLOB NOT NULL,
    stage TEXT NOT NULL,
    at INTEGER NOT NULL,
    UNIQUE (subject, device_id, stage)
) STRICT;

CREATE TABLE sessions (
    row INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    user_id BLOB NOT NULL REFERENCES users (id),
    secret BLOB NOT NULL UNIQUE,
    browser_id BLOB,
    method TEXT NOT NULL,
    address TEXT NOT NULL,
    agent TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    checksum BLOB
) STRICT;
CREATE INDEX sessions_of_user ON sessions (user_id) WHERE ended = 0;

CREATE TABLE app_codes (
    code BLOB PRIMARY KEY,
    session_id BLOB NOT NULL,
    app_id BLOB NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    binding BLOB NOT NULL,
    return_to TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    used INTEGER NOT NULL,
    checksum BLOB
) STRICT, WITHOUT ROWID;

CREATE TABLE app_sessions (
    secret BLOB PRIMARY KEY,
    session_id BLOB NOT NULL,
    app_id BLOB NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    checksum BLOB
) STRICT, WITHOUT ROWID;

CREATE TABLE enrolments (
    id BLOB PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id),
    opened_by_session BLOB,
    link BLOB NOT NULL UNIQUE,
    session BLOB UNIQUE,
    state TEXT NOT NULL CHECK (
        state IN ('issued', 'opened', 'proved', 'coded', 'joined', 'confirmed', 'introduced', 'ended')
    ),
    code BLOB,
    code_expires_at INTEGER,
    device_id BLOB,
    password_tries INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    checksum BLOB,
    CHECK ((state = 'coded') = (code IS NOT NULL)),
    CHECK ((state IN ('joined', 'confirmed', 'introduced')) = (device_id IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX enrolments_of_user ON enrolments (user_id);
CREATE INDEX enrolments_by_code ON enrolments (code) WHERE code IS NOT NULL;
CREATE INDEX enrolments_by_device ON enrolments (device_id) WHERE device_id IS NOT NULL;

CREATE TABLE introduction_links (
    secret BLOB PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id),
    expires_at INTEGER NOT NULL,
    used INTEGER NOT NULL,
    checksum BLOB
) STRICT, WITHOUT ROWID;

CREATE TABLE counters (
    bucket TEXT PRIMARY KEY,
    since INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    place INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    user_id BLOB,
    user_name TEXT,
    app_id BLOB,
    app_name TEXT,
    device_id BLOB,
    device_name TEXT,
    address TEXT,
    detail TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- A password that was right and a code that is awaited. Hashes are SHA-256 of the token and of token‖code; times are Unix seconds.
CREATE TABLE sign_ins (
    token    BYTEA PRIMARY KEY,
    account  TEXT    NOT NULL,
    code     BYTEA    NOT NULL,
    expires  BIGINT  NOT NULL,
    attempts BIGINT  NOT NULL,
    sent     BIGINT  NOT NULL   -- how many codes so far
);
CREATE TABLE sessions (
    token     BYTEA PRIMARY KEY,
    account   TEXT    NOT NULL,
    signed_in BIGINT  NOT NULL,
    used      BIGINT  NOT NULL
);
-- A code that binds an invitation to another device. The operator may read it out, so it stands here in clear.
CREATE TABLE device_codes (
    scope    TEXT PRIMARY KEY,
    code     TEXT    NOT NULL,
    expires  BIGINT  NOT NULL,
    attempts BIGINT  NOT NULL
);
CREATE TABLE api_tokens (
    token   BYTEA PRIMARY KEY,
    agency  TEXT NOT NULL
);

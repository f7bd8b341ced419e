-- A password that was right and a code that is awaited. Hashes are SHA-256 of the token and of token‖code; times are Unix seconds.
CREATE TABLE sign_ins (
    token    BLOB PRIMARY KEY,
    account  TEXT    NOT NULL,
    code     BLOB    NOT NULL,
    expires  INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    sent     INTEGER NOT NULL   -- how many codes so far
);
CREATE TABLE sessions (
    token     BLOB PRIMARY KEY,
    account   TEXT    NOT NULL,
    signed_in INTEGER NOT NULL,
    used      INTEGER NOT NULL
);
-- A code that binds an invitation to another device. The operator may read it out, so it stands here in clear.
CREATE TABLE device_codes (
    scope    TEXT PRIMARY KEY,
    code     TEXT    NOT NULL,
    expires  INTEGER NOT NULL,
    attempts INTEGER NOT NULL
);
CREATE TABLE api_tokens (
    token   BLOB PRIMARY KEY,
    agency  TEXT NOT NULL
);

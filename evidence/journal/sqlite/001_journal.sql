-- The record itself. Bodies, salts and parts are sealed by the vault; NULL where their class was erased before.
CREATE TABLE entries (
    idx   INTEGER PRIMARY KEY,  -- place in the tree, from 0
    scope TEXT    NOT NULL,     -- interview id, or stream:NAME
    n     INTEGER NOT NULL,
    kind  TEXT    NOT NULL,
    line  BLOB    NOT NULL,     -- the very bytes that were hashed
    body  BLOB,                 -- sealed salt‖body
    UNIQUE (scope, n)
);
CREATE INDEX entries_kind ON entries (kind, idx) WHERE kind IN ('interview-scheduled', 'class-erased');
CREATE TABLE parts (
    idx    INTEGER NOT NULL REFERENCES entries (idx),
    path   TEXT    NOT NULL,
    class  TEXT    NOT NULL,
    salt   BLOB,                -- sealed salt of a file; NULL for a value
    sealed BLOB,                -- sealed bytes of a file, or sealed salt‖value
    PRIMARY KEY (idx, path)
);
-- Stored hashes of golang.org/x/mod/sumdb/tlog, and the head they give.
CREATE TABLE hashes (idx INTEGER PRIMARY KEY, hash BLOB NOT NULL);
CREATE TABLE head (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    size   INTEGER NOT NULL,
    root   BLOB    NOT NULL
);
-- Last number drawn of each agency's series of a year.
CREATE TABLE numbers (
    agency TEXT    NOT NULL,
    year   INTEGER NOT NULL,
    n      INTEGER NOT NULL,
    PRIMARY KEY (agency, year)
);
CREATE TABLE followers (name TEXT PRIMARY KEY, next INTEGER NOT NULL);
-- Derived from the record and rebuilt from it at any time: what lists and due work are read from.
CREATE TABLE interviews (
    id       TEXT PRIMARY KEY,
    agency   TEXT    NOT NULL,
    year     INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    operator TEXT    NOT NULL,  -- account
    start    TEXT    NOT NULL,  -- agreed, UTC
    minutes  INTEGER NOT NULL,
    person   TEXT    NOT NULL,
    tax_code TEXT    NOT NULL,
    mail     TEXT    NOT NULL,
    phone    TEXT    NOT NULL,
    search   TEXT    NOT NULL,  -- what Query looks in, lower case
    states   TEXT    NOT NULL,  -- JSON: from when which state is displayed
    attested INTEGER NOT NULL,  -- seconds, 0 before the close
    due      INTEGER NOT NULL,  -- 1: the record says that a step is or will be due
    more     TEXT    NOT NULL   -- JSON: the rest of a list's row
);
CREATE INDEX interviews_agency ON interviews (agency, start);
CREATE INDEX interviews_due ON interviews (id) WHERE due = 1;

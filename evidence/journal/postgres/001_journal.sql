-- The record itself. Bodies, salts and parts are sealed by the vault; NULL where their class was erased before.
-- Text is compared byte by byte ("C"), as SQLite does: ids and times sort the same on both engines.
CREATE TABLE entries (
    idx   BIGINT  PRIMARY KEY,          -- place in the tree, from 0
    scope TEXT    COLLATE "C" NOT NULL, -- interview id, or stream:NAME
    n     BIGINT  NOT NULL,
    kind  TEXT    COLLATE "C" NOT NULL,
    line  BYTEA   NOT NULL,             -- the very bytes that were hashed
    body  BYTEA,                        -- sealed salt‖body
    UNIQUE (scope, n)
);
CREATE INDEX entries_kind ON entries (kind, idx) WHERE kind IN ('interview-scheduled', 'class-erased');
CREATE TABLE parts (
    idx    BIGINT NOT NULL REFERENCES entries (idx),
    path   TEXT   COLLATE "C" NOT NULL,
    class  TEXT   COLLATE "C" NOT NULL,
    salt   BYTEA,                       -- sealed salt of a file; NULL for a value
    sealed BYTEA,                       -- sealed bytes of a file, or sealed salt‖value
    PRIMARY KEY (idx, path)
);
-- Stored hashes of golang.org/x/mod/sumdb/tlog, and the head they give.
CREATE TABLE hashes (idx BIGINT PRIMARY KEY, hash BYTEA NOT NULL);
CREATE TABLE head (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    size   BIGINT  NOT NULL,
    root   BYTEA   NOT NULL
);
-- Last number drawn of each agency's series of a year.
CREATE TABLE numbers (
    agency TEXT    COLLATE "C" NOT NULL,
    year   INTEGER NOT NULL,
    n      BIGINT  NOT NULL,
    PRIMARY KEY (agency, year)
);
CREATE TABLE followers (name TEXT COLLATE "C" PRIMARY KEY, next BIGINT NOT NULL);
-- Derived from the record and rebuilt from it at any time: what lists and due work are read from.
CREATE TABLE interviews (
    id       TEXT    COLLATE "C" PRIMARY KEY,
    agency   TEXT    COLLATE "C" NOT NULL,
    year     INTEGER NOT NULL,
    number   BIGINT  NOT NULL,
    operator TEXT    COLLATE "C" NOT NULL, -- account
    start    TEXT    COLLATE "C" NOT NULL, -- agreed, UTC
    minutes  BIGINT  NOT NULL,
    person   TEXT    NOT NULL,
    tax_code TEXT    NOT NULL,
    mail     TEXT    NOT NULL,
    phone    TEXT    NOT NULL,
    search   TEXT    COLLATE "C" NOT NULL, -- what Query looks in, lower case
    states   TEXT    NOT NULL,             -- JSON: from when which state is displayed
    attested BIGINT  NOT NULL,             -- seconds, 0 before the close
    due      INTEGER NOT NULL,             -- 1: the record says that a step is or will be due
    more     TEXT    NOT NULL              -- JSON: the rest of a list's row
);
CREATE INDEX interviews_agency ON interviews (agency, start);
CREATE INDEX interviews_due ON interviews (id) WHERE due = 1;

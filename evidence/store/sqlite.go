package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	engine "modernc.org/sqlite"
)

// pragmas are given in the DSN and not by a statement, so that every connection of the pool has them. FULL makes a
// commit durable when it returns, in WAL mode too (sqlite.org/pragma.html#pragma_synchronous).
var pragmas = []struct{ name, value string }{
	{"busy_timeout", "10000"},
	{"journal_mode", "WAL"},
	{"synchronous", "FULL"},
	{"foreign_keys", "1"},
	{"secure_delete", "1"}, // what an erasure clears is overwritten
	// The log of writes is copied into the database each 32 MB, not each 4: a commit touches a page per interview.
	{"wal_autocheckpoint", "8000"},
	{"cache_size", "-16000"}, // KB
}

// sqlite needs no row lock and no turn: an immediate transaction excludes every other writer.
var sqlite = dialect{
	name:    "sqlite",
	connect: connectSQLite,
	rewrite: func(query string) string { return query },
}

func connectSQLite(_ context.Context, dsn string) (driver.Connector, error) {
	file := strings.TrimPrefix(dsn, "sqlite:")
	if file == "" {
		return nil, fmt.Errorf("sqlite: the file is missing")
	}
	path, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	var query strings.Builder
	query.WriteString("_txlock=immediate")
	for _, p := range pragmas {
		fmt.Fprintf(&query, "&_pragma=%s(%s)", p.name, p.value)
	}
	return sqliteConnector{&engine.Driver{}, "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + query.String()}, nil
}

type sqliteConnector struct {
	driver *engine.Driver
	name   string
}

func (c sqliteConnector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.name) }

func (c sqliteConnector) Driver() driver.Driver { return c.driver }

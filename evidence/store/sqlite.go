package store

import (
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// pragmas are given in the DSN and not by a statement, so that every connection of the pool has them. FULL makes a
// commit durable when it returns, in WAL mode too (sqlite.org/pragma.html#pragma_synchronous).
var pragmas = []struct{ name, value string }{
	{"busy_timeout", "10000"},
	{"journal_mode", "WAL"},
	{"synchronous", "FULL"},
	{"foreign_keys", "1"},
	{"secure_delete", "1"}, // what an erasure clears is overwritten
}

type sqlite struct{}

func (sqlite) name() string { return "sqlite" }

func (sqlite) open(file string) (*sql.DB, error) {
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
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+query.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	return db, nil
}

func (sqlite) rewrite(query string) string { return query }

// lock is empty: an immediate transaction already excludes every other writer.
func (sqlite) lock() string { return "" }

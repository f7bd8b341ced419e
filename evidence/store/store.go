// Package store opens the one database of an installation and says how it is written: one writer at a time, durable at
// commit, schemas brought up to date by numbered SQL files.
//
// Above it nobody asks which engine it is on. Queries are written with "?"; Q rewrites them where the engine counts
// placeholders.
package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
)

// dialect is what differs between engines.
type dialect struct {
	name string
	// connect gives the source of connections for a DSN; each has what the engine needs to be durable.
	connect func(ctx context.Context, dsn string) (driver.Connector, error)
	rewrite func(query string) string
	// lock is the statement suffix by which a transaction takes the row it reads for itself.
	lock string
	// turn, where set, is what a write transaction does first to be the only one, other processes' included.
	turn string
	// shared tells that other processes may write to the same database.
	shared bool
}

// dialects are the engines by the scheme of their DSN.
var dialects = map[string]dialect{"sqlite": sqlite, "postgres": postgres, "postgresql": postgres}

// DB is an open database. Reads go through SQL or View; writes through Write.
type DB struct {
	sql     *sql.DB
	dialect dialect
	writing chan struct{} // holds one token: the right to write
}

// Open opens "sqlite:FILE", making the file when it is absent, or "postgres://USER:PASSWORD@HOST/DATABASE?…" with the
// settings of libpq's connection URI. A PostgreSQL server that does not keep what it acknowledges is refused.
func Open(ctx context.Context, dsn string) (*DB, error) {
	return OpenThrough(ctx, dsn, func(c driver.Connector) driver.Connector { return c })
}

// OpenThrough is Open with every connection passing through the connector that through makes: so it is tested what a
// failing disk or network does.
func OpenThrough(ctx context.Context, dsn string, through func(driver.Connector) driver.Connector) (*DB, error) {
	scheme, _, ok := strings.Cut(dsn, ":")
	d, known := dialects[scheme]
	if !ok || !known {
		return nil, fmt.Errorf("open database: %q is not a known engine, want sqlite:FILE or postgres://HOST/DATABASE", scheme)
	}
	connector, err := d.connect(ctx, dsn)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	handle := sql.OpenDB(through(connector))
	handle.SetMaxOpenConns(maxConns)
	handle.SetMaxIdleConns(maxConns)
	if err := handle.PingContext(ctx); err != nil {
		return nil, fmt.Errorf("open database: %w", errors.Join(err, handle.Close()))
	}
	db := &DB{sql: handle, dialect: d, writing: make(chan struct{}, 1)}
	db.writing <- struct{}{}
	return db, nil
}

// maxConns bounds the connections of a process.
const maxConns = 8

// Close closes every connection.
func (db *DB) Close() error { return db.sql.Close() }

// SQL is the pool, for reads outside a transaction.
func (db *DB) SQL() *sql.DB { return db.sql }

// Engine is "sqlite" or "postgres".
func (db *DB) Engine() string { return db.dialect.name }

// Shared tells that other processes may write to the same database.
func (db *DB) Shared() bool { return db.dialect.shared }

// Q rewrites the "?" placeholders of a query for the engine.
func (db *DB) Q(query string) string { return db.dialect.rewrite(query) }

// Locking is Q for a SELECT whose rows stay locked until the transaction ends.
func (db *DB) Locking(query string) string { return db.dialect.rewrite(query + db.dialect.lock) }

// Write runs f in the only write transaction there is, those of other processes included. It commits when f returns nil
// and rolls back otherwise; once Write has returned nil the change is on disk. An error does not say that it is not: the
// commit's answer may have been lost.
func (db *DB) Write(ctx context.Context, f func(*sql.Tx) error) (err error) {
	select {
	case <-db.writing:
	case <-ctx.Done():
		return fmt.Errorf("wait to write: %w", ctx.Err())
	}
	defer func() { db.writing <- struct{}{} }()
	return db.transact(ctx, nil, func(tx *sql.Tx) error {
		if db.dialect.turn != "" {
			if _, err := tx.ExecContext(ctx, db.dialect.turn); err != nil {
				return fmt.Errorf("wait to write: %w", err)
			}
		}
		return f(tx)
	})
}

// View runs f in a transaction that sees the database as it is at its first read, whatever is written meanwhile.
func (db *DB) View(ctx context.Context, f func(*sql.Tx) error) error {
	return db.transact(ctx, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}, f)
}

func (db *DB) transact(ctx context.Context, options *sql.TxOptions, f func(*sql.Tx) error) (err error) {
	tx, err := db.sql.BeginTx(ctx, options)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	defer func() {
		if p := recover(); p != nil {
			_ = tx.Rollback()
			panic(p)
		}
		if err != nil {
			_ = tx.Rollback()
		}
	}()
	if err := f(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// Package store opens the one database of an installation and says how it is written: one writer at a time, durable at
// commit, schemas brought up to date by numbered SQL files.
//
// Above it nobody asks which engine it is on. Queries are written with "?"; Q rewrites them where the engine counts
// placeholders.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// dialect is what differs between engines.
type dialect interface {
	name() string
	open(rest string) (*sql.DB, error)
	rewrite(query string) string
	// lock is the statement suffix by which a transaction takes the row it reads for itself.
	lock() string
}

// DB is an open database. Reads go through SQL; writes through Write.
type DB struct {
	sql     *sql.DB
	dialect dialect
	writing chan struct{} // holds one token: the right to write
}

// Open opens "sqlite:FILE", making the file when it is absent.
func Open(ctx context.Context, dsn string) (*DB, error) {
	scheme, rest, ok := strings.Cut(dsn, ":")
	if !ok || scheme != "sqlite" {
		return nil, fmt.Errorf("open database: %q is not a known engine, want sqlite:FILE", scheme)
	}
	d := sqlite{}
	handle, err := d.open(rest)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := handle.PingContext(ctx); err != nil {
		return nil, fmt.Errorf("open database: %w", errors.Join(err, handle.Close()))
	}
	db := &DB{sql: handle, dialect: d, writing: make(chan struct{}, 1)}
	db.writing <- struct{}{}
	return db, nil
}

// Close closes every connection.
func (db *DB) Close() error { return db.sql.Close() }

// SQL is the pool, for reads outside a transaction.
func (db *DB) SQL() *sql.DB { return db.sql }

// Engine is "sqlite".
func (db *DB) Engine() string { return db.dialect.name() }

// Q rewrites the "?" placeholders of a query for the engine.
func (db *DB) Q(query string) string { return db.dialect.rewrite(query) }

// Locking is Q for a SELECT whose rows stay locked until the transaction ends.
func (db *DB) Locking(query string) string { return db.dialect.rewrite(query + db.dialect.lock()) }

// Write runs f in the only write transaction of this process. It commits when f returns nil and rolls back otherwise;
// once Write has returned nil the change is on disk.
func (db *DB) Write(ctx context.Context, f func(*sql.Tx) error) (err error) {
	select {
	case <-db.writing:
	case <-ctx.Done():
		return fmt.Errorf("wait to write: %w", ctx.Err())
	}
	defer func() { db.writing <- struct{}{} }()
	tx, err := db.sql.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin write: %w", err)
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

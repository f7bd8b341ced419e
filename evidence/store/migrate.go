package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Migrate brings the tables of one package up to date. The files are ENGINE/001_what.sql and so on (or sql/… where all
// engines read the same), numbered without a gap; each runs once, in its own transaction with the note that it ran. A
// database from a newer program is refused.
func (db *DB) Migrate(ctx context.Context, name string, files fs.FS) error {
	steps, err := fs.Glob(files, db.Engine()+"/*.sql") // sorted by name
	if err == nil && len(steps) == 0 {
		steps, err = fs.Glob(files, "sql/*.sql")
	}
	if err == nil && len(steps) == 0 {
		err = fmt.Errorf("there are no tables for %s", db.Engine())
	}
	if err != nil {
		return fmt.Errorf("migrate %s: %w", name, err)
	}
	for i, step := range steps {
		number, _, _ := strings.Cut(path.Base(step), "_")
		if n, err := strconv.Atoi(number); err != nil || n != i+1 {
			return fmt.Errorf("migrate %s: %s stands where number %d is due", name, step, i+1)
		}
	}
	const table = `CREATE TABLE IF NOT EXISTS schema_versions (name TEXT PRIMARY KEY, version INTEGER NOT NULL)`
	if err := db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, table)
		return err
	}); err != nil {
		return fmt.Errorf("migrate %s: %w", name, err)
	}
	for more := true; more; {
		err := db.Write(ctx, func(tx *sql.Tx) (err error) {
			more, err = db.step(ctx, tx, name, files, steps)
			return err
		})
		if err != nil {
			return fmt.Errorf("migrate %s: %w", name, err)
		}
	}
	return nil
}

func (db *DB) step(ctx context.Context, tx *sql.Tx, name string, files fs.FS, steps []string) (more bool, err error) {
	var have int
	err = tx.QueryRowContext(ctx, db.Locking("SELECT version FROM schema_versions WHERE name = ?"), name).Scan(&have)
	if errors.Is(err, sql.ErrNoRows) {
		_, err = tx.ExecContext(ctx, db.Q("INSERT INTO schema_versions (name, version) VALUES (?, 0)"), name)
	}
	switch {
	case err != nil:
		return false, err
	case have > len(steps):
		return false, fmt.Errorf("the database has version %d, this program knows %d: it is too old", have, len(steps))
	case have == len(steps):
		return false, nil
	}
	script, err := fs.ReadFile(files, steps[have])
	if err != nil {
		return false, err
	}
	if _, err := tx.ExecContext(ctx, string(script)); err != nil {
		return false, fmt.Errorf("%s: %w", steps[have], err)
	}
	_, err = tx.ExecContext(ctx, db.Q("UPDATE schema_versions SET version = ? WHERE name = ?"), have+1, name)
	return true, err
}

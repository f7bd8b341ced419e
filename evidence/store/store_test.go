package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"confermo/evidence/store/postgrestest"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Run(m)) }

// onEach runs a test of the contract against both engines.
func onEach(t *testing.T, test func(t *testing.T, db *DB)) {
	t.Run("sqlite", func(t *testing.T) { test(t, open(t, "sqlite:"+filepath.Join(t.TempDir(), "a b?c%20.db"))) })
	t.Run("postgres", func(t *testing.T) { test(t, open(t, postgrestest.DSN(t))) })
}

func open(t *testing.T, dsn string) *DB {
	t.Helper()
	db, err := Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestEveryConnectionHasThePragmas(t *testing.T) {
	db := open(t, "sqlite:"+filepath.Join(t.TempDir(), "x.db"))
	want := map[string]string{
		"busy_timeout": "10000", "journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "secure_delete": "1",
	}
	var held []*sql.Conn
	for range 8 { // all the pool may open, held at once so that none is read twice
		c, err := db.SQL().Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
		for name, value := range want {
			var got string
			if err := c.QueryRowContext(t.Context(), "PRAGMA "+name).Scan(&got); err != nil || got != value {
				t.Errorf("connection %d: %s = %s, %v; want %s", len(held), name, got, err, value)
			}
		}
	}
	for _, c := range held {
		_ = c.Close()
	}
}

func TestPostgresConnectionsWaitForTheDisk(t *testing.T) {
	dsn := postgrestest.DSN(t)
	db := open(t, dsn+"&synchronous_commit=off")
	var held []*sql.Conn
	for range maxConns {
		c, err := db.SQL().Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
		var commit string
		if err := c.QueryRowContext(t.Context(), "SHOW synchronous_commit").Scan(&commit); err != nil || commit != "on" {
			t.Errorf("connection %d: synchronous_commit = %s, %v", len(held), commit, err)
		}
	}
	for _, c := range held {
		_ = c.Close()
	}
}

func TestEnginesAndPlaceholders(t *testing.T) {
	for _, dsn := range []string{"", "sqlite", "sqlite:", "mysql:x", "postgres://h:x:y"} {
		if db, err := Open(t.Context(), dsn); err == nil {
			_ = db.Close()
			t.Errorf("%q was opened", dsn)
		}
	}
	if got, want := numbered(`a = ? AND b LIKE '%?' ESCAPE '\' AND c = ?`), `a = $1 AND b LIKE '%?' ESCAPE '\' AND c = $2`; got != want {
		t.Errorf("%s", got)
	}
}

func TestWritersTakeTurnsAndFailuresLeaveNothing(t *testing.T) { onEach(t, writersTakeTurns) }

func writersTakeTurns(t *testing.T, db *DB) {
	ctx := t.Context()
	if _, err := db.SQL().ExecContext(ctx, "CREATE TABLE c (n INTEGER); INSERT INTO c VALUES (0)"); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			err := db.Write(ctx, func(tx *sql.Tx) error {
				var n int
				if err := tx.QueryRow("SELECT n FROM c").Scan(&n); err != nil {
					return err
				}
				if _, err := tx.Exec(db.Q("UPDATE c SET n = ?"), n+1); err != nil {
					return err
				}
				if i%2 == 1 {
					return refused
				}
				return nil
			})
			if (i%2 == 1) != errors.Is(err, refused) {
				t.Errorf("writer %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	var n int
	if err := db.SQL().QueryRow("SELECT n FROM c").Scan(&n); err != nil || n != 20 {
		t.Fatalf("counted %d, %v; want 20", n, err)
	}
}

func TestViewSeesOneMoment(t *testing.T) {
	onEach(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		if _, err := db.SQL().ExecContext(ctx, "CREATE TABLE c (n INTEGER)"); err != nil {
			t.Fatal(err)
		}
		count := func(tx *sql.Tx) (n int) {
			if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM c").Scan(&n); err != nil {
				t.Error(err)
			}
			return n
		}
		err := db.View(ctx, func(tx *sql.Tx) error {
			before := count(tx)
			err := db.Write(ctx, func(w *sql.Tx) error {
				_, err := w.ExecContext(ctx, db.Q("INSERT INTO c VALUES (?)"), 1)
				return err
			})
			if err != nil {
				return err
			}
			if after := count(tx); before != 0 || after != 0 {
				t.Errorf("saw %d, then %d rows", before, after)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestMigrationsRunOnceAndRefuseTheFuture(t *testing.T) { onEach(t, migrations) }

func migrations(t *testing.T, db *DB) {
	ctx := context.Background()
	one := fstest.MapFS{"sql/001_a.sql": {Data: []byte("CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1);")}}
	two := fstest.MapFS{"sql/001_a.sql": one["sql/001_a.sql"], "sql/002_b.sql": {Data: []byte("INSERT INTO a VALUES (2);")}}
	for _, files := range []fstest.MapFS{one, one, two, two} {
		if err := db.Migrate(ctx, "test", files); err != nil {
			t.Fatal(err)
		}
	}
	var n int
	if err := db.SQL().QueryRow("SELECT count(*) FROM a").Scan(&n); err != nil || n != 2 {
		t.Fatalf("%d rows, %v; want 2", n, err)
	}
	if err := db.Migrate(ctx, "test", one); err == nil || !strings.Contains(err.Error(), "too old") {
		t.Fatalf("an older program opened a newer database: %v", err)
	}
	if err := db.Migrate(ctx, "gap", fstest.MapFS{"sql/002_a.sql": {}}); err == nil {
		t.Fatal("a gap in the numbers was accepted")
	}
}

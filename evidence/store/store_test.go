package store

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
)

func open(t *testing.T) *DB {
	t.Helper()
	db, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "a b?c%20.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestEveryConnectionHasThePragmas(t *testing.T) {
	db := open(t)
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

func TestWritersTakeTurnsAndFailuresLeaveNothing(t *testing.T) {
	db, ctx := open(t), t.Context()
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
				if _, err := tx.Exec("UPDATE c SET n = ?", n+1); err != nil {
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

func TestMigrationsRunOnceAndRefuseTheFuture(t *testing.T) {
	db, ctx := open(t), context.Background()
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

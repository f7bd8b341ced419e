package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/evidence/store"
	"confermo/evidence/vault"
)

func TestJournalCheckTellsASoundRecordFromAChangedOne(t *testing.T) {
	data, ctx := t.TempDir(), context.Background()
	check := func() (int, string) {
		var out, errs bytes.Buffer
		code := journalCommand(ctx, []string{"check", "-data", data}, &out, &errs)
		return code, out.String() + errs.String()
	}
	if code, says := check(); code != 1 || !strings.Contains(says, "no data folder") {
		t.Fatalf("%d %s", code, says)
	}
	if entries, err := os.ReadDir(data); err != nil || len(entries) > 0 {
		t.Fatalf("a check made files: %v %v", entries, err)
	}
	logKey, err := secretFile(filepath.Join(data, "keys", "log.key"), noteKey("prova/log"))
	if err != nil {
		t.Fatal(err)
	}
	blobs, err := vault.Dir(filepath.Join(data, "vault"))
	if err != nil {
		t.Fatal(err)
	}
	keep, err := vault.Open(ctx, blobs, filepath.Join(data, "keys", "vault.key"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(data, "confermo.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	j, err := journal.Open(ctx, db, keep, journal.Config{
		Node: "n1", LogKey: logKey, Erased: vault.ErrErased, Left: filepath.Join(data, lastCheckpoint),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	for range 3 {
		if _, err := j.Append(ctx, journal.Draft{Stream: "access", By: "web", Fact: &evidence.AccountSignedIn{Account: "x"}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := j.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	if code, says := check(); code != 0 || !strings.Contains(says, "5 entries: lines, chains") { // while it is open
		t.Fatalf("%d %s", code, says)
	}
	if _, err := db.SQL().Exec("UPDATE entries SET line = replace(line, 'web', 'rtc') WHERE idx = 4"); err != nil {
		t.Fatal(err)
	}
	if code, says := check(); code != 1 || !strings.Contains(says, "hash: entry 4 of the tree") || !strings.Contains(says, "findings in 5 entries") {
		t.Fatalf("%d %s", code, says)
	}
	if code := journalCommand(ctx, nil, &bytes.Buffer{}, &bytes.Buffer{}); code != 2 {
		t.Errorf("without a word what to do: %d", code)
	}
}

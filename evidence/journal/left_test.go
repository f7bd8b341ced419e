package journal_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"confermo/evidence/journal"
)

func TestAJournalBehindItsOwnLastCheckpointIsNotServed(t *testing.T) {
	s := newSite(t)
	s.close()
	s.left = filepath.Join(s.folder, "last.checkpoint")
	s.open(t)
	s.schedule(t, id(1), "a")
	s.close()
	file := strings.TrimPrefix(s.dsn, "sqlite:")
	old, err := os.ReadFile(file) // closed, so nothing is left in the WAL
	if err != nil {
		t.Fatal(err)
	}
	s.open(t)
	for i := range 5 {
		s.append(t, journal.Draft{Interview: id(1), By: "rtc", Fact: media(i)})
	}
	if _, _, err := s.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.CheckpointAt(t.Context(), 2); err != nil { // an older one does not replace it
		t.Fatal(err)
	}
	s.restart(t) // what continues the checkpoint opens
	s.close()
	putBack := func(data []byte) {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			_ = os.Remove(file + suffix)
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(says string) {
		t.Helper()
		err := s.tryOpen(t.Context())
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), s.left) {
			t.Fatalf("opened: %v", err)
		}
	}
	putBack(old)
	refused("are missing")
	// The old copy goes on with other entries, beyond the size of the checkpoint.
	checkpoint := s.left
	s.left = ""
	s.open(t)
	for i := range 12 {
		s.append(t, journal.Draft{Interview: id(1), By: "rtc", Fact: media(50 + i)})
	}
	s.close()
	s.left = checkpoint
	refused("they are not the entries it was signed over")
	if err := os.WriteFile(checkpoint, []byte("x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused("last checkpoint in")
	if err := os.Remove(checkpoint); err != nil {
		t.Fatal(err)
	}
	s.open(t)
}

package journal_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/evidence/vault"
)

func (s *site) findings(t *testing.T) []string {
	t.Helper()
	var found []string
	cfg := journal.Config{LogKey: s.key, Erased: vault.ErrErased, Left: s.left}
	size, err := journal.Inspect(context.Background(), s.db, s.vault, cfg, func(f journal.Finding) { found = append(found, f.String()) })
	if err != nil || size == 0 {
		t.Fatal(size, err)
	}
	return found
}

func TestInspectionNamesWhatIsWrongAndGoesOn(t *testing.T) {
	for _, damage := range []struct {
		sql   string
		finds []string
	}{
		{"SELECT 1", nil},
		{
			"UPDATE entries SET line = replace(line, 'rtc', 'web') WHERE idx = 5",
			[]string{"hash: entry 5 ", "chain: entry 6 ", "head: the lines give the root"},
		},
		{"UPDATE hashes SET hash = zeroblob(32) WHERE idx = 6", []string{"hash: entry 3 "}},
		{"DELETE FROM hashes WHERE idx = 0", []string{"hash: entry 0 "}},
		{"UPDATE head SET root = zeroblob(32)", []string{"head: the lines give"}},
		{"UPDATE entries SET scope = 'x' WHERE idx = 5", []string{"line: entry 5 of the tree: stored as x "}},
		{"UPDATE entries SET body = zeroblob(32) WHERE idx = 5", []string{"opening: entry 5 "}},
		{"DELETE FROM parts; DELETE FROM entries WHERE idx = 6", []string{"entry: entry 6 of the tree: it is missing", "head: the root cannot"}},
	} {
		onEach(t, func(t *testing.T, s *site) {
			s.schedule(t, id(1), "a")
			s.schedule(t, id(2), "a")
			for i := range 4 {
				s.append(t, journal.Draft{Interview: id(1), By: "rtc", Fact: media(i)})
			}
			if _, err := s.db.SQL().Exec(s.says(damage.sql)); err != nil {
				t.Fatal(err)
			}
			found := s.findings(t)
			for _, want := range damage.finds {
				if !strings.Contains(strings.Join(found, "\n"), want) {
					t.Errorf("%s: found %q, want %q", damage.sql, found, want)
				}
			}
			if len(damage.finds) == 0 && len(found) > 0 {
				t.Errorf("a sound record has findings: %q", found)
			}
			if err := s.Check(t.Context()); (err != nil) != (len(damage.finds) > 0) && !strings.Contains(damage.sql, "head") {
				t.Errorf("%s: Check says %v", damage.sql, err)
			}
		})
	}
}

func TestInspectionFindsNumbersMissingAndDoubled(t *testing.T) {
	s := newSite(t)
	s.schedule(t, id(1), "a")
	for i, n := range []int{0, 4} { // draws 1 again, then 5
		if _, err := s.db.SQL().Exec("UPDATE numbers SET n = ?", n); err != nil {
			t.Fatal(err)
		}
		s.restart(t)
		s.schedule(t, id(2+i), "a")
	}
	found := strings.Join(s.findings(t), "\n")
	if !strings.Contains(found, "number 1/2026 of a was given before") || !strings.Contains(found, "numbers [2 3 4] of 2026 of a are missing") {
		t.Errorf("found %s", found)
	}
}

func TestInspectionShowsAMovedClockAndAForeignAnchor(t *testing.T) {
	s := newSite(t)
	s.schedule(t, id(1), "a")
	s.append(t, journal.Draft{Interview: id(1), By: "rtc", Fact: media(1), At: time.Now().Add(-2 * time.Hour)})
	if found := s.findings(t); len(found) != 0 {
		t.Fatalf("a fact seen at another time is no moved clock: %q", found)
	}
	s.MoveClock(time.Minute)
	for i := range 3 {
		s.append(t, journal.Draft{Interview: id(1), By: "rtc", Fact: media(i)})
	}
	found := s.findings(t)
	if len(found) != 1 || !strings.Contains(found[0], "clock: entry 4 of the tree: the clock of node n1 moved by 1m0s") {
		t.Fatalf("found %q", found)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("a moved clock breaks no proof: %v", err)
	}
	s.append(t, journal.Draft{Stream: "anchors", By: "anchor", Fact: &evidence.AnchorReceived{Type: "tsa", From: "tsa.example", Size: 2, Root: "x"}})
	s.append(t, journal.Draft{Stream: "anchors", By: "anchor", Fact: &evidence.AnchorReceived{Type: "tsa", From: "tsa.example", Size: 99, Root: "x"}})
	all := strings.Join(s.findings(t), "\n")
	if !strings.Contains(all, "tsa.example anchored the root x over 2 entries") || !strings.Contains(all, "which were not there yet") {
		t.Errorf("found %s", all)
	}
}

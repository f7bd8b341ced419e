package journal_test

import (
	"path/filepath"
	"strings"
	"testing"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/evidence/vault"
)

func TestErasedClassLeavesEveryProofValid(t *testing.T) { onEach(t, erasedClassLeavesEveryProofValid) }

func erasedClassLeavesEveryProofValid(t *testing.T, s *site) {
	s.schedule(t, id(1), "a")
	s.append(t, journal.Draft{Interview: id(1), By: "web", Fact: &evidence.DocumentUploaded{
		Document: "identity-card", File: evidence.F("documents/identity-card.jpg", "image/jpeg", []byte("face")),
	}})
	erase := journal.Draft{Interview: id(1), By: "web", Fact: &evidence.ClassErased{Class: evidence.ClassIdentity, Reason: "term"}}
	s.append(t, erase)
	late := s.append(t, journal.Draft{Interview: id(1), By: "web", Fact: &evidence.DocumentUploaded{
		Document: "tax-card", File: evidence.F("documents/tax-card.jpg", "image/jpeg", []byte("card")),
	}})
	if late[0].Fact == nil {
		t.Error("an entry after the erasure lost its body")
	}
	check := func() {
		t.Helper()
		if err := s.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		iv, err := s.Interview(t.Context(), id(1))
		if err != nil || iv.Scheduled.Person.Surname.Open || !iv.Scheduled.Person.Mail.Open || iv.N != 4 {
			t.Fatalf("%+v %v", iv, err)
		}
		for n := 2; n <= 4; n += 2 {
			if data, err := s.File(t.Context(), id(1), n, "file"); err == nil {
				t.Errorf("the image of entry %d is still there: %q", n, data)
			}
		}
		rows, err := s.List(t.Context(), journal.Filter{Agency: "a", Query: "rossi"})
		if err != nil || len(rows) != 0 {
			t.Errorf("search still finds the name: %+v %v", rows, err)
		}
	}
	check()
	s.restart(t)
	check()
	s.append(t, journal.Draft{Interview: id(1), By: "web", Fact: &evidence.ClassErased{Class: evidence.ClassRecord, Reason: "term"}})
	entries, err := s.Entries(t.Context(), id(1))
	if err != nil || len(entries) != 5 || entries[0].Body != nil || entries[0].Fact != nil {
		t.Fatalf("%+v %v", entries, err)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestDamagedRecordIsNotServed(t *testing.T) {
	for _, damage := range []struct{ name, sql, says string }{
		{"line changed", "UPDATE entries SET line = replace(line, 'rtc', 'web') WHERE idx = 4", "hashes to"},
		{"tail cut", "DELETE FROM parts; DELETE FROM entries WHERE idx = 4", "4 are stored"},
		{"entry taken out", "DELETE FROM parts; DELETE FROM entries WHERE idx = 3", "4 are stored"},
		{"leaf changed", "UPDATE hashes SET hash = zeroblob(32) WHERE idx = 0", "hashes to"},
		{"hash changed", "UPDATE hashes SET hash = zeroblob(32) WHERE idx = 6", "root"},
		{"head changed", "UPDATE head SET root = zeroblob(32)", "root"},
		{"head lowered", "UPDATE head SET size = 4", "stored"},
	} {
		onEach(t, func(t *testing.T, s *site) {
			s.schedule(t, id(1), "a")
			for i := range 2 {
				s.append(t, journal.Draft{Interview: id(1), By: "rtc", Fact: media(i)})
			}
			if _, err := s.db.SQL().Exec(s.says(damage.sql)); err != nil {
				t.Fatal(damage.name, err)
			}
			s.close()
			err := s.tryOpen(t.Context())
			if err == nil || !strings.Contains(err.Error(), damage.says) {
				t.Fatalf("%s: opened: %v", damage.name, err)
			}
		})
	}
}

// says is a statement for SQLite in the words of the site's engine.
func (s *site) says(sql string) string {
	if !strings.HasPrefix(s.dsn, "postgres:") {
		return sql
	}
	return strings.NewReplacer(
		"replace(line, 'rtc', 'web')", "convert_to(replace(convert_from(line, 'UTF8'), 'rtc', 'web'), 'UTF8')",
		"zeroblob(32)", "decode(repeat('00', 32), 'hex')",
	).Replace(sql)
}

func TestRestoredKeysAreDestroyedAgainBeforeServing(t *testing.T) {
	onEach(t, restoredKeysAreDestroyedAgainBeforeServing)
}

func restoredKeysAreDestroyedAgainBeforeServing(t *testing.T, s *site) {
	s.schedule(t, id(1), "a")
	blobs, err := vault.Dir(filepath.Join(s.folder, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	name := "keys/" + id(1) + "/identity"
	backup, err := blobs.Get(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	s.append(t, journal.Draft{Interview: id(1), By: "web", Fact: &evidence.ClassErased{Class: evidence.ClassIdentity}})
	s.close()
	if err := blobs.Put(t.Context(), name, backup); err != nil {
		t.Fatal(err)
	}
	s.open(t)
	iv, err := s.Interview(t.Context(), id(1))
	if err != nil || iv.Scheduled.Person.Name.Open {
		t.Fatalf("the erased name is back: %+v %v", iv.Scheduled.Person, err)
	}
}

func TestFailedCommitLeavesNothingAndTheNextSucceeds(t *testing.T) {
	s := newSite(t)
	s.schedule(t, id(1), "a")
	size := s.Size()
	for _, table := range []string{"interviews", "entries", "parts", "hashes", "head", "numbers"} {
		event := "INSERT"
		if table == "head" {
			event = "UPDATE"
		}
		broken := "CREATE TRIGGER broken BEFORE " + event + " ON " + table + " BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
		if _, err := s.db.SQL().Exec(broken); err != nil {
			t.Fatal(err)
		}
		_, err := s.Append(t.Context(), journal.Draft{Interview: id(2), By: "web", Fact: scheduled("a")})
		if err == nil || !strings.Contains(err.Error(), "disk is full") || s.Size() != size {
			t.Fatalf("%s: %v, tree grew from %d to %d", table, err, size, s.Size())
		}
		if _, err := s.db.SQL().Exec("DROP TRIGGER broken"); err != nil {
			t.Fatal(err)
		}
		if err := s.Check(t.Context()); err != nil {
			t.Fatalf("%s: %v", table, err)
		}
	}
	s.schedule(t, id(2), "a")
	iv, err := s.Interview(t.Context(), id(2))
	if err != nil || iv.Scheduled.Number.N != 2 {
		t.Errorf("a failed commit took a number: %+v %v", iv.Scheduled.Number, err)
	}
	s.restart(t)
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

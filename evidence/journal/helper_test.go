package journal_test

import (
	"context"
	"crypto/rand"
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/evidence/store"
	"confermo/evidence/store/postgrestest"
	"confermo/evidence/vault"
)

// site is an installation in one folder: what survives a restart.
type site struct {
	folder, key string
	dsn, left   string
	through     func(driver.Connector) driver.Connector // nil: straight
	db          *store.DB
	vault       *vault.Vault
	*journal.Journal
}

// onEach runs a test of the contract against both engines.
func onEach(t *testing.T, test func(t *testing.T, s *site)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, newSite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, newPostgresSite(t)) })
}

// newSite is a site on SQLite.
func newSite(t testing.TB) *site {
	t.Helper()
	folder := t.TempDir()
	return newSiteIn(t, folder, "sqlite:"+filepath.Join(folder, "confermo.db"))
}

func newPostgresSite(t testing.TB) *site {
	t.Helper()
	return newSiteIn(t, t.TempDir(), postgrestest.DSN(t))
}

func newSiteIn(t testing.TB, folder, dsn string) *site {
	t.Helper()
	key, _, err := note.GenerateKey(rand.Reader, "test.example/log")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{folder: folder, dsn: dsn, key: key}
	s.open(t)
	t.Cleanup(s.close)
	return s
}

func (s *site) open(t testing.TB) {
	t.Helper()
	if err := s.tryOpen(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (s *site) tryOpen(ctx context.Context) (err error) {
	blobs, err := vault.Dir(filepath.Join(s.folder, "blobs"))
	if err != nil {
		return err
	}
	if s.vault, err = vault.Open(ctx, blobs, filepath.Join(s.folder, "vault.key")); err != nil {
		return err
	}
	through := s.through
	if through == nil {
		through = func(c driver.Connector) driver.Connector { return c }
	}
	if s.db, err = store.OpenThrough(ctx, s.dsn, through); err != nil {
		return err
	}
	s.Journal, err = journal.Open(ctx, s.db, s.vault, journal.Config{
		Node: "n1", Version: "test", Name: "Prova", Test: true, LogKey: s.key, Erased: vault.ErrErased, Left: s.left,
	})
	if err != nil {
		_ = s.db.Close()
	}
	return err
}

func (s *site) close() {
	if s.Journal == nil { // refused to open
		return
	}
	s.Journal.Close()
	_ = s.db.Close()
}

func (s *site) restart(t testing.TB) {
	t.Helper()
	s.close()
	s.open(t)
}

func scheduled(agency string) *evidence.Scheduled {
	return &evidence.Scheduled{
		Agency:   evidence.Agency{ID: agency, Name: "Agenzia " + agency},
		Operator: evidence.Who{Account: "op-" + agency, Name: evidence.V("Anna Bianchi")},
		Programme: evidence.Programme{ID: "prova", Terms: evidence.Terms{
			Rule: evidence.Rule{Liveness: 5}, Unattended: 600, SignWithin: 3600, ReplyWithin: 86400,
		}},
		Start: "2026-11-22T10:00:00.000Z", Minutes: 60, Zone: "Europe/Rome",
		Person: evidence.Subject{
			Name: evidence.V("Mario"), Surname: evidence.V("Rossi"), TaxCode: evidence.V("RSSMRA80A01H501U"),
			Mail: evidence.V("mario@example.org"),
		},
	}
}

func (s *site) schedule(t testing.TB, id, agency string) {
	t.Helper()
	s.append(t, journal.Draft{Interview: id, By: "web", Fact: scheduled(agency)})
}

func (s *site) append(t testing.TB, drafts ...journal.Draft) []evidence.Entry {
	t.Helper()
	entries, err := s.Append(t.Context(), drafts...)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func media(i int) *evidence.MediaObserved {
	from := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC).Add(time.Duration(i) * 10 * time.Second)
	return &evidence.MediaObserved{
		Party: evidence.Operator, From: from.Format(evidence.TimeFormat), Secs: 10, Connected: "1111111111",
		Audio: "1111111111", Video: "1111111111", Voice: "0101010101", Text: "0000000000", Packets: 512, Bytes: 61440,
	}
}

func id(i int) string { return fmt.Sprintf("01TEST%04d", i) }

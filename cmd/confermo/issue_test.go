package main

import (
	"bytes"
	"crypto/rand"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"confermo/evidence"
	"confermo/evidence/anchor"
	"confermo/evidence/audit"
	"confermo/evidence/audit/audittest"
	"confermo/evidence/bundle"
	"confermo/evidence/journal"
	"confermo/evidence/store"
	"confermo/evidence/vault"
)

// issuerOf is an issuer over a journal on disk that holds the story, with no outside service.
func issuerOf(t *testing.T, story *audittest.Story) *issuer {
	t.Helper()
	dir := t.TempDir()
	key, _, err := note.GenerateKey(rand.Reader, "issue.example/log")
	check(t, err)
	blobs, err := vault.Dir(filepath.Join(dir, "blobs"))
	check(t, err)
	v, err := vault.Open(t.Context(), blobs, filepath.Join(dir, "vault.key"))
	check(t, err)
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(dir, "confermo.db"))
	check(t, err)
	j, err := journal.Open(t.Context(), db, v, journal.Config{Node: "n1", Name: "Prova", Test: true, LogKey: key, Erased: vault.ErrErased})
	check(t, err)
	t.Cleanup(func() { j.Close(); _ = db.Close() })
	for _, e := range story.Log.Entries {
		if s := e.Head.Stream; s == "node" || s == "anchors" {
			continue
		}
		for _, p := range evidence.Parts(e.Fact) {
			if p.File != nil {
				p.File.Data = story.Log.Files[p.File.Name]
			}
		}
		_, err := j.Append(t.Context(), journal.Draft{Interview: e.Head.Interview, Stream: e.Head.Stream, By: e.Head.By, At: e.Head.Time(), Fact: e.Fact})
		check(t, err)
	}
	return &issuer{journal: j, anchors: anchor.New(j, anchor.Config{}), seal: story.SealSigner()}
}

func (s *issuer) must(t *testing.T) *bundle.Bundle {
	t.Helper()
	data, err := s.Issue(t.Context(), audittest.ID)
	check(t, err)
	b, err := bundle.Read(bytes.NewReader(data), int64(len(data)))
	check(t, err)
	r := audit.Verify(data, audit.Trust{}, time.Now())
	for _, claim := range []string{audit.Integrity, audit.Completeness} {
		if c := r.Of(claim); c.Verdict == audit.Contradicted {
			t.Fatalf("%s is %s: %s", claim, c.Verdict, c.Detail)
		}
	}
	return b
}

// After a correction the bundle's timesheet.pdf is the one in force.
func TestIssueNamesTheNewestTimesheet(t *testing.T) {
	s := issuerOf(t, audittest.Tell(audittest.Script{}))
	second := []byte("%PDF-1.7 the second version")
	_, err := s.journal.Append(t.Context(), journal.Draft{Interview: audittest.ID, By: "pdf", Fact: &evidence.TimesheetSigned{
		Version: 2, File: evidence.F(bundle.NameTimesheet, "application/pdf", second),
	}})
	check(t, err)
	if b := s.must(t); !bytes.Equal(b.Files[bundle.NameTimesheet], second) {
		t.Errorf("%s has %d bytes, want the second version", bundle.NameTimesheet, len(b.Files[bundle.NameTimesheet]))
	}
}

// Whatever class was erased, what is left is issued: the chain still proves that nothing was taken out.
func TestIssueAfterErasure(t *testing.T) {
	s := issuerOf(t, audittest.Tell(audittest.Script{}))
	for _, class := range []evidence.Class{evidence.ClassIdentity, evidence.ClassMail, evidence.ClassContact, evidence.ClassRecord} {
		_, err := s.journal.Append(t.Context(), journal.Draft{Interview: audittest.ID, By: "web", Fact: &evidence.ClassErased{Class: class, Reason: "term"}})
		check(t, err)
		s.must(t)
	}
}

// A bundle holds the stamps that bound its entries, not all that came between scheduling and reply.
func TestIssueTakesOnlyTheStampsThatBound(t *testing.T) {
	var anchors []evidence.Entry
	for size := int64(10); size < 10000; size += 10 {
		anchors = append(anchors, evidence.Entry{Index: size, Fact: &evidence.AnchorReceived{Type: "tsa", Size: size}},
			evidence.Entry{Index: size + 1, Fact: &evidence.AnchorReceived{Type: "witness", Size: size}})
	}
	var got []int64
	for _, e := range bounding([]evidence.Entry{{Index: 5}, {Index: 5005}, {Index: 5006}, {Index: 9999}}, anchors) {
		got = append(got, e.Index)
	}
	if len(got) != 4 || got[0] != 10 || got[1] != 5000 || got[2] != 5010 || got[3] != 9990 {
		t.Errorf("stamps at %v, want those of 10, 5000, 5010 and 9990", got)
	}
}

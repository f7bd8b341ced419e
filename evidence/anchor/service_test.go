package anchor_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	cosignature "github.com/transparency-dev/formats/note"
	signed "golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"confermo/evidence"
	"confermo/evidence/anchor"
	"confermo/evidence/anchor/testpki"
	"confermo/evidence/journal"
	"confermo/evidence/seal"
	"confermo/evidence/store"
	"confermo/evidence/tree"
	"confermo/evidence/vault"
)

// world is a journal with a witness and a time-stamping authority over loopback HTTP, each of which can be put out.
type world struct {
	*journal.Journal
	folder             string
	pki                *testpki.PKI
	server             *anchor.WitnessServer
	witness            *anchor.Witness
	tsa                *anchor.TSA
	noWitness, noStamp atomic.Bool
}

func switchable(h http.Handler, out *atomic.Bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if out.Load() {
			http.Error(w, "out of order", http.StatusServiceUnavailable)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{folder: t.TempDir()}
	w.Journal = openJournal(t, w.folder, newKey(t))
	var err error
	if w.pki, err = testpki.Open(filepath.Join(w.folder, "pki"), time.Now()); err != nil {
		t.Fatal(err)
	}
	if w.server, err = anchor.NewWitnessServer(filepath.Join(w.folder, "witness"), "witness.example/w1", w.VKey()); err != nil {
		t.Fatal(err)
	}
	witness := httptest.NewServer(switchable(w.server, &w.noWitness))
	t.Cleanup(witness.Close)
	if w.witness, err = anchor.NewWitness(witness.URL, w.server.VKey()); err != nil {
		t.Fatal(err)
	}
	tsa := httptest.NewServer(switchable(w.pki.TSA(), &w.noStamp))
	t.Cleanup(tsa.Close)
	_, roots := w.pki.Roots()
	w.tsa = &anchor.TSA{URL: tsa.URL, Roots: roots}
	return w
}

func newKey(t *testing.T) string {
	t.Helper()
	key, _, err := signed.GenerateKey(rand.Reader, "test.example/log")
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func openJournal(t *testing.T, folder, key string) *journal.Journal {
	t.Helper()
	blobs, err := vault.Dir(filepath.Join(folder, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(t.Context(), blobs, filepath.Join(folder, "vault.key"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(folder, "confermo.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	j, err := journal.Open(t.Context(), db, v, journal.Config{Node: "n1", LogKey: key, Erased: vault.ErrErased})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.Close)
	return j
}

func (w *world) append(t *testing.T, id string, facts ...evidence.Fact) {
	t.Helper()
	for _, f := range facts {
		if _, err := w.Append(t.Context(), journal.Draft{Interview: id, By: "test", Fact: f}); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *world) anchors(t *testing.T) []evidence.Entry {
	t.Helper()
	entries, err := w.Entries(t.Context(), "stream:anchors")
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// run starts a service and ends it with the test.
func (w *world) run(t *testing.T, cfg anchor.Config) *anchor.Service {
	t.Helper()
	s := anchor.New(w.Journal, cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

// until waits for the record to say so.
func (w *world) until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		size := w.Size()
		if holds() {
			return
		}
		if err := w.Wait(ctx, size); err != nil {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func (w *world) config() anchor.Config {
	return anchor.Config{
		TSAs: []*anchor.TSA{w.tsa}, Witnesses: []*anchor.Witness{w.witness},
		CosignEvery: 200 * time.Millisecond, IdleEvery: time.Hour, StampEvery: 50 * time.Millisecond,
	}
}

func scheduled() *evidence.Scheduled {
	return &evidence.Scheduled{
		Agency: evidence.Agency{ID: "a"}, Start: "2026-11-22T10:00:00.000Z", Minutes: 60, Zone: "Europe/Rome",
		Person: evidence.Subject{Name: evidence.V("Mario"), Surname: evidence.V("Rossi")},
	}
}

func joined(p evidence.Party) *evidence.PartyJoined {
	return &evidence.PartyJoined{Party: p, Connection: string(p)}
}

func confirmed() []evidence.Fact {
	return []evidence.Fact{
		&evidence.Closed{At: "2026-11-22T10:30:00.000Z", Reason: "operator"},
		&evidence.TimesheetApproved{Version: 1},
		&evidence.TimesheetSigned{Version: 1, File: evidence.F("timesheet.pdf", "application/pdf", []byte("pdf"))},
		&evidence.ReplyReceived{ID: "r1", File: evidence.F("mail/r1.eml", "message/rfc822", []byte("confermo"))},
		&evidence.ReplyClassified{ID: "r1", Version: 1, Verdict: evidence.VerdictConfirmed, Level: 2},
	}
}

func TestEnsureGivesAnAnchorThatStandsAlone(t *testing.T) {
	w := newWorld(t)
	w.append(t, "01A", scheduled())
	s := anchor.New(w.Journal, w.config())
	size := w.Size()
	a, err := s.Ensure(t.Context(), size)
	if err != nil {
		t.Fatal(err)
	}
	log, err := signed.NewVerifier(w.VKey())
	if err != nil {
		t.Fatal(err)
	}
	witness, err := cosignature.NewVerifierForCosignatureV1(w.server.VKey())
	if err != nil {
		t.Fatal(err)
	}
	c, n, err := tree.OpenCheckpoint(a.Note, signed.VerifierList(log, witness))
	if err != nil || c.Size < size || len(n.Sigs) != 2 {
		t.Fatalf("%+v %+v %v", c, n, err)
	}
	_, roots := w.pki.Roots()
	imprint := sha256.Sum256([]byte(c.Text()))
	info, err := seal.VerifyToken(a.Token, imprint[:], roots, time.Time{})
	if err != nil || !info.Time.Equal(a.Time) {
		t.Fatalf("%+v %v", info, err)
	}
	if again, err := s.Ensure(t.Context(), size); err != nil || again.Size != a.Size {
		t.Errorf("anchored twice: %d, %d, %v", a.Size, again.Size, err)
	}
	reopened := anchor.New(w.Journal, w.config())
	if again, err := reopened.Ensure(t.Context(), size); err != nil || string(again.Note) != string(a.Note) {
		t.Errorf("after a restart anchored anew: %d, %d, %v", a.Size, again.Size, err)
	}
	if _, err := s.Ensure(t.Context(), w.Size()+1); err == nil {
		t.Error("anchored what is not written yet")
	}
}

func TestConfirmedInterviewIsSealedOnceBothAnchorsCoverIt(t *testing.T) {
	w := newWorld(t)
	w.noWitness.Store(true)
	w.noStamp.Store(true)
	w.run(t, w.config())
	w.append(t, "01A", scheduled(), joined(evidence.Person))
	w.append(t, "01A", confirmed()...)
	failed := func(kind string) bool {
		for _, e := range w.anchors(t) {
			if f, ok := e.Fact.(*evidence.AnchorFailed); ok && f.Type == kind {
				return true
			}
		}
		return false
	}
	w.until(t, "both failures are recorded", func() bool { return failed("witness") && failed("tsa") })
	sealed := func() *evidence.Sealed {
		iv, err := w.Interview(t.Context(), "01A")
		if err != nil {
			t.Fatal(err)
		}
		return iv.Seal
	}
	w.noStamp.Store(false)
	w.until(t, "a token is there", func() bool {
		for _, e := range w.anchors(t) {
			if f, ok := e.Fact.(*evidence.AnchorReceived); ok && f.Type == "tsa" {
				return true
			}
		}
		return false
	})
	if sealed() != nil {
		t.Fatal("sealed without a cosignature")
	}
	w.noWitness.Store(false)
	w.until(t, "it is sealed", func() bool { return sealed() != nil })
	iv, err := w.Interview(t.Context(), "01A")
	if err != nil {
		t.Fatal(err)
	}
	both := map[string]bool{}
	for _, e := range w.anchors(t) {
		if f, ok := e.Fact.(*evidence.AnchorReceived); ok && f.Size == iv.Seal.Size {
			both[f.Type] = true
		}
	}
	if !both["tsa"] || !both["witness"] || iv.Seal.Size <= iv.Entries()[iv.N-2].Index {
		t.Errorf("sealed at %d by %v; the confirmation is entry %d", iv.Seal.Size, both, iv.Entries()[iv.N-2].Index)
	}
}

func TestSealIsTakenUpAfterARestart(t *testing.T) {
	w := newWorld(t)
	w.append(t, "01A", scheduled(), joined(evidence.Person))
	w.append(t, "01A", confirmed()...)
	f, err := w.Follow(t.Context(), "anchor")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Keep(t.Context(), w.Size()-1); err != nil { // all was read before, nothing was had
		t.Fatal(err)
	}
	w.run(t, w.config())
	w.until(t, "it is sealed", func() bool {
		iv, err := w.Interview(t.Context(), "01A")
		return err == nil && iv.Seal != nil
	})
}

func TestNewestCosignatureIsYoungWhileAnInterviewIsOpen(t *testing.T) {
	w := newWorld(t)
	cfg := w.config()
	cfg.TSAs = nil
	w.run(t, cfg)
	w.append(t, "01A", scheduled(), joined(evidence.Operator))
	count := func() int {
		n := 0
		for _, e := range w.anchors(t) {
			if _, ok := e.Fact.(*evidence.AnchorReceived); ok {
				n++
			}
		}
		return n
	}
	w.until(t, "it was cosigned", func() bool { return count() > 0 })
	start, from := count(), time.Now()
	w.until(t, "it was cosigned ten times more", func() bool { return count() >= start+10 })
	// Ten intervals; half as much again is left for a busy machine.
	if took := time.Since(from); took > 15*cfg.CosignEvery {
		t.Errorf("ten cosignatures took %v, each is due within %v", took, cfg.CosignEvery)
	}
}

func TestAnchorsDoNotTriggerAnchors(t *testing.T) {
	w := newWorld(t)
	cfg := w.config()
	cfg.IdleEvery, cfg.StampEvery = time.Millisecond, time.Millisecond
	w.run(t, cfg)
	w.append(t, "01A", scheduled(), joined(evidence.Person), &evidence.PartyLeft{Party: evidence.Person, Connection: "person"})
	w.append(t, "01A", confirmed()...)
	w.until(t, "it is sealed", func() bool {
		iv, err := w.Interview(t.Context(), "01A")
		return err == nil && iv.Seal != nil
	})
	// Quiet: within the many intervals that fit into the wait, the tree stops growing.
	for quiet := 0; quiet < 3; {
		size := w.Size()
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		err := w.Wait(ctx, size)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			quiet++
		}
		if w.Size() > 100 {
			t.Fatalf("the tree has %d entries and still grows", w.Size())
		}
	}
}

func TestLastingOutageIsRecordedOnce(t *testing.T) {
	w := newWorld(t)
	w.noStamp.Store(true)
	s := anchor.New(w.Journal, w.config())
	for range 5 {
		a, err := s.Ensure(t.Context(), w.Size())
		if err == nil || a.Token != nil || !strings.Contains(err.Error(), "503") || len(a.Note) == 0 {
			t.Fatalf("%+v %v", a, err)
		}
	}
	n := 0
	for _, e := range w.anchors(t) {
		if _, ok := e.Fact.(*evidence.AnchorFailed); ok {
			n++
		}
	}
	if n != 1 || len(s.Status().Failing) != 1 {
		t.Errorf("%d failures in the record, %v", n, s.Status().Failing)
	}
}

func TestWitnessFindsALogSetBackOrForked(t *testing.T) {
	w := newWorld(t)
	w.append(t, "01A", scheduled(), joined(evidence.Person))
	old, oldHead, err := w.CheckpointAt(t.Context(), w.Size()-1)
	if err != nil {
		t.Fatal(err)
	}
	msg, head, err := w.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	prove := func(j *journal.Journal, size int64) anchor.Prove {
		return func(old int64) ([]tlog.Hash, error) { return j.ProveTree(t.Context(), size, old) }
	}
	if _, _, err := w.witness.Cosign(t.Context(), msg, head.Size, prove(w.Journal, head.Size)); err != nil {
		t.Fatal(err)
	}
	// The server is opened anew: it must remember. A fresh client must learn the size from it.
	server, err := anchor.NewWitnessServer(filepath.Join(w.folder, "witness"), "", w.VKey())
	if err != nil || server.VKey() != w.server.VKey() {
		t.Fatal(err)
	}
	http := httptest.NewServer(server)
	defer http.Close()
	client := func() *anchor.Witness {
		c, err := anchor.NewWitness(http.URL+"/", server.VKey())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if _, _, err := client().Cosign(t.Context(), old, oldHead.Size, prove(w.Journal, oldHead.Size)); !errors.Is(err, anchor.ErrSetBack) {
		t.Errorf("cosigned a shorter tree: %v", err)
	}
	if _, _, err := client().Cosign(t.Context(), msg, head.Size, prove(w.Journal, head.Size)); err != nil {
		t.Errorf("the same tree again: %v", err)
	}
}

// A person whose connection fell in the waiting room just before is let in, and that opening is stamped as well.
func TestOpeningIsStampedWhenNobodyIsConnected(t *testing.T) {
	w := newWorld(t)
	w.run(t, w.config())
	lost := &evidence.PartyLeft{Party: evidence.Person, Connection: string(evidence.Person), At: "2026-11-22T10:00:00.000Z", Reason: "lost"}
	w.append(t, "01A", scheduled(), joined(evidence.Person), lost, &evidence.PartyAdmitted{Party: evidence.Person})
	w.until(t, "the opening is stamped", func() bool {
		for _, e := range w.anchors(t) {
			if f, ok := e.Fact.(*evidence.AnchorReceived); ok && f.Type == "tsa" {
				return true
			}
		}
		return false
	})
}

// The opening is the person's entry into the call, from where seconds may count: somebody who only waits is not stamped.
func TestOpeningIsStampedWhenThePersonIsLetIn(t *testing.T) {
	w := newWorld(t)
	w.run(t, w.config())
	w.append(t, "01A", scheduled(), joined(evidence.Operator), joined(evidence.Person))
	largest := func(kind string) (size int64) {
		for _, e := range w.anchors(t) {
			if f, ok := e.Fact.(*evidence.AnchorReceived); ok && f.Type == kind {
				size = max(size, f.Size)
			}
		}
		return size
	}
	w.until(t, "the waiting room is cosigned", func() bool { return largest("witness") > 3 })
	if n := largest("tsa"); n > 0 {
		t.Errorf("a waiting room was stamped at size %d", n)
	}
	w.append(t, "01A", &evidence.PartyAdmitted{Party: evidence.Person})
	entries, err := w.Entries(t.Context(), "01A")
	if err != nil {
		t.Fatal(err)
	}
	let := entries[len(entries)-1].Index
	w.until(t, "a token covers the entry", func() bool { return largest("tsa") > let })
}

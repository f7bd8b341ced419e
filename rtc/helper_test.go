package rtc_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/evidence/store"
	"confermo/evidence/vault"
	"confermo/rtc"
	"confermo/rtc/peer"
)

// house is an installation with one interview, whose notice was read, and a server in front of its rooms.
type house struct {
	t         *testing.T
	folder    string
	logKey    string
	interview string
	db        *store.DB
	*journal.Journal
	rooms  *rtc.Rooms
	server *httptest.Server
}

var ticketKey = []byte("0123456789abcdef0123456789abcdef")

func newHouse(t *testing.T) *house {
	t.Helper()
	key, _, err := note.GenerateKey(rand.Reader, "test.example/log")
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, folder: t.TempDir(), logKey: key, interview: "01TESTROOM"}
	h.open()
	t.Cleanup(h.close)
	h.append(&evidence.Scheduled{
		Agency:   evidence.Agency{ID: "ponte", Name: "Agenzia Ponte Chiaro"},
		Operator: evidence.Who{Account: "ilaria", Name: evidence.V("Ilaria Montebruni")},
		Programme: evidence.Programme{ID: "prova", Terms: evidence.Terms{
			Rule: evidence.Rule{Liveness: 10, Minimum: 1, Tolerance: 30}, Unattended: 600, SignWithin: 3600, ReplyWithin: 86400,
		}},
		Start: "2026-11-24T10:15:00.000Z", Minutes: 60, Zone: "Europe/Rome", Language: "it",
		Person: evidence.Subject{Name: evidence.V("Nadia"), Surname: evidence.V("Ferrantini"), Mail: evidence.V("nadia@example.org")},
	})
	h.append(&evidence.NoticeRead{Version: "1", Language: "it"})
	return h
}

// open starts the service on the folder; after close it is a restart.
func (h *house) open() {
	h.t.Helper()
	ctx := h.t.Context()
	blobs, err := vault.Dir(filepath.Join(h.folder, "blobs"))
	h.must(err)
	keep, err := vault.Open(ctx, blobs, filepath.Join(h.folder, "vault.key"))
	h.must(err)
	h.db, err = store.Open(ctx, "sqlite:"+filepath.Join(h.folder, "confermo.db"))
	h.must(err)
	h.Journal, err = journal.Open(ctx, h.db, keep, journal.Config{
		Node: "n1", Version: "test", Name: "Prova", Test: true, LogKey: h.logKey, Erased: vault.ErrErased,
	})
	h.must(err)
	h.rooms, err = rtc.Open(ctx, rtc.Config{Journal: h.Journal, UDP: "127.0.0.1:0", Loopback: true, TicketKey: ticketKey})
	h.must(err)
	h.server = httptest.NewServer(h.rooms)
}

func (h *house) close() {
	h.must(h.rooms.Close())
	h.server.Close()
	h.Journal.Close()
	h.must(h.db.Close())
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) append(f evidence.Fact) {
	h.t.Helper()
	_, err := h.Append(h.t.Context(), journal.Draft{Interview: h.interview, By: "test", Fact: f})
	h.must(err)
}

func (h *house) url() string { return "ws" + strings.TrimPrefix(h.server.URL, "http") + "/rtc" }

// within bounds a wait of the test.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func (h *house) dial(p evidence.Party) *peer.Peer {
	h.t.Helper()
	names := map[evidence.Party]string{evidence.Operator: "Ilaria", evidence.Person: "Nadia"}
	c, err := peer.Dial(within(h.t), peer.Options{
		URL: h.url(), Ticket: h.rooms.Ticket(h.interview, p, names[p], time.Hour), Media: peer.Synthetic(), Loopback: true,
	})
	h.must(err)
	h.t.Cleanup(func() { _ = c.Close() })
	return c
}

// call dials both parties and admits the person.
func (h *house) call() (operator, person *peer.Peer) {
	h.t.Helper()
	operator, person = h.dial(evidence.Operator), h.dial(evidence.Person)
	h.await(operator, "peer-joined")
	h.must(h.rooms.Admit(h.t.Context(), h.interview, evidence.Person))
	h.await(person, "admitted")
	h.must(operator.AwaitStats(within(h.t), func(s peer.Stats) bool { return s.VideoIn > 5 && s.AudioIn > 5 }))
	h.must(person.AwaitStats(within(h.t), func(s peer.Stats) bool { return s.VideoIn > 5 && s.AudioIn > 5 }))
	return operator, person
}

func (h *house) await(p *peer.Peer, kind string) peer.Message {
	h.t.Helper()
	m, err := p.Await(within(h.t), kind)
	h.must(err)
	return m
}

// until polls the record until it is as wanted.
func (h *house) until(what string, ok func(*evidence.Interview, []evidence.Entry) bool) {
	h.t.Helper()
	ctx := within(h.t)
	for size := int64(-1); ; {
		iv, err := h.Interview(ctx, h.interview)
		h.must(err)
		if size = h.Size(); ok(iv, iv.Entries()) {
			return
		}
		if err := h.Wait(ctx, size); err != nil {
			h.t.Fatalf("wait for %s: %v; have %s", what, err, kinds(iv.Entries()))
		}
	}
}

func facts[T evidence.Fact](entries []evidence.Entry) []T {
	var all []T
	for _, e := range entries {
		if f, ok := e.Fact.(T); ok {
			all = append(all, f)
		}
	}
	return all
}

func kinds(entries []evidence.Entry) string {
	var all []string
	for _, e := range entries {
		text := string(e.Head.Kind)
		switch f := e.Fact.(type) {
		case *evidence.PartyJoined:
			text += ":" + string(f.Party)
		case *evidence.PartyLeft:
			text += ":" + string(f.Party) + ":" + f.Reason
		case *evidence.PartyAdmitted:
			text += ":" + string(f.Party)
		case *evidence.MediaObserved:
			text += fmt.Sprintf(":%s:%d", f.Party, f.Secs)
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}

func hasVideo(s peer.Stats) bool { return s.VideoIn > 5 }

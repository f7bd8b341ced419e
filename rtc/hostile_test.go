package rtc_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"confermo/evidence"
	"confermo/rtc/peer"
)

func TestBadMessagesAreRefusedAndTheSeatStays(t *testing.T) {
	h := newHouse(t)
	operator, person := h.call()
	for name, raw := range map[string][]byte{
		"not JSON":   []byte("ciao"),
		"10 MB":      bytes.Repeat([]byte("x"), 10<<20),
		"no type":    []byte(`{"text":"x"}`),
		"not UTF-8":  {'{', 0xff, '}'},
		"long text":  []byte(`{"type":"text","text":"` + strings.Repeat("a", 9000) + `"}`),
		"deep":       bytes.Repeat([]byte("["), 60000),
		"wrong kind": []byte(`{"type":["join"]}`),
	} {
		_ = person.WriteRaw(raw) // the server may hang up before the end of a large one
		_, err := person.Await(within(t), "never")
		wantRefused(t, err, "message")
		if err := person.Lost(within(t)); !websocket.IsCloseError(err, websocket.ClosePolicyViolation) {
			t.Errorf("%s: the socket ended with %v", name, err)
		}
		had := operator.Stats().VideoIn
		h.must(person.Resume(within(t)))
		h.must(operator.AwaitStats(within(t), func(s peer.Stats) bool { return s.VideoIn > had }))
	}
	h.must(person.WriteRaw([]byte(`{"type":"dance"}`)))
	_, err := person.Await(within(t), "never")
	wantRefused(t, err, "message")
	h.must(person.Type("ancora qui", true)) // an unknown message is objected to, and no more
	h.await(operator, "text")
	iv, err := h.Interview(t.Context(), h.interview)
	h.must(err)
	if len(facts[*evidence.PartyLeft](iv.Entries())) > 0 {
		t.Errorf("the seat was lost: %s", kinds(iv.Entries()))
	}
}

func TestFloodIsStoppedAndTheSeatStays(t *testing.T) {
	h := newHouse(t)
	operator, person := h.call()
	for range 500 {
		if person.WriteRaw([]byte(`{"type":"ping"}`)) != nil {
			break
		}
	}
	_, err := person.Await(within(t), "never")
	wantRefused(t, err, "rate")
	_ = person.Lost(within(t))
	h.must(person.Resume(within(t)))
	had := operator.Stats().VideoIn
	h.must(operator.AwaitStats(within(t), func(s peer.Stats) bool { return s.VideoIn > had+5 }))
}

func TestOnlyItsOwnTicketOpensTheSeat(t *testing.T) {
	h := newHouse(t)
	good := h.rooms.Ticket(h.interview, evidence.Person, "Nadia", time.Hour)
	body, mac, _ := strings.Cut(good, ".")
	foreign, _, _ := strings.Cut(h.rooms.Ticket("01OTHERROOM", evidence.Person, "Nadia", time.Hour), ".")
	for name, c := range map[string]struct{ ticket, code string }{
		"none":            {"", "ticket"},
		"no signature":    {body, "ticket"},
		"other interview": {foreign + "." + mac, "ticket"},
		"cut signature":   {body + "." + mac[:20], "ticket"},
		"unknown room":    {h.rooms.Ticket("01OTHERROOM", evidence.Person, "Nadia", time.Hour), "ticket"},
		"expired":         {h.rooms.Ticket(h.interview, evidence.Person, "Nadia", -time.Second), "expired"},
		"no such seat":    {h.rooms.Ticket(h.interview, evidence.Guest, "Nadia", time.Hour), "full"},
	} {
		_, err := peer.Dial(within(t), peer.Options{URL: h.url(), Ticket: c.ticket, Loopback: true})
		t.Log(name)
		wantRefused(t, err, c.code)
	}
}

func TestForeignOriginIsRefused(t *testing.T) {
	h := newHouse(t)
	ticket := h.rooms.Ticket(h.interview, evidence.Person, "Nadia", time.Hour)
	_, err := peer.Dial(within(t), peer.Options{
		URL: h.url(), Ticket: ticket, Loopback: true, Header: http.Header{"Origin": {"https://evil.example"}},
	})
	if err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("a foreign page joined: %v", err)
	}
	p, err := peer.Dial(within(t), peer.Options{
		URL: h.url(), Ticket: ticket, Loopback: true, Header: http.Header{"Origin": {h.server.URL}},
	})
	h.must(err)
	h.must(p.Close())
}

func TestT13_PersonConnectsOnlyAfterTheNotice(t *testing.T) {
	h := newHouse(t)
	h.interview = "01TESTNONOTICE"
	h.append(&evidence.Scheduled{Agency: evidence.Agency{ID: "ponte"}, Zone: "Europe/Rome", Start: "2026-11-24T10:15:00.000Z"})
	dial := func(p evidence.Party) error {
		c, err := peer.Dial(within(t), peer.Options{URL: h.url(), Ticket: h.rooms.Ticket(h.interview, p, "x", time.Hour), Loopback: true})
		if err == nil {
			h.must(c.Close())
		}
		return err
	}
	wantRefused(t, dial(evidence.Person), "notice")
	h.must(dial(evidence.Operator))
	h.append(&evidence.NoticeRead{Version: "1", Language: "it"})
	h.must(dial(evidence.Person))
}

func TestOffersThatAreNotServedAreRefused(t *testing.T) {
	h := newHouse(t)
	ws, _, err := websocket.DefaultDialer.DialContext(within(t), h.url(), nil)
	h.must(err)
	defer ws.Close()
	h.must(ws.WriteJSON(peer.Message{
		Type: "join", Ticket: h.rooms.Ticket(h.interview, evidence.Person, "Nadia", time.Hour),
		Offer: "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n",
	}))
	var m peer.Message
	h.must(ws.ReadJSON(&m))
	if m.Type != "error" || m.Code != "offer" || m.Sentence != "error-offer" {
		t.Errorf("got %+v", m)
	}
}

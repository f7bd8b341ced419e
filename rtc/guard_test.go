package rtc_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"confermo/evidence"
	"confermo/rtc/peer"
)

// An end that another part or node recorded ends the room too: nothing observed later may follow it.
func TestNothingIsRecordedAfterAnEndFromElsewhere(t *testing.T) {
	for name, end := range map[string]evidence.Fact{
		"closed":    &evidence.Closed{At: time.Now().UTC().Format(evidence.TimeFormat), Reason: "operator"},
		"cancelled": &evidence.Cancelled{},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			operator, person := h.call()
			h.append(end)
			h.await(operator, "closed")
			h.await(person, "closed")
			iv, err := h.Interview(t.Context(), h.interview)
			h.must(err)
			all := iv.Entries()
			if last := all[len(all)-1]; last.Head.Kind != end.Kind() {
				t.Errorf("after the end: %s", kinds(all))
			}
			_, err = peer.Dial(within(t), peer.Options{URL: h.url(), Ticket: h.rooms.Ticket(h.interview, evidence.Person, "", time.Hour), Loopback: true})
			wantRefused(t, err, "closed")
		})
	}
}

// Real-time text is media: like sound and picture it passes between the admitted only, in both directions.
func TestTextDoesNotReachAPersonWhoWaits(t *testing.T) {
	h := newHouse(t)
	operator, person := h.dial(evidence.Operator), h.dial(evidence.Person)
	h.await(operator, "peer-joined")
	h.must(operator.Type("segreto", true))
	wantRefused(t, second(operator.Await(within(t), "never")), "waiting")
	h.must(h.rooms.Admit(t.Context(), h.interview, evidence.Person))
	h.await(operator, "admitted")
	h.must(operator.Type("buongiorno", true))
	if m := h.await(person, "text"); m.Text != "buongiorno" {
		t.Errorf("the person read %q", m.Text)
	}
}

// A party that joins in a loop shuts out itself, and not the other.
func TestOnePartyCannotUseUpTheJoinsOfTheOther(t *testing.T) {
	h := newHouse(t)
	ticket := h.rooms.Ticket(h.interview, evidence.Person, "Nadia", time.Hour)
	code := ""
	for range 40 {
		ws, _, err := websocket.DefaultDialer.DialContext(within(t), h.url(), nil)
		h.must(err)
		h.must(ws.WriteJSON(peer.Message{Type: "join", Ticket: ticket, Offer: "no offer"}))
		var m peer.Message
		h.must(ws.ReadJSON(&m))
		h.must(ws.Close())
		if code = m.Code; code == "rate" {
			break
		}
	}
	if code != "rate" {
		t.Errorf("40 joins in a row ended with %q", code)
	}
	h.dial(evidence.Operator)
}

// A switch that is flicked without end does not fill the record.
func TestSwitchFloodIsBounded(t *testing.T) {
	h := newHouse(t)
	operator, person := h.call()
	began := time.Now()
	for i := range 80 { // fewer than a socket's messages
		raw, err := json.Marshal(map[string]any{"type": "mute", "what": "audio", "on": i%2 == 1})
		h.must(err)
		if person.WriteRaw(raw) != nil {
			break
		}
	}
	wantRefused(t, second(person.Await(within(t), "never")), "rate")
	_ = person.Lost(within(t))
	h.must(person.Resume(within(t)))
	had := operator.Stats().VideoIn
	h.must(operator.AwaitStats(within(t), func(s peer.Stats) bool { return s.VideoIn > had+5 }))
	h.must(h.rooms.Finish(t.Context(), h.interview, "operator"))
	iv, err := h.Interview(t.Context(), h.interview)
	h.must(err)
	if n, most := len(facts[*evidence.MuteChanged](iv.Entries())), 31+int(time.Since(began).Seconds()); n > most {
		t.Errorf("%d changes on record, want at most %d", n, most)
	}
}

// A ticket lives shorter than a call may last: who stays gets fresh ones, so that a late drop is no end.
func TestStayingRenewsTheTicket(t *testing.T) {
	h := newHouse(t)
	first := h.dial(evidence.Person)
	h.must(first.WriteRaw([]byte(`{"type":"ping"}`)))
	m := h.await(first, "pong")
	again, err := peer.Dial(within(t), peer.Options{URL: h.url(), Ticket: m.Ticket, Loopback: true})
	h.must(err)
	h.must(again.Close())
}

// A ticket opens the seat that it names and no other, whatever else a client says.
func TestTicketIsOfOneInterviewAndOneParty(t *testing.T) {
	h := newHouse(t)
	operator, person := h.call()
	ticket := h.rooms.Ticket(h.interview, evidence.Person, "Nadia", time.Hour)
	h.must(operator.WriteRaw([]byte(`{"type":"ping"}`)))
	seat := h.await(operator, "pong").Seat // none: a seat's name is its own secret
	ws, _, err := websocket.DefaultDialer.DialContext(within(t), h.url(), nil)
	h.must(err)
	defer ws.Close()
	var m peer.Message
	for range 4 {
		h.must(ws.WriteJSON(map[string]string{"type": "join", "ticket": ticket, "seat": seat + "01ANOTHERSEAT", "party": "operator"}))
		h.must(ws.ReadJSON(&m))
	}
	if m.Code != "rate" { // it may not hold the socket for ever by asking
		t.Errorf("the fourth try was answered with %+v", m)
	}
	had := operator.Stats().VideoIn
	h.must(operator.AwaitStats(within(t), func(s peer.Stats) bool { return s.VideoIn > had+5 }))
	h.must(person.Type("sono qui", true))
	h.await(operator, "text")
}

package rtc

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"confermo/evidence"
	"confermo/evidence/journal"
)

// hijack hands a connection to the upgrader.
type hijack struct {
	http.ResponseWriter
	conn net.Conn
}

func (h hijack) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.conn, bufio.NewReadWriter(bufio.NewReader(h.conn), bufio.NewWriter(h.conn)), nil
}

// pipe gives a client and the raw other end of its socket, after the handshake, inside a bubble with its own clock.
func pipe(t *testing.T) (*client, net.Conn) {
	t.Helper()
	here, there := net.Pipe()
	go func() {
		in := bufio.NewReader(there)
		for line := "x"; line != "\r\n"; {
			line, _ = in.ReadString('\n')
		}
	}()
	req := &http.Request{Method: http.MethodGet, Header: http.Header{
		"Connection": {"upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="},
	}}
	ws, err := new(websocket.Upgrader).Upgrade(hijack{conn: here}, req, nil)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return newClient(ws), there
}

// A peer that takes a message every few seconds must not hold up the end of its socket: a service that stops waits for it.
func TestSlowReaderDoesNotHoldUpTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, there := pipe(t)
		for range queueLength {
			c.send(event{Type: "text", Text: strings.Repeat("a", 1000)})
		}
		go c.write()
		done := make(chan struct{})
		go func() {
			defer close(done)
			buf := make([]byte, 1<<20)
			for {
				<-time.After(8 * time.Second) // of the bubble's clock: just in time for each message
				if _, err := there.Read(buf); err != nil {
					return
				}
			}
		}()
		began := time.Now()
		c.end(websocket.CloseServiceRestart, "restart")
		c.part()
		if took := time.Since(began); took > writeWithin+2*partWithin {
			t.Errorf("the end took %v", took)
		}
		_ = there.Close()
		<-done
	})
}

// Unasked pongs do not keep a socket that never joins.
func TestPongsDoNotReplaceTheJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, there := pipe(t)
		go func() { _, _ = io.Copy(io.Discard, there) }()
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 20 {
				<-time.After(5 * time.Second) // of the bubble's clock
				if _, err := there.Write([]byte{0x8a, 0x80, 0, 0, 0, 0}); err != nil {
					return
				}
			}
		}()
		began := time.Now()
		_, err := c.read(helloWithin, false)
		if took := time.Since(began); err == nil || took > helloWithin {
			t.Errorf("a socket without a join was held for %v: %v", took, err)
		}
		_ = c.ws.Close()
		_ = there.Close()
		<-done
	})
}

// While the journal refuses, a flood of small facts must not push out those without which the rest means nothing.
func TestAnOutageOfTheJournalLosesNoEdge(t *testing.T) {
	var drafts []journal.Draft
	add := func(f evidence.Fact) { drafts = append(drafts, journal.Draft{Fact: f}) }
	add(&evidence.PartyJoined{})
	add(&evidence.PartyAdmitted{})
	add(&evidence.MediaObserved{From: "old"})
	for range 2 * maxPending {
		add(&evidence.MuteChanged{})
	}
	add(&evidence.MediaObserved{From: "new"})
	add(&evidence.PartyLeft{})
	count := func(n int) (kinds map[evidence.Kind]int) {
		kinds = map[evidence.Kind]int{}
		for _, d := range shorten(slices.Clone(drafts), n) {
			kinds[d.Fact.Kind()]++
		}
		return kinds
	}
	got := count(maxPending)
	if got["party-joined"] != 1 || got["party-admitted"] != 1 || got["party-left"] != 1 || got["media-observed"] != 2 || got["mute-changed"] != maxPending-5 {
		t.Errorf("kept %v", got)
	}
	drafts = shorten(drafts, 4)
	if got := count(4); got["media-observed"] != 1 || len(drafts) != 4 || drafts[2].Fact.(*evidence.MediaObserved).From != "new" {
		t.Errorf("kept %v", got)
	}
}

package rtc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"
)

// Times of a socket: how long a first message may take, how long silence may last (pings come every pingEvery), how long
// a write and a parting may take.
const (
	helloWithin  = 10 * time.Second
	silentFor    = 25 * time.Second
	pingEvery    = 10 * time.Second
	writeWithin  = 10 * time.Second
	partWithin   = 2 * time.Second
	queueLength  = 2 * messageBurst // answers to a burst fit
	messageRate  = 25               // a second: typing is at most half of it
	messageBurst = 100
	restartBurst = 6
)

// client is one WebSocket. Its reader is the goroutine of ServeHTTP; write is its only writer.
type client struct {
	ws       *websocket.Conn
	out      chan []byte
	messages *rate.Limiter
	restarts *rate.Limiter
	name     string // of the ticket with which it was seated

	once   sync.Once
	ending chan struct{} // closed by end: no more events, the queue goes out, then goodbye
	code   int           // of the close frame; set before ending is closed
	reason string
	done   chan struct{} // closed when the writer has ended
}

func newClient(ws *websocket.Conn) *client {
	return &client{
		ws: ws, out: make(chan []byte, queueLength), ending: make(chan struct{}), done: make(chan struct{}),
		messages: rate.NewLimiter(messageRate, messageBurst),
		restarts: rate.NewLimiter(1, restartBurst),
	}
}

// read waits for the next message. It refuses what is no message, too large, or one too many. Pongs show that a seated
// client is there; before that they gain no time, for otherwise a socket could be held without ever joining.
func (c *client) read(within time.Duration, seated bool) (request, error) {
	deadline := func() error { return c.ws.SetReadDeadline(time.Now().Add(within)) }
	select {
	case <-c.ending:
		within = partWithin
	default:
	}
	if err := deadline(); err != nil {
		return request{}, fmt.Errorf("set deadline: %w", err)
	}
	c.ws.SetPongHandler(func(string) error {
		if !seated {
			return nil
		}
		return deadline()
	})
	kind, r, err := c.ws.NextReader()
	if err != nil {
		return request{}, fmt.Errorf("read message: %w", err)
	}
	if kind != websocket.TextMessage {
		return request{}, refuse("message", errors.New("not text"))
	}
	b, err := io.ReadAll(io.LimitReader(r, MaxMessage+1))
	if err != nil {
		return request{}, fmt.Errorf("read message: %w", err)
	}
	if !c.messages.Allow() {
		return request{}, refuse("rate", errors.New("too many messages"))
	}
	return parse(b)
}

// send queues an event. A client that does not take its events is dropped; its seat stays.
func (c *client) send(e event) {
	b, err := json.Marshal(e)
	if err != nil {
		return // strings and booleans always encode
	}
	select {
	case <-c.ending:
	case c.out <- b:
	default:
		c.end(websocket.CloseTryAgainLater, "slow")
	}
}

// fail says what is wrong and, where it is final, ends the socket.
func (c *client) fail(err error) {
	e, final := errorEvent(err)
	c.send(e)
	if final {
		c.end(websocket.ClosePolicyViolation, e.Code)
	}
}

// end lets the queue go out and says goodbye. Only the first reason counts.
func (c *client) end(code int, reason string) {
	c.once.Do(func() {
		c.code, c.reason = code, reason
		close(c.ending)
	})
}

// write sends the queue and pings until end.
func (c *client) write() {
	defer close(c.done)
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		select {
		case <-c.ending: // first: where there is an end, no message is sent with the long limit
			c.drain()
			return
		default:
		}
		select {
		case b := <-c.out:
			if !c.put(b, time.Now().Add(writeWithin)) {
				return
			}
		case <-ping.C:
			if err := c.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeWithin)); err != nil {
				_ = c.ws.Close()
				return
			}
		case <-c.ending:
			c.drain()
			return
		}
	}
}

// drain sends what is left and says goodbye. One time limit holds for all of it: a peer that takes a message now and
// then must not hold up the end.
func (c *client) drain() {
	for until := time.Now().Add(partWithin); len(c.out) > 0; {
		if !c.put(<-c.out, until) {
			return
		}
	}
	bye := websocket.FormatCloseMessage(c.code, c.reason)
	_ = c.ws.WriteControl(websocket.CloseMessage, bye, time.Now().Add(partWithin))
	// The reader may sit in a read: it gets this long to see the answer, and to drain what is under way.
	_ = c.ws.SetReadDeadline(time.Now().Add(partWithin))
}

func (c *client) put(b []byte, until time.Time) bool {
	if c.ws.SetWriteDeadline(until) != nil || c.ws.WriteMessage(websocket.TextMessage, b) != nil {
		_ = c.ws.Close() // wakes the reader, which reports the drop
		return false
	}
	return true
}

// part ends the socket from the reader's side: what still arrives is thrown away for a moment, so that the reason
// reaches a client that is in the middle of a large message.
func (c *client) part() {
	c.end(websocket.CloseNormalClosure, "")
	<-c.done
	until := time.Now().Add(partWithin)
	_ = c.ws.SetReadDeadline(until)
	for time.Now().Before(until) {
		_, r, err := c.ws.NextReader()
		if err != nil {
			break
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			break
		}
	}
	_ = c.ws.Close()
}

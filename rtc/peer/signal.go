package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gorilla/websocket"
)

// join opens the WebSocket, sends the first message and waits for "joined".
func (p *Peer) join(ctx context.Context, first Message) (Message, error) {
	ws, res, err := websocket.DefaultDialer.DialContext(ctx, p.opt.URL, p.opt.Header)
	if err != nil {
		if res != nil {
			return Message{}, fmt.Errorf("open WebSocket: %s: %w", res.Status, err)
		}
		return Message{}, fmt.Errorf("open WebSocket: %w", err)
	}
	p.mu.Lock()
	p.ws, p.lost = ws, nil
	p.mu.Unlock()
	p.wg.Add(1)
	go p.listen(ws)
	if err := p.write(first); err != nil {
		return Message{}, err
	}
	m, err := p.Await(ctx, "joined")
	if err != nil {
		return Message{}, err
	}
	p.mu.Lock()
	p.ticket, p.seat = m.Ticket, m.Seat
	p.mu.Unlock()
	return m, nil
}

// Drop breaks the WebSocket and leaves the media as it is.
func (p *Peer) Drop() error {
	p.mu.Lock()
	ws := p.ws
	p.mu.Unlock()
	return ws.UnderlyingConn().Close()
}

// Resume takes the seat again after Drop; the media was never renegotiated.
func (p *Peer) Resume(ctx context.Context) error {
	p.mu.Lock()
	first := Message{Type: "join", Ticket: p.ticket, Seat: p.seat}
	p.mu.Unlock()
	if _, err := p.join(ctx, first); err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	return nil
}

func (p *Peer) write(m Message) error {
	p.mu.Lock()
	ws := p.ws
	p.mu.Unlock()
	p.writing.Lock()
	defer p.writing.Unlock()
	if err := ws.SetWriteDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return fmt.Errorf("send %s: %w", m.Type, err)
	}
	if err := ws.WriteJSON(m); err != nil {
		return fmt.Errorf("send %s: %w", m.Type, err)
	}
	return nil
}

// WriteRaw sends bytes that need not be a message: for tests of the other side.
func (p *Peer) WriteRaw(b []byte) error {
	p.mu.Lock()
	ws := p.ws
	p.mu.Unlock()
	p.writing.Lock()
	defer p.writing.Unlock()
	return ws.WriteMessage(websocket.TextMessage, b)
}

func (p *Peer) listen(ws *websocket.Conn) {
	defer p.wg.Done()
	defer ws.Close()
	for {
		var m Message
		err := ws.ReadJSON(&m)
		p.mu.Lock()
		if err != nil {
			if p.ws == ws {
				p.lost = err
			}
			p.change()
			p.mu.Unlock()
			return
		}
		p.messages = append(p.messages, m)
		p.change()
		p.mu.Unlock()
	}
}

// change wakes who waits. Its caller holds mu.
func (p *Peer) change() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// Await returns the next message of the type, in order of arrival; others before it are passed over and can no longer be
// awaited. An error message that comes first is returned as *Refused.
func (p *Peer) Await(ctx context.Context, kind string) (Message, error) {
	for {
		p.mu.Lock()
		for p.taken < len(p.messages) {
			m := p.messages[p.taken]
			p.taken++
			if m.Type == kind {
				p.mu.Unlock()
				return m, nil
			}
			if m.Type == "error" {
				p.mu.Unlock()
				return m, &Refused{m.Code}
			}
		}
		changed, lost := p.changed, p.lost
		p.mu.Unlock()
		if lost != nil {
			return Message{}, fmt.Errorf("wait for %s: signalling ended: %w", kind, lost)
		}
		select {
		case <-changed:
		case <-p.stop:
			return Message{}, fmt.Errorf("wait for %s: %w", kind, io.ErrClosedPipe)
		case <-ctx.Done():
			return Message{}, fmt.Errorf("wait for %s: %w", kind, ctx.Err())
		}
	}
}

// Lost waits for the end of signalling and returns why it ended.
func (p *Peer) Lost(ctx context.Context) error {
	for {
		p.mu.Lock()
		changed, lost := p.changed, p.lost
		p.mu.Unlock()
		if lost != nil {
			return lost
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return errors.Join(errors.New("signalling goes on"), ctx.Err())
		}
	}
}

// Stats are the counts so far.
func (p *Peer) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats
}

// AwaitStats returns once the counts are as wanted.
func (p *Peer) AwaitStats(ctx context.Context, ok func(Stats) bool) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok(p.Stats()) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for media, have %+v: %w", p.Stats(), ctx.Err())
		}
	}
}

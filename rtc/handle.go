package rtc

import (
	"context"
	"errors"
	"fmt"

	"github.com/gorilla/websocket"

	"confermo/evidence"
	"confermo/rtc/sfu"
)

// handle does what a seated client asks. Whoever lost the seat to another client is told and heard no more.
func (m *room) handle(ctx context.Context, c *client, s *seat, r request) error {
	switch r.Type {
	case "ping":
		c.send(event{Type: "pong", Now: m.nowText(), Ticket: m.rooms.Ticket(m.id, s.party, c.name, TicketTTL)})
		return nil
	case "restart":
		return m.restart(ctx, c, s, r)
	case "mute", "text", "leave":
		err := refuse("closed", ErrClosed)
		m.do(func() {
			if s.client != c {
				err = refuse("replaced", nil)
				return
			}
			err = m.seated(s, r)
		})
		return err
	case "join":
		return object("message", errors.New("join comes once"))
	}
	return object("message", fmt.Errorf("%q is not a message", r.Type))
}

// seated does what only the room may do.
func (m *room) seated(s *seat, r request) error {
	switch r.Type {
	case "mute":
		return m.mute(s, r)
	case "text":
		if m.since.IsZero() {
			return object("waiting", errors.New("not both are admitted yet"))
		}
		s.meter.Typed(m.rooms.now())
		m.broadcast(s.party, event{Type: "text", Party: string(s.party), Text: r.Text, Done: r.Done})
	case "leave":
		s.client.end(websocket.CloseNormalClosure, "left")
		s.vacate("leave")
		m.feed()
		m.tick()
		return errLeft
	}
	return nil
}

func (m *room) mute(s *seat, r request) error {
	var own *bool
	switch r.What {
	case "audio":
		own = &s.audio
	case "video":
		own = &s.video
	default:
		return object("message", fmt.Errorf("%q is neither audio nor video", r.What))
	}
	if *own == r.On {
		return nil
	}
	if !s.mutes.Allow() {
		return refuse("rate", errors.New("the switches change too often"))
	}
	on := r.On
	*own = on
	at := m.rooms.clock.UTC(m.rooms.now())
	m.draft(at, &evidence.MuteChanged{Party: s.party, What: r.What, On: r.On, At: at.Format(evidence.TimeFormat)})
	m.broadcast(s.party, event{Type: "peer-muted", Party: string(s.party), What: r.What, On: &on})
	return nil
}

// restart renews ICE on the seat's connection.
func (m *room) restart(ctx context.Context, c *client, s *seat, r request) error {
	if !c.restarts.Allow() {
		return refuse("rate", errors.New("too many restarts"))
	}
	var conn *sfu.Conn
	m.do(func() {
		if s.client == c {
			conn = s.conn
		}
	})
	if conn == nil {
		return refuse("replaced", nil)
	}
	answer, err := conn.Restart(ctx, r.Offer)
	if errors.Is(err, sfu.ErrOffer) {
		return object("offer", err)
	} else if err != nil {
		return fmt.Errorf("restart ICE: %w", err)
	}
	c.send(event{Type: "restarted", Answer: answer})
	return nil
}

package rtc

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"
	"golang.org/x/time/rate"

	"confermo/evidence"
	"confermo/rtc/presence"
	"confermo/rtc/sfu"
)

// parties in the order in which their facts are told.
var parties = []evidence.Party{evidence.Operator, evidence.Person}

// errLeft says that the client left on purpose.
var errLeft = errors.New("left")

// seat is a party's place in a room, whoever sits on it. The room's goroutine owns it.
type seat struct {
	room     *room
	party    evidence.Party
	name     string
	meter    *presence.Meter
	admitted bool
	away     bool // its media is lost or it left; others were told
	audio    bool // its own switches
	video    bool

	client  *client       // nil while its socket is lost
	dropped time.Duration // when it was lost
	id      string        // of the connection, "" before the first
	conn    *sfu.Conn     // nil while there is no media
	gauge   gauge

	joins, mutes *rate.Limiter
}

func newSeat(m *room, p evidence.Party, was evidence.Presence) *seat {
	return &seat{
		room: m, party: p, admitted: was.Admitted, away: true, audio: true, video: true,
		meter: presence.New(m.rooms.clock, p, was.Joined),
		joins: rate.NewLimiter(1, joinBurst), mutes: rate.NewLimiter(1, muteBurst),
	}
}

func (s *seat) taken() bool  { return s.client != nil || s.conn != nil }
func (s *seat) inCall() bool { return s.admitted && s.conn != nil }

func (s *seat) measuring() bool { return s.meter.Pending() }

func (s *seat) sample() presence.Sample {
	if s.conn == nil {
		return presence.Sample{}
	}
	return s.conn.Sample()
}

// join seats a client: with an offer on a new connection, without one on the connection that its seat id names.
func (m *room) join(ctx context.Context, c *client, t ticket, r request) (*seat, error) {
	if r.Offer == "" {
		return m.resume(c, t, r)
	}
	if !m.seats[t.Party].joins.Allow() {
		return nil, refuse("rate", errors.New("too many connections"))
	}
	if err := m.allowed(ctx, t.Party); err != nil {
		return nil, err
	}
	var link atomic.Pointer[presence.Link]
	conn, answer, err := m.rooms.media.Connect(ctx, r.Offer, func(seen presence.Seen, bytes int) {
		l := link.Load()
		if l != nil && l.Observe(m.rooms.now(), seen, bytes) {
			select {
			case m.wake <- struct{}{}:
			default:
			}
		}
	})
	if errors.Is(err, sfu.ErrOffer) {
		return nil, refuse("offer", err)
	} else if err != nil {
		return nil, fmt.Errorf("connect media: %w", err)
	}
	var s *seat
	m.do(func() {
		s = m.seats[t.Party]
		id := ulid.Make().String()
		s.take(c, t)
		s.hangUp()
		s.conn, s.id, s.audio, s.video = conn, id, true, true
		s.gauge = gauge{}
		link.Store(s.meter.Connect(id, "udp"))
		m.feed()
		s.greet(answer)
	})
	if s == nil {
		return nil, errors.Join(refuse("closed", ErrClosed), conn.Close())
	}
	return s, nil
}

func (m *room) resume(c *client, t ticket, r request) (*seat, error) {
	err := refuse("closed", ErrClosed)
	s := m.seats[t.Party]
	m.do(func() {
		if r.Seat == "" || s.id != r.Seat || s.conn == nil {
			err = object("gone", errors.New("the connection of this seat is over"))
			return
		}
		err = nil
		s.take(c, t)
		s.greet("")
	})
	return s, err
}

// allowed asks the record whether the party may connect: the person after the notice was acknowledged.
func (m *room) allowed(ctx context.Context, p evidence.Party) error {
	iv, err := m.rooms.journal.Interview(ctx, m.id)
	if err != nil {
		return err
	}
	if iv.Closed != nil || iv.Cancelled != nil {
		return refuse("closed", ErrClosed)
	}
	if p == evidence.Person && iv.Notice == nil {
		return refuse("notice", errors.New("the notice was not acknowledged"))
	}
	return nil
}

// take puts a client on the seat; who sat there is told.
func (s *seat) take(c *client, t ticket) {
	if s.client != nil && s.client != c {
		s.client.fail(refuse("replaced", nil))
	}
	s.client, s.name, c.name = c, t.Name, t.Name
}

// greet answers join.
func (s *seat) greet(answer string) {
	m := s.room
	e := event{
		Type: "joined", Answer: answer, Seat: s.id, Party: string(s.party), State: "waiting", Others: []other{},
		Ticket: m.rooms.Ticket(m.id, s.party, s.name, TicketTTL), Now: m.nowText(), Since: m.sinceText(),
	}
	if s.admitted || s.party == evidence.Operator {
		e.State = "in-call"
	}
	for _, p := range parties {
		if o := m.seats[p]; p != s.party {
			e.Others = append(e.Others, other{Party: string(p), Name: o.name, State: o.state(), Audio: o.audio, Video: o.video})
		}
	}
	s.client.send(e)
}

// state is how others see the seat.
func (s *seat) state() string {
	switch {
	case !s.taken():
		return "absent"
	case s.away:
		return "away"
	case s.admitted:
		return "in-call"
	}
	return "waiting"
}

// dropped notes that a client's socket is lost.
func (m *room) dropped(c *client) {
	for _, s := range m.seats {
		if s.client == c {
			s.client, s.dropped = nil, m.rooms.now()
		}
	}
}

// vacate ends the connection for a reason and frees the seat.
func (s *seat) vacate(reason string) {
	s.meter.Leave(reason)
	s.hangUp()
	s.client, s.id = nil, ""
}

func (s *seat) hangUp() {
	if s.conn == nil {
		return
	}
	if err := s.conn.Close(); err != nil {
		s.room.rooms.log.Warn("close media", "interview", s.room.id, "party", s.party, "err", err)
	}
	s.conn = nil
}

// observe queues the facts that are settled, and tells the others what changed for them.
func (s *seat) observe(now time.Duration) {
	m := s.room
	sample := s.sample()
	for _, f := range s.meter.Tick(now, sample) {
		m.draft(f.At, f.Fact)
		switch f := f.Fact.(type) {
		case *evidence.PartyJoined:
			s.away = false
			audio, video := s.audio, s.video
			m.broadcast(s.party, event{
				Type: "peer-joined", Party: string(s.party), Name: s.name, State: s.state(), Reconnect: f.Reconnect,
				Audio: &audio, Video: &video,
			})
			if s.party == evidence.Operator && !s.admitted {
				at := m.rooms.clock.UTC(now)
				m.draft(at, &evidence.PartyAdmitted{Party: s.party})
				m.entered(s, at)
			}
		case *evidence.PartyLeft:
			if f.Reason != "replaced" && f.Connection == s.id || s.id == "" {
				s.away = true
				m.broadcast(s.party, event{Type: "peer-left", Party: string(s.party), Reason: f.Reason})
			}
		}
	}
	if word, changed := s.gauge.word(now, sample, s.conn != nil && !s.away); changed {
		m.broadcast("", event{Type: "network", Party: string(s.party), Network: word})
	}
}

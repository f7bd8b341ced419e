package rtc

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gorilla/websocket"

	"confermo/evidence"
	"confermo/evidence/journal"
)

// holdSeat is how long a seat and its media outlive a lost socket.
const holdSeat = 30 * time.Second

// joinBurst bounds how many connections in a row a party makes, muteBurst how many edges of its switches are recorded in
// a row; one more comes every second. The bounds are each party's own: neither can use up those of the other.
const (
	joinBurst = 12
	muteBurst = 30
)

// maxPending bounds the facts that wait for a journal that refuses them: a quarter of an hour of two parties.
const maxPending = 1000

// room is one interview's call. run owns all fields from seats on.
type room struct {
	rooms   *Rooms
	id      string
	users   int // guarded by Rooms.mu
	actions chan func()
	wake    chan struct{} // a party was heard for the first time
	done    chan struct{} // closed when run has ended

	seats   map[evidence.Party]*seat // the map itself never changes
	since   time.Time                // when the second of both was admitted
	pending []journal.Draft
	over    bool
}

func newRoom(r *Rooms, iv *evidence.Interview) *room {
	m := &room{
		rooms: r, id: iv.ID, actions: make(chan func()), wake: make(chan struct{}, 1), done: make(chan struct{}),
		seats: map[evidence.Party]*seat{},
	}
	for _, p := range []evidence.Party{evidence.Operator, evidence.Person} {
		m.seats[p] = newSeat(m, p, iv.Parties[p])
	}
	if iv.Parties[evidence.Operator].Admitted && iv.Parties[evidence.Person].Admitted {
		first := map[evidence.Party]bool{}
		for _, e := range iv.Entries() {
			if f, ok := e.Fact.(*evidence.PartyAdmitted); ok && !first[f.Party] {
				first[f.Party], m.since = true, e.Head.Time()
			}
		}
	}
	return m
}

// do runs f in the room and waits for it. It does nothing when the room is over.
func (m *room) do(f func()) {
	ran := make(chan struct{})
	select {
	case m.actions <- func() { defer close(ran); f() }:
		<-ran
	case <-m.done:
	}
}

func (m *room) run() {
	defer m.rooms.wg.Done()
	defer close(m.done)
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		select {
		case f := <-m.actions:
			f()
		case <-m.wake:
			m.tick()
		case <-second.C:
			m.tick()
			if m.idle() && m.rooms.forget(m, false) {
				return
			}
		case <-m.rooms.ctx.Done():
			m.shutdown()
			return
		}
		if m.over {
			m.rooms.forget(m, true)
			return
		}
	}
}

// idle tells that nobody has a seat and nothing waits to be recorded.
func (m *room) idle() bool {
	for _, s := range m.seats {
		if s.taken() || s.measuring() {
			return false
		}
	}
	return len(m.pending) == 0
}

// tick turns what was counted into facts and gives up seats that were not taken again.
func (m *room) tick() {
	now := m.rooms.now()
	for _, p := range parties {
		s := m.seats[p]
		if s.client == nil && s.conn != nil && now-s.dropped > holdSeat {
			s.vacate("lost")
			m.feed()
		}
		s.observe(now)
	}
	_ = m.record(context.Background()) // logged, and tried again
}

// shutdown records what was seen and leaves the connections standing in the record: the next start finds them and
// records the outage.
func (m *room) shutdown() {
	now := m.rooms.now()
	for _, p := range parties {
		s := m.seats[p]
		for _, f := range s.meter.Flush(now, s.sample()) {
			m.draft(f.At, f.Fact)
		}
		s.hangUp()
	}
	_ = m.record(context.Background()) // logged; there is no later
	m.rooms.forget(m, true)
}

// draft queues a fact.
func (m *room) draft(at time.Time, f evidence.Fact) {
	m.pending = append(m.pending, journal.Draft{Interview: m.id, By: "rtc", At: at, Fact: f})
}

// record appends the queued facts, and more with them. When the journal refuses, they stay queued and the next tick
// tries again. Where the interview was ended elsewhere nothing follows its end: the room is over.
func (m *room) record(ctx context.Context, more ...journal.Draft) error {
	drafts := append(slices.Clone(m.pending), more...)
	if len(drafts) == 0 {
		return nil
	}
	if drafts[0].If == nil {
		drafts[0].If = standing
	}
	_, err := m.rooms.journal.Append(ctx, drafts...)
	if errors.Is(err, errOver) {
		m.conclude("operator")
		return err
	}
	if err != nil {
		m.rooms.log.Error("record facts of a room", "interview", m.id, "facts", len(drafts), "err", err)
		m.pending = shorten(m.pending, maxPending)
		return err
	}
	m.pending = nil
	return nil
}

// standing refuses facts of a call that was closed or cancelled.
func standing(iv *evidence.Interview) error {
	if iv.Closed != nil || iv.Cancelled != nil {
		return errOver
	}
	return nil
}

// shorten drops the oldest facts beyond n: switches first, then seconds. Joins, leaves and admissions are few, and
// nothing else could be understood without them: they stay.
func shorten(drafts []journal.Draft, n int) []journal.Draft {
	over := len(drafts) - n
	for _, kind := range []evidence.Kind{(&evidence.MuteChanged{}).Kind(), (&evidence.MediaObserved{}).Kind()} {
		drafts = slices.DeleteFunc(drafts, func(d journal.Draft) bool {
			drop := over > 0 && d.Fact.Kind() == kind
			if drop {
				over--
			}
			return drop
		})
	}
	return drafts
}

// conclude tells everybody that the interview is over, and hangs up. Nothing more is recorded.
func (m *room) conclude(reason string) {
	m.over, m.pending = true, nil
	for _, p := range parties {
		s := m.seats[p]
		if s.client != nil {
			s.client.send(event{Type: "closed", Reason: reason})
			s.client.end(websocket.CloseNormalClosure, "closed")
		}
		s.client = nil
		s.hangUp()
	}
}

// broadcast tells everybody but one.
func (m *room) broadcast(except evidence.Party, e event) {
	for _, p := range parties {
		if s := m.seats[p]; p != except && s.client != nil {
			s.client.send(e)
		}
	}
}

// feed lets media flow between the admitted, and stops it for everybody else.
func (m *room) feed() {
	a, b := m.seats[evidence.Operator], m.seats[evidence.Person]
	if a.inCall() && b.inCall() {
		a.conn.Feed(b.conn)
		b.conn.Feed(a.conn)
		return
	}
	for _, s := range m.seats {
		if s.conn != nil {
			s.conn.Feed()
		}
	}
}

// admit lets a party into the call.
func (m *room) admit(ctx context.Context, p evidence.Party) error {
	s := m.seats[p]
	if s == nil || !s.taken() {
		return ErrNotWaiting
	}
	if s.admitted {
		return nil
	}
	now := m.rooms.clock.UTC(m.rooms.now())
	draft := journal.Draft{
		Interview: m.id, By: "rtc", At: now, Fact: &evidence.PartyAdmitted{Party: p},
		If: standing,
	}
	s.observe(m.rooms.now()) // it joined before it was admitted
	if err := m.record(ctx, draft); errors.Is(err, errOver) {
		return ErrClosed
	} else if err != nil {
		return err
	}
	m.entered(s, now)
	return nil
}

// entered makes an admission that is on record effective.
func (m *room) entered(s *seat, at time.Time) {
	s.admitted = true
	if m.seats[evidence.Operator].admitted && m.seats[evidence.Person].admitted {
		m.since = at
	}
	m.feed()
	m.broadcast("", event{Type: "admitted", Party: string(s.party), Since: m.sinceText(), Now: m.nowText()})
}

func (m *room) sinceText() string {
	if m.since.IsZero() {
		return ""
	}
	return m.since.UTC().Format(evidence.TimeFormat)
}

func (m *room) nowText() string { return m.rooms.clock.UTC(m.rooms.now()).Format(evidence.TimeFormat) }

var errOver = errors.New("the interview was closed before")

// finish ends the call: everything seen, then the close, in one append; then everybody is told.
func (m *room) finish(ctx context.Context, c *evidence.Closed, at time.Time, guard func(*evidence.Interview) error) error {
	now := m.rooms.now()
	if c.Reason == "unattended" && m.attended() {
		return errAttended
	}
	for _, p := range parties {
		s := m.seats[p]
		for _, f := range s.meter.Close(now, s.sample(), "closed") {
			m.draft(f.At, f.Fact)
		}
	}
	err := m.record(ctx, journal.Draft{Interview: m.id, By: "rtc", At: at, Fact: c, If: guard})
	if err == nil || errors.Is(err, errOver) {
		m.conclude(c.Reason)
		return nil
	}
	for _, p := range parties {
		s := m.seats[p]
		if s.client != nil {
			// Their media is measured no more, so they must join anew; the seats stay.
			s.client.fail(err)
		}
		s.client = nil
		s.hangUp()
	}
	return err
}

// attended tells that somebody's media arrives.
func (m *room) attended() bool {
	for _, s := range m.seats {
		if _, open := s.meter.Last(); open {
			return true
		}
	}
	return false
}

package presence

import (
	"sync"
	"time"

	"confermo/evidence"
)

// Meter measures one party over all its connections. Observe may be called from any goroutine; everything else belongs
// to the meter's owner.
type Meter struct {
	clock Clock
	party evidence.Party

	// mu guards all fields below: packets of one party arrive on several goroutines.
	mu      sync.Mutex
	link    *Link
	joined  bool // some connection joined before
	spans   []span
	base    int64  // Unix second of secs[0]; earlier seconds are settled
	secs    []slot // from base on
	before  Sample // at the last chunk
	current Sample
	ticked  time.Duration // the last tick
}

// slot is what was seen in one second.
type slot struct {
	seen           Seen
	packets, bytes int64
}

// span is one unbroken connection, from its first to its last packet.
type span struct {
	link        *Link
	first, last time.Duration
	reason      string // of its end; "" while it is open
	told        bool   // the joined fact is out
	reconnect   bool
}

// Link is one connection of the party; the next Connect of the meter ends it.
type Link struct {
	meter       *Meter
	id, network string
}

// New makes the meter of a party. Joined tells that the record already holds a connection of the party, so that the
// next one is a reconnection.
func New(clock Clock, party evidence.Party, joined bool) *Meter {
	return &Meter{clock: clock, party: party, joined: joined}
}

// Connect announces a new connection; what came before is replaced. Network is "udp", "tcp" or "relay". The party has
// joined when the first packet arrives.
func (m *Meter) Connect(id, network string) *Link {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.end("replaced")
	m.link = &Link{meter: m, id: id, network: network}
	m.before, m.current = Sample{}, Sample{}
	return m.link
}

// Observe counts one authenticated packet of the connection at a distance since boot. First tells that the party has
// joined or come back with it, so that the owner may tick at once. A connection that was replaced or has left counts no
// more.
func (l *Link) Observe(at time.Duration, seen Seen, bytes int) (first bool) {
	m := l.meter
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.link != l {
		return false
	}
	s := m.open()
	if s != nil && at-s.last > Hold {
		s.reason = "lost"
		s = nil
	}
	if s == nil {
		if second := m.clock.second(at); len(m.spans) == 0 && second > m.base {
			m.base, m.secs = second, m.secs[:0]
		}
		m.spans = append(m.spans, span{link: l, first: at, last: at, reconnect: m.joined})
		m.joined, first = true, true
		s = &m.spans[len(m.spans)-1]
	}
	s.last = max(s.last, at)
	m.count(at, slot{seen: seen | Connected, packets: 1, bytes: int64(bytes)})
	return first
}

// Typed counts real-time text, which arrives with the signalling and does not show that media can pass.
func (m *Meter) Typed(at time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.open() != nil {
		m.count(at, slot{seen: Text})
	}
}

// Leave ends the connection at its last packet, for the reason "leave", "lost" or "closed".
func (m *Meter) Leave(reason string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.end(reason)
	m.link = nil
}

// Last is when the open connection was last heard, and whether one is open.
func (m *Meter) Last() (at time.Duration, open bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.open(); s != nil {
		return s.last, true
	}
	return 0, false
}

// Tail is what was seen and not yet told in a fact: the seconds a live view adds to the record.
func (m *Meter) Tail() evidence.MediaObserved {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.open()
	if s == nil {
		return evidence.MediaObserved{Party: m.party}
	}
	from := max(m.base, m.clock.second(s.first))
	return m.observed(from, m.clock.second(s.last)+1)
}

func (m *Meter) open() *span {
	if n := len(m.spans); n > 0 && m.spans[n-1].reason == "" {
		return &m.spans[n-1]
	}
	return nil
}

func (m *Meter) end(reason string) {
	if s := m.open(); s != nil {
		s.reason = reason
	}
}

// count adds to the second of at. What comes late for a settled second keeps its bytes and loses its bits.
func (m *Meter) count(at time.Duration, c slot) {
	i := m.clock.second(at) - m.base
	if i < 0 {
		i, c.seen = 0, 0
	}
	for int64(len(m.secs)) <= i {
		m.secs = append(m.secs, slot{})
	}
	s := &m.secs[i]
	s.seen |= c.seen
	s.packets += c.packets
	s.bytes += c.bytes
}

// Pending tells that a connection is open or has facts to tell.
func (m *Meter) Pending() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.spans) > 0
}

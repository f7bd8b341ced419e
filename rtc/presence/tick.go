package presence

import (
	"time"

	"confermo/evidence"
)

// Tick gives the facts that are settled at now, in order. It is called about once a second, and when Observe returned
// true; calling it later delays facts and changes none of their seconds. Sample is the connection's newest.
func (m *Meter) Tick(now time.Duration, sample Sample) []Fact { return m.tick(now, sample, false) }

// Close ends the connection for the reason and gives everything that is left, the running second included.
func (m *Meter) Close(now time.Duration, sample Sample, reason string) []Fact {
	m.Leave(reason)
	return m.tick(now, sample, true)
}

// Flush gives everything observed so far without ending the connection: what a service that stops can still record.
func (m *Meter) Flush(now time.Duration, sample Sample) []Fact {
	return m.tick(now, sample, true)
}

func (m *Meter) tick(now time.Duration, sample Sample, final bool) []Fact {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.open()
	if s != nil && m.current.Answers > 0 && sample.Answers > m.current.Answers {
		s.last = max(s.last, m.ticked)
	}
	m.current, m.ticked = sample, now
	if s != nil && now-s.last > Hold {
		s.reason = "lost"
	}
	var facts []Fact
	seen := m.clock.UTC(now)
	for len(m.spans) > 0 {
		s := &m.spans[0]
		if !s.told {
			s.told = true
			m.settle(m.clock.second(s.first))
			facts = append(facts, Fact{m.clock.UTC(s.first), &evidence.PartyJoined{
				Party: m.party, Connection: s.link.id, Reconnect: s.reconnect, Network: s.link.network,
			}})
		}
		// The second of the last packet is settled when it is over: the next connection may share it.
		last, over := m.clock.second(s.last), s.reason != ""
		until := last
		if final || over && last < m.clock.second(now) {
			until++
		} else {
			over = false
		}
		if over || final || m.clock.second(now)-m.base >= ChunkSeconds {
			facts = append(facts, m.chunks(seen, until)...)
		}
		if !over {
			break
		}
		facts = append(facts, Fact{seen, &evidence.PartyLeft{
			Party: m.party, Connection: s.link.id, At: m.clock.format(s.last), Reason: s.reason,
		}})
		m.spans = append(m.spans[:0], m.spans[1:]...)
	}
	return facts
}

// chunks gives facts for the seconds from base up to, not including, until.
func (m *Meter) chunks(seen time.Time, until int64) []Fact {
	var facts []Fact
	for m.base < until {
		to := min(until, m.base+ChunkSeconds)
		f := m.observed(m.base, to)
		m.before = m.current
		m.settle(to)
		facts = append(facts, Fact{seen, &f})
	}
	return facts
}

// settle forgets the seconds before to.
func (m *Meter) settle(to int64) {
	if n := to - m.base; n > 0 {
		m.secs = append(m.secs[:0], m.secs[min(n, int64(len(m.secs))):]...)
		m.base = to
	}
}

// observed describes the seconds from…to of a connection that stood in all of them.
func (m *Meter) observed(from, to int64) evidence.MediaObserved {
	n := int(max(to-from, 0))
	f := evidence.MediaObserved{Party: m.party, From: time.Unix(from, 0).UTC().Format(evidence.TimeFormat), Secs: n}
	rows := [5][]byte{}
	for bit := range rows {
		rows[bit] = make([]byte, n)
		for i := range n {
			rows[bit][i] = '0'
		}
	}
	for i := range n {
		rows[0][i] = '1'
		at := from - m.base + int64(i)
		if at < 0 || at >= int64(len(m.secs)) {
			continue
		}
		s := m.secs[at]
		f.Packets += s.packets
		f.Bytes += s.bytes
		for bit := 1; bit < len(rows); bit++ {
			if s.seen&(1<<bit) != 0 {
				rows[bit][i] = '1'
			}
		}
	}
	f.Connected, f.Audio, f.Video = string(rows[0]), string(rows[1]), string(rows[2])
	f.Voice, f.Text = string(rows[3]), string(rows[4])
	f.Quality = quality(m.before, m.current, n)
	return f
}

func quality(before, now Sample, secs int) evidence.Quality {
	if now.Expected < before.Expected {
		before = Sample{} // another connection
	}
	q := evidence.Quality{
		Jitter: milliseconds(now.Jitter), RTT: milliseconds(now.RTT), Width: now.Width, Height: now.Height,
	}
	if expected := now.Expected - before.Expected; expected > 0 {
		lost := max(expected-(now.Received-before.Received), 0)
		q.Loss = round(100 * float64(lost) / float64(expected))
	}
	if secs > 0 {
		q.Frames = round(float64(max(now.Frames-before.Frames, 0)) / float64(secs))
	}
	return q
}

func milliseconds(d time.Duration) float64 { return round(float64(d) / float64(time.Millisecond)) }

// round keeps one decimal: more would pretend.
func round(x float64) float64 { return float64(int64(x*10+0.5)) / 10 }

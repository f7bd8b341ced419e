package rtc

import (
	"time"

	"confermo/rtc/presence"
)

// gaugeEvery is how often the network is judged.
const gaugeEvery = 5 * time.Second

// gauge puts a party's network into a word: good, weak, very-weak or none.
type gauge struct {
	at     time.Duration
	before presence.Sample
	now    string
}

// word judges the way from the party to the service since the last time, and tells whether the word has changed.
func (g *gauge) word(now time.Duration, s presence.Sample, connected bool) (string, bool) {
	old := g.now
	switch {
	case !connected:
		g.now = "none"
	case old == "" || old == "none":
		g.now, g.at, g.before = "good", now, s
	case now-g.at >= gaugeEvery:
		g.now = judge(g.before, s)
		g.at, g.before = now, s
	}
	return g.now, g.now != old && (old != "" || g.now != "none")
}

func judge(before, s presence.Sample) string {
	loss := 0.0
	if expected := s.Expected - before.Expected; expected > 0 {
		loss = 1 - float64(s.Received-before.Received)/float64(expected)
	}
	switch {
	case loss > 0.10 || s.RTT > 800*time.Millisecond || s.Jitter > 120*time.Millisecond:
		return "very-weak"
	case loss > 0.03 || s.RTT > 300*time.Millisecond || s.Jitter > 50*time.Millisecond:
		return "weak"
	}
	return "good"
}

package rtc

import (
	"testing"
	"time"

	"confermo/rtc/presence"
)

func TestNetworkInWords(t *testing.T) {
	sample := func(expected, received int64, rtt time.Duration) presence.Sample {
		return presence.Sample{Expected: expected, Received: received, RTT: rtt}
	}
	var g gauge
	for i, c := range []struct {
		at        time.Duration
		sample    presence.Sample
		connected bool
		word      string
		changed   bool
	}{
		{0, sample(0, 0, 0), false, "none", false},
		{time.Second, sample(0, 0, 0), true, "good", true},
		{2 * time.Second, sample(100, 50, 0), true, "good", false}, // too soon to judge
		{6 * time.Second, sample(1000, 940, 0), true, "weak", true},
		{11 * time.Second, sample(2000, 1700, 0), true, "very-weak", true},
		{16 * time.Second, sample(3000, 2700, time.Second), true, "very-weak", false},
		{21 * time.Second, sample(4000, 3700, 0), true, "good", true},
		{22 * time.Second, sample(4000, 3700, 0), false, "none", true},
	} {
		if word, changed := g.word(c.at, c.sample, c.connected); word != c.word || changed != c.changed {
			t.Errorf("step %d: %s, %v, want %s, %v", i, word, changed, c.word, c.changed)
		}
	}
}

package presence

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"confermo/evidence"
)

var boot = time.Date(2026, 11, 22, 10, 0, 0, 123_000_000, time.UTC)

func run(m *Meter, from, to time.Duration) []Fact {
	var facts []Fact
	for now := from.Truncate(time.Second) + time.Second; now <= to; now += time.Second {
		facts = append(facts, m.Tick(now, Sample{})...)
	}
	return facts
}

func TestGapIsDatedBackToTheLastPacket(t *testing.T) {
	m := New(Clock{boot}, evidence.Person, false)
	link := m.Connect("c1", "udp")
	var facts []Fact
	last := time.Duration(0)
	for at := 400 * time.Millisecond; at < 25*time.Second; at += 20 * time.Millisecond {
		if link.Observe(at, Audio, 100) != (last == 0) {
			t.Fatalf("first packet at %v is told wrongly", at)
		}
		if at/time.Second != last/time.Second {
			facts = append(facts, m.Tick(at, Sample{})...)
		}
		last = at
	}
	facts = append(facts, run(m, last, last+10*time.Second)...)
	joined := facts[0].Fact.(*evidence.PartyJoined)
	if got := facts[0].At.Sub(boot); got != 400*time.Millisecond || joined.Reconnect {
		t.Errorf("joined at %v, reconnect %v", got, joined.Reconnect)
	}
	left := facts[len(facts)-1].Fact.(*evidence.PartyLeft)
	if want := boot.Add(last).Format(evidence.TimeFormat); left.At != want || left.Reason != "lost" {
		t.Errorf("left at %s for %q, want %s for lost", left.At, left.Reason, want)
	}
	secs := 0
	for _, f := range facts[1 : len(facts)-1] {
		o := f.Fact.(*evidence.MediaObserved)
		secs += o.Secs
		if o.Secs > ChunkSeconds || strings.Contains(o.Connected+o.Audio, "0") || strings.Contains(o.Video+o.Voice, "1") {
			t.Errorf("observed %+v", o)
		}
	}
	if secs != 26 { // from 10:00:00 to 10:00:25, both touched
		t.Errorf("%d seconds observed, want 26", secs)
	}
}

func TestMutedPartyIsConnectedAndNotAbsent(t *testing.T) {
	m := New(Clock{boot.Truncate(time.Second)}, evidence.Person, true)
	link := m.Connect("c1", "udp")
	for at := time.Duration(0); at < 20*time.Second; at += 2500 * time.Millisecond {
		link.Observe(at, Connected, 60)
	}
	m.Typed(7 * time.Second)
	facts := m.Close(20*time.Second, Sample{}, "closed")
	first := facts[1].Fact.(*evidence.MediaObserved)
	if first.Connected != "1111111111" || first.Audio != "0000000000" || first.Text != "0000000100" {
		t.Errorf("observed %+v", first)
	}
	if !facts[0].Fact.(*evidence.PartyJoined).Reconnect {
		t.Error("a party that joined before the restart does not come back as a reconnection")
	}
}

func TestAnsweredChecksKeepASilentPartyConnected(t *testing.T) {
	m := New(Clock{boot.Truncate(time.Second)}, evidence.Person, false)
	m.Connect("c1", "udp").Observe(0, Connected, 60)
	var facts []Fact
	for sec := time.Duration(1); sec <= 12; sec++ { // answers come until second 8
		facts = append(facts, m.Tick(sec*time.Second, Sample{Answers: uint64(min(sec, 8))})...)
	}
	left, ok := facts[len(facts)-1].Fact.(*evidence.PartyLeft)
	if want := boot.Truncate(time.Second).Add(7 * time.Second).Format(evidence.TimeFormat); !ok || left.At != want {
		t.Errorf("told %+v, want the end at %s", facts[len(facts)-1].Fact, want)
	}
}

func TestReplacedConnectionCountsNoMore(t *testing.T) {
	m := New(Clock{boot}, evidence.Operator, false)
	old := m.Connect("c1", "udp")
	old.Observe(100*time.Millisecond, Video, 1000)
	fresh := m.Connect("c2", "udp")
	if old.Observe(200*time.Millisecond, Video, 1000) {
		t.Error("the replaced connection joined again")
	}
	fresh.Observe(300*time.Millisecond, Audio, 100)
	facts := m.Close(2*time.Second, Sample{}, "leave")
	var kinds []string
	for _, f := range facts {
		kinds = append(kinds, string(f.Fact.Kind()))
	}
	want := "party-joined media-observed party-left party-joined party-left"
	if got := strings.Join(kinds, " "); got != want {
		t.Fatalf("facts %s, want %s", got, want)
	}
	o := facts[1].Fact.(*evidence.MediaObserved)
	if o.Packets != 2 || o.Audio != "1" || o.Video != "1" {
		t.Errorf("the shared second is %+v", o)
	}
	if left := facts[2].Fact.(*evidence.PartyLeft); left.Reason != "replaced" || left.Connection != "c1" {
		t.Errorf("left %+v", left)
	}
}

func TestQualityIsTheDifferenceOfTwoSamples(t *testing.T) {
	m := New(Clock{boot.Truncate(time.Second)}, evidence.Person, false)
	link := m.Connect("c1", "udp")
	for at := time.Duration(0); at <= 10*time.Second; at += 100 * time.Millisecond {
		link.Observe(at, Video, 10)
	}
	m.Tick(10*time.Second, Sample{Expected: 1000, Received: 990, Frames: 150, Jitter: 2345 * time.Microsecond})
	facts := m.Close(11*time.Second, Sample{Expected: 1100, Received: 1040, Frames: 160, RTT: 20 * time.Millisecond}, "leave")
	if q := facts[0].Fact.(*evidence.MediaObserved).Quality; q.Loss != 50 || q.Frames != 10 || q.RTT != 20 {
		t.Errorf("quality %+v", q)
	}
}

// history is injected truth: what was sent, and what must be said about it.
type history struct {
	bits  map[int64]Seen // per Unix second, media seen or connected
	joins []string
	lefts []string
}

// TestAnyHistoryIsToldTruly plays random calls and compares every second and edge with the truth.
func TestAnyHistoryIsToldTruly(t *testing.T) {
	for seed := range uint64(300) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			truth, facts := play(rand.New(rand.NewPCG(seed, 7)))
			check(t, truth, facts)
		})
	}
}

func play(r *rand.Rand) (history, []Fact) {
	clock := Clock{boot.Add(time.Duration(r.IntN(1000)) * time.Millisecond)}
	m := New(clock, evidence.Person, false)
	truth := history{bits: map[int64]Seen{}}
	var facts []Fact
	now, ticked := time.Duration(r.IntN(5000))*time.Millisecond, time.Duration(0)
	tick := func(to time.Duration) {
		for ticked+time.Second <= to {
			ticked += time.Second
			if r.IntN(8) > 0 { // the owner is late now and then
				late := time.Duration(r.IntN(int(min(to-ticked, time.Second)) + 1))
				facts = append(facts, m.Tick(ticked+late, Sample{})...)
			}
		}
	}
	connections := 1 + r.IntN(4)
	for c := range connections {
		id := fmt.Sprint("c", c)
		link := m.Connect(id, "udp")
		last := time.Duration(-1)
		for range r.IntN(400) {
			if last >= 0 && now-last > Hold {
				truth.lefts = append(truth.lefts, clock.format(last)+" lost "+id)
				last = -1
			}
			if last < 0 {
				truth.joins = append(truth.joins, clock.format(now)+" "+id)
				last = now
			}
			seen := Seen(r.IntN(32))
			link.Observe(now, seen, 10)
			for s := clock.second(last); s <= clock.second(now); s++ {
				truth.bits[s] |= Connected
			}
			truth.bits[clock.second(now)] |= seen
			last = now
			next := now + time.Duration(r.IntN(300))*time.Millisecond
			if r.IntN(40) == 0 {
				next += time.Duration(r.IntN(15000)) * time.Millisecond
			}
			tick(next)
			now = next
		}
		reason := "replaced"
		if c == connections-1 {
			reason = "closed"
			facts = append(facts, m.Close(max(now, ticked+time.Second), Sample{}, reason)...)
		}
		if last >= 0 {
			truth.lefts = append(truth.lefts, clock.format(last)+" "+reason+" "+id)
		}
		now += time.Duration(r.IntN(1500)) * time.Millisecond
	}
	return truth, facts
}

func check(t *testing.T, truth history, facts []Fact) {
	t.Helper()
	told := map[int64]Seen{}
	var joins, lefts []string
	for _, f := range facts {
		switch f := f.Fact.(type) {
		case *evidence.PartyJoined:
			joins = append(joins, f.Connection)
		case *evidence.PartyLeft:
			lefts = append(lefts, f.At+" "+f.Connection)
		case *evidence.MediaObserved:
			from, _ := time.Parse(evidence.TimeFormat, f.From)
			rows := []string{f.Connected, f.Audio, f.Video, f.Voice, f.Text}
			for i := range f.Secs {
				s := from.Unix() + int64(i)
				if _, twice := told[s]; twice {
					t.Errorf("second %d is told twice", s)
				}
				told[s] = 0
				for bit, row := range rows {
					told[s] |= Seen(row[i]-'0') << bit
				}
			}
		}
	}
	for s, want := range truth.bits {
		if told[s] != want {
			t.Errorf("second %d: told %05b, true %05b", s, told[s], want)
		}
	}
	if len(told) != len(truth.bits) {
		t.Errorf("%d seconds told, %d true", len(told), len(truth.bits))
	}
	var wantJoins, wantLefts []string
	for _, j := range truth.joins {
		wantJoins = append(wantJoins, j[len(evidence.TimeFormat)+1:])
	}
	for _, l := range truth.lefts {
		at, rest, _ := strings.Cut(l, " ")
		_, id, _ := strings.Cut(rest, " ")
		wantLefts = append(wantLefts, at+" "+id)
	}
	if a, b := strings.Join(joins, " "), strings.Join(wantJoins, " "); a != b {
		t.Errorf("joins %s, want %s", a, b)
	}
	if a, b := strings.Join(lefts, "\n"), strings.Join(wantLefts, "\n"); a != b {
		t.Errorf("lefts\n%s\nwant\n%s", a, b)
	}
}

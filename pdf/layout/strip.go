package layout

import (
	"strings"
	"time"

	"confermo/evidence"
)

// strip is presence as it is drawn: two rows of bars around an axis, second by second on one scale.
type strip struct {
	from    time.Time
	secs    int
	bin     int // seconds per bar
	rows    [2]row
	bands   []band
	counted []stretch // where the axis is drawn
	ticks   []tick
}

// row is one party: the operator above, the person below.
type row struct {
	party evidence.Party
	bars  []bar
	video []stretch
	sums  [5]int // seconds connected, with audio, video, voice, text
}

type bar struct {
	present bool
	voice   float64 // share of the bar's seconds
}

type stretch struct{ from, to int } // seconds from the strip's start

type band struct {
	stretch
	counts bool
	rows   [2]bool
}

type tick struct {
	at   int
	text string
}

// newStrip computes what is drawn. Bars are 20 s wide, narrower for a short interview, wider for a long one, so that
// there are at most 200.
func newStrip(a evidence.Attested, zone *time.Location) strip {
	s := strip{from: a.Start, secs: a.Gross, bin: 1}
	for _, bin := range []int{1, 2, 5, 10, 20, 60, 120, 300} {
		if s.bin = bin; (s.secs+bin-1)/bin <= 200 {
			break
		}
	}
	for i, p := range []evidence.Party{evidence.Operator, evidence.Person} {
		s.rows[i] = newRow(p, a.Masks[p], s.secs, s.bin)
	}
	at := func(t time.Time) int { return int(t.Sub(a.Start) / time.Second) }
	for _, seg := range a.Segments {
		s.counted = append(s.counted, stretch{at(seg.From), at(seg.To)})
	}
	for _, g := range a.Gaps {
		b := band{stretch: stretch{at(g.From), at(g.To)}, counts: g.Counts}
		b.rows = [2]bool{!strings.HasPrefix(g.Cause, "person-"), !strings.HasPrefix(g.Cause, "operator-")}
		s.bands = append(s.bands, b)
	}
	s.ticks = ticks(a.Start.In(zone), s.secs)
	return s
}

func newRow(p evidence.Party, m evidence.Mask, secs, bin int) row {
	r := row{party: p}
	for from := 0; from < secs; from += bin {
		to := min(from+bin, secs)
		n := to - from
		r.bars = append(r.bars, bar{
			present: 2*ones(m.Connected, from, to) > n,
			voice:   float64(ones(m.Voice, from, to)) / float64(n),
		})
	}
	for i := 0; i < min(secs, len(m.Video)); i++ {
		if m.Video[i] != '1' {
			continue
		}
		if n := len(r.video); n > 0 && r.video[n-1].to == i {
			r.video[n-1].to++
		} else {
			r.video = append(r.video, stretch{i, i + 1})
		}
	}
	for i, mask := range []string{m.Connected, m.Audio, m.Video, m.Voice, m.Text} {
		r.sums[i] = ones(mask, 0, secs)
	}
	return r
}

func ones(mask string, from, to int) int {
	if from >= len(mask) {
		return 0
	}
	return strings.Count(mask[from:min(to, len(mask))], "1")
}

// ticks stand at round times of day, at most seven.
func ticks(start time.Time, secs int) []tick {
	format := "15:04"
	step := 0
	for _, step = range []int{5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200} {
		if secs/step < 7 {
			break
		}
	}
	if step < 60 {
		format = "15:04:05"
	}
	midnight := start.Hour()*3600 + start.Minute()*60 + start.Second()
	var out []tick
	for at := (step - midnight%step) % step; at <= secs; at += step {
		out = append(out, tick{at, start.Add(time.Duration(at) * time.Second).Format(format)})
	}
	return out
}

package evidence

import (
	"time"
)

// Attested is what the duration rule says of an interview. Start and End are the first counted second and the end of
// the last; Gross is their distance. Seconds is what counts.
type Attested struct {
	Start, End time.Time
	Gross      int
	Seconds    int
	Bridged    int
	Segments   []Span // of counted time, bridges included
	Gaps       []Gap
	Masks      map[Party]Mask
}

// Gap is time between two counted segments. Cause is one of the Cause constants; Counts tells that it was bridged.
type Gap struct {
	Span
	Cause  string
	Counts bool
}

// Causes of a gap, in order of precedence.
const (
	CauseService         = "service"
	CauseBreak           = "break"
	CausePersonLeft      = "person-left"
	CauseOperatorLeft    = "operator-left"
	CausePersonNetwork   = "person-network"
	CauseOperatorNetwork = "operator-network"
	CauseSilence         = "no-media"
)

// Mask is what was seen of a party from From on, a character a second.
type Mask struct {
	From                                 time.Time
	Connected, Audio, Video, Voice, Text string
}

// Duration applies the rule, version DurationEngine, to the entries of one interview in order. S is the set of whole
// seconds, after both parties were admitted and the notice was read, before closing and outside breaks, in which operator
// and person each count; observations that stand behind the close in the record are not read. Segments of S shorter than Minimum are dropped; then a gap between two segments is bridged when it is at
// most Tolerance, holds no explicit leave, break or outage of the service, and all bridges stay within BridgeTotal.
// Guests and voice never matter. Seconds <= |S| + BridgeTotal and Seconds <= Gross.
func Duration(entries []Entry, rule Rule) Attested {
	o := observe(entries)
	from, until, ok := o.window()
	if !ok {
		return Attested{}
	}
	segments, total := o.segments(from, until, rule)
	if len(segments) == 0 {
		return Attested{}
	}
	budget := rule.BridgeTotal
	if budget == 0 {
		budget = min(300, total*5/100)
	}
	a := Attested{Seconds: total}
	joined := segments[:1:1]
	for _, next := range segments[1:] {
		prev := &joined[len(joined)-1]
		gap := Gap{Span: Span{prev.To, next.From}}
		gap.Cause = o.cause(gap.Span)
		secs := gap.Span.Seconds()
		if secs <= rule.Tolerance && secs <= budget-a.Bridged && o.bridgeable(gap.Span) {
			gap.Counts = true
			a.Bridged += secs
			prev.To = next.To
		} else {
			joined = append(joined, next)
		}
		a.Gaps = append(a.Gaps, gap)
	}
	a.Seconds += a.Bridged
	a.Segments = joined
	a.Start, a.End = joined[0].From, joined[len(joined)-1].To
	a.Gross = Span{a.Start, a.End}.Seconds()
	a.Masks = map[Party]Mask{Operator: o.mask(Operator, a.Start, a.End), Person: o.mask(Person, a.Start, a.End)}
	return a
}

// segments gives the runs of S that are long enough, and their sum in seconds.
func (o *observed) segments(from, until int64, rule Rule) (segments []Span, total int) {
	start := int64(-1)
	for s := from; s <= until; s++ {
		in := s < until && !o.paused(s) && o.counts(Operator, s, rule.Liveness) && o.counts(Person, s, rule.Liveness)
		switch {
		case in && start < 0:
			start = s
		case !in && start >= 0:
			if n := int(s - start); n >= max(rule.Minimum, 1) {
				segments = append(segments, Span{time.Unix(start, 0).UTC(), time.Unix(s, 0).UTC()})
				total += n
			}
			start = -1
		}
	}
	return segments, total
}

// bridgeable tells that nobody chose the gap: no explicit leave, no break, no outage of the service.
func (o *observed) bridgeable(gap Span) bool {
	for _, leaves := range o.left {
		for _, t := range leaves {
			if within(t, gap) {
				return false
			}
		}
	}
	return !overlaps(o.breaks, gap) && !overlaps(o.outages, gap)
}

// within allows a second before the gap: a leave is dated to the last packet, which lies in the last counted second.
func within(t time.Time, gap Span) bool {
	return !t.Before(gap.From.Add(-time.Second)) && t.Before(gap.To)
}

func overlaps(spans []Span, gap Span) bool {
	for _, s := range spans {
		if s.From.Before(gap.To) && gap.From.Before(s.To) {
			return true
		}
	}
	return false
}

func (o *observed) cause(gap Span) string {
	if overlaps(o.outages, gap) {
		return CauseService
	}
	if overlaps(o.breaks, gap) {
		return CauseBreak
	}
	for _, p := range []Party{Person, Operator} {
		for _, t := range o.left[p] {
			if within(t, gap) {
				return string(p) + "-left"
			}
		}
	}
	for _, p := range []Party{Person, Operator} {
		for s := gap.From.Unix(); s < gap.To.Unix(); s++ {
			if o.seen[p][s]&seenConnected == 0 {
				return string(p) + "-network"
			}
		}
	}
	return CauseSilence
}

func (o *observed) mask(p Party, from, to time.Time) Mask {
	m := Mask{From: from}
	rows := [...]*string{&m.Connected, &m.Audio, &m.Video, &m.Voice, &m.Text}
	for bit, row := range rows {
		line := make([]byte, 0, to.Unix()-from.Unix())
		for s := from.Unix(); s < to.Unix(); s++ {
			line = append(line, '0'+o.seen[p][s]>>bit&1)
		}
		*row = string(line)
	}
	return m
}

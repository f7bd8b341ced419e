package evidence

import (
	"time"
)

// Span is a time from From up to, not including, To.
type Span struct{ From, To time.Time }

// Seconds is the span's length in whole seconds.
func (s Span) Seconds() int { return int(s.To.Sub(s.From) / time.Second) }

// maxWindow bounds an interview in seconds, and with it what times a million years apart in a bundle can cost.
const maxWindow = 24 * 3600

// bits of one observed second
const (
	seenConnected = 1 << iota
	seenAudio
	seenVideo
	seenVoice
	seenText
)

// observed is what the facts of one interview say about presence, second by second (keys are Unix seconds).
type observed struct {
	seen     map[Party]map[int64]byte
	admitted map[Party]time.Time
	notice   time.Time
	closed   time.Time
	last     int64
	// never holds spans that are not bridged: breaks, outages of the service.
	breaks, outages []Span
	// left holds explicit leaves, lost what the network took, both dated back to the last packet.
	left map[Party][]time.Time
}

func observe(entries []Entry) observed {
	o := observed{
		seen:     map[Party]map[int64]byte{Operator: {}, Person: {}},
		admitted: map[Party]time.Time{},
		left:     map[Party][]time.Time{},
	}
	for _, e := range entries {
		switch f := e.Fact.(type) {
		case *NoticeRead:
			if o.notice.IsZero() {
				o.notice = e.Head.Time()
			}
		case *PartyAdmitted:
			if _, again := o.admitted[f.Party]; !again {
				o.admitted[f.Party] = e.Head.Time()
			}
		case *MediaObserved:
			if o.closed.IsZero() { // what is told after the close raises nothing
				o.media(f)
			}
		case *PartyLeft:
			if f.Reason == "leave" {
				o.left[f.Party] = append(o.left[f.Party], parseTime(f.At))
			}
		case *BreakTaken:
			o.breaks = append(o.breaks, Span{parseTime(f.From), parseTime(f.To)})
		case *ServiceGap:
			o.outages = append(o.outages, Span{parseTime(f.From), parseTime(f.To)})
		case *Closed:
			if o.closed.IsZero() {
				o.closed = parseTime(f.At)
			}
		}
	}
	return o
}

func (o *observed) media(f *MediaObserved) {
	seen, counts := o.seen[f.Party]
	from := parseTime(f.From).Unix()
	if !counts || f.Secs < 0 || f.Secs > 3600 {
		return
	}
	masks := [...]string{f.Connected, f.Audio, f.Video, f.Voice, f.Text}
	for i := range int64(f.Secs) {
		for bit, mask := range masks {
			if i < int64(len(mask)) && mask[i] == '1' {
				seen[from+i] |= 1 << bit
			}
		}
	}
	o.last = max(o.last, from+int64(f.Secs))
}

// window is where seconds may count: after both were admitted and the notice was read, before closing.
func (o *observed) window() (from, until int64, ok bool) {
	operator, person := o.admitted[Operator], o.admitted[Person]
	if operator.IsZero() || person.IsZero() || o.notice.IsZero() {
		return 0, 0, false
	}
	for _, t := range []time.Time{operator, person, o.notice} {
		second := t.Unix()
		if t.Nanosecond() > 0 {
			second++
		}
		from = max(from, second)
	}
	until = o.last
	if !o.closed.IsZero() {
		until = min(until, o.closed.Unix())
	}
	until = min(until, from+maxWindow)
	return from, until, from < until
}

// paused tells whether second s belongs to an agreed break.
func (o *observed) paused(s int64) bool {
	return len(o.breaks) > 0 && overlaps(o.breaks, Span{time.Unix(s, 0), time.Unix(s+1, 0)})
}

// counts tells whether the party counts in second s: connected, with audio, video or text within the last liveness
// seconds, s included.
func (o *observed) counts(p Party, s int64, liveness int) bool {
	seen := o.seen[p]
	if seen[s]&seenConnected == 0 {
		return false
	}
	for back := range int64(max(liveness, 1)) {
		if seen[s-back]&(seenAudio|seenVideo|seenText) != 0 {
			return true
		}
	}
	return false
}

func parseTime(s string) time.Time {
	t, _ := time.Parse(TimeFormat, s)
	return t
}

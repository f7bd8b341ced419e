package rtc

import (
	"time"

	"confermo/evidence"
)

// Live is what a room knows beyond the record, now.
type Live struct {
	Since time.Time // when both were in the call; zero before
	Seats map[evidence.Party]Seat
}

// Seat is a party's place. Network is "good", "weak", "very-weak" or "none". Tail continues the party's media-observed
// facts up to now.
type Seat struct {
	Taken, Connected, Admitted bool
	Audio, Video               bool // its own switches
	Network                    string
	Last                       time.Time // when it was last heard
	Tail                       evidence.MediaObserved
}

// Live looks into a room. A room that is not open has no seats.
func (r *Rooms) Live(interview string) Live {
	m := r.existing(interview)
	if m == nil {
		return Live{}
	}
	defer r.release(m)
	var l Live
	m.do(func() {
		l = Live{Since: m.since, Seats: map[evidence.Party]Seat{}}
		for p, s := range m.seats {
			last, open := s.meter.Last()
			seat := Seat{
				Taken: s.taken(), Connected: open && !s.away, Admitted: s.admitted, Audio: s.audio, Video: s.video,
				Network: s.gauge.now, Tail: s.meter.Tail(),
			}
			if open {
				seat.Last = r.clock.UTC(last)
			}
			l.Seats[p] = seat
		}
	})
	return l
}

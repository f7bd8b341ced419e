package evidence

import (
	"fmt"
	"time"
)

// Series names the gap-free series this interview's number is drawn from: the agency's, in the calendar year of its
// agreed start in its zone.
func (s *Scheduled) Series() (agency, zone string, at time.Time) {
	at, _ = time.Parse(TimeFormat, s.Start)
	return s.Agency.ID, s.Zone, at
}

// SetNumber is called by the journal inside the commit transaction.
func (s *Scheduled) SetNumber(year, n int) {
	s.Number = Number{Agency: s.Agency.ID, Year: year, N: n}
}

// String gives the number as it is cited, for example "412/2026".
func (n Number) String() string { return fmt.Sprintf("%d/%d", n.N, n.Year) }

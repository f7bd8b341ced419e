package web

import (
	"html/template"
	"time"

	"confermo/evidence"
)

// timesView is the attested time of an interview as pages show it.
type timesView struct {
	HasTime                 bool
	Start, End, Gross       string
	Attested, AttestedShort string
	Gaps                    []gapView
	Strip                   template.HTML
}

type gapView struct {
	From, To, Cause, Length string
	Counts                  bool
}

// attested applies the duration rule: to everything so far, or once approved to what the timesheet rests on.
func attested(iv *evidence.Interview) evidence.Attested {
	if t, err := iv.Timesheet(); err == nil {
		return t.Attested
	}
	return evidence.Duration(iv.Entries(), iv.Scheduled.Programme.Terms.Rule)
}

// heldOn is when the interview began as observed, or as agreed where nothing was attested.
func heldOn(iv *evidence.Interview) time.Time {
	if a := attested(iv); a.Seconds > 0 {
		return a.Start.In(zoneOf(iv))
	}
	return startOf(iv)
}

// times renders the attested time; up and down name the two rows of the strip.
func times(v view, iv *evidence.Interview, up, down string) timesView {
	a := attested(iv)
	if a.Seconds == 0 {
		return timesView{}
	}
	zone := zoneOf(iv)
	t := timesView{
		HasTime: true, Start: clock(a.Start, zone), End: clock(a.End, zone), Gross: evidence.FormatSeconds(a.Gross),
		Attested: evidence.FormatDuration(v.Lang, a.Seconds), AttestedShort: evidence.FormatSeconds(a.Seconds),
	}
	for _, g := range a.Gaps {
		t.Gaps = append(t.Gaps, gapView{
			From: clock(g.From, zone), To: clock(g.To, zone), Cause: "cause." + g.Cause, Counts: g.Counts,
			Length: evidence.FormatSeconds(g.Seconds()),
		})
	}
	t.Strip = strip{a: a, zone: zone, v: v, up: up, down: down}.html()
	return t
}

func clock(t time.Time, zone *time.Location) string { return evidence.FormatClock(t.In(zone)) }

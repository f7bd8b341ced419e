package web

import (
	"net/http"
	"net/url"
	"time"

	"confermo/evidence"
	"confermo/evidence/journal"
)

type dayPage struct {
	view
	Heading, At string
	Waiting     []dayRow
	Tabs        []tab
	Rows        []dayRow
}

type dayRow struct {
	ID, Hour, Person, Note, Activity string
	State                            stateView
	Action                           *action
	Now                              bool
}

type tab struct {
	Path, Name    string
	Here, Counted bool
	Count         int
}

// showDay lists the agency's interviews of one day with state and turn (o-02).
func (s *server) showDay(w http.ResponseWriter, r *http.Request, d *sitting) error {
	zone, err := time.LoadLocation(d.agency.Zone)
	if err != nil {
		return err
	}
	now := time.Now().In(zone)
	day := now
	if asked, err := time.ParseInLocation(time.DateOnly, r.URL.Query().Get("day"), zone); err == nil {
		day = asked
	}
	from := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, zone)
	rows, err := s.j.List(r.Context(), journal.Filter{Agency: d.Account.Agency, From: from, To: from.AddDate(0, 0, 1)})
	if err != nil {
		return err
	}
	page := dayPage{view: d.v, Heading: capital(longDay(d.v.Lang, from)), At: evidence.FormatClock(now)}
	page.Live, page.Scripts = "/events", []string{"live.js"}
	mine := r.URL.Query().Get("turn") == "you"
	yours := 0
	for i := len(rows) - 1; i >= 0; i-- { // earliest first
		row := s.dayRow(d.v, rows[i], zone)
		if row.State.Turn == "you" {
			yours++
		}
		if rows[i].State == evidence.StateWaitingRoom {
			page.Waiting = append(page.Waiting, row)
		}
		if !mine || row.State.Turn == "you" {
			page.Rows = append(page.Rows, row)
		}
	}
	page.Tabs = tabs(d.v, from, mine, len(rows), yours)
	if err := s.trace(r, d, "", "list "+from.Format(time.DateOnly)); err != nil {
		return err
	}
	s.render(w, http.StatusOK, "operator_day", d.v.Lang, page)
	return nil
}

func (s *server) dayRow(v view, row journal.Row, zone *time.Location) dayRow {
	out := dayRow{
		ID: row.ID, Hour: hourMinute(row.Start.In(zone)), Person: row.Person, Activity: row.Activity,
		State: states[row.State], Action: nextAction(row.ID, row.State),
	}
	switch row.State {
	case evidence.StateWaitingRoom, evidence.StateInCall, evidence.StateInterrupted:
		out.Now = true
	}
	if row.Attested > 0 {
		out.Note = v.t("day.attested", evidence.FormatDuration(v.Lang, row.Attested))
	}
	return out
}

func tabs(v view, day time.Time, mine bool, all, yours int) []tab {
	at := func(t time.Time, turn string) string {
		q := url.Values{"day": {t.Format(time.DateOnly)}}
		if turn != "" {
			q.Set("turn", turn)
		}
		return "/today?" + q.Encode()
	}
	return []tab{
		{Path: at(day, ""), Name: v.t("day.all"), Here: !mine, Counted: true, Count: all},
		{Path: at(day, "you"), Name: v.t("day.mine"), Here: mine, Counted: true, Count: yours},
		{Path: at(day.AddDate(0, 0, -1), ""), Name: v.t("day.before")},
		{Path: at(day.AddDate(0, 0, 1), ""), Name: v.t("day.after")},
	}
}

package web

import (
	"net/http"
	"strings"
	"time"

	"confermo/evidence"
	"confermo/evidence/journal"
)

type searchPage struct {
	view
	Query, From, To, Total string
	Filtered               bool
	Rows                   []searchRow
}

type searchRow struct {
	ID, Number, Date, Person, Agency, Attested string
	State                                      stateView
}

// showSearch finds interviews of all agencies for an auditor (a-01). The search itself is traced.
func (s *server) showSearch(w http.ResponseWriter, r *http.Request, d *sitting) error {
	q := r.URL.Query()
	page := searchPage{view: d.v, Query: cut(strings.TrimSpace(q.Get("q")), 100), From: cut(q.Get("from"), 10), To: cut(q.Get("to"), 10)}
	filter := journal.Filter{All: true, Query: page.Query}
	if from, err := time.Parse("2/1/2006", page.From); err == nil {
		filter.From, page.Filtered = from, true
	}
	if to, err := time.Parse("2/1/2006", page.To); err == nil {
		filter.To, page.Filtered = to.AddDate(0, 0, 1), true
	}
	if d.Account.Agency != "" {
		filter.All, filter.Agency = false, d.Account.Agency
	}
	rows, err := s.j.List(r.Context(), filter)
	if err != nil {
		return err
	}
	names := map[string]string{}
	total := 0
	for _, row := range rows {
		if _, ok := names[row.Agency]; !ok {
			a, err := s.agency(r.Context(), row.Agency)
			if err != nil {
				return err
			}
			names[row.Agency] = a.Agency.Name
		}
		page.Rows = append(page.Rows, newSearchRow(d.v.Lang, row, names[row.Agency]))
		total += row.Attested
	}
	if total > 0 {
		page.Total = evidence.FormatDuration(d.v.Lang, total)
	}
	if err := s.trace(r, d, "", "search "+page.Query); err != nil {
		return err
	}
	s.render(w, http.StatusOK, "auditor_search", d.v.Lang, page)
	return nil
}

func newSearchRow(lang string, row journal.Row, agency string) searchRow {
	zone, err := time.LoadLocation(row.Zone)
	if err != nil {
		zone = time.UTC
	}
	out := searchRow{
		ID: row.ID, Number: row.Number.String(), Date: evidence.FormatDate(lang, row.Start.In(zone)), Person: row.Person,
		Agency: agency, Attested: "–", State: states[row.State],
	}
	if row.Attested > 0 {
		out.Attested = evidence.FormatSeconds(row.Attested)
	}
	return out
}

package web

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/evidence/rules"
	"confermo/web/access"
	"confermo/web/text"
)

type schedulePage struct {
	view
	Form                                                    map[string]string
	Wrong                                                   map[string]string
	Errors                                                  []fieldError
	LanguageOptions, Programmes, Activities, Paths, Lengths []option
}

type option struct {
	Value, Text string
	On          bool
}

type fieldError struct{ Field, Text string }

// formField is one input of the form with its error.
type formField struct {
	Name, Type, Label, Hint, Auto, Value, Error string
	Mono, Numeric                               bool
}

func newField(p schedulePage, name, kind, label, hint, auto string) formField {
	return formField{
		Name: name, Type: kind, Label: label, Hint: hint, Auto: auto, Value: p.Form[name], Error: p.Wrong[name],
		Mono: name == "taxcode", Numeric: name == "date" || name == "hour",
	}
}

// showSchedule is the empty form (o-03).
func (s *server) showSchedule(w http.ResponseWriter, r *http.Request, d *sitting) error {
	return s.scheduleForm(w, r, d, plan{Language: "it", Path: "first", Minutes: "60"}, nil)
}

func (s *server) scheduleForm(w http.ResponseWriter, r *http.Request, d *sitting, p plan, wrong []fieldError) error {
	packs, err := s.programmes(r.Context())
	if err != nil {
		return err
	}
	page := schedulePage{view: d.v, Errors: wrong, Wrong: map[string]string{}, Form: map[string]string{
		"name": p.Name, "surname": p.Surname, "taxcode": p.TaxCode, "phone": p.Phone, "mail": p.Mail, "date": p.Date, "hour": p.Hour,
	}}
	page.Crumbs = []crumb{{"/today", d.v.t("nav.today")}, {"", d.v.t("nav.plan")}}
	for _, e := range wrong {
		page.Wrong[e.Field] = e.Text
	}
	for _, l := range text.Languages {
		page.LanguageOptions = append(page.LanguageOptions, option{l, text.Name(l), l == p.Language})
	}
	for i, pack := range packs {
		on := pack.ID == p.Programme || p.Programme == "" && i == 0
		page.Programmes = append(page.Programmes, option{pack.ID, pack.Title, on})
		if on {
			for _, a := range pack.Activities {
				page.Activities = append(page.Activities, option{a.Code, rules.Name(pack.Activities, a.Code, d.v.Lang), a.Code == p.Activity})
			}
		}
	}
	for _, path := range []string{"first", "continuation"} {
		page.Paths = append(page.Paths, option{path, d.v.t("plan." + path), path == p.Path})
	}
	for _, m := range []int{15, 30, 45, 60, 90, 120} {
		page.Lengths = append(page.Lengths, option{strconv.Itoa(m), evidence.FormatDuration(d.v.Lang, m*60), strconv.Itoa(m) == p.Minutes})
	}
	status := http.StatusOK
	if len(wrong) > 0 {
		status = http.StatusUnprocessableEntity
	}
	s.render(w, status, "operator_schedule", d.v.Lang, page)
	return nil
}

// schedule checks the form and opens the interview; the invitation follows from the record.
func (s *server) schedule(w http.ResponseWriter, r *http.Request, d *sitting) error {
	f := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	p := plan{
		Name: f("name"), Surname: f("surname"), TaxCode: f("taxcode"), Phone: f("phone"), Mail: f("mail"), Language: f("language"),
		Programme: f("programme"), Activity: f("activity"), Path: f("path"), Date: f("date"), Hour: f("hour"), Minutes: f("minutes"),
	}
	id, wrong, err := s.open(r.Context(), d.v.Lang, d.agency, d.Account, &p)
	if err != nil {
		return err
	}
	if len(wrong) > 0 {
		return s.scheduleForm(w, r, d, p, wrong)
	}
	return see(w, r, "/interviews/"+id+"?done=plan")
}

// open schedules the interview of a plan, or says what is wrong with it. The page and the API both come here.
func (s *server) open(ctx context.Context, lang string, a evidence.AgencySeeded, by access.Account, p *plan) (id string, wrong []fieldError, err error) {
	packs, err := s.programmes(ctx)
	if err != nil {
		return "", nil, err
	}
	if wrong, err = p.check(lang, a, packs, time.Now()); err != nil || len(wrong) > 0 {
		return "", wrong, err
	}
	minutes, _ := strconv.Atoi(p.Minutes)
	id = ulid.Make().String()
	_, err = s.j.Append(ctx, journal.Draft{Interview: id, By: "web", Fact: &evidence.Scheduled{
		Agency: a.Agency, Operator: evidence.Who{Account: by.ID, Name: evidence.V(by.Name), Role: by.Role},
		Programme: p.pack.Programme(p.pack.signed), Activity: p.Activity, Path: p.Path, Mode: "remote", Language: p.Language,
		Start: p.AgreedStart.UTC().Format(evidence.TimeFormat), Minutes: minutes, Zone: a.Zone, Test: s.cfg.Test || s.cfg.Demo != nil,
		Person: evidence.Subject{
			Name: evidence.V(p.Name), Surname: evidence.V(p.Surname), TaxCode: evidence.V(p.TaxCode), Phone: evidence.V(p.Phone),
			Mail: evidence.V(p.Mail),
		},
	}})
	if err != nil {
		return "", nil, fmt.Errorf("schedule interview: %w", err)
	}
	return id, nil, nil
}

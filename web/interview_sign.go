package web

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/evidence/rules"
	"confermo/web/access"
)

type signPage struct {
	view
	timesView
	Programme, Rule     string
	Topics, Places      []option
	Other, Number, Date string
	Error               string
}

// statement is what the operator states at the close: topics by code, one free line, the place (T16, T20).
type statement struct {
	topics []string
	other  string
	place  string
}

// noShow is the reason of a close without a meeting; there is nothing to sign then.
const noShow = "no-show"

var errNotHeld = failure{http.StatusConflict, "sign.title", "sign.absent"}

// showSign is where the operator states topics and place and signs (o-07). Times cannot be typed.
func (s *server) showSign(w http.ResponseWriter, r *http.Request, d *sitting, iv *evidence.Interview) error {
	switch {
	case iv.Closed == nil:
		return failure{http.StatusConflict, "fail.late", "sign.open"}
	case iv.Approved != nil:
		return see(w, r, d.v.Base+"/thread")
	case iv.Closed.Reason == noShow:
		return errNotHeld
	}
	if err := s.trace(r, d, iv.ID, "sign"); err != nil {
		return err
	}
	return s.signForm(w, r, d, iv, statement{place: place(iv.Scheduled.Agency)}, "")
}

func (s *server) signForm(w http.ResponseWriter, r *http.Request, d *sitting, iv *evidence.Interview, st statement, problem string) error {
	prog, err := s.programmeOf(r.Context(), iv)
	if err != nil {
		return err
	}
	sc := iv.Scheduled
	page := signPage{
		view: d.v, timesView: times(d.v, iv, sc.Operator.Name.String(), sc.Person.FullName()), Programme: sc.Programme.Title,
		Rule: strconv.Itoa(sc.Programme.Version), Other: st.other, Number: sc.Number.String(), Error: problem,
		Date: evidence.FormatDate(d.v.Lang, heldOn(iv)),
	}
	if !page.HasTime {
		page.Attested = evidence.FormatDuration(d.v.Lang, 0)
	}
	page.Crumbs = []crumb{{"/today", d.v.t("nav.today")}, {d.v.Base, sc.Person.FullName()}, {"", d.v.t("sign.title")}}
	for _, t := range prog.Topics {
		page.Topics = append(page.Topics, option{t.Code, rules.Name(prog.Topics, t.Code, d.v.Lang), has(st.topics, t.Code)})
	}
	for _, p := range places(d.agency) {
		page.Places = append(page.Places, option{p, p, p == st.place})
	}
	status := http.StatusOK
	if problem != "" {
		status = http.StatusUnprocessableEntity
	}
	s.render(w, status, "operator_sign", d.v.Lang, page)
	return nil
}

func place(a evidence.Agency) string { return a.Address }

// places are the accredited sites of an agency, its own address first.
func places(a evidence.AgencySeeded) []string {
	all := []string{place(a.Agency)}
	for _, site := range a.Sites {
		if !has(all, site) {
			all = append(all, site)
		}
	}
	return all
}

func has(list []string, s string) bool {
	for _, one := range list {
		if one == s {
			return true
		}
	}
	return false
}

// readStatement reads the form; problem is the key of what is wrong with it, or "".
func readStatement(r *http.Request, prog programme, a evidence.AgencySeeded) (st statement, problem string) {
	st.other = strings.TrimSpace(cut(r.PostFormValue("other"), 200))
	st.place = r.PostFormValue("place")
	for _, code := range r.PostForm["topic"] {
		if hasCode(prog.Topics, code) && !has(st.topics, code) {
			st.topics = append(st.topics, code)
		}
	}
	switch {
	case len(st.topics) == 0 && st.other == "":
		return st, "form.topics"
	case !has(places(a), st.place):
		return st, "form.place"
	}
	return st, ""
}

func (st statement) fact(by evidence.Who) *evidence.Completed {
	return &evidence.Completed{By: by, Topics: st.topics, Other: evidence.V(st.other), Place: st.place}
}

// sign records the statement and the authenticated act of signing, once: a second click finds it done.
func (s *server) sign(w http.ResponseWriter, r *http.Request, d *sitting, iv *evidence.Interview) error {
	prog, err := s.programmeOf(r.Context(), iv)
	if err != nil {
		return err
	}
	st, problem := readStatement(r, prog, d.agency)
	if problem != "" && iv.Approved == nil {
		return s.signForm(w, r, d, iv, st, d.v.t(problem))
	}
	once := func(now *evidence.Interview) error {
		switch {
		case now.Approved != nil:
			return errAlready
		case now.Closed == nil:
			return failure{http.StatusConflict, "fail.late", "sign.open"}
		case now.Closed.Reason == noShow:
			return errNotHeld
		}
		return nil
	}
	approved := &evidence.TimesheetApproved{
		By: d.who(), Version: 1, Attested: attested(iv).Seconds, Method: access.Method,
		SignedIn: d.SignedIn.Format(evidence.TimeFormat),
	}
	_, err = s.j.Append(r.Context(),
		journal.Draft{Interview: iv.ID, By: "web", Fact: st.fact(d.who()), If: once},
		journal.Draft{Interview: iv.ID, By: "web", Fact: approved, If: once})
	if err != nil && !errors.Is(err, errAlready) {
		return err
	}
	return see(w, r, d.v.Base+"/thread")
}

// previewTimesheet shows the document as it would be signed with the statement of the form; nothing is recorded.
func (s *server) previewTimesheet(w http.ResponseWriter, r *http.Request, d *sitting, iv *evidence.Interview) error {
	if s.cfg.Preview == nil || iv.Closed == nil {
		return failure{http.StatusConflict, "fail.late", "sign.open"}
	}
	prog, err := s.programmeOf(r.Context(), iv)
	if err != nil {
		return err
	}
	st, _ := readStatement(r, prog, d.agency)
	if iv.Approved == nil {
		iv.Completed = st.fact(d.who()) // of this request's own fold
	}
	pdf, err := s.cfg.Preview(iv)
	if err != nil {
		return fmt.Errorf("preview timesheet: %w", err)
	}
	return writePDF(w, pdf, "anteprima.pdf")
}

// downloadTimesheet gives the signed document.
func (s *server) downloadTimesheet(w http.ResponseWriter, r *http.Request, d *sitting, iv *evidence.Interview) error {
	if iv.Signed == nil {
		return errNotFound
	}
	pdf, err := s.j.File(r.Context(), iv.ID, iv.SignedN, "file")
	if err != nil {
		return err
	}
	if err := s.trace(r, d, iv.ID, "timesheet"); err != nil {
		return err
	}
	n := iv.Scheduled.Number
	return writePDF(w, pdf, fmt.Sprintf("foglio-ore-%d-%d.pdf", n.N, n.Year))
}

func writePDF(w http.ResponseWriter, pdf []byte, name string) error {
	h := w.Header()
	h.Set("Content-Type", "application/pdf")
	h.Set("Content-Disposition", `inline; filename="`+name+`"`)
	h.Set("Content-Length", strconv.Itoa(len(pdf)))
	_, _ = w.Write(pdf) // an error is a reader that went away
	return nil
}

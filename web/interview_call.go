package web

import (
	"html/template"
	"net/http"
	"time"

	"confermo/evidence"
)

type operatorCallPage struct {
	callPage
	identityView
	Number, Activity string
	Checklist        []listItem
	Strip            template.HTML
}

type listItem struct {
	Text string
	Done bool
}

// showOperatorCall is the operator's call page (o-06).
func (s *server) showOperatorCall(w http.ResponseWriter, r *http.Request, d *sitting, iv *evidence.Interview) error {
	switch {
	case iv.Closed != nil:
		return see(w, r, d.v.Base+"/sign")
	case iv.Cancelled != nil:
		return errLate
	case s.cfg.Rooms == nil:
		return failure{http.StatusServiceUnavailable, "fail.internal", "callerr.internal"}
	}
	if err := s.trace(r, d, iv.ID, "call"); err != nil {
		return err
	}
	page := operatorCallPage{
		callPage:     s.callPage(d.v, iv, evidence.Operator, d.Account.Name, iv.Scheduled.Person.FullName()),
		identityView: s.identity(d.v, iv), Number: iv.Scheduled.Number.String(), Activity: iv.Scheduled.Activity,
		Checklist: checklist(d.v, iv), Strip: liveStrip(d.v, iv),
	}
	page.Other = iv.Scheduled.Person.Name.String()
	s.render(w, http.StatusOK, "operator_call", d.v.Lang, page)
	return nil
}

func checklist(v view, iv *evidence.Interview) []listItem {
	zone := zoneOf(iv)
	list := []listItem{{v.t("list.nonotice"), false}, {v.t("list.nodocs"), false}, {v.t("list.noidentity"), false}, {v.t("list.sign"), false}}
	if iv.Notice != nil {
		list[0] = listItem{v.t("list.notice", hourMinute(iv.NoticeAt.In(zone))), true}
	}
	if n := len(iv.Documents); n > 0 && len(iv.MissingDocuments()) == 0 {
		list[1] = listItem{v.t("list.docs", hourMinute(iv.Documents[n-1].At.In(zone))), true}
	}
	if iv.Identity != nil && iv.Identity.Outcome == "match" {
		list[2] = listItem{v.t("list.identity", hourMinute(iv.Checked.In(zone))), true}
	}
	return list
}

// liveStrip draws what is recorded so far.
func liveStrip(v view, iv *evidence.Interview) template.HTML {
	a := attested(iv)
	if a.Seconds == 0 {
		return template.HTML(`<p class="mb-0">` + template.HTMLEscapeString(v.t("strip.empty")) + `</p>`)
	}
	person := iv.Scheduled.Person.Name.String()
	return strip{a: a, zone: zoneOf(iv), v: v, up: v.t("call.you"), down: person, live: true}.html()
}

// showLiveStrip is the fragment that the call page fetches every ten seconds.
func (s *server) showLiveStrip(w http.ResponseWriter, _ *http.Request, d *sitting, iv *evidence.Interview) error {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(liveStrip(d.v, iv))) // an error is a reader that went away
	return nil
}

// showChecklist is the other fragment.
func (s *server) showChecklist(w http.ResponseWriter, _ *http.Request, d *sitting, iv *evidence.Interview) error {
	body, err := s.execute("operator_call", d.v.Lang, "checklist", operatorCallPage{Checklist: checklist(d.v, iv)})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(body) // an error is a reader that went away
	return nil
}

// admitPerson lets the person in from the waiting room.
func (s *server) admitPerson(w http.ResponseWriter, r *http.Request, d *sitting, iv *evidence.Interview) error {
	if s.cfg.Rooms == nil {
		return errLate
	}
	if err := s.cfg.Rooms.Admit(r.Context(), iv.ID, evidence.Person); err != nil {
		return err
	}
	return see(w, r, d.v.Base+"/call")
}

type absentPage struct {
	view
	Person, When   string
	Waiting, Early bool
}

// askAbsent asks before an absence is stated. A person who waits at the door, or whose hour has not come, is not absent.
func (s *server) askAbsent(w http.ResponseWriter, d *sitting, iv *evidence.Interview) error {
	page := absentPage{
		view: d.v, Person: iv.Scheduled.Person.FullName(), When: dateTime(d.v.Lang, startOf(iv)),
		Waiting: iv.Parties[evidence.Person].Connected(), Early: time.Now().Before(startOf(iv)),
	}
	page.Crumbs = []crumb{{"/today", d.v.t("nav.today")}, {d.v.Base, page.Person}, {"", d.v.t("absent.title")}}
	s.render(w, http.StatusConflict, "operator_absent", d.v.Lang, page)
	return nil
}

// finishCall is the explicit conclusion (T15). Where nobody met the person, it records that the person did not appear,
// once the operator has said so.
func (s *server) finishCall(w http.ResponseWriter, r *http.Request, d *sitting, iv *evidence.Interview) error {
	if s.cfg.Rooms == nil {
		return errLate
	}
	reason := "operator"
	if iv.Closed == nil && !iv.Parties[evidence.Person].Admitted {
		reason = noShow
		if iv.Parties[evidence.Person].Connected() || time.Now().Before(startOf(iv)) || r.PostFormValue("absent") != "yes" {
			return s.askAbsent(w, d, iv)
		}
	}
	if err := s.cfg.Rooms.Finish(r.Context(), iv.ID, reason); err != nil {
		return err
	}
	if reason == noShow {
		return see(w, r, d.v.Base)
	}
	return see(w, r, d.v.Base+"/sign")
}

package web

import (
	"net/http"
	"time"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/evidence/rules"
	"confermo/web/text"
)

type dossierPage struct {
	view
	timesView
	Person, TaxCode, Phone, Mail                      string
	Number, When, Activity, Programme, Path, Operator string
	LanguageName, PersonLink, Code                    string
	State                                             stateView
	Action                                            *action
	Links                                             []dossierLink
	Documents                                         []documentRow
	Timeline                                          []happening
	CanCode, CanCancel                                bool
}

type dossierLink struct{ Path, Label, Icon string }

type documentRow struct {
	Label, Note string
	Verdict     verdictView
}

// verdictView is a verdict badge: nowhere else stand green and red.
type verdictView struct{ Tone, Icon, Label string }

// showDossier is everything about one interview (o-04).
func (s *server) showDossier(w http.ResponseWriter, r *http.Request, d *sitting, iv *evidence.Interview) error {
	prog, err := s.programmeOf(r.Context(), iv)
	if err != nil {
		return err
	}
	if err := s.trace(r, d, iv.ID, "dossier"); err != nil {
		return err
	}
	sc, now := iv.Scheduled, time.Now()
	state := iv.State(now)
	page := dossierPage{
		view: d.v, timesView: times(d.v, iv, sc.Operator.Name.String(), sc.Person.FullName()),
		Person: sc.Person.FullName(), TaxCode: sc.Person.TaxCode.String(), Phone: sc.Person.Phone.String(), Mail: sc.Person.Mail.String(),
		Number: sc.Number.String(), When: dateTime(d.v.Lang, startOf(iv)), Programme: sc.Programme.Title,
		Activity: sc.Activity + " " + rules.Name(prog.Activities, sc.Activity, d.v.Lang), Path: d.v.t("plan." + sc.Path),
		Operator: sc.Operator.Name.String(), LanguageName: text.Name(sc.Language), State: states[state],
		Action: nextAction(iv.ID, state), Timeline: timeline(d.v, iv, now), Documents: documentRows(d.v, iv),
		CanCancel: iv.Closed == nil && iv.Cancelled == nil && !iv.Parties[evidence.Person].Admitted,
	}
	page.Crumbs = []crumb{{"/today", d.v.t("nav.today")}, {"", page.Person}}
	page.Live, page.Scripts = d.v.Base+"/events", []string{"live.js"}
	if r.URL.Query().Get("done") == "plan" {
		page.Flash = d.v.t("plan.done", page.Number)
	}
	page.links(iv)
	if iv.Seal == nil && iv.Cancelled == nil {
		page.PersonLink = Link(s.cfg.LinkKey, s.cfg.BaseURL, iv.ID)
		page.CanCode = len(iv.Devices) > 0
		page.Code = s.access.ShownCode(r.Context(), iv.ID)
	}
	s.render(w, http.StatusOK, "operator_dossier", d.v.Lang, page)
	return nil
}

func (p *dossierPage) links(iv *evidence.Interview) {
	add := func(path, label, icon string) { p.Links = append(p.Links, dossierLink{p.Base + path, label, icon}) }
	if iv.Closed == nil && iv.Cancelled == nil {
		add("/call", "dossier.call", "it-video")
	}
	add("/documents", "dossier.docs", "it-card")
	if iv.Closed != nil && iv.Closed.Reason != noShow && iv.Approved == nil {
		add("/sign", "dossier.sign", "it-sign")
	}
	if len(iv.Mails) > 0 {
		add("/thread", "dossier.thread", "it-mail")
	}
	if iv.Signed != nil {
		add("/timesheet.pdf", "thread.timesheet", "it-file-signed")
	}
}

func documentRows(v view, iv *evidence.Interview) []documentRow {
	var rows []documentRow
	for _, kind := range evidence.RequiredDocuments {
		row := documentRow{Label: documentLabel(kind), Note: v.t("dossier.nofile"), Verdict: verdictView{"open", "it-help-circle", "dossier.absent"}}
		n, at := 0, ""
		for _, d := range iv.Documents {
			if d.Document == kind {
				n, at = n+1, dateTime(v.Lang, d.At.In(zoneOf(iv)))
			}
		}
		if n > 0 {
			row.Note = text.Count(v.Lang, "dossier.files", n, at)
			row.Verdict = verdictView{"open", "it-help-circle", "dossier.tocheck"}
			if iv.Identity != nil && iv.Identity.Outcome == "match" {
				row.Verdict = verdictView{"word", "it-pencil", "dossier.checked"}
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// makeDeviceCode makes a code that the operator may read out to the person.
func (s *server) makeDeviceCode(w http.ResponseWriter, r *http.Request, d *sitting, iv *evidence.Interview) error {
	if _, err := s.access.SpokenCode(r.Context(), iv.ID); err != nil {
		return err
	}
	return see(w, r, d.v.Base)
}

// cancelInterview ends an interview that was not held; its number stays.
func (s *server) cancelInterview(w http.ResponseWriter, r *http.Request, d *sitting, iv *evidence.Interview) error {
	reason := cut(r.PostFormValue("reason"), 200)
	if reason == "" {
		return errInput
	}
	_, err := s.j.Append(r.Context(), journal.Draft{
		Interview: iv.ID, By: "web", Fact: &evidence.Cancelled{By: d.who(), Reason: reason},
		If: func(now *evidence.Interview) error {
			if now.Cancelled != nil {
				return errDone
			}
			if now.Parties[evidence.Person].Admitted {
				return errLate // what was held is concluded, not cancelled
			}
			return notClosed(now)
		},
	})
	if err != nil {
		return err
	}
	return see(w, r, d.v.Base)
}

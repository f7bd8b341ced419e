package web

import (
	"errors"
	"net/http"
	"regexp"

	"confermo/evidence"
	"confermo/evidence/journal"
)

type invitePage struct {
	view
	Name  string
	When  whenView
	Begun bool
	App   string // the app whose browser this is
	Link  string
}

// inApp finds browsers inside other apps, which rarely give out camera and microphone.
var inApp = []struct {
	name  string
	match *regexp.Regexp
}{
	{"Facebook", regexp.MustCompile(`FBAN|FBAV`)},
	{"Instagram", regexp.MustCompile(`Instagram`)},
	{"TikTok", regexp.MustCompile(`musical_ly|TikTok`)},
	{"LinkedIn", regexp.MustCompile(`LinkedInApp`)},
	{"Snapchat", regexp.MustCompile(`Snapchat`)},
	{"LINE", regexp.MustCompile(`\bLine/`)},
	{"WeChat", regexp.MustCompile(`MicroMessenger`)},
	{"Google", regexp.MustCompile(`\bGSA/`)},
	{"Android", regexp.MustCompile(`; wv\)`)},
}

func appOf(agent string) string {
	for _, a := range inApp {
		if a.match.MatchString(agent) {
			return a.name
		}
	}
	return ""
}

// showInvitation is the first page (p-01). It says nothing to a device that is not the bound one.
func (s *server) showInvitation(w http.ResponseWriter, r *http.Request, p *visit) error {
	if len(p.iv.Devices) > 0 && !bound(r, p.iv) {
		return see(w, r, p.base+"/device")
	}
	page := invitePage{
		view: p.v, Name: p.iv.Scheduled.Person.Name.String(), When: when(p.v.Lang, p.iv), Begun: len(p.iv.Devices) > 0,
		App: appOf(r.UserAgent()), Link: s.cfg.BaseURL + p.base,
	}
	page.Lean = true
	name := "person_invite"
	if page.App != "" && r.URL.Query().Get("here") == "" {
		name = "person_inapp"
	}
	s.render(w, http.StatusOK, name, p.v.Lang, page)
	return nil
}

var errBound = errors.New("another device was first")

// openInvitation binds the invitation to the first device that acts, and leads to the first step not done.
func (s *server) openInvitation(w http.ResponseWriter, r *http.Request, p *visit) error {
	if len(p.iv.Devices) > 0 {
		if bound(r, p.iv) {
			return see(w, r, p.next())
		}
		return see(w, r, p.base+"/device")
	}
	_, err := s.j.Append(r.Context(), journal.Draft{
		Interview: p.iv.ID, By: "web",
		Fact: &evidence.LinkOpened{Device: s.bindDevice(w, p.base), Agent: agent(r), How: "first"},
		If: func(iv *evidence.Interview) error {
			if len(iv.Devices) > 0 {
				return errBound
			}
			return nil
		},
	})
	if errors.Is(err, errBound) {
		return see(w, r, p.base+"/device")
	} else if err != nil {
		return err
	}
	return see(w, r, p.next())
}

// agent is what the browser says it is, bounded.
func agent(r *http.Request) string { return cut(r.UserAgent(), 200) }

// cut shortens a string to at most so many characters.
func cut(s string, most int) string {
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most])
	}
	return s
}

func (s *server) showAccessibility(w http.ResponseWriter, r *http.Request) error {
	v := s.newView(r, "")
	s.render(w, http.StatusOK, "accessibility", v.Lang, struct{ view }{v})
	return nil
}

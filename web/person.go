package web

import (
	"errors"
	"net/http"
	"time"

	"confermo/evidence"
	"confermo/evidence/journal"
)

// visit is the request of a person who came by the invitation's link.
type visit struct {
	iv   *evidence.Interview
	base string // /i/ID.MAC
	zone *time.Location
	v    view
}

// need is what a page of the person asks for before it is shown.
type need int

const (
	anyDevice   need = iota
	ownDevice        // the device that the invitation is bound to
	afterNotice      // and the notice was acknowledged (T13)
)

// visit makes a handler of the person's pages: it checks the link, then the device, then the order of steps.
func (s *server) visit(f func(http.ResponseWriter, *http.Request, *visit) error, n need) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer s.rescue(w, r)
		p, err := s.welcome(r)
		if err != nil {
			v := s.newView(r, browserLanguage(r))
			if p != nil {
				v = p.v
				v.Back = ""
			}
			s.fail(w, r, v, err)
			return
		}
		if to := p.detour(r, n); to != "" {
			http.Redirect(w, r, to, http.StatusSeeOther)
			return
		}
		if err := s.bounded(w, r, func(w http.ResponseWriter, r *http.Request) error { return f(w, r, p) }); err != nil {
			s.fail(w, r, p.v, err)
		}
	})
}

// welcome reads the link. An error may come with a visit, whose language the answer then has.
func (s *server) welcome(r *http.Request) (*visit, error) {
	id, ok := parseLink(s.cfg.LinkKey, r.PathValue("link"))
	if !ok {
		return nil, errLink
	}
	iv, err := s.j.Interview(r.Context(), id)
	switch {
	case errors.Is(err, journal.ErrNoInterview):
		return nil, errLink
	case err != nil:
		return nil, err
	case iv.Scheduled == nil:
		return nil, errExpired
	}
	p := &visit{iv: iv, base: s.pathOf(id), zone: zoneOf(iv)}
	p.v = s.newView(r, iv.Scheduled.Language)
	p.v.Visit, p.v.Home, p.v.Base, p.v.Back, p.v.Privacy = true, p.base, p.base, p.base, p.base+"/notice"
	p.v.setAgency(iv.Scheduled.Agency)
	switch iv.State(time.Now()) {
	case evidence.StateSealed, evidence.StateErased:
		return p, errExpired
	case evidence.StateCancelled:
		return p, errCancelled
	}
	return p, nil
}

// detour is where the person must go first, or "".
func (p *visit) detour(r *http.Request, n need) string {
	switch {
	case n == anyDevice:
		return ""
	case len(p.iv.Devices) == 0:
		return p.base
	case !bound(r, p.iv):
		return p.base + "/device"
	case n == afterNotice && p.iv.Notice == nil:
		return p.base + "/notice"
	}
	return ""
}

// next is the first step that is not done: steps done once are not repeated.
func (p *visit) next() string {
	iv := p.iv
	switch {
	case iv.Closed != nil:
		return p.base + "/record"
	case iv.Notice == nil:
		return p.base + "/notice"
	case !chose(iv):
		return p.base + "/choices"
	case len(iv.MissingDocuments()) > 0:
		return p.base + "/documents"
	case iv.Device == nil:
		return p.base + "/check"
	}
	return p.base + "/call"
}

func chose(iv *evidence.Interview) bool {
	_, ok := iv.Consents["still"]
	return ok
}

// stepsView is the line "Passo 2 di 5".
type stepsView struct {
	Step int
	Dots []string
}

func steps(now int) stepsView {
	v := stepsView{Step: now}
	for i := 1; i <= 5; i++ {
		switch {
		case i < now:
			v.Dots = append(v.Dots, "is-done")
		case i == now:
			v.Dots = append(v.Dots, "is-now")
		default:
			v.Dots = append(v.Dots, "")
		}
	}
	return v
}

func zoneOf(iv *evidence.Interview) *time.Location {
	zone, err := time.LoadLocation(iv.Scheduled.Zone)
	if err != nil {
		return time.UTC
	}
	return zone
}

func startOf(iv *evidence.Interview) time.Time {
	t, _ := time.Parse(evidence.TimeFormat, iv.Scheduled.Start)
	return t.In(zoneOf(iv))
}

package web

import (
	"net/http"

	"confermo/evidence"
	"confermo/evidence/journal"
)

type checkPage struct {
	view
	Steps stepsView
}

// showCheck is the person's own device check (p-05); it runs in the browser.
func (s *server) showCheck(w http.ResponseWriter, _ *http.Request, p *visit) error {
	page := checkPage{view: p.v, Steps: steps(4)}
	page.Scripts = []string{"check.js"}
	s.render(w, http.StatusOK, "person_check", p.v.Lang, page)
	return nil
}

// saveCheck records the result the person submits.
func (s *server) saveCheck(w http.ResponseWriter, r *http.Request, p *visit) error {
	fact := &evidence.DeviceChecked{
		Microphone: r.PostFormValue("mic") == "ok", Camera: r.PostFormValue("camera") == "ok",
		Skipped: r.PostFormValue("skip") != "",
	}
	if before := p.iv.Device; before == nil || *before != *fact {
		_, err := s.j.Append(r.Context(), journal.Draft{Interview: p.iv.ID, By: "web", Fact: fact, If: notClosed})
		if err != nil {
			return err
		}
	}
	return see(w, r, p.base+"/call")
}

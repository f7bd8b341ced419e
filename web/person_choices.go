package web

import (
	"net/http"

	"confermo/evidence"
	"confermo/evidence/journal"
)

type choicesPage struct {
	view
	Steps        stepsView
	Still, Error string
}

// showChoices asks for the optional consent (p-03). Nothing is chosen beforehand.
func (s *server) showChoices(w http.ResponseWriter, _ *http.Request, p *visit) error {
	return s.choices(w, p, http.StatusOK, "")
}

func (s *server) choices(w http.ResponseWriter, p *visit, status int, problem string) error {
	page := choicesPage{view: p.v, Steps: steps(2), Error: problem}
	page.Lean = true
	if given, ok := p.iv.Consents["still"]; ok {
		page.Still = map[bool]string{true: "yes", false: "no"}[given]
	}
	s.render(w, status, "person_choices", p.v.Lang, page)
	return nil
}

// saveChoices records the choice; the same choice again records nothing.
func (s *server) saveChoices(w http.ResponseWriter, r *http.Request, p *visit) error {
	still := r.PostFormValue("still")
	if still != "yes" && still != "no" {
		return s.choices(w, p, http.StatusUnprocessableEntity, p.v.t("choices.none"))
	}
	given := still == "yes"
	if before, ok := p.iv.Consents["still"]; !ok || before != given {
		_, err := s.j.Append(r.Context(), journal.Draft{
			Interview: p.iv.ID, By: "web", Fact: &evidence.Consented{What: "still", Given: given}, If: notClosed,
		})
		if err != nil {
			return err
		}
	}
	return s.goOn(w, r, p)
}

// notClosed guards facts that belong before the close.
func notClosed(iv *evidence.Interview) error {
	if iv.Closed != nil || iv.Cancelled != nil {
		return errLate
	}
	return nil
}

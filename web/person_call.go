package web

import (
	"net/http"
	"strings"
	"time"

	"confermo/evidence"
)

// ticketLife is how long a call page can wait before it must be reloaded.
const ticketLife = 4 * time.Hour

// callPage is what both call pages need of the script's hooks.
type callPage struct {
	view
	Signal, Ticket, Zone       string
	Other, OtherFull, Initials string
}

type personCallPage struct {
	callPage
	Steps                     stepsView
	Weekday, Day, Month, Hour string
	NoticeAt                  string
	Complete, Tested          bool
}

// showPersonCall is the waiting room and the call in one page (p-06, p-07).
func (s *server) showPersonCall(w http.ResponseWriter, r *http.Request, p *visit) error {
	iv := p.iv
	switch {
	case iv.Closed != nil:
		return see(w, r, p.base+"/record")
	case !chose(iv):
		return see(w, r, p.base+"/choices")
	case s.cfg.Rooms == nil:
		return failure{http.StatusServiceUnavailable, "fail.internal", "callerr.internal"}
	}
	at := when(p.v.Lang, iv)
	operator := iv.Scheduled.Operator.Name.String()
	page := personCallPage{
		callPage: s.callPage(p.v, iv, evidence.Person, iv.Scheduled.Person.Name.String(), operator),
		Steps:    steps(5), Weekday: at.Weekday, Day: at.Day, Month: at.Month, Hour: at.Hour,
		NoticeAt: dateTime(p.v.Lang, iv.NoticeAt.In(p.zone)), Complete: len(iv.MissingDocuments()) == 0,
		Tested: iv.Device != nil && !iv.Device.Skipped,
	}
	s.render(w, http.StatusOK, "person_call", p.v.Lang, page)
	return nil
}

// callPage makes the part that both parties share; self is how the other party will see this one called.
func (s *server) callPage(v view, iv *evidence.Interview, party evidence.Party, self, other string) callPage {
	first, _, _ := strings.Cut(other, " ")
	return callPage{
		view: v, Signal: "/rtc", Zone: iv.Scheduled.Zone, Other: first, OtherFull: other, Initials: initials(other),
		Ticket: s.cfg.Rooms.Ticket(iv.ID, party, self, ticketLife),
	}
}

func initials(name string) string {
	var b strings.Builder
	for i, word := range strings.Fields(name) {
		if i < 2 {
			b.WriteString(strings.ToUpper(string([]rune(word)[:1])))
		}
	}
	return b.String()
}

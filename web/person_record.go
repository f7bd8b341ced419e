package web

import (
	"net/http"
	"strings"

	"confermo/evidence"
	"confermo/evidence/wording"
)

type recordPage struct {
	view
	timesView
	Name, NoticeAt, NoticeVersion string
	Documents                     int
	Still, SummarySent, Confirmed bool
	Topics, Mail, Word, Number    string
	ConfirmedAt                   string
}

// showRecord tells the person what was recorded (p-08).
func (s *server) showRecord(w http.ResponseWriter, r *http.Request, p *visit) error {
	iv := p.iv
	if iv.Closed == nil {
		return see(w, r, p.next())
	}
	prog, err := s.programmeOf(r.Context(), iv)
	if err != nil {
		return err
	}
	page := recordPage{
		view: p.v, timesView: times(p.v, iv, iv.Scheduled.Operator.Name.String(), p.v.t("call.you")),
		Name: iv.Scheduled.Person.Name.String(), NoticeAt: dateTime(p.v.Lang, iv.NoticeAt.In(p.zone)),
		NoticeVersion: iv.Notice.Version, Documents: len(iv.Documents), Still: iv.Consents["still"],
		Topics: strings.Join(topics(prog, iv, p.v.Lang), "; "), Mail: iv.Scheduled.Person.Mail.String(),
		Word: wording.ConfirmWord(iv.Scheduled.Language), Number: iv.Scheduled.Number.String(),
	}
	page.Live, page.Scripts = "", nil
	if m := iv.LastMail(evidence.Summary); m != nil && m.Sent != nil {
		page.SummarySent = true
	}
	if c := iv.Confirmation(); c != nil {
		page.Confirmed, page.ConfirmedAt = true, dateTime(p.v.Lang, c.At.In(p.zone))
	}
	s.render(w, http.StatusOK, "person_record", p.v.Lang, page)
	return nil
}

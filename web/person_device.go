package web

import (
	"errors"
	"net/http"
	"strings"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/web/access"
	"confermo/web/text"
)

type devicePage struct {
	view
	Sent          bool
	SentTo, Error string
}

// showDevice tells a second device that it needs a code.
func (s *server) showDevice(w http.ResponseWriter, r *http.Request, p *visit) error {
	switch {
	case len(p.iv.Devices) == 0:
		return see(w, r, p.base)
	case bound(r, p.iv):
		return see(w, r, p.next())
	}
	sent := r.URL.Query().Has("sent") || s.access.ShownCode(r.Context(), p.iv.ID) != ""
	return s.device(w, p, http.StatusOK, sent, "")
}

func (s *server) device(w http.ResponseWriter, p *visit, status int, sent bool, problem string) error {
	page := devicePage{view: p.v, Sent: sent, SentTo: masked(p.iv.Scheduled.Person.Mail.Text), Error: problem}
	page.Lean = true
	s.render(w, status, "person_code", p.v.Lang, page)
	return nil
}

// masked shows enough of an address to know it again: "n…i@posta.example".
func masked(mail string) string {
	user, host, ok := strings.Cut(mail, "@")
	if !ok || user == "" {
		return "…"
	}
	runes := []rune(user)
	if len(runes) < 3 {
		return string(runes[0]) + "…@" + host
	}
	return string(runes[0]) + "…" + string(runes[len(runes)-1]) + "@" + host
}

// sendDeviceCode mails a code to the registered contact. The same code stands in the operator's dossier.
func (s *server) sendDeviceCode(w http.ResponseWriter, r *http.Request, p *visit) error {
	if len(p.iv.Devices) == 0 || bound(r, p.iv) {
		return see(w, r, p.base)
	}
	to := p.iv.Scheduled.Person.Mail.Text
	if to == "" {
		return failure{http.StatusConflict, "device.title", "fail.nomail"}
	}
	code, err := s.access.MailedCode(r.Context(), p.iv.ID)
	if err != nil {
		return err
	}
	if err := s.sendCode(r, to, code, p.v.Lang); err != nil {
		return err
	}
	return see(w, r, p.base+"/device?sent=1")
}

// sendCode mails a code now. Without a mailer nothing goes out and nobody is told that it did.
func (s *server) sendCode(r *http.Request, to, code, lang string) error {
	if s.cfg.SendCode == nil {
		return errMailDown
	}
	if err := s.cfg.SendCode(r.Context(), to, code, lang); err != nil {
		s.log.Error("code not sent", "error", err)
		return errMailDown
	}
	return nil
}

// useDeviceCode binds the invitation to this device: the take-over of the seat is a fact.
func (s *server) useDeviceCode(w http.ResponseWriter, r *http.Request, p *visit) error {
	if len(p.iv.Devices) == 0 || bound(r, p.iv) {
		return see(w, r, p.base)
	}
	left, err := s.access.UseDeviceCode(r.Context(), p.iv.ID, digits(r.PostFormValue("code")))
	switch {
	case errors.Is(err, access.ErrCode):
		return s.device(w, p, http.StatusForbidden, true, text.Count(p.v.Lang, "code.wrong", left))
	case errors.Is(err, access.ErrGone):
		return s.device(w, p, http.StatusForbidden, false, p.v.t("code.gone"))
	case err != nil:
		return err
	}
	_, err = s.j.Append(r.Context(), journal.Draft{
		Interview: p.iv.ID, By: "web",
		Fact: &evidence.LinkOpened{Device: s.bindDevice(w, p.base), Agent: agent(r), How: "code"},
	})
	if err != nil {
		return err
	}
	return see(w, r, p.next())
}

// digits keeps the digits of what somebody typed.
func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, cut(s, 20))
}

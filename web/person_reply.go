package web

import (
	"net/http"
	"time"

	"confermo/evidence"
	"confermo/evidence/wording"
	"confermo/web/text"
)

type replyPage struct {
	view
	Subject, Word, Refuse, Deadline string
	Status                          *replyStatus
}

type replyStatus struct{ Tone, Icon, Text string }

// showReply tells how to answer the summary, and what came of an answer (p-09).
func (s *server) showReply(w http.ResponseWriter, r *http.Request, p *visit) error {
	iv := p.iv
	sent := iv.LastMail(evidence.Summary)
	switch {
	case iv.Closed == nil:
		return see(w, r, p.next())
	case sent == nil:
		return see(w, r, p.base+"/record") // there is nothing to answer yet
	}
	d, err := wording.Of(iv)
	if err != nil {
		return err
	}
	lang := iv.Scheduled.Language
	page := replyPage{view: p.v, Word: wording.ConfirmWord(lang), Refuse: text.Say(lang, "reply.refuse"), Status: p.replyStatus()}
	d.Code = sent.Code.String()
	if sent.Sent != nil {
		due := sent.SentAt.Add(time.Duration(iv.Scheduled.Programme.Terms.ReplyWithin) * time.Second)
		page.Deadline = evidence.FormatDate(p.v.Lang, due.In(p.zone))
	}
	page.Subject, _ = wording.SummaryMail(lang, d)
	s.render(w, http.StatusOK, "person_reply", p.v.Lang, page)
	return nil
}

func (p *visit) replyStatus() *replyStatus {
	out := p.iv.Outcome()
	switch {
	case out.Waits:
		return &replyStatus{"info", "it-info-circle", p.v.t("reply.unclear")}
	case out.Verdict == evidence.VerdictConfirmed:
		return &replyStatus{"ok", "it-check-circle", p.v.t("reply.confirmed")}
	case out.Verdict == evidence.VerdictRefused, out.Verdict == evidence.VerdictDisputed:
		return &replyStatus{"warn", "it-horn", p.v.t("reply.disputed")}
	}
	return nil
}

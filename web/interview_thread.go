package web

import (
	"context"
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"time"

	"confermo/evidence"
	"confermo/evidence/journal"
)

type threadPage struct {
	view
	Heading, Person, Number        string
	State                          stateView
	Mails                          []threadMail
	Verdict                        *threadVerdict
	Decide                         string // id of the reply that waits for the operator
	Waiting, Signed                bool
	SentAt, Deadline               string
	SignedAt, RecordedAt, SealedAt string
}

type threadMail struct {
	at                    time.Time
	Class, Subject, Line  string
	New, Cut, Text, Bytes string
	Attachments           []string
}

type threadVerdict struct {
	Tone, Icon, Label string
	Text, Rule        string
	Grammar, Level    int
	Binding           string
	Levels            []listItem
}

// showThread is the conversation as the bytes say, with what was made of the replies (o-08, T11, T22).
func (s *server) showThread(w http.ResponseWriter, r *http.Request, d *sitting, iv *evidence.Interview) error {
	if err := s.trace(r, d, iv.ID, "thread"); err != nil {
		return err
	}
	state := iv.State(time.Now())
	zone := zoneOf(iv)
	page := threadPage{
		view: d.v, Heading: threadHeading(iv), Person: iv.Scheduled.Person.FullName(), Number: iv.Scheduled.Number.String(),
		State: states[state], Waiting: state == evidence.StateSummarySent, Signed: iv.Signed != nil,
	}
	page.Crumbs = []crumb{{"/today", d.v.t("nav.today")}, {d.v.Base, page.Person}, {"", d.v.t("thread.title")}}
	page.Live, page.Scripts = d.v.Base+"/events", []string{"live.js"}
	for _, m := range iv.Mails {
		page.Mails = append(page.Mails, s.outgoing(r.Context(), d.v, iv, m))
	}
	for _, reply := range iv.Replies {
		page.Mails = append(page.Mails, s.incoming(r.Context(), d.v, iv, reply))
	}
	sort.SliceStable(page.Mails, func(a, b int) bool { return page.Mails[a].at.Before(page.Mails[b].at) })
	if m := iv.LastMail(evidence.Summary); m != nil && m.Sent != nil {
		page.SentAt = dateClock(d.v.Lang, m.SentAt.In(zone))
		due := m.SentAt.Add(time.Duration(iv.Scheduled.Programme.Terms.ReplyWithin) * time.Second)
		page.Deadline = evidence.FormatDate(d.v.Lang, due.In(zone))
	}
	page.outcome(iv)
	if iv.Signed != nil {
		page.SignedAt = clock(iv.SignedAt, zone)
	}
	if iv.Seal != nil {
		page.SealedAt = clock(iv.SealedAt, zone)
	}
	s.render(w, http.StatusOK, "operator_thread", d.v.Lang, page)
	return nil
}

func threadHeading(iv *evidence.Interview) string {
	out := iv.Outcome()
	switch {
	case out.Waits:
		return "thread.read"
	case out.Verdict == evidence.VerdictConfirmed:
		return "thread.received"
	case out.Verdict != "":
		return "thread.contested"
	case iv.LastMail(evidence.Summary) != nil:
		return "thread.waiting"
	}
	return "thread.mails"
}

func (s *server) outgoing(ctx context.Context, v view, iv *evidence.Interview, m evidence.Mail) threadMail {
	zone := zoneOf(iv)
	out := threadMail{at: m.At, Class: "is-out", Bytes: mailPath(iv, m.N)}
	s.fill(ctx, v, iv, m.N, &out)
	when := v.t("thread.frozenat", clock(m.At, zone))
	switch {
	case m.Failed():
		when = v.t("thread.failedat", dateClock(v.Lang, m.FailedAt.In(zone)))
	case m.Sent != nil:
		when = v.t("thread.sentat", dateClock(v.Lang, m.SentAt.In(zone)))
	}
	out.Line = v.t("thread.out", m.To, when)
	return out
}

// incoming shows a reply: marked is what the classifier read, then what it took away.
func (s *server) incoming(ctx context.Context, v view, iv *evidence.Interview, reply evidence.Reply) threadMail {
	out := threadMail{at: reply.At, Class: "is-in", Bytes: mailPath(iv, reply.N)}
	from := s.fill(ctx, v, iv, reply.N, &out)
	out.Line = v.t("thread.in", from, dateClock(v.Lang, reply.At.In(zoneOf(iv))))
	if c := reply.Classified; c != nil && c.Text.Text != "" {
		if before, after, ok := strings.Cut(out.Text, c.Text.Text); ok {
			out.Cut, out.New, out.Text = before, c.Text.Text, after
		}
	}
	return out
}

// fill reads a mail's bytes into the view and gives its sender.
func (s *server) fill(ctx context.Context, v view, iv *evidence.Interview, n int, out *threadMail) (from string) {
	raw, err := s.j.File(ctx, iv.ID, n, "file")
	if err != nil {
		out.Text = v.t("thread.erased")
		return ""
	}
	m := readMail(raw)
	out.Subject, out.Text, out.Attachments = m.Subject, m.Text, m.Attachments
	return m.From
}

func mailPath(iv *evidence.Interview, n int) string {
	return "/interviews/" + iv.ID + "/mails/" + strconv.Itoa(n)
}

// outcome fills the verdict of the reply that counts, or of the newest one.
func (p *threadPage) outcome(iv *evidence.Interview) {
	out := iv.Outcome()
	reply := out.Reply
	if reply == nil && len(iv.Replies) > 0 {
		reply = &iv.Replies[len(iv.Replies)-1]
	}
	if reply == nil || reply.Classified == nil {
		return
	}
	if out.Waits {
		p.Decide = reply.ID
	}
	c := reply.Classified
	p.RecordedAt = clock(reply.At, zoneOf(iv))
	verdict, waits := reply.Effective()
	tone := map[string]threadVerdict{
		evidence.VerdictConfirmed: {Tone: "proved", Icon: "it-check-circle"},
		evidence.VerdictRefused:   {Tone: "false", Icon: "it-close-circle"},
		evidence.VerdictDisputed:  {Tone: "open", Icon: "it-help-circle"},
	}[verdict]
	if tone.Tone == "" {
		tone = threadVerdict{Tone: "open", Icon: "it-help-circle"}
	}
	tone.Label = "verdict." + verdict
	if waits && c.Verdict == evidence.VerdictConfirmed {
		tone.Label = "verdict.held"
	}
	tone.Text, tone.Rule, tone.Grammar, tone.Level = c.Text.String(), c.Rule, c.Grammar, c.Level
	var bindings []string
	for _, b := range c.Binding {
		bindings = append(bindings, p.t("bind."+b))
	}
	tone.Binding = strings.Join(bindings, ", ")
	for i, key := range []string{"thread.l0", "thread.l1", "thread.l2", "thread.l3"} {
		tone.Levels = append(tone.Levels, listItem{p.t(key), c.Level >= i && len(c.Binding) > 0})
	}
	p.Verdict = &tone
}

// downloadMail gives the exact bytes of a mail, sent or received (T11).
func (s *server) downloadMail(w http.ResponseWriter, r *http.Request, d *sitting, iv *evidence.Interview) error {
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil {
		return errNotFound
	}
	name := ""
	for _, m := range iv.Mails {
		if m.N == n {
			name = m.Purpose
		}
	}
	for _, reply := range iv.Replies {
		if reply.N == n {
			name = "reply"
		}
	}
	if name == "" {
		return errNotFound
	}
	raw, err := s.j.File(r.Context(), iv.ID, n, "file")
	if err != nil {
		return err
	}
	if err := s.trace(r, d, iv.ID, fmt.Sprintf("mail %d", n)); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "message/rfc822")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s-%d.eml"`, name, n))
	h.Set("Content-Length", strconv.Itoa(len(raw)))
	_, _ = w.Write(raw) // an error is a reader that went away
	return nil
}

// decideReply records the operator's reading of a reply that the machine did not decide.
func (s *server) decideReply(w http.ResponseWriter, r *http.Request, d *sitting, iv *evidence.Interview) error {
	id, verdict, reason := r.PostFormValue("reply"), r.PostFormValue("verdict"), strings.TrimSpace(cut(r.PostFormValue("reason"), 300))
	if iv.Reply(id) == nil || reason == "" || verdict != evidence.VerdictConfirmed && verdict != evidence.VerdictDisputed {
		return errInput
	}
	_, err := s.j.Append(r.Context(), journal.Draft{
		Interview: iv.ID, By: "web",
		Fact: &evidence.ReplyDecided{ID: id, By: d.who(), Verdict: verdict, Reason: evidence.V(reason)},
		If: func(now *evidence.Interview) error {
			reply := now.Reply(id)
			if reply == nil || reply.Decided != nil {
				return errDone
			}
			if _, waits := reply.Effective(); !waits {
				return errLate
			}
			return nil
		},
	})
	if err != nil {
		return err
	}
	return see(w, r, d.v.Base+"/thread")
}

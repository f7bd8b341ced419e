package mailbox

import (
	"context"
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/evidence/wording"
	"confermo/mailbox/reply"
	"confermo/mailbox/smtp"
)

// retries are the waits after failed attempts; the last one repeats until GiveUp.
var retries = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 4 * time.Hour}

// GiveUp is how long a mail is tried (RFC 5321 section 4.5.4.1).
const GiveUp = 5 * 24 * time.Hour

// send performs one sending duty: it freezes the mail that is due, or submits a frozen one.
func (m *Mailbox) send(ctx context.Context, iv *evidence.Interview, d evidence.Duty) error {
	switch d.Kind {
	case evidence.DutySendInvitation:
		return m.freeze(ctx, iv, evidence.MailFrozen{Purpose: evidence.Invitation})
	case evidence.DutySendSummary:
		return m.freeze(ctx, iv, evidence.MailFrozen{Purpose: evidence.Summary, Version: d.Version})
	case evidence.DutyAcknowledge:
		return m.freeze(ctx, iv, evidence.MailFrozen{Purpose: evidence.Acknowledgement, Ref: d.Ref})
	case evidence.DutyRetryMail:
		return m.submit(ctx, iv, d.Ref)
	}
	return fmt.Errorf("duty %s is not one of the outbox", d.Kind)
}

// freeze writes the mail and records its exact bytes. The record then says that it is to be submitted.
func (m *Mailbox) freeze(ctx context.Context, iv *evidence.Interview, f evidence.MailFrozen) error {
	s := iv.Scheduled
	now := time.Now()
	f.ID, f.Language, f.Wording = ulid.Make().String(), wording.Known(s.Language), wording.Version
	token, code, id := random(), visibleCode(), random()+"@"+m.domain
	data, err := m.data(iv, f, now)
	if err != nil {
		return fmt.Errorf("write %s: %w", f.Purpose, err)
	}
	data.Code = code
	l := letter{
		from:    netmail.Address{Name: s.Agency.Name, Address: m.local + "@" + m.domain},
		replyTo: netmail.Address{Name: s.Agency.Name, Address: m.local + "+" + token + "@" + m.domain},
		to:      s.Person.Mail.Text, toName: s.Person.FullName(), lang: f.Language,
		id: id, reference: random() + "@" + m.domain, date: now,
	}
	if err := m.write(ctx, iv, &f, &l, data); err != nil {
		return fmt.Errorf("write %s: %w", f.Purpose, err)
	}
	raw, err := l.bytes()
	if err != nil {
		return err
	}
	f.MessageID, f.Token, f.Code, f.To = evidence.V(id), evidence.V(token), evidence.V(code), evidence.V(l.to)
	f.File = evidence.F("mail/"+f.ID+".eml", "message/rfc822", raw)
	return m.once(ctx, journal.Draft{Interview: iv.ID, By: "mailbox", Fact: &f, If: func(now *evidence.Interview) error {
		for _, d := range now.Duties() {
			if duty(f) == (evidence.Duty{Kind: d.Kind, Version: d.Version, Ref: d.Ref}) {
				return nil
			}
		}
		return errOnce
	}})
}

// duty is the duty that freezing f fulfils.
func duty(f evidence.MailFrozen) evidence.Duty {
	switch f.Purpose {
	case evidence.Invitation:
		return evidence.Duty{Kind: evidence.DutySendInvitation}
	case evidence.Summary:
		return evidence.Duty{Kind: evidence.DutySendSummary, Version: f.Version}
	}
	return evidence.Duty{Kind: evidence.DutyAcknowledge, Ref: f.Ref}
}

// data are the values of a mail about the interview.
func (m *Mailbox) data(iv *evidence.Interview, f evidence.MailFrozen, now time.Time) (wording.MailData, error) {
	d, err := wording.Of(iv)
	if err != nil {
		return d, err
	}
	d.Sent = now.In(d.Start.Location())
	d.Protocol = fmt.Sprintf("%s-%d", d.Number, len(iv.Mails)+1)
	if n := len(iv.Mails); n > 0 {
		d.Reference = fmt.Sprintf("%s-%d, %s", d.Number, n, evidence.FormatDate(f.Language, iv.Mails[n-1].At.In(d.Start.Location())))
	}
	if m.Names != nil {
		d.Activity = m.Names(iv, f.Language, d.Activity)
		if c := iv.Completed; c != nil {
			for i := range min(len(c.Topics), len(d.Topics)) {
				d.Topics[i] = m.Names(iv, f.Language, d.Topics[i])
			}
		}
	}
	return d, nil
}

// write fills subject, text and attachments of the letter according to its purpose.
func (m *Mailbox) write(ctx context.Context, iv *evidence.Interview, f *evidence.MailFrozen, l *letter, d wording.MailData) error {
	switch f.Purpose {
	case evidence.Invitation:
		if m.Link != nil {
			d.Link = m.Link(iv.ID)
		}
		l.subject, l.text = wording.InvitationMail(f.Language, d)
	case evidence.Summary:
		pdf, err := m.Journal.File(ctx, iv.ID, iv.SignedN, "file")
		if err != nil {
			return fmt.Errorf("read timesheet: %w", err)
		}
		// The document itself is Italian, and so is the name it is filed under.
		name := "foglio-ore-" + strings.ReplaceAll(d.Number, "/", "-") + ".pdf"
		l.files = []attachment{{name, "application/pdf", pdf}}
		d.Attachments = []string{name}
		if within := iv.Scheduled.Programme.Terms.ReplyWithin; within > 0 {
			d.Deadline = d.Sent.Add(time.Duration(within) * time.Second)
		}
		l.subject, l.text = wording.SummaryMail(f.Language, d)
	case evidence.Acknowledgement:
		r, answer, err := m.answer(iv, f.Ref)
		if err != nil {
			return err
		}
		f.Version = r.Classified.Version
		receipt, err := m.receipt(ctx, iv, r, answer.Verdict)
		if err != nil {
			return err
		}
		answer.Received = answer.Received.In(d.Start.Location())
		l.files = []attachment{{"receipt.json", "application/json", receipt}}
		d.Attachments = []string{"receipt.json"}
		l.subject, l.text = wording.AcknowledgementMail(f.Language, d, answer)
	}
	return nil
}

// answer is what an acknowledgement states: ref is a reply's id, or that and ":decided" for the operator's decision.
func (m *Mailbox) answer(iv *evidence.Interview, ref string) (*evidence.Reply, wording.Answer, error) {
	id, decided := strings.CutSuffix(ref, ":decided")
	r := iv.Reply(id)
	if r == nil || r.Classified == nil || decided && r.Decided == nil {
		return nil, wording.Answer{}, fmt.Errorf("there is no reply %s to acknowledge", ref)
	}
	verdict := r.Classified.Verdict
	if decided {
		verdict = r.Decided.Verdict
	}
	return r, wording.Answer{Verdict: verdict, Text: r.Classified.Text.String(), Received: received(r), Late: r.Classified.Late}, nil
}

// received is when the person's mail arrived: the server's time, or ours where it gave none.
func received(r *evidence.Reply) time.Time {
	if t, err := time.Parse(evidence.TimeFormat, r.Internal); err == nil {
		return t
	}
	return r.At
}

// submit sends a frozen mail once and records what became of it.
func (m *Mailbox) submit(ctx context.Context, iv *evidence.Interview, id string) error {
	m.mu.Lock()
	paused := time.Now().Before(m.paused)
	m.mu.Unlock()
	f := iv.Mail(id)
	if paused || f == nil {
		return nil
	}
	attempt := len(f.Failures) + 1
	if iv.Cancelled != nil && f.Purpose == evidence.Invitation {
		return m.settle(ctx, iv.ID, attempt, &evidence.MailFailed{ID: id, Attempt: attempt, Final: true, Text: "not sent: the interview was cancelled"})
	}
	raw, err := m.Journal.File(ctx, iv.ID, f.N, "file")
	if err != nil {
		return fmt.Errorf("read frozen mail: %w", err)
	}
	sender := m.local + "+" + reply.BouncePrefix + f.Token.Text + "@" + m.domain
	answer, err := smtp.Submit(ctx, m.SMTP, smtp.Envelope{From: sender, To: []string{f.To.Text}}, raw)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	var auth *smtp.AuthFailed
	if errors.As(err, &auth) { // the account's fault, not the mail's
		m.pause(time.Now().Add(idle))
		m.alarm("submit mail", err)
		return nil
	}
	var fact evidence.Fact = &evidence.MailSent{ID: id, Response: clip(answer), Attempt: attempt}
	if err != nil {
		fact = failure(id, attempt, f.At, err)
	} else if m.pause(time.Time{}) {
		m.alarm("submit mail", nil)
	}
	return m.settle(ctx, iv.ID, attempt, fact)
}

// pause lets nothing be submitted before until, and tells whether there was a pause since the last success.
func (m *Mailbox) pause(until time.Time) (was bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	was, m.paused = !m.paused.IsZero(), until
	return was
}

// settle records what became of an attempt, once.
func (m *Mailbox) settle(ctx context.Context, interview string, attempt int, fact evidence.Fact) error {
	var id string
	switch f := fact.(type) {
	case *evidence.MailSent:
		id = f.ID
	case *evidence.MailFailed:
		id = f.ID
	}
	return m.once(ctx, journal.Draft{Interview: interview, By: "mailbox", Fact: fact, If: func(now *evidence.Interview) error {
		if f := now.Mail(id); f == nil || f.Sent != nil || len(f.Failures) >= attempt {
			return errOnce
		}
		return nil
	}})
}

func failure(id string, attempt int, frozen time.Time, err error) *evidence.MailFailed {
	now := time.Now()
	out := &evidence.MailFailed{ID: id, Attempt: attempt, Text: clip(err.Error())}
	var refused *smtp.Refused
	if errors.As(err, &refused) {
		out.Code, out.Final = refused.Code, !refused.Temporary
	}
	next := now.Add(retries[min(attempt, len(retries))-1])
	if next.After(frozen.Add(GiveUp)) {
		out.Final = true
	}
	if !out.Final {
		out.Next = next.UTC().Format(evidence.TimeFormat)
	}
	return out
}

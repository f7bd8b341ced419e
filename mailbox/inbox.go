package mailbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/mailbox/auth"
	"confermo/mailbox/imap"
	"confermo/mailbox/reply"
)

// stream holds the mails that belong to no interview.
const stream = "mail"

// record makes an incoming mail durable before anything else looks at it. What cannot be placed is recorded too: one
// odd mail never blocks the mailbox.
func (m *Mailbox) record(ctx context.Context, msg imap.Message, at imap.Cursor) error {
	known, err := m.index.has(ctx, arrival{m.name(), at.Validity, at.UID})
	if err != nil || known {
		return err
	}
	places, err := m.index.find(ctx, msg.Raw)
	if err != nil {
		return err
	}
	f := &evidence.ReplyReceived{
		ID: ulid.Make().String(), Mailbox: m.name(), Validity: at.Validity, UID: at.UID, Internal: msg.Internal.UTC().Format(evidence.TimeFormat),
	}
	f.File = evidence.F("mail/"+f.ID+".eml", "message/rfc822", msg.Raw)
	if len(places) == 0 {
		if err := m.once(ctx, journal.Draft{Stream: stream, By: "mailbox", Fact: f}); err != nil {
			return err
		}
		if err := m.classifyStream(ctx); err != nil { // the mail is on record: it is judged with the next one
			m.Log.Error("classify mail of no interview", "err", err)
		}
		return nil
	}
	id := places[0].interview
	double, err := m.double(ctx, id, msg.Raw)
	if err != nil {
		return err
	}
	if double { // the same mail under another UID: a copy, or a mailbox that was made anew
		m.Log.Info("mail is recorded already", "interview", id, "uid", at.UID)
		return nil
	}
	return m.once(ctx, journal.Draft{Interview: id, By: "mailbox", Fact: f})
}

// double tells whether the very bytes are recorded already.
func (m *Mailbox) double(ctx context.Context, id string, raw []byte) (bool, error) {
	iv, err := m.Journal.Interview(ctx, id)
	if err != nil {
		return false, err
	}
	for _, r := range iv.Replies {
		if r.File.Size != int64(len(raw)) {
			continue
		}
		// Erased bytes cannot be compared: the mail counts as another one.
		if have, err := m.Journal.File(ctx, id, r.N, "file"); err == nil && bytes.Equal(have, raw) {
			return true, nil
		}
	}
	return false, nil
}

// understand performs the duty to classify a recorded mail.
func (m *Mailbox) understand(ctx context.Context, iv *evidence.Interview, d evidence.Duty) error {
	r := iv.Reply(d.Ref)
	if r == nil || r.Classified != nil {
		return nil
	}
	raw, err := m.Journal.File(ctx, iv.ID, r.N, "file")
	if err != nil {
		return fmt.Errorf("read recorded mail: %w", err)
	}
	sent, ids, err := m.summaries(ctx, iv)
	if err != nil {
		return err
	}
	terms := iv.Scheduled.Programme.Terms
	registered := iv.Scheduled.Person.Mail.Text
	v := reply.Classify(raw, sent, reply.Options{Registered: registered, Languages: terms.Languages})
	keys, failed := m.keys(ctx, raw)
	level := auth.Grade(raw, auth.Input{Keys: keys, Registered: registered, BindingHit: v.Sent >= 0, At: received(r)})
	out := &evidence.ReplyClassified{
		ID: r.ID, Grammar: v.Version, Verdict: v.Verdict, Rule: v.Rule, Text: evidence.V(v.Text), Level: level.Level, Binding: v.Binding,
		Reasons: reasons(v.Reasons, level.Reasons, failed),
	}
	if v.Sent >= 0 {
		answered := iv.Mail(ids[v.Sent])
		out.Mail, out.Version = answered.ID, answered.Version
		out.Late = answered.Sent != nil && terms.ReplyWithin > 0 && received(r).After(answered.SentAt.Add(time.Duration(terms.ReplyWithin)*time.Second))
	}
	places, err := m.index.find(ctx, raw)
	if err != nil {
		return err
	}
	if judged := v.Verdict == reply.Confirmed || v.Verdict == reply.Refused; judged {
		out.Held = level.Level < terms.MinLevel
		for _, p := range places {
			if p.interview != iv.ID {
				out.Held = true
				out.Reasons = append(out.Reasons, "the mail also points to another interview")
			}
		}
	}
	if len(keys) > 0 {
		out.Keys = evidence.F("mail/"+r.ID+".dkim.txt", "text/plain", keyFile(keys))
	}
	drafts := []journal.Draft{{Interview: iv.ID, By: "mailbox", Fact: out, If: func(now *evidence.Interview) error {
		switch r := now.Reply(out.ID); {
		case r == nil || r.Classified != nil:
			return errOnce
		case count(now) != len(sent):
			return errors.New("another summary was written meanwhile")
		}
		return nil
	}}}
	if v.Verdict == reply.Bounced && !v.Temporary {
		if f := bounced(iv, places, v); f != nil {
			drafts = append(drafts, journal.Draft{Interview: iv.ID, By: "mailbox", Fact: f})
		}
	}
	return m.once(ctx, drafts...)
}

// Bounds of words that come from outside and go into facts: a fact that is too large could never be recorded, and what it
// stands for would be done again and again.
const (
	maxWords   = 1000 // bytes
	maxReasons = 100
)

// clip cuts words from outside to what a fact holds.
func clip(s string) string {
	if len(s) <= maxWords {
		return strings.ToValidUTF8(s, "?")
	}
	return strings.ToValidUTF8(s[:maxWords], "") + " …"
}

// reasons joins lists of reasons; one that several checks found is told once.
func reasons(lists ...[]string) []string {
	out := []string{}
	for _, r := range slices.Concat(lists...) {
		if r = clip(r); !slices.Contains(out, r) && len(out) < maxReasons {
			out = append(out, r)
		}
	}
	return out
}

// summaries are the mails that ask for the word, as the classifier needs them; all but the newest are superseded.
func (m *Mailbox) summaries(ctx context.Context, iv *evidence.Interview) (sent []reply.Sent, ids []string, err error) {
	for _, f := range iv.Mails {
		if f.Purpose != evidence.Summary {
			continue
		}
		raw, err := m.Journal.File(ctx, iv.ID, f.N, "file")
		if err != nil {
			return nil, nil, fmt.Errorf("read sent mail: %w", err)
		}
		s, err := reply.ParseSent(raw)
		if err != nil {
			return nil, nil, err
		}
		for i := range sent {
			sent[i].Superseded = true
		}
		sent, ids = append(sent, s), append(ids, f.ID)
	}
	return sent, ids, nil
}

func count(iv *evidence.Interview) int {
	n := 0
	for _, f := range iv.Mails {
		if f.Purpose == evidence.Summary {
			n++
		}
	}
	return n
}

// bounced is the failure of the mail that came back, or nil when it is not known which one did.
func bounced(iv *evidence.Interview, places []place, v reply.Verdict) *evidence.MailFailed {
	for _, p := range places {
		f := iv.Mail(p.mail)
		if p.interview != iv.ID || f == nil || f.Failed() {
			continue
		}
		out := &evidence.MailFailed{ID: p.mail, Final: true, Text: clip(strings.TrimSpace(v.DSN.Status + " " + v.DSN.Diagnostic)), Attempt: len(f.Failures) + 1}
		if out.Text == "" {
			out.Text = clip("came back: " + v.Subject)
		}
		if len(v.DSN.Diagnostic) >= 3 {
			out.Code, _ = strconv.Atoi(v.DSN.Diagnostic[:3]) // 0 where it does not begin with a code
		}
		return out
	}
	return nil
}

// lookupTimeout bounds the fetch of one key record.
const lookupTimeout = 10 * time.Second

// keys fetches the DKIM key records a mail needs. A name whose records could not be had is left out and told.
func (m *Mailbox) keys(ctx context.Context, raw []byte) (keys map[string][]string, failed []string) {
	keys = map[string][]string{}
	if m.Lookup == nil {
		return keys, nil
	}
	for _, name := range auth.Selectors(raw) {
		limited, cancel := context.WithTimeout(ctx, lookupTimeout)
		records, err := m.Lookup(limited, name)
		cancel()
		if err != nil {
			failed = append(failed, "key record "+name+": "+err.Error())
			continue
		}
		if len(records) > 0 {
			keys[name] = records
		}
	}
	return keys, failed
}

// keyFile writes key records as they are archived: a line for each, the name, a blank, the record.
func keyFile(keys map[string][]string) []byte {
	var b bytes.Buffer
	for _, name := range sorted(keys) {
		for _, r := range keys[name] {
			fmt.Fprintf(&b, "%s %s\n", name, strings.Join(strings.Fields(r), " "))
		}
	}
	return b.Bytes()
}

// classifyStream gives the mails that belong to no interview their verdict, for whoever reads the stream.
func (m *Mailbox) classifyStream(ctx context.Context) error {
	m.index.mu.Lock()
	err := m.index.update(ctx)
	due := map[string]int{}
	for id, n := range m.index.unjudged {
		due[id] = n
	}
	m.index.mu.Unlock()
	if err != nil {
		return err
	}
	for id, n := range due {
		raw, err := m.Journal.File(ctx, "stream:"+stream, n, "file")
		if err != nil { // erased, or damaged: it keeps no other mail waiting
			m.Log.Error("read recorded mail", "reply", id, "err", err)
			continue
		}
		v := reply.Classify(raw, nil, reply.Options{})
		out := &evidence.ReplyClassified{ID: id, Grammar: v.Version, Verdict: v.Verdict, Rule: v.Rule, Text: evidence.V(v.Text), Reasons: reasons(v.Reasons)}
		if err := m.once(ctx, journal.Draft{Stream: stream, By: "mailbox", Fact: out}); err != nil {
			return err
		}
	}
	return nil
}

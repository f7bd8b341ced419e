package audit

import (
	"strings"
	"time"

	"confermo/evidence"
	"confermo/evidence/wording"
	"confermo/mailbox/auth"
	"confermo/mailbox/reply"
)

var mails = []evidence.Kind{"interview-scheduled", "mail-frozen", "mail-sent", "reply-received", "reply-classified", "reply-decided"}

// checkConfirmation reads every reply again, grades the confirming one under the keys the auditor collected, and looks whether
// the summary it answers was sent and carried the signed timesheet.
func (a *auditor) checkConfirmation() {
	t := a.claim(Confirmation)
	if !a.needs(Confirmation, mails...) || a.iv.Scheduled == nil {
		return
	}
	a.restOn(Confirmation, "mail-sent", "reply-received", "reply-classified", "reply-decided")
	for i := range a.iv.Replies {
		a.checkReply(&a.iv.Replies[i])
	}
	outcome := a.iv.Outcome()
	switch {
	case outcome.Reply == nil:
		t.unproved("confirm-none")
		return
	case outcome.Verdict == evidence.VerdictRefused:
		t.contradict("confirm-refused", outcome.Reply.N)
		return
	case outcome.Verdict != evidence.VerdictConfirmed:
		t.unproved("confirm-disputed", outcome.Reply.N)
		return
	}
	a.checkSummary(outcome.Reply)
	for i := range a.iv.Replies {
		if a.iv.Replies[i].Decided != nil { // one that was set aside has no say against it, by the operator's word alone
			t.say(Word, "confirm-decided", a.iv.Replies[i].N)
		}
	}
	if outcome.Reply.Decided != nil {
		if c := outcome.Reply.Classified; c != nil && c.Verdict == evidence.VerdictRefused {
			t.contradict("confirm-overruled", outcome.Reply.N)
		}
		return
	}
	a.checkLevel(outcome.Reply)
}

// checkReply reads one archived reply again and compares with what was recorded of it.
func (a *auditor) checkReply(r *evidence.Reply) {
	t := a.claim(Confirmation)
	c := r.Classified
	switch {
	case c == nil:
		t.unproved("confirm-unread", r.N)
		return
	case c.Grammar != reply.Version:
		t.unproved("version-unknown", name("grammar"), c.Grammar)
		return
	case r.File.Data == nil:
		t.unproved("confirm-withheld")
		return
	}
	v, mailID, ok := a.classify(r)
	if !ok {
		return
	}
	if v.Verdict != c.Verdict || mailID != c.Mail {
		t.contradict("confirm-differs", r.N, v.Verdict, c.Verdict)
		return
	}
	if m := a.iv.Mail(mailID); m != nil && m.Version != c.Version {
		t.contradict("confirm-version", r.N, c.Version, m.Version)
		return
	}
	if c.Keys.Data == nil && c.Keys.C != "" {
		t.unproved("confirm-withheld")
		return
	}
	if level := a.grade(r, v, archivedKeys(c.Keys.Data)).Level; level != c.Level {
		t.contradict("confirm-level", r.N, c.Level, level)
	}
}

// classify runs the classifier on a reply with the mails sent before it.
func (a *auditor) classify(r *evidence.Reply) (v reply.Verdict, mailID string, ok bool) {
	t := a.claim(Confirmation)
	var sent []reply.Sent
	var ids []string
	for _, m := range a.iv.Mails {
		if m.Purpose != evidence.Summary || m.N > r.ClassN {
			continue
		}
		if m.File.Data == nil {
			t.unproved("confirm-withheld")
			return v, "", false
		}
		s, err := reply.ParseSent(m.File.Data)
		if err != nil {
			t.unproved("confirm-broken", err)
			return v, "", false
		}
		for i := range sent {
			sent[i].Superseded = true
		}
		sent, ids = append(sent, s), append(ids, m.ID)
	}
	if !a.open(Confirmation, "mail", a.iv.Scheduled.Person.Mail) {
		return v, "", false
	}
	v = reply.Classify(r.File.Data, sent, reply.Options{
		Registered: a.iv.Scheduled.Person.Mail.Text, Languages: a.iv.Scheduled.Programme.Terms.Languages,
	})
	if v.Sent >= 0 {
		mailID = ids[v.Sent]
	}
	return v, mailID, true
}

func (a *auditor) grade(r *evidence.Reply, v reply.Verdict, keys map[string][]string) auth.Level {
	internal, err := time.Parse(evidence.TimeFormat, r.Internal)
	if err != nil {
		internal = r.At
	}
	return auth.Grade(r.File.Data, auth.Input{
		Keys: keys, Registered: a.iv.Scheduled.Person.Mail.Text, BindingHit: v.Sent >= 0, At: internal,
	})
}

// checkLevel grades the confirming reply under the key records the auditor collected. A record that only the bundle holds is the
// word of whoever runs the service.
func (a *auditor) checkLevel(r *evidence.Reply) {
	t := a.claim(Confirmation)
	v, _, ok := a.classify(r)
	if !ok {
		return
	}
	keys := map[string][]string{}
	for _, name := range auth.Selectors(r.File.Data) {
		if records, ok := a.trust.DKIM[name]; ok {
			keys[name] = records
		}
	}
	level, needed := a.grade(r, v, keys), a.iv.Scheduled.Programme.Terms.MinLevel
	for _, d := range level.DKIM {
		if d.Result == "fail" && level.Level == 0 {
			t.contradict("confirm-forged", r.N)
			return
		}
	}
	switch {
	case r.Classified.Level < needed:
		t.unproved("confirm-below", r.Classified.Level, needed)
	case level.Level < needed || level.Level < r.Classified.Level:
		t.say(Word, "confirm-key-word", r.Classified.Level)
	case a.replayed(r, level):
		// the reason is said
	case r.Classified.Late || a.late(r):
		t.say(Proved, "confirm-late", clock(r.At))
	default:
		t.say(Proved, "confirmed", level.Level, clock(r.At), r.Classified.Version)
	}
}

// late tells that the reply came after the term that the programme gives from the sending of the summary.
func (a *auditor) late(r *evidence.Reply) bool {
	m, within := a.iv.Mail(r.Classified.Mail), a.iv.Scheduled.Programme.Terms.ReplyWithin
	return m != nil && m.Sent != nil && within > 0 && r.At.After(m.SentAt.Add(time.Duration(within)*time.Second))
}

// checkSummary requires that the summary the reply answers was sent, carried the timesheet that is in the bundle, and says
// its times in words.
func (a *auditor) checkSummary(r *evidence.Reply) {
	t := a.claim(Confirmation)
	m := a.iv.Mail(r.Classified.Mail)
	switch {
	case m == nil || m.Sent == nil:
		t.unproved("confirm-unsent")
	case m.File.Data == nil || a.iv.Signed == nil || a.iv.Signed.File.Data == nil:
		t.unproved("confirm-withheld")
	default:
		s, err := readSummary(m.File.Data, a.iv.Signed.File.Data)
		switch {
		case err != nil:
			t.unproved("confirm-broken", err)
		case !s.carries || m.Version != a.iv.Signed.Version:
			t.contradict("confirm-summary")
		case !a.open(Confirmation, "to", m.To, a.iv.Scheduled.Person.Mail):
			// to whom it went cannot be told
		case !sameAddress(m.To.Text, a.iv.Scheduled.Person.Mail.Text) || !s.to(a.iv.Scheduled.Person.Mail.Text):
			t.contradict("confirm-other-address", m.N)
		case m.Wording != wording.Version:
			t.unproved("version-unknown", "wording", m.Wording)
		case !a.needs(Confirmation, append([]evidence.Kind{"timesheet-approved"}, observed...)...):
			// the times it should state cannot be derived
		case s.texts != 1 || !s.sameHTML(m.Language) || !a.states(s.text, m.Language):
			t.contradict("confirm-text")
		}
	}
}

// states reports whether a summary's text asks for the word and has the lines that say when the interview was and how long. They are those
// lines of the released wording that change with the times.
func (a *auditor) states(text, lang string) bool {
	d, err := wording.Of(a.iv)
	if err != nil {
		return false
	}
	_, right := wording.SummaryMail(lang, d)
	d.Start, d.End, d.Attested = d.Start.AddDate(0, 0, 1).Add(time.Minute), d.End.AddDate(0, 0, 1).Add(2*time.Minute), d.Attested+1
	_, other := wording.SummaryMail(lang, d)
	said, same := textLines(text), textLines(other)
	for line := range textLines(right) {
		if !same[line] && !said[line] {
			return false
		}
	}
	for line := range textLines(wording.Request(lang)) {
		if !said[line] {
			return false
		}
	}
	return true
}

func textLines(text string) map[string]bool {
	out := map[string]bool{}
	for line := range strings.Lines(text) {
		out[strings.TrimSpace(line)] = true
	}
	return out
}

// archivedKeys reads mail/ID.dkim.txt: a line for each record, the name, a space, the record.
func archivedKeys(data []byte) map[string][]string {
	keys := map[string][]string{}
	for line := range strings.Lines(string(data)) {
		if key, record, ok := strings.Cut(strings.TrimRight(line, "\r\n"), " "); ok {
			keys[key] = append(keys[key], record)
		}
	}
	return keys
}

package reply

import (
	netmail "net/mail"
	"strings"
	"time"
)

func parseDate(s string) (time.Time, error) { return netmail.ParseDate(s) }

// Classify says what a mail means and which of the mails in sent it answers. It never fails: what it cannot read is
// disputed, what it cannot place is unmatched.
func Classify(raw []byte, sent []Sent, opt Options) Verdict {
	if len(opt.Languages) == 0 {
		opt.Languages = []string{"it", "de", "fr", "en"}
	}
	m := parse(raw)
	v := Verdict{Version: Version, Sent: -1, Attachments: m.attachments}
	if m.opaque == "mail cannot be read" {
		v.Verdict, v.Rule, v.Reasons = Unmatched, "unreadable", []string{m.opaque}
		return v
	}
	from := m.addresses("From")
	if len(from) == 1 {
		v.From = from[0]
	}
	v.MessageID = firstOf(m.ids("Message-Id")...)
	v.Subject = m.subject()
	b := bind(m, sent)
	v.Sent, v.Binding = b.sent, b.how
	w := readWords(m, sent, b.sent, opt)
	v.Text = w.text

	robotVerdict, robotRule := robot(m, sent, opt)
	blocked := w.blocked
	dispute := func(rule, why string) {
		if blocked == "" {
			blocked = rule
		}
		v.Reasons = append(v.Reasons, why)
	}
	switch {
	case pecEnvelope(m) && robotRule != "pec-receipt":
		robotVerdict = ""
		if b.sent >= 0 {
			dispute("pec-envelope", "certified mail: the envelope is not opened by this version")
		}
	case robotVerdict == Bounced:
		v.DSN = deliveryStatus(m)
		v.Temporary = v.DSN.Action == "delayed" || v.DSN.Action != "failed" && strings.HasPrefix(v.DSN.Status, "4")
	}
	v.Reasons = append(v.Reasons, w.reasons...)
	if robotVerdict != "" {
		v.Verdict, v.Rule = robotVerdict, robotRule
		return v
	}
	if b.sent < 0 {
		v.Verdict, v.Rule = Unmatched, "no-binding"
		if b.differ {
			v.Rule = "unknown-binding"
		}
		return v
	}
	if b.differ {
		dispute("bindings-differ", "the signs of which summary is answered contradict one another")
	}
	if opt.Registered == "" || v.From == "" || v.From != strings.ToLower(strings.TrimSpace(opt.Registered)) {
		dispute("sender", "the sender is not the registered address")
	}
	if sent[b.sent].Superseded {
		dispute("superseded", "a newer summary was sent")
	}
	if m.opaque != "" {
		dispute(m.opaque, "the text is "+m.opaque)
	}
	for _, d := range m.doubts {
		if note, ok := strings.CutPrefix(d, notePrefix); ok {
			v.Reasons = append(v.Reasons, note)
		} else {
			dispute("damaged", d)
		}
	}
	v.Verdict, v.Rule = w.verdict, w.rule
	if blocked != "" {
		v.Verdict, v.Rule = Disputed, blocked
	}
	return v
}

// spoken is what the words of a mail say. blocked names the rule for which they cannot be taken at their word.
type spoken struct {
	verdict, rule, text, blocked string
	reasons                      []string
}

func (s *spoken) block(rule, why string) {
	if s.blocked == "" {
		s.blocked = rule
	}
	s.reasons = append(s.reasons, why)
}

// readWords finds the new text of the plain and the HTML part and judges it. The two must say the same.
func readWords(m *mail, sent []Sent, at int, opt Options) spoken {
	var mine *quoteIndex
	var all []*quoteIndex
	names := append([]string(nil), opt.Names...)
	for _, field := range []string{"From", "To", "Reply-To"} {
		names = append(names, m.displayNames(field)...)
	}
	if at >= 0 {
		mine = sent[at].index()
		names = append(names, sent[at].Names...)
		for i := range sent {
			if i != at && len(all) < 16 {
				all = append(all, sent[i].index())
			}
		}
	}
	var s spoken
	read := func(lines []line) stripped {
		if len(lines) > maxLines {
			s.block("damaged", "text has more than 8000 lines")
			lines = lines[:maxLines]
		}
		r := subtract(lines, mine, all)
		if r.altered && at >= 0 {
			s.block("quotation-altered", "a quotation differs from what we sent")
		}
		if r.forwarded {
			s.reasons = append(s.reasons, "the mail forwards another one")
		}
		t := strip(r.fresh, opt.Banners)
		if t.doubt {
			s.block("signature", "the text below the signature mark speaks of the matter")
		}
		return t
	}
	var plain, rich []line
	for _, p := range m.plain {
		plain = append(plain, plainLines(p.text)...)
	}
	for _, p := range m.html {
		h := visible(p.text)
		rich = append(rich, h.lines...)
		if h.hidden {
			s.block("hidden-text", "the mail holds hidden text")
		}
		if h.struck {
			s.block("struck-text", "the mail holds struck-out text")
		}
	}
	known := nameWords(names)
	p := read(plain)
	s.text = p.text
	s.verdict, s.rule, _ = s.judged(p.text, opt.Languages, known)
	if !anyWords(rich) {
		return s
	}
	h := read(rich)
	if !anyWords(plain) {
		s.text = h.text
		s.verdict, s.rule, _ = s.judged(h.text, opt.Languages, known)
		return s
	}
	verdict, _, _ := judge(h.text, opt.Languages, known)
	if verdict != s.verdict || verdict == Disputed && letters(h.text) != letters(p.text) {
		s.block("parts-differ", "the plain and the HTML part say different things")
		s.text += "\n\n" + h.text
	}
	return s
}

func (s *spoken) judged(text string, languages []string, names map[string]bool) (string, string, []string) {
	verdict, rule, doubts := judge(text, languages, names)
	s.reasons = append(s.reasons, doubts...)
	return verdict, rule, doubts
}

func anyWords(lines []line) bool {
	for _, l := range lines {
		if hasWord(l.text) {
			return true
		}
	}
	return false
}

func letters(s string) string { return strings.Join(words(fold(s)), "") }

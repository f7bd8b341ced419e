package reply

import (
	"regexp"
	"strings"
	"time"
)

var (
	robotSender = regexp.MustCompile(`^(?:mailer-daemon|postmaster|mail-daemon|mdaemon)@`)
	autoSubject = regexp.MustCompile(`^(?:risposta automatica|fuori sede|assente|fuori ufficio|assenza|automatische antwort|abwesenheitsnotiz|abwesenheit|` +
		`réponse automatique|absence du bureau|automatic reply|out of office|auto:|autoreply|letto|gelesen|lu|read) ?:|^(?:out of office|fuori sede|abwesenheitsnotiz)`)
	bounceSubject = regexp.MustCompile(`undeliver|delivery status|returned mail|delivery (?:has )?fail|mail delivery|failure notice|mancata consegna|non recapitabil|unzustellbar|non remis`)
	pecReceipt    = regexp.MustCompile(`^(?:accettazione|consegna|avviso di non accettazione|avviso di mancata consegna|presa in carico|avviso di mancata consegna per superamento tempo massimo)(?: |:|$)`)
	listPrecedent = map[string]bool{"auto_reply": true, "bulk": true, "list": true, "junk": true}
)

// robot tells whether a machine wrote the mail, and the verdict for it. Header first, subject second.
func robot(m *mail, sent []Sent, opt Options) (verdict, rule string) {
	from := m.addresses("From")
	subject := fold(m.subject())
	switch {
	case m.header.Get("X-Ricevuta") != "":
		return Automatic, "pec-receipt"
	case fromUs(m, from, sent, opt):
		return Automatic, "loop"
	case m.report == "delivery-status" || m.delivery != nil:
		return Bounced, "delivery-report"
	case m.report != "":
		return Automatic, "report"
	case len(from) > 0 && robotSender.MatchString(from[0]):
		return Bounced, "bounce-free-form"
	case m.header.Get("X-Failed-Recipients") != "":
		return Bounced, "bounce-free-form"
	case strings.HasPrefix(strings.TrimSpace(m.header.Get("Return-Path")), "<>"):
		if bounceSubject.MatchString(subject) {
			return Bounced, "bounce-free-form"
		}
		return Automatic, "null-return-path"
	case m.calendar:
		return Automatic, "calendar-reply"
	}
	for _, field := range []string{"X-Autoreply", "X-Autorespond", "X-Autoresponse", "X-Auto-Reply-From", "List-Id"} {
		if m.header.Get(field) != "" {
			return Automatic, "header-" + strings.ToLower(field)
		}
	}
	for _, v := range m.values("Auto-Submitted") {
		if kind, _, _ := strings.Cut(strings.ToLower(v), ";"); strings.TrimSpace(kind) != "no" {
			return Automatic, "header-auto-submitted"
		}
	}
	if listPrecedent[strings.ToLower(strings.TrimSpace(m.header.Get("Precedence")))] {
		return Automatic, "header-precedence"
	}
	if pecReceipt.MatchString(subject) && len(from) > 0 && strings.HasPrefix(from[0], "posta-certificata@") {
		return Automatic, "pec-receipt"
	}
	if autoSubject.MatchString(subject) {
		return Automatic, "subject"
	}
	return "", ""
}

// fromUs recognises mail that we wrote ourselves and that came back.
func fromUs(m *mail, from []string, sent []Sent, opt Options) bool {
	ids := m.ids("Message-Id")
	for _, s := range sent {
		if len(ids) > 0 && ids[0] == s.MessageID {
			return true
		}
		for _, f := range from {
			if f == s.From || f == s.Address || strings.HasPrefix(f, s.Address+"+") {
				return true
			}
		}
	}
	for _, f := range from {
		_, domain, _ := cutLast(f, "@")
		for _, own := range opt.OwnDomains {
			if strings.EqualFold(domain, own) && !strings.EqualFold(f, opt.Registered) {
				return true
			}
		}
	}
	return false
}

// pecEnvelope tells whether the mail is a transport envelope of Italian certified mail, whose content is inside.
func pecEnvelope(m *mail) bool {
	if strings.TrimSpace(m.header.Get("X-Trasporto")) != "" {
		return true
	}
	for _, a := range m.attachments {
		if strings.EqualFold(a.Name, "postacert.eml") || strings.EqualFold(a.Name, "daticert.xml") {
			return true
		}
	}
	return false
}

// deliveryStatus reads the fields of a delivery status notification (RFC 3464 section 2): those of the message and of
// the first recipient.
func deliveryStatus(m *mail) DSN {
	var d DSN
	orig := &mail{header: headerOf(m.original)}
	d.MessageID = firstOf(orig.ids("Message-Id")...)
	for _, l := range unfold(string(m.delivery)) {
		name, value, ok := strings.Cut(l, ":")
		if !ok {
			continue
		}
		value = strings.TrimSpace(value)
		_, typed, hasType := strings.Cut(value, ";")
		if !hasType {
			typed = value
		}
		set := func(to *string, v string) {
			if *to == "" {
				*to = strings.TrimSpace(v)
			}
		}
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "final-recipient":
			set(&d.Recipient, strings.ToLower(typed))
		case "action":
			set(&d.Action, strings.ToLower(value))
		case "status":
			set(&d.Status, value)
		case "diagnostic-code":
			set(&d.Diagnostic, typed)
		}
	}
	return d
}

func unfold(s string) []string {
	var out []string
	for _, l := range strings.Split(strings.ReplaceAll(s, "\r", ""), "\n") {
		if (strings.HasPrefix(l, " ") || strings.HasPrefix(l, "\t")) && len(out) > 0 {
			out[len(out)-1] += " " + strings.TrimSpace(l)
			continue
		}
		out = append(out, l)
	}
	return out
}

func (m *mail) date() (t time.Time) {
	t, _ = parseDate(m.header.Get("Date"))
	return t
}

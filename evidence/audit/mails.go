package audit

import (
	"bytes"
	"fmt"
	"io"
	netmail "net/mail"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-message/mail"

	"confermo/evidence"
	"confermo/evidence/wording"
	"confermo/mailbox/auth"
)

// summary is a sent mail as the person saw it.
type summary struct {
	carries bool   // one part is the signed timesheet
	texts   int    // how many plain texts it has
	text    string // the plain text, lines ended by \n
	html    []string
	rcpt    []string // addresses of To, Cc and Bcc
}

// to reports whether the mail names this address as its only recipient.
func (s summary) to(address string) bool { return len(s.rcpt) == 1 && sameAddress(s.rcpt[0], address) }

func sameAddress(x, y string) bool {
	return strings.EqualFold(strings.TrimSpace(x), strings.TrimSpace(y))
}

// sameHTML reports whether the mail's HTML says what its plain text says, by the released wording.
func (s summary) sameHTML(lang string) bool {
	for _, h := range s.html {
		if strings.TrimSpace(h) != strings.TrimSpace(lines(wording.HTML(lang, s.text))) {
			return false
		}
	}
	return true
}

func lines(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

// readSummary takes a sent mail apart.
func readSummary(raw, timesheet []byte) (s summary, err error) {
	m, err := mail.CreateReader(bytes.NewReader(raw))
	if err != nil {
		return s, fmt.Errorf("read sent mail: %w", err)
	}
	for _, field := range []string{"To", "Cc", "Bcc"} {
		list, err := m.Header.AddressList(field)
		if err != nil {
			return s, fmt.Errorf("read sent mail: %s: %w", field, err)
		}
		for _, a := range list {
			s.rcpt = append(s.rcpt, a.Address)
		}
		if len(m.Header.Values(field)) > 1 {
			s.rcpt = append(s.rcpt, field+" stands twice")
		}
	}
	for range 50 {
		p, err := m.NextPart()
		if err == io.EOF {
			return s, nil
		}
		if err != nil {
			return s, fmt.Errorf("read sent mail: %w", err)
		}
		data, err := io.ReadAll(p.Body)
		if err != nil {
			return s, fmt.Errorf("read sent mail: %w", err)
		}
		switch kind := strings.ToLower(p.Header.Get("Content-Type")); {
		case kind == "" || strings.HasPrefix(kind, "text/plain"): // RFC 2045 section 5.2
			s.text, s.texts = lines(string(data)), s.texts+1
		case strings.HasPrefix(kind, "text/html"):
			s.html = append(s.html, lines(string(data)))
		}
		s.carries = s.carries || bytes.Equal(data, timesheet)
	}
	return s, fmt.Errorf("read sent mail: it has too many parts")
}

// replayed looks whether the reply was signed before the summary it answers was written: then it answered something else, and
// whoever chose the summary's signs chose those of an older one. The provider's own time (t=, RFC 6376 section 3.5) decides; the
// Date is the sender's clock, which may be wrong, so that it only leaves the answer's age to the operator's word.
func (a *auditor) replayed(r *evidence.Reply, level auth.Level) bool {
	t, written := a.claim(Confirmation), a.iv.Mail(r.Classified.Mail)
	if written == nil {
		return false
	}
	at, byProvider, ok := signedAt(r.File.Data, a.iv.Scheduled.Person.Mail.Text, level)
	switch {
	case !ok:
		t.say(Word, "confirm-undated", r.N)
	case !written.At.After(at.Add(a.trust.late())):
		return false
	case byProvider:
		t.contradict("confirm-replayed", r.N, clock(at), clock(written.At))
	default:
		t.say(Word, "confirm-undated", r.N)
	}
	return true
}

// signedAt is the earliest time that a signature of the sender's own domain states for a mail.
func signedAt(raw []byte, sender string, level auth.Level) (at time.Time, byProvider, ok bool) {
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return at, false, false
	}
	_, domain, _ := strings.Cut(strings.ToLower(sender), "@")
	date := false
	for _, field := range m.Header["Dkim-Signature"] {
		tags := map[string]string{}
		for tag := range strings.SplitSeq(field, ";") {
			name, value, _ := strings.Cut(tag, "=")
			tags[strings.TrimSpace(name)] = strings.ToLower(strings.Join(strings.Fields(value), ""))
		}
		if !holds(level, tags["d"], tags["s"]) || domain != tags["d"] && !strings.HasSuffix(domain, "."+tags["d"]) {
			continue
		}
		date = date || strings.Contains(":"+tags["h"]+":", ":date:")
		if n, err := strconv.ParseInt(tags["t"], 10, 64); err == nil {
			if stated := time.Unix(n, 0); !byProvider || stated.Before(at) {
				at, byProvider = stated, true
			}
		}
	}
	if byProvider || !date || len(m.Header["Date"]) != 1 {
		return at, byProvider, byProvider
	}
	at, err = m.Header.Date()
	return at, false, err == nil
}

func holds(level auth.Level, domain, selector string) bool {
	for _, d := range level.DKIM {
		if d.Result == "pass" && d.Domain == domain && strings.EqualFold(d.Selector, selector) {
			return true
		}
	}
	return false
}

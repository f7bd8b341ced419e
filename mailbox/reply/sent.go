package reply

import (
	"fmt"
	netmail "net/mail"
	"regexp"
	"strings"

	"github.com/emersion/go-message"
)

var (
	msgID    = regexp.MustCompile(`<([^<>\s]{1,250})>`)
	codeForm = regexp.MustCompile(`(?:^|[^0-9A-Za-z-])([0-9A-Za-z]{4}-[0-9A-Za-z]{4})(?:$|[^0-9A-Za-z-])`)
)

// ParseSent reads the bindings out of a mail we sent: the token and address of Reply-To, the Message-ID, the ids of
// References, the visible code of the subject or else of the text.
func ParseSent(raw []byte) (Sent, error) {
	m := parse(raw)
	if m.opaque != "" {
		return Sent{}, fmt.Errorf("read sent mail: %s", m.opaque)
	}
	s := Sent{Raw: raw, Date: m.date()}
	for _, field := range []string{"Reply-To", "From"} {
		addr := m.addresses(field)
		if len(addr) == 0 {
			continue
		}
		if field == "From" || s.From == "" {
			s.From = addr[0]
		}
		if base, token, ok := splitToken(addr[0]); ok && s.Token == "" {
			s.Address, s.Token = base, token
		}
	}
	if to := m.addresses("To"); len(to) == 1 {
		s.To = to[0]
	}
	s.MessageID = firstOf(m.ids("Message-Id")...)
	s.References = m.ids("References")
	m.eachText(func(text string) {
		if s.Code == "" {
			s.Code = firstOf(codesIn(text)...)
		}
	})
	if subject := codesIn(m.subject()); len(subject) > 0 {
		s.Code = subject[0]
	}
	if s.Token == "" && s.MessageID == "" && s.Code == "" {
		return Sent{}, fmt.Errorf("read sent mail: it has neither token nor Message-ID nor code")
	}
	for _, field := range []string{"From", "To", "Reply-To"} {
		s.Names = append(s.Names, m.displayNames(field)...)
	}
	s.words = indexOf(m)
	return s, nil
}

func indexOf(m *mail) *quoteIndex {
	texts := []string{m.subject(), m.text1("From"), m.text1("To"), m.text1("Reply-To"), m.text1("Date")}
	for _, p := range m.plain {
		texts = append(texts, p.text)
	}
	for _, p := range m.html {
		var b strings.Builder
		for _, l := range visible(p.text).lines {
			b.WriteString(l.text + "\n")
		}
		texts = append(texts, b.String())
	}
	for _, a := range m.attachments {
		texts = append(texts, a.Name)
	}
	return newQuoteIndex(texts...)
}

func (s *Sent) index() *quoteIndex {
	if s.words == nil && len(s.Raw) > 0 {
		s.words = indexOf(parse(s.Raw))
	}
	return s.words
}

// BouncePrefix stands before the token in the envelope sender of a mail we send: replies+bounce-TOKEN@agency.example.
const BouncePrefix = "bounce-"

// splitToken divides replies+token@agency.example into replies@agency.example and the token, both in lower case.
func splitToken(addr string) (base, token string, ok bool) {
	local, domain, ok := cutLast(strings.ToLower(addr), "@")
	if !ok {
		return addr, "", false
	}
	name, token, ok := strings.Cut(local, "+")
	token = strings.TrimPrefix(token, BouncePrefix)
	return name + "@" + domain, token, ok && token != ""
}

func cutLast(s, sep string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// canonicalCode reads a code as a person copies it: any case, O for 0, I and L for 1 (Crockford base32).
func canonicalCode(s string) string {
	return strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(s))
}

// codesIn finds what looks like a visible code, in upper case.
func codesIn(text string) []string {
	var out []string
	for len(out) < 64 {
		loc := codeForm.FindStringSubmatchIndex(text)
		if loc == nil {
			break
		}
		out = append(out, canonicalCode(text[loc[2]:loc[3]]))
		text = text[loc[3]:]
	}
	return out
}

func (m *mail) eachText(f func(string)) {
	for _, p := range m.plain {
		f(p.text)
	}
	for _, p := range m.html {
		f(p.text)
	}
}

func (m *mail) subject() string { return decodeWords(m.header.Get("Subject")) }

func (m *mail) text1(field string) string { return decodeWords(m.header.Get(field)) }

// values are all fields of that name, at most 50.
func (m *mail) values(field string) []string {
	var out []string
	for f := m.header.FieldsByKey(field); f.Next() && len(out) < 50; {
		out = append(out, f.Value())
	}
	return out
}

func (m *mail) ids(field string) []string {
	var out []string
	for _, v := range m.values(field) {
		for _, id := range msgID.FindAllStringSubmatch(v, 200) {
			out = append(out, id[1])
		}
	}
	return out
}

// addresses are the mailbox addresses of a field, lower case.
func (m *mail) addresses(field string) []string {
	var out []string
	for _, a := range m.parsed(field) {
		out = append(out, strings.ToLower(a.Address))
	}
	return out
}

func (m *mail) displayNames(field string) []string {
	var out []string
	for _, a := range m.parsed(field) {
		local, _, _ := cutLast(a.Address, "@")
		local, _, _ = strings.Cut(local, "+")
		out = append(out, a.Name, local)
	}
	return out
}

var angle = regexp.MustCompile(`<([^<>\s]+@[^<>\s]+)>`)

func (m *mail) parsed(field string) []*netmail.Address {
	var out []*netmail.Address
	p := netmail.AddressParser{WordDecoder: &wordDecoder}
	for _, v := range m.values(field) {
		if len(v) > 8<<10 {
			v = v[:8<<10]
		}
		if list, err := p.ParseList(v); err == nil {
			out = append(out, list...)
			continue
		}
		for _, a := range angle.FindAllStringSubmatch(v, 20) {
			out = append(out, &netmail.Address{Address: a[1]})
		}
	}
	return out
}

// nameWords are the words of display names and local parts that may stand in a greeting or signature.
func nameWords(names []string) map[string]bool {
	m := map[string]bool{}
	for _, n := range names {
		for i, w := range words(fold(n)) {
			if i < 8 && len(w) <= 40 {
				m[w] = true
				m[string([]rune(w)[:1])] = true
			}
		}
	}
	return m
}

func headerOf(raw []byte) message.Header {
	e, _ := read(raw)
	if e == nil {
		return message.Header{}
	}
	return e.Header
}

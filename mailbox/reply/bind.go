package reply

import (
	"regexp"
	"slices"
	"strings"
)

// binding says which of our mails a mail answers. sent is -1 when none; differ tells that two signs point to different
// mails, or that one points to a mail we do not know.
type binding struct {
	sent   int
	how    []string
	differ bool
}

var destinations = []string{"To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To", "X-Forwarded-To"}

var anyAddress = regexp.MustCompile(`[^\s<>,;:"()\[\]@]{1,128}@[\pL\d.-]{1,255}`)

// bind looks for the token in the addresses a mail went to, for our ids in its references, and for our code in its
// subject and text (MAIL.md section 1, matcher).
func bind(m *mail, sent []Sent) binding {
	hits := map[string][]int{}
	b := binding{sent: -1}
	for _, field := range destinations {
		for _, v := range m.values(field) {
			for _, a := range anyAddress.FindAllString(v, 50) {
				bindAddress(strings.ToLower(a), sent, hits, &b)
			}
		}
	}
	refs := append(m.ids("In-Reply-To"), m.ids("References")...)
	if len(m.original) > 0 {
		orig := &mail{header: headerOf(m.original)}
		refs = append(refs, orig.ids("Message-Id")...)
	}
	for _, id := range refs {
		for i, s := range sent {
			if id == s.MessageID || slices.Contains(s.References, id) {
				hits["references"] = append(hits["references"], i)
			}
		}
	}
	bindCodes(m, sent, hits, &b)
	for _, how := range []string{"address", "references", "code"} {
		if len(hits[how]) == 0 {
			continue
		}
		b.how = append(b.how, how)
		for _, i := range hits[how] {
			if b.sent < 0 {
				b.sent = i
			}
			b.differ = b.differ || i != b.sent
		}
	}
	return b
}

func bindAddress(addr string, sent []Sent, hits map[string][]int, b *binding) {
	base, token, ok := splitToken(addr)
	if !ok {
		return
	}
	_, domain, _ := cutLast(base, "@")
	unknown := false
	for i, s := range sent {
		_, ours, _ := cutLast(s.Address, "@")
		switch {
		case s.Token != "" && token == s.Token && domain == ours:
			hits["address"] = append(hits["address"], i)
			return
		case base == s.Address:
			unknown = true
		}
	}
	b.differ = b.differ || unknown
}

func bindCodes(m *mail, sent []Sent, hits map[string][]int, b *binding) {
	lookup := func(codes []string, strict bool) {
		for _, c := range codes {
			found := false
			for i, s := range sent {
				if s.Code != "" && c == canonicalCode(s.Code) {
					found = true
					hits["code"] = append(hits["code"], i)
				}
			}
			if !found && strict && strings.ContainsAny(c, "0123456789") && strings.ContainsAny(c, "ABCDEFGHJKMNPQRSTVWXYZ") && !strings.ContainsRune(c, 'U') {
				b.differ = true
			}
		}
	}
	lookup(codesIn(m.subject()), true)
	m.eachText(func(t string) { lookup(codesIn(t), false) })
}

// Pointers are the signs in a mail by which the mail it answers can be looked up among many: tokens of the addresses it
// went to, ids it refers to, visible codes. Codes are canonical; each list is bounded.
type Pointers struct{ Tokens, IDs, Codes []string }

// PointersOf reads the signs of a mail.
func PointersOf(raw []byte) Pointers {
	m := parse(raw)
	var p Pointers
	for _, field := range destinations {
		for _, v := range m.values(field) {
			for _, a := range anyAddress.FindAllString(v, 50) {
				if _, token, ok := splitToken(a); ok {
					p.Tokens = append(p.Tokens, token)
				}
			}
		}
	}
	p.IDs = append(m.ids("In-Reply-To"), m.ids("References")...)
	if len(m.original) > 0 {
		orig := &mail{header: headerOf(m.original)}
		p.IDs = append(p.IDs, orig.ids("Message-Id")...)
	}
	p.Codes = codesIn(m.subject())
	m.eachText(func(t string) { p.Codes = append(p.Codes, codesIn(t)...) })
	return p
}

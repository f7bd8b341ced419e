// Package auth grades what cryptography supports a reply: DKIM signatures against archived key records, the
// Authentication-Results of the own mail server, and who the mail says it is from.
//
// It resolves nothing and reads no clock: the key records are given, as they were fetched and archived at receipt, so
// that an auditor repeats the same grading ten years later.
//
//	2  aligned    binding, registered address, and DKIM of its own domain passes (or the own server says dmarc=pass)
//	1  plausible  binding and registered address, nothing cryptographic for or against
//	0             another address, no binding, or a signature of its own domain fails
//
// Level 3, certified mail, is not given by this version. The rules are MAIL.md section 5; DKIM is RFC 6376 with the
// limits of RFC 8301.
package auth

import (
	"bytes"
	netmail "net/mail"
	"slices"
	"strings"
	"time"
)

// Version of the grading, recorded with its result.
const Version = 1

// Limits of what is read of a mail.
const (
	maxHeader     = 1 << 20
	maxSignatures = 5
)

// Input is what the grading rests on beside the mail itself.
type Input struct {
	// Keys maps "selector._domainkey.domain" to its TXT records as archived. A name that is absent was not fetched; a
	// name without records has no key.
	Keys            map[string][]string
	Registered      string    // address the person registered
	BindingHit      bool      // the mail is bound to one summary of ours, and nothing points elsewhere
	TrustedAuthServ []string  // authserv-id of the own mail server (RFC 8601), when it checks on receipt
	At              time.Time // receipt, for signatures that expire; zero skips that check
}

// Level is the grade and what it rests on.
type Level struct {
	Level   int
	DKIM    []DKIMResult
	Aligned bool // a passing signature, or the own server's DMARC, covers the domain of From
	Reasons []string
}

// DKIMResult is what one signature is worth. Result is "pass", "fail", "no-key" or "temperror" (key record not at hand).
type DKIMResult struct {
	Domain, Selector, Result, Detail string
}

// Grade gives the level of a reply.
func Grade(raw []byte, in Input) Level {
	var l Level
	fields, body := split(raw)
	from := fromAddress(fields)
	_, domain, _ := strings.Cut(from, "@")
	failed := false
	for _, f := range signatures(fields) {
		r := verify(f, fields, body, in)
		l.DKIM = append(l.DKIM, r)
		if domain == "" || !aligned(r.Domain, domain) {
			continue
		}
		l.Aligned = l.Aligned || r.Result == "pass"
		failed = failed || r.Result == "fail"
	}
	l.reason(len(l.DKIM) == 0, "the mail carries no DKIM signature")
	switch dmarc := ownDMARC(fields, in.TrustedAuthServ, domain); {
	case dmarc == "pass":
		l.Aligned = true
		l.reason(true, "the own mail server says dmarc=pass")
	case dmarc == "fail":
		failed, l.Aligned = true, false
		l.reason(true, "the own mail server says dmarc=fail")
	}
	l.reason(l.Aligned, "a signature of the sender's domain holds")
	l.reason(!l.Aligned && failed, "a signature of the sender's domain does not hold")
	switch {
	case from == "":
		l.reason(true, "there is not exactly one sender")
	case from != strings.ToLower(strings.TrimSpace(in.Registered)):
		l.reason(true, "the sender is not the registered address")
	case !in.BindingHit:
		l.reason(true, "nothing binds the mail to a summary")
	case l.Aligned:
		l.Level = 2
	case !failed:
		l.Level = 1
	}
	return l
}

func (l *Level) reason(when bool, text string) {
	if when {
		l.Reasons = append(l.Reasons, text)
	}
}

// Selectors lists the names of the key records that the signatures of a mail need, without doubles. Only names that can
// stand in the DNS are listed.
func Selectors(raw []byte) []string {
	fields, _ := split(raw)
	var out []string
	for _, f := range signatures(fields) {
		t, err := parseTags(f.value)
		if err != nil {
			continue
		}
		if name := recordName(t["s"], t["d"]); name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

func recordName(selector, domain string) string {
	name := strings.ToLower(selector + "._domainkey." + domain)
	if selector == "" || domain == "" || len(name) > 253 {
		return ""
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return ""
		}
	}
	return name
}

// aligned tells whether the signing domain is that of From or one above it. DMARC's relaxed alignment (RFC 7489 section
// 3.1.1) also takes domains below and beside it; whoever holds such a part of a shared domain is not its mail provider,
// so a reply signed there is left to the operator. That needs no list of public suffixes either.
func aligned(signer, from string) bool {
	signer, from = strings.ToLower(signer), strings.ToLower(from)
	return signer == from || strings.Contains(signer, ".") && strings.HasSuffix(from, "."+signer)
}

func fromAddress(fields []field) string {
	var all []string
	for _, f := range fields {
		if f.is("From") {
			all = append(all, f.value)
		}
	}
	if len(all) != 1 {
		return ""
	}
	list, err := netmail.ParseAddressList(strings.Join(strings.Fields(all[0]), " "))
	if err != nil || len(list) != 1 {
		return loneAddress(all[0])
	}
	return strings.ToLower(list[0].Address)
}

// loneAddress reads a From whose display name is malformed: exactly one address in angle brackets.
func loneAddress(s string) string {
	_, rest, ok := strings.Cut(s, "<")
	addr, after, closed := strings.Cut(rest, ">")
	if !ok || !closed || strings.ContainsAny(addr, " <,\t\r\n") || strings.ContainsAny(after, "<@") || strings.Count(addr, "@") != 1 {
		return ""
	}
	return strings.ToLower(addr)
}

// ownDMARC reads the verdict of the own mail server: only the topmost Authentication-Results counts, and only with an
// authserv-id that is configured; everything below can be forged (RFC 8601 section 5).
func ownDMARC(fields []field, trusted []string, domain string) string {
	for _, f := range fields {
		if !f.is("Authentication-Results") {
			continue
		}
		parts := strings.Split(uncomment(f.value), ";")
		id, _, _ := strings.Cut(strings.TrimSpace(parts[0]), " ")
		if !slices.ContainsFunc(trusted, func(t string) bool { return strings.EqualFold(t, id) }) {
			return ""
		}
		for _, p := range parts[1:] {
			words := strings.Fields(strings.ToLower(p))
			if len(words) == 0 || !strings.HasPrefix(words[0], "dmarc=") {
				continue
			}
			if !slices.Contains(words, "header.from="+domain) {
				return ""
			}
			return strings.TrimPrefix(words[0], "dmarc=")
		}
		return ""
	}
	return ""
}

func uncomment(s string) string {
	var b strings.Builder
	depth := 0
	for _, r := range s {
		switch {
		case r == '(':
			depth++
		case r == ')' && depth > 0:
			depth--
		case depth == 0:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// field is one header field: its bytes as received with CRLF, its name, and its value unfolded.
type field struct {
	raw         []byte
	name, value string
}

func (f field) is(name string) bool { return strings.EqualFold(f.name, name) }

// split divides a mail into header fields and body. Bare line feeds become CRLF, as they are on the wire.
func split(raw []byte) ([]field, []byte) {
	raw = wire(raw)
	if bytes.HasPrefix(raw, []byte("From ")) {
		if _, rest, ok := bytes.Cut(raw, []byte("\r\n")); ok {
			raw = rest
		}
	}
	var fields []field
	for len(raw) > 0 {
		if bytes.HasPrefix(raw, []byte("\r\n")) {
			return fields, raw[2:]
		}
		end := 0
		for {
			i := bytes.Index(raw[end:], []byte("\r\n"))
			if i < 0 {
				end = len(raw)
				break
			}
			end += i + 2
			if end >= len(raw) || raw[end] != ' ' && raw[end] != '\t' {
				break
			}
		}
		name, value, ok := bytes.Cut(raw[:end], []byte(":"))
		if ok && len(fields) < 2000 && end <= maxHeader {
			fields = append(fields, field{raw[:end], strings.TrimRight(string(name), " \t"), strings.ReplaceAll(string(value), "\r\n", "")})
		}
		raw = raw[end:]
	}
	return fields, nil
}

func wire(raw []byte) []byte {
	if bytes.Count(raw, []byte("\n")) == bytes.Count(raw, []byte("\r\n")) {
		return raw
	}
	out := make([]byte, 0, len(raw)+len(raw)/40)
	for i, c := range raw {
		if c == '\n' && (i == 0 || raw[i-1] != '\r') {
			out = append(out, '\r')
		}
		out = append(out, c)
	}
	return out
}

func signatures(fields []field) []field {
	var out []field
	for _, f := range fields {
		if f.is("DKIM-Signature") && len(out) < maxSignatures {
			out = append(out, f)
		}
	}
	return out
}

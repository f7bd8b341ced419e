package auth

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The check of RFC 6376 section 6 is written here because go-msgauth compares x= with the clock of the machine that
// checks: most large providers let a signature expire after a week, and an auditor checks ten years later. Here it is
// compared with the time of receipt.

// maxSigned bounds the names in h=; a signature over more does not hold.
const maxSigned = 200

var errNoKey = errors.New("there is no key record")

// verify checks one signature field.
func verify(f field, fields []field, body []byte, in Input) DKIMResult {
	t, err := parseTags(f.value)
	r := DKIMResult{Domain: strings.ToLower(t["d"]), Selector: t["s"], Result: "fail"}
	if err != nil {
		r.Detail = err.Error()
		return r
	}
	if r.Detail = acceptable(t, fields, in.At); r.Detail != "" {
		return r
	}
	records, fetched := in.Keys[recordName(t["s"], t["d"])]
	if !fetched {
		r.Result, r.Detail = "temperror", "the key record is not at hand"
		return r
	}
	key, err := publicKey(records, t["a"])
	if errors.Is(err, errNoKey) {
		r.Result, r.Detail = "no-key", err.Error()
		return r
	}
	if err != nil {
		r.Detail = err.Error()
		return r
	}
	headerRule, bodyRule, _ := strings.Cut(t["c"], "/")
	sum := sha256.Sum256(canonicalBody(body, bodyRule == "relaxed"))
	want, err := base64.StdEncoding.DecodeString(t["bh"])
	if err != nil || subtle.ConstantTimeCompare(sum[:], want) != 1 {
		r.Detail = "the body was changed: body hash differs"
		return r
	}
	digest := headerHash(f, fields, t["h"], headerRule == "relaxed")
	sig, err := base64.StdEncoding.DecodeString(t["b"])
	if err != nil || !holds(key, digest, sig) {
		r.Detail = "the signature does not hold over the header"
		return r
	}
	r.Result = "pass"
	return r
}

// acceptable gives the reason why a signature cannot count whatever its key says, or "".
func acceptable(t map[string]string, fields []field, at time.Time) string {
	signed := strings.Split(strings.ToLower(t["h"]), ":")
	count := map[string]int{}
	for _, h := range signed {
		count[h]++
	}
	present := map[string]int{}
	for _, f := range fields {
		present[strings.ToLower(f.name)]++
	}
	_, length := t["l"]
	id, hasID := t["i"]
	_, idDomain, _ := strings.Cut(strings.ToLower(id), "@")
	domain := strings.ToLower(t["d"])
	switch {
	case t["v"] != "1":
		return "the version is unknown"
	case t["a"] != "rsa-sha256" && t["a"] != "ed25519-sha256":
		return "the algorithm " + strconv.Quote(t["a"]) + " is not accepted (RFC 8301)"
	case domain == "" || t["s"] == "" || t["b"] == "" || t["bh"] == "":
		return "a tag is missing"
	case hasID && idDomain != domain && !strings.HasSuffix(idDomain, "."+domain):
		return "i= lies outside d="
	case count["from"] == 0:
		return "From is not signed"
	case present["subject"] > 0 && count["subject"] == 0:
		return "Subject is not signed"
	case length:
		return "l= leaves part of the body unsigned"
	case present["from"] > 1 || present["subject"] > 1:
		return "From or Subject stands twice"
	case t["q"] != "" && !strings.Contains(t["q"], "dns/txt"):
		return "the key is not in the DNS"
	}
	if x := t["x"]; x != "" {
		n, err := strconv.ParseInt(x, 10, 64)
		if err != nil {
			return "x= is malformed"
		}
		if !at.IsZero() && at.After(time.Unix(n, 0)) {
			return "the signature had expired at receipt"
		}
	}
	return ""
}

// publicKey reads the key record (RFC 6376 section 3.6.1) for the algorithm.
func publicKey(records []string, algorithm string) (crypto.PublicKey, error) {
	if len(records) == 0 {
		return nil, errNoKey
	}
	if len(records) > 1 {
		return nil, errors.New("several key records stand under one name")
	}
	t, err := parseTags(records[0])
	if err != nil {
		return nil, fmt.Errorf("read key record: %w", err)
	}
	kind := t["k"]
	if kind == "" {
		kind = "rsa"
	}
	der, err := base64.StdEncoding.DecodeString(t["p"])
	switch {
	case t["v"] != "" && t["v"] != "DKIM1":
		return nil, errors.New("the key record is of an unknown version")
	case err != nil:
		return nil, fmt.Errorf("read key record: %w", err)
	case len(der) == 0:
		return nil, fmt.Errorf("the key was revoked: %w", errNoKey)
	case kind+"-sha256" != algorithm:
		return nil, errors.New("the key is for another algorithm")
	case t["h"] != "" && !strings.Contains(":"+t["h"]+":", ":sha256:"):
		return nil, errors.New("the key does not allow SHA-256")
	case t["s"] != "" && !strings.Contains(":"+t["s"]+":", ":*:") && !strings.Contains(":"+t["s"]+":", ":email:"):
		return nil, errors.New("the key is not for mail")
	}
	if kind == "ed25519" {
		if len(der) != ed25519.PublicKeySize {
			return nil, errors.New("the Ed25519 key has a wrong length")
		}
		return ed25519.PublicKey(der), nil
	}
	pub, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		pub, err = x509.ParsePKCS1PublicKey(der) // erratum 3017 of RFC 6376 allows both
	}
	key, ok := pub.(*rsa.PublicKey)
	if err != nil || !ok {
		return nil, errors.New("the key record holds no RSA key")
	}
	if key.N.BitLen() < 1024 {
		return nil, errors.New("the RSA key is shorter than 1024 bits (RFC 8301)")
	}
	return key, nil
}

func holds(key crypto.PublicKey, digest, sig []byte) bool {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(k, crypto.SHA256, digest, sig) == nil
	case ed25519.PublicKey: // RFC 8463: over the digest
		return ed25519.Verify(k, digest, sig)
	}
	return false
}

// headerHash hashes the fields named in h=, the last of each name first, and the signature field with an empty b=.
func headerHash(sig field, fields []field, names string, relaxed bool) []byte {
	h := sha256.New()
	used := map[string]int{}
	for n, name := range strings.Split(strings.ToLower(names), ":") {
		if n == maxSigned {
			break
		}
		skip := used[name]
		used[name]++
		for i := len(fields) - 1; i >= 0; i-- {
			if !strings.EqualFold(fields[i].name, name) {
				continue
			}
			if skip == 0 {
				h.Write(canonicalField(fields[i].raw, relaxed))
				break
			}
			skip--
		}
	}
	h.Write(bytes.TrimRight(canonicalField(emptied(sig.raw), relaxed), "\r\n"))
	return h.Sum(nil)
}

// emptied removes the value of the b= tag and nothing else.
func emptied(raw []byte) []byte {
	start := bytes.IndexByte(raw, ':') + 1
	for start < len(raw) {
		end := bytes.IndexByte(raw[start:], ';')
		if end < 0 {
			end = len(raw)
		} else {
			end += start
		}
		name, _, ok := bytes.Cut(raw[start:end], []byte("="))
		if ok && string(bytes.TrimSpace(name)) == "b" {
			out := append([]byte(nil), raw[:start+len(name)+1]...)
			return append(out, raw[end:]...)
		}
		start = end + 1
	}
	return raw
}

func canonicalField(raw []byte, relaxed bool) []byte {
	if !relaxed {
		if !bytes.HasSuffix(raw, []byte("\r\n")) {
			return append(append([]byte(nil), raw...), "\r\n"...)
		}
		return raw
	}
	name, value, _ := bytes.Cut(raw, []byte(":"))
	out := bytes.ToLower(bytes.TrimRight(name, " \t"))
	out = append(append([]byte(nil), out...), ':')
	value = bytes.ReplaceAll(value, []byte("\r\n"), nil)
	out = append(out, bytes.Join(bytes.FieldsFunc(value, blank), []byte(" "))...)
	return append(out, "\r\n"...)
}

func blank(r rune) bool { return r == ' ' || r == '\t' }

// canonicalBody follows RFC 6376 section 3.4.3 (simple) and 3.4.4 (relaxed).
func canonicalBody(body []byte, relaxed bool) []byte {
	if relaxed {
		out := make([]byte, 0, len(body))
		for len(body) > 0 {
			line, rest, ended := bytes.Cut(body, []byte("\r\n"))
			body = rest
			gap := false
			for _, c := range bytes.TrimRight(line, " \t") {
				if c == ' ' || c == '\t' {
					gap = true
					continue
				}
				if gap {
					out = append(out, ' ')
					gap = false
				}
				out = append(out, c)
			}
			if ended || len(line) > 0 {
				out = append(out, "\r\n"...)
			}
		}
		body = out
	}
	for bytes.HasSuffix(body, []byte("\r\n\r\n")) {
		body = body[:len(body)-2]
	}
	if bytes.Equal(body, []byte("\r\n")) && relaxed {
		return nil
	}
	if !bytes.HasSuffix(body, []byte("\r\n")) && (!relaxed || len(body) > 0) {
		body = append(append([]byte(nil), body...), "\r\n"...)
	}
	return body
}

// parseTags reads a tag list (RFC 6376 section 3.2). Blanks inside values are dropped: none of the tags read here
// may hold any.
func parseTags(s string) (map[string]string, error) {
	t := map[string]string{}
	for part := range strings.SplitSeq(s, ";") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		name, value, ok := strings.Cut(part, "=")
		name = strings.TrimSpace(name)
		if !ok || name == "" {
			return t, errors.New("the tag list is malformed")
		}
		if _, twice := t[name]; twice {
			return t, fmt.Errorf("tag %s stands twice", strconv.Quote(name))
		}
		t[name] = strings.Join(strings.Fields(value), "")
	}
	return t, nil
}

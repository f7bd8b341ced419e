package auth

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"
)

const person = "maria.rossi@posta.example"

var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func rsaRecord(k *rsa.PrivateKey) string {
	der, _ := x509.MarshalPKIXPublicKey(&k.PublicKey)
	return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der)
}

const mailText = "From: Maria Rossi <maria.rossi@posta.example>\r\nTo: risposte+tok@cpi.example\r\nSubject: Re:  Riepilogo\r\n del colloquio\r\nDate: Mon, 16 Mar 2026 13:00:00 +0100\r\n" +
	"Message-ID: <r1@posta.example>\r\n\r\nConfermo  tutto \r\n\r\nMaria\r\n\r\n\r\n"

func sign(t testing.TB, raw string, change func(*dkim.SignOptions)) []byte {
	t.Helper()
	o := &dkim.SignOptions{
		Domain: "posta.example", Selector: "s1", Signer: testKey(), HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
		HeaderKeys: []string{"From", "To", "Subject", "Date", "Message-ID", "From", "Subject"},
	}
	if change != nil {
		change(o)
	}
	var b bytes.Buffer
	if err := dkim.Sign(&b, strings.NewReader(raw), o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func usual() Input {
	return Input{Keys: map[string][]string{"s1._domainkey.posta.example": {rsaRecord(testKey())}}, Registered: person, BindingHit: true}
}

func TestSignaturesOfAForeignSignerHold(t *testing.T) {
	pub, priv, _ := ed25519.GenerateKey(rand.Reader)
	for _, hc := range []dkim.Canonicalization{dkim.CanonicalizationSimple, dkim.CanonicalizationRelaxed} {
		for _, bc := range []dkim.Canonicalization{dkim.CanonicalizationSimple, dkim.CanonicalizationRelaxed} {
			for _, signer := range []crypto.Signer{testKey(), priv} {
				for _, body := range []string{"Confermo  tutto \t\r\n\r\n \r\n\r\n", "", "\r\n", "Confermo", "a\r\n \r\n"} {
					head, _, _ := strings.Cut(mailText, "\r\n\r\n")
					raw := sign(t, head+"\r\n\r\n"+body, func(o *dkim.SignOptions) { o.HeaderCanonicalization, o.BodyCanonicalization, o.Signer = hc, bc, signer })
					in := usual()
					if _, ok := signer.(ed25519.PrivateKey); ok {
						in.Keys["s1._domainkey.posta.example"] = []string{"v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(pub)}
					}
					theirs, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{LookupTXT: func(n string) ([]string, error) { return in.Keys[n], nil }})
					if err != nil || theirs[0].Err != nil {
						t.Fatalf("the other implementation refuses its own: %v %v", err, theirs[0].Err)
					}
					l := Grade(raw, in)
					if l.Level != 2 || !l.Aligned || len(l.DKIM) != 1 || l.DKIM[0].Result != "pass" {
						t.Errorf("%s/%s %T body %q: %+v", hc, bc, signer, body, l)
					}
				}
			}
		}
	}
}

func TestT9_LevelsOfAReply(t *testing.T) {
	good := sign(t, mailText, nil)
	edit := func(old, fresh string) []byte { return bytes.Replace(good, []byte(old), []byte(fresh), 1) }
	foreign := sign(t, mailText, func(o *dkim.SignOptions) { o.Domain = "mailer.invalid" })
	sub := sign(t, mailText, func(o *dkim.SignOptions) { o.Domain = "mx.posta.example" })
	parent := sign(t, strings.Replace(mailText, person, "maria.rossi@firenze.posta.example", 1), nil)
	top := sign(t, mailText, func(o *dkim.SignOptions) { o.Domain = "example" })
	in := func(f func(*Input)) Input { i := usual(); f(&i); return i }
	ar := func(id, words string) []byte {
		return append([]byte("Authentication-Results: "+id+"; dkim=none; dmarc="+words+" header.from=posta.example\r\n"), mailText...)
	}
	trust := in(func(i *Input) { i.TrustedAuthServ = []string{"mx.cpi.example"} })
	for _, c := range []struct {
		name  string
		raw   []byte
		in    Input
		level int
		dkim  string
	}{
		{"own domain", good, usual(), 2, "pass"},
		{"bare line feeds", bytes.ReplaceAll(good, []byte("\r\n"), []byte("\n")), usual(), 2, "pass"},
		{"domain below signs", sub, in(func(i *Input) { i.Keys["s1._domainkey.mx.posta.example"] = []string{rsaRecord(testKey())} }), 1, "pass"},
		{"domain above signs", parent, in(func(i *Input) { i.Registered = "maria.rossi@firenze.posta.example" }), 2, "pass"},
		{"top domain signs", top, in(func(i *Input) { i.Keys["s1._domainkey.example"] = []string{rsaRecord(testKey())} }), 1, "pass"},
		{"no keys at hand", good, in(func(i *Input) { i.Keys = nil }), 1, "temperror"},
		{"key record absent", good, in(func(i *Input) { i.Keys["s1._domainkey.posta.example"] = nil }), 1, "no-key"},
		{"key revoked", good, in(func(i *Input) { i.Keys["s1._domainkey.posta.example"] = []string{"v=DKIM1; p="} }), 1, "no-key"},
		{"unsigned", []byte(mailText), usual(), 1, ""},
		{"body changed", edit("Confermo  tutto", "Confermo nulla"), usual(), 0, "fail"},
		{"subject changed", edit("Riepilogo", "Riepiloga"), usual(), 0, "fail"},
		{"second From", edit("Subject:", "From: x@y.example\r\nSubject:"), usual(), 0, "fail"},
		{"another sender", good, in(func(i *Input) { i.Registered = "luca@posta.example" }), 0, "pass"},
		{"nothing binds", good, in(func(i *Input) { i.BindingHit = false }), 0, "pass"},
		{"foreign signer only", foreign, in(func(i *Input) { i.Keys["s1._domainkey.mailer.invalid"] = []string{rsaRecord(testKey())} }), 1, "pass"},
		{"row 50: foreign authserv-id", ar("evil.example", "pass"), trust, 1, ""},
		{"own authserv-id", ar("mx.cpi.example", "pass"), trust, 2, ""},
		{"row 49: dmarc=fail", ar("mx.cpi.example", "fail"), trust, 0, ""},
		{"forged below the topmost", append([]byte("Authentication-Results: other.example; none\r\n"), ar("mx.cpi.example", "pass")...), trust, 1, ""},
	} {
		l := Grade(c.raw, c.in)
		got := ""
		if len(l.DKIM) > 0 {
			got = l.DKIM[0].Result
		}
		if l.Level != c.level || got != c.dkim {
			t.Errorf("%s: level %d %+v, want %d %q", c.name, l.Level, l, c.level, c.dkim)
		}
	}
}

// A signature that expired long ago still proves what was received in time.
func TestExpiryIsComparedWithReceipt(t *testing.T) {
	signed := time.Date(2026, 3, 16, 12, 0, 0, 0, time.UTC)
	raw := sign(t, mailText, func(o *dkim.SignOptions) { o.Expiration = signed.AddDate(0, 0, 7) })
	in := usual()
	for at, want := range map[time.Time]int{signed.Add(time.Hour): 2, signed.AddDate(0, 1, 0): 0, {}: 2} {
		in.At = at
		if l := Grade(raw, in); l.Level != want {
			t.Errorf("at %v: level %d, want %d (%+v)", at, l.Level, want, l.DKIM)
		}
	}
}

func TestWeakSignaturesDoNotCount(t *testing.T) {
	good := string(sign(t, mailText, nil))
	for name, c := range map[string][2]string{
		"l=":                {"v=1;", "v=1; l=3;"},
		"sha1":              {"a=rsa-sha256", "a=rsa-sha1"},
		"version":           {"v=1;", "v=2;"},
		"tag twice":         {"v=1;", "v=1; d=posta.example;"},
		"From unsigned":     {"From:To:Subject", "To:To:Subject"},
		"outside identity":  {"v=1;", "v=1; i=@evil.example;"},
		"malformed tag":     {"v=1;", "v=1; nothing;"},
		"malformed x":       {"v=1;", "v=1; x=soon;"},
		"other key method":  {"v=1;", "v=1; q=http;"},
		"signature missing": {"b=", "bb="},
	} {
		raw := strings.Replace(good, c[0], c[1], 1)
		if raw == good {
			raw = strings.Replace(strings.ToLower(good[:600]), strings.ToLower(c[0]), c[1], 1) + good[600:]
		}
		if l := Grade([]byte(raw), usual()); l.Level == 2 || len(l.DKIM) != 1 || l.DKIM[0].Result != "fail" || l.DKIM[0].Detail == "" {
			t.Errorf("%s: %+v", name, l)
		}
	}
	short := fmt.Sprint("v=DKIM1; p=", "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAL", "x")
	in := usual()
	in.Keys["s1._domainkey.posta.example"] = []string{short}
	if l := Grade([]byte(good), in); l.Level == 2 {
		t.Errorf("malformed key: %+v", l)
	}
}

func TestSelectorsNameTheRecordsToFetch(t *testing.T) {
	relayed := sign(t, mailText, func(o *dkim.SignOptions) { o.Domain, o.Selector = "Relay.Example", "S2" })
	both := append(headerOf(sign(t, mailText, nil)), relayed...)
	if got := Selectors(both); !slices.Equal(got, []string{"s1._domainkey.posta.example", "s2._domainkey.relay.example"}) {
		t.Errorf("%q", got)
	}
	for _, bad := range []string{"../../x", "a b", "*", "è", strings.Repeat("a", 64)} {
		if got := Selectors([]byte("DKIM-Signature: v=1; s=" + bad + "; d=posta.example\r\n\r\n")); len(got) != 0 && bad != "a b" {
			t.Errorf("%q gives %q", bad, got)
		}
	}
}

// headerOf is the signature field alone.
func headerOf(signed []byte) []byte {
	i := bytes.Index(signed, []byte("From: Maria"))
	return slices.Clone(signed[:i])
}

// FuzzGrade: no input makes it panic or reach level 2 without a key that holds.
func FuzzGrade(f *testing.F) {
	f.Add([]byte(mailText))
	f.Add(sign(f, mailText, nil))
	f.Add([]byte("DKIM-Signature: v=1; a=rsa-sha256; d=posta.example; s=s1; h=From:From:from; bh=; b=\r\nFrom: a@posta.example"))
	f.Add([]byte("Authentication-Results: mx.cpi.example; dmarc=pass header.from=posta.example\nFrom: <" + person + ">\n\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		in := Input{Keys: map[string][]string{"s1._domainkey.posta.example": {"v=DKIM1; p=AAAA"}}, Registered: person, BindingHit: true, TrustedAuthServ: []string{"x"}}
		l := Grade(raw, in)
		for _, d := range l.DKIM {
			if d.Result == "pass" {
				t.Errorf("passes without a key: %+v", d)
			}
		}
		Selectors(raw)
	})
}

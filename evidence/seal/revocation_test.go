package seal_test

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"confermo/evidence/anchor/testpki"
	"confermo/evidence/seal"
)

func judge(t *testing.T, e seal.Evidence, chain []*x509.Certificate, m seal.Moment) error {
	t.Helper()
	book, err := seal.OpenEvidence(e)
	if err != nil {
		return err
	}
	return book.Judge(chain, m)
}

// OpenSSL answers for its own authority: directly, through a responder, and through those who may not.
func TestResponsesOfOpenSSLAreJudgedLikeOpenSSLDoes(t *testing.T) {
	dir, _ := smith(t)
	for name, ext := range map[string]string{
		"may": "extendedKeyUsage=OCSPSigning\nnoCheck=ignored\n", "mustask": "extendedKeyUsage=OCSPSigning\n", "mail": "extendedKeyUsage=emailProtection\nnoCheck=ignored\n",
	} {
		put(t, dir, name+".ext", []byte(ext))
		run(t, dir, strings.Fields(fmt.Sprintf("req -newkey rsa:2048 -nodes -keyout %s.key -out r.csr -subj /CN=%s", name, name))...)
		run(t, dir, strings.Fields(fmt.Sprintf("x509 -req -in r.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out %s.pem -days 20 -extfile %s.ext", name, name))...)
	}
	chain := []*x509.Certificate{certificate(t, dir, "rsa.pem"), certificate(t, dir, "ca.pem")}
	good := "V\t351231000000Z\t\t" + strings.ToUpper(fmt.Sprintf("%040x", chain[0].SerialNumber)) + "\tunknown\t/CN=AnnaRossi\n"
	revoked := strings.Replace(good, "V\t351231000000Z\t\t", "R\t351231000000Z\t"+time.Now().Add(-time.Hour).UTC().Format("060102150405Z")+",keyCompromise\t", 1)
	now := seal.Moment{At: time.Now()}
	for _, c := range []struct{ name, index, responder, rule string }{
		{"by the authority", good, "ca", ""},
		{"by a responder", good, "may", ""},
		{"by a responder that needs a list", good, "mustask", seal.RuleRevocation},
		{"by a certificate for mail", good, "mail", seal.RuleRevocation},
		{"revoked", revoked, "may", seal.RuleRevoked},
		{"unknown", "", "may", seal.RuleRevocation},
	} {
		t.Run(c.name, func(t *testing.T) {
			put(t, dir, "index.txt", []byte(c.index))
			put(t, dir, "index.txt.attr", []byte("unique_subject = no\n"))
			run(t, dir, strings.Fields("ocsp -index index.txt -CA ca.pem -rsigner "+c.responder+".pem -rkey "+c.responder+
				".key -issuer ca.pem -cert rsa.pem -respout out.der -ndays 1 -noverify -no_nonce -rmd sha256")...)
			e := seal.Evidence{OCSPs: [][]byte{get(t, dir, "out.der")}}
			err := judge(t, e, chain, now)
			if c.rule == "" && err != nil {
				t.Error(err)
			} else if c.rule != "" {
				wantRule(t, err, c.rule)
			}
			other := []*x509.Certificate{certificate(t, dir, "ec.pem"), chain[1]}
			wantRule(t, judge(t, e, other, now), seal.RuleRevocation)
			if c.rule == "" {
				late := now
				late.At = now.At.AddDate(0, 0, 3)
				wantRule(t, judge(t, e, chain, late), seal.RuleRevocation)
				for at := range e.OCSPs[0] {
					bad := slices.Clone(e.OCSPs[0])
					bad[at] ^= 1 << (at % 8)
					if judge(t, seal.Evidence{OCSPs: [][]byte{bad}}, chain, now) == nil && c.responder == "ca" && at < len(bad)-len(chain[1].Raw) {
						t.Fatalf("flip in byte %d of %d passes", at, len(bad))
					}
				}
			}
		})
	}
}

func TestListsOfOpenSSLAreRead(t *testing.T) {
	dir, _ := smith(t)
	put(t, dir, "ca.cnf", []byte("[ca]\ndefault_ca=d\n[d]\ndatabase=list.txt\ncrlnumber=number\ndefault_md=sha256\ndefault_crl_days=1\n"))
	put(t, dir, "number", []byte("01\n"))
	put(t, dir, "list.txt", nil)
	sign := strings.Fields("ca -config ca.cnf -gencrl -keyfile ca.key -cert ca.pem -out crl.pem")
	run(t, dir, sign...)
	chain := []*x509.Certificate{certificate(t, dir, "rsa.pem"), certificate(t, dir, "ca.pem")}
	read := func() seal.Evidence {
		block, _ := pem.Decode(get(t, dir, "crl.pem"))
		return seal.Evidence{CRLs: [][]byte{block.Bytes}}
	}
	now := seal.Moment{At: time.Now().Add(time.Second)}
	if err := judge(t, read(), chain, now); err != nil {
		t.Error(err)
	}
	run(t, dir, strings.Fields("ca -config ca.cnf -keyfile ca.key -cert ca.pem -revoke rsa.pem -crl_reason superseded")...)
	run(t, dir, sign...)
	wantRule(t, judge(t, read(), chain, now), seal.RuleRevoked)
	if err := judge(t, read(), chain, seal.Moment{At: time.Now().Add(-time.Hour)}); err != nil {
		t.Errorf("revoked later: %v", err)
	}
}

// The other way round: openssl judges what the test authority issues.
func TestOpenSSLAcceptsOurRevocationData(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	put(t, dir, "ca.pem", w.pki.SealCAPEM())
	leaf := w.pki.Seal().Chain[0]
	put(t, dir, "leaf.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw}))
	crl, err := w.pki.CRL("seal")
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "crl.der", crl)
	run(t, dir, "crl", "-inform", "DER", "-in", "crl.der", "-CAfile", "ca.pem", "-noout", "-verify")
	run(t, dir, "ocsp", "-issuer", "ca.pem", "-cert", "leaf.pem", "-no_nonce", "-reqout", "req.der")
	answer, err := w.pki.OCSP("seal", get(t, dir, "req.der"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "resp.der", answer)
	run(t, dir, "ocsp", "-respin", "resp.der", "-issuer", "ca.pem", "-cert", "leaf.pem", "-CAfile", "ca.pem", "-no_nonce")
	if err := os.Remove(filepath.Join(dir, "req.der")); err != nil {
		t.Fatal(err)
	}
	ours := seal.NewOCSPRequest(leaf, certificate(t, dir, "ca.pem"))
	put(t, dir, "req.der", ours)
	run(t, dir, "ocsp", "-reqin", "req.der", "-req_text", "-noverify")
}

// authority is a root made by hand, for lists that testpki would not issue.
func authority(t *testing.T, name string) (leaf *x509.Certificate, root *x509.Certificate, key crypto.Signer) {
	t.Helper()
	s := rsaSigner(t, newWorld(t))
	key = s.Key
	now := time.Now()
	build := func(serial int64, cn string, ca bool, parent *x509.Certificate) *x509.Certificate {
		c := &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: cn}, NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(24 * time.Hour),
			IsCA: ca, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature, SubjectKeyId: []byte{1},
			CRLDistributionPoints: []string{"http://crl.example/part1.crl"},
		}
		if ca {
			c.KeyUsage = x509.KeyUsageCRLSign | x509.KeyUsageCertSign
		}
		if parent == nil {
			parent = c
		}
		der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		if c, err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
		return c
	}
	root = build(1, name, true, nil)
	return build(2, "Anna", false, root), root, key
}

func TestListsThatDoNotSpeakForTheCertificate(t *testing.T) {
	leaf, root, key := authority(t, "Radice")
	_, twin, twinKey := authority(t, "Radice")
	now := time.Now()
	point := func(body ...byte) []pkix.Extension {
		return []pkix.Extension{{Id: []int{2, 5, 29, 28}, Critical: true, Value: append([]byte{0x30, byte(len(body))}, body...)}}
	}
	named := func(url string) []pkix.Extension {
		n := byte(len(url))
		return point(append([]byte{0xa0, n + 4, 0xa0, n + 2, 0x86, n}, url...)...)
	}
	day := 20 * time.Hour
	for name, c := range map[string]struct {
		issuer     *x509.Certificate
		key        crypto.Signer
		this, next time.Duration
		extensions []pkix.Extension
		ok         bool
	}{
		"whole":                      {root, key, -time.Hour, time.Hour, nil, true},
		"younger than the moment":    {root, key, time.Hour, day, nil, true},
		"ended":                      {root, key, -2 * time.Hour, -time.Hour, nil, false},
		"after the certificate":      {root, key, 30 * time.Hour, 40 * time.Hour, nil, false},
		"before the authority":       {root, key, -48 * time.Hour, day, nil, false},
		"another key, the same name": {twin, twinKey, -time.Hour, time.Hour, nil, false},
		"delta":                      {root, key, -time.Hour, time.Hour, []pkix.Extension{{Id: []int{2, 5, 29, 27}, Critical: true, Value: []byte{2, 1, 1}}}, false},
		"for people":                 {root, key, -time.Hour, time.Hour, point(0x81, 1, 0xff), true},
		"for authorities":            {root, key, -time.Hour, time.Hour, point(0x82, 1, 0xff), false},
		"some reasons":               {root, key, -time.Hour, time.Hour, point(0x83, 2, 6, 0x40), false},
		"indirect":                   {root, key, -time.Hour, time.Hour, point(0x84, 1, 0xff), false},
		"its part":                   {root, key, -time.Hour, time.Hour, named("http://crl.example/part1.crl"), true},
		"another part":               {root, key, -time.Hour, time.Hour, named("http://crl.example/part2.crl"), false},
	} {
		t.Run(name, func(t *testing.T) {
			der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
				Number: big.NewInt(1), ThisUpdate: now.Add(c.this), NextUpdate: now.Add(c.next), ExtraExtensions: c.extensions,
			}, c.issuer, c.key)
			if err != nil {
				t.Fatal(err)
			}
			err = judge(t, seal.Evidence{CRLs: [][]byte{der}}, []*x509.Certificate{leaf, root}, seal.Moment{At: now})
			if c.ok && err != nil {
				t.Error(err)
			} else if !c.ok {
				wantRule(t, err, seal.RuleRevocation)
			}
		})
	}
}

func TestAnAuthoritysRevocationReachesBackByItsReason(t *testing.T) {
	for reason, back := range map[int]bool{1: true, 2: true, 6: true, 3: false, 4: false, 5: false} {
		w := newWorld(t)
		imprint := [32]byte{1}
		info, err := seal.VerifyToken(w.token(t, imprint), imprint[:], w.tsa, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.pki.Revoke(info.Cert, testpki.Revoked{At: w.now.Add(time.Hour), Reason: reason}); err != nil {
			t.Fatal(err)
		}
		e, err := w.pki.Evidence(info.Chain)
		if err != nil {
			t.Fatal(err)
		}
		at := seal.Moment{At: info.Time, Stamping: true, Until: w.now.Add(2 * time.Hour)}
		if err := judge(t, e, info.Chain, at); (err != nil) != back {
			t.Errorf("reason %d: %v", reason, err)
		}
		at.Until = w.now.Add(time.Minute) // a later stamp vouched for it first
		if err := judge(t, e, info.Chain, at); err != nil {
			t.Errorf("reason %d, vouched for: %v", reason, err)
		}
	}
}

func TestShortKeysLimitALifetime(t *testing.T) {
	w := newWorld(t)
	long := w.pki.Seal().Chain[0]
	if got := seal.Lifetime([]*x509.Certificate{long}); !got.Equal(long.NotAfter) {
		t.Error(got)
	}
	short := *rsaSigner(t, w).Chain[0]
	short.NotAfter = time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)
	if got := seal.Lifetime([]*x509.Certificate{&short, long}); got.Year() != 2031 {
		t.Error(got)
	}
}

func FuzzEvidence(f *testing.F) {
	good, chain, o := fixtures(f, "response.ocsp", "list.crl")
	m := seal.Moment{At: o.At}
	for name, e := range map[string]seal.Evidence{
		"response": {OCSPs: [][]byte{good["response.ocsp"]}}, "list": {CRLs: [][]byte{good["list.crl"]}},
	} {
		book, err := seal.OpenEvidence(e)
		if err == nil {
			err = book.Judge(chain, m)
		}
		if err != nil {
			f.Fatalf("%s: %v", name, err)
		}
	}
	f.Add([]byte{0x30, 0x03, 0x0a, 1, 6})
	f.Fuzz(func(t *testing.T, der []byte) {
		for _, one := range []seal.Evidence{{OCSPs: [][]byte{der}}, {CRLs: [][]byte{der}}, {Certs: [][]byte{der}}} {
			book, err := seal.OpenEvidence(one)
			if err != nil || book.Judge(chain, m) != nil {
				continue
			}
			if string(der) != string(good["list.crl"]) && !strings.Contains(string(der), string(good["response.ocsp"][40:300])) {
				t.Error("other bytes prove good standing") // a response may carry further certificates, which are not signed
			}
		}
	})
}

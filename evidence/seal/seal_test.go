package seal_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"slices"
	"testing"
	"time"

	"confermo/evidence/anchor/testpki"
	"confermo/evidence/seal"
)

var content = []byte("Colloquio del 16/03/2020, di 1 ora, dalle 11:15 alle 12:15\n")

// world is a fresh certificate authority with its trust as the auditor holds it.
type world struct {
	pki        *testpki.PKI
	roots, tsa *x509.CertPool
	now        time.Time
}

func newWorld(t testing.TB) world {
	t.Helper()
	now := time.Now()
	pki, err := testpki.Open(t.TempDir(), now)
	if err != nil {
		t.Fatal(err)
	}
	w := world{pki: pki, now: now}
	w.roots, w.tsa = pki.Roots()
	return w
}

func (w world) options(p seal.Profile) seal.Options {
	return seal.Options{Profile: p, Roots: w.roots, TSARoots: w.tsa, At: w.now.Add(time.Minute)}
}

func (w world) operator(t testing.TB) seal.Signer {
	t.Helper()
	s, err := w.pki.IssueOperator("Anna Bianchi")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (w world) token(t testing.TB, imprint [32]byte) []byte {
	t.Helper()
	token, err := w.pki.Stamp(seal.Request{Imprint: imprint, Nonce: big.NewInt(77), CertReq: true})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// sign makes a signature, stamped if asked.
func (w world) sign(t testing.TB, s seal.Signer, p seal.Profile, stamped bool) []byte {
	t.Helper()
	o := seal.SignOptions{Profile: p}
	if p == seal.CAdES {
		o.SigningTime = w.now
	}
	cms, err := s.Sign(o, content)
	if err != nil {
		t.Fatal(err)
	}
	if !stamped {
		return cms
	}
	value, err := seal.SignatureValue(cms)
	if err != nil {
		t.Fatal(err)
	}
	cms, err = seal.AddTimestamp(cms, w.token(t, sha256.Sum256(value)))
	if err != nil {
		t.Fatal(err)
	}
	return cms
}

func wantRule(t *testing.T, err error, rules ...string) {
	t.Helper()
	var broken *seal.RuleError
	if !errors.As(err, &broken) || !slices.Contains(rules, broken.Rule) {
		t.Errorf("error %v, want rule of %v", err, rules)
	}
}

func TestSignatureOfEachProfileAndLevelVerifies(t *testing.T) {
	w := newWorld(t)
	for _, p := range []seal.Profile{seal.PAdES, seal.CAdES} {
		for _, stamped := range []bool{false, true} {
			for _, s := range []seal.Signer{w.pki.Seal(), w.operator(t), rsaSigner(t, w)} {
				o := w.options(p)
				o.RequireTimestamp = stamped
				r, err := seal.VerifyCMS(w.sign(t, s, p, stamped), content, o)
				if err != nil {
					t.Fatalf("profile %d stamped %v: %v", p, stamped, err)
				}
				if !r.Signer.Equal(s.Chain[0]) || (r.Timestamp != nil) != stamped {
					t.Errorf("profile %d stamped %v: report %+v", p, stamped, r)
				}
				if p == seal.CAdES && !r.SigningTime.Equal(w.now.Truncate(time.Second)) {
					t.Errorf("signing time %v, want %v", r.SigningTime, w.now)
				}
			}
		}
	}
}

// rsaSigner is a leaf the operators' issuer gave to an RSA key, as from a smart card.
func rsaSigner(t testing.TB, w world) seal.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(4), Subject: pkix.Name{CommonName: "RSA root"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: w.now.Add(-time.Hour), NotAfter: w.now.Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(5), Subject: pkix.Name{CommonName: "RSA leaf"},
		NotBefore: w.now.Add(-time.Hour), NotAfter: w.now.Add(time.Hour), KeyUsage: x509.KeyUsageContentCommitment,
	}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if root, err = x509.ParseCertificate(rootDER); err != nil {
		t.Fatal(err)
	}
	w.roots.AddCert(root)
	der, err := x509.CreateCertificate(rand.Reader, leaf, root, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if leaf, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return seal.Signer{Key: key, Chain: []*x509.Certificate{leaf}}
}

func TestEveryFlippedBitOfASignatureIsRefused(t *testing.T) {
	w := newWorld(t)
	o := w.options(seal.CAdES)
	cms := w.sign(t, w.operator(t), seal.CAdES, true) // chain of two, token, every attribute
	flipAll(t, cms, func(b []byte) error {
		_, err := seal.VerifyCMS(b, content, o)
		return err
	})
}

func TestEveryFlippedBitOfATokenIsRefused(t *testing.T) {
	w := newWorld(t)
	imprint := sha256.Sum256(content)
	flipAll(t, w.token(t, imprint), func(b []byte) error {
		_, err := seal.VerifyToken(b, imprint[:], w.tsa, time.Time{})
		return err
	})
}

// flipAll flips each bit in turn. RuleTrust would read as "not checked" to an
// auditor, so only the certificates of authorities outside may give it.
func flipAll(t *testing.T, good []byte, verify func([]byte) error) {
	t.Helper()
	if err := verify(good); err != nil {
		t.Fatal(err)
	}
	trust := 0
	for bit := range len(good) * 8 {
		bad := slices.Clone(good)
		bad[bit/8] ^= 1 << (bit % 8)
		err := verify(bad)
		if err == nil {
			t.Fatalf("flip of bit %d in byte %d of %d passes", bit%8, bit/8, len(good))
		}
		var broken *seal.RuleError
		if !errors.As(err, &broken) {
			t.Fatalf("flip in byte %d: error names no rule: %v", bit/8, err)
		}
		if broken.Rule == seal.RuleTrust {
			trust++
		}
	}
	if trust > 0 {
		t.Errorf("%d flips read as lack of trust", trust)
	}
	t.Logf("%d bits of %d bytes refused", len(good)*8, len(good))
}

func TestProfilesAreNotExchangeable(t *testing.T) {
	w := newWorld(t)
	_, err := seal.VerifyCMS(w.sign(t, w.pki.Seal(), seal.CAdES, false), content, w.options(seal.PAdES))
	wantRule(t, err, seal.RuleAttributes)
	_, err = seal.VerifyCMS(w.sign(t, w.pki.Seal(), seal.PAdES, false), content, w.options(seal.CAdES))
	wantRule(t, err, seal.RuleAttributes)
	if _, err := w.pki.Seal().Sign(seal.SignOptions{Profile: seal.PAdES, SigningTime: w.now}, content); err == nil {
		t.Error("PAdES signed with a signing time")
	}
	if _, err := w.pki.Seal().Sign(seal.SignOptions{Profile: seal.CAdES}, content); err == nil {
		t.Error("CAdES signed without a signing time")
	}
}

func TestRefusalsNameTheirRule(t *testing.T) {
	w, other := newWorld(t), newWorld(t)
	good := w.sign(t, w.pki.Seal(), seal.CAdES, true)
	plain := w.sign(t, w.pki.Seal(), seal.CAdES, false)
	ask := func(change func(*seal.Options)) seal.Options {
		o := w.options(seal.CAdES)
		change(&o)
		return o
	}
	foreignStamp, err := seal.AddTimestamp(plain, w.token(t, sha256.Sum256([]byte("another signature"))))
	if err != nil {
		t.Fatal(err)
	}
	withRoot := w.pki.Seal()
	rootOnly := other.pki.Seal().Chain[0]
	withRoot.Chain = append(slices.Clone(withRoot.Chain), rootOnly)
	for name, c := range map[string]struct {
		cms, content []byte
		o            seal.Options
		rules        []string
	}{
		"other content":       {good, []byte("di 2 ore"), ask(func(*seal.Options) {}), []string{seal.RuleDigest}},
		"foreign root":        {good, content, ask(func(o *seal.Options) { o.Roots = other.roots }), []string{seal.RuleTrust}},
		"no root":             {good, content, ask(func(o *seal.Options) { o.Roots = nil }), []string{seal.RuleTrust}},
		"foreign TSA root":    {good, content, ask(func(o *seal.Options) { o.TSARoots = other.tsa }), []string{seal.RuleTrust}},
		"seal root for TSA":   {good, content, ask(func(o *seal.Options) { o.TSARoots = w.roots }), []string{seal.RuleTrust}},
		"stamp missing":       {plain, content, ask(func(o *seal.Options) { o.RequireTimestamp = true }), []string{seal.RuleTimestamp}},
		"stamp of another":    {foreignStamp, content, ask(func(*seal.Options) {}), []string{seal.RuleImprint}},
		"stamp from tomorrow": {good, content, ask(func(o *seal.Options) { o.At = w.now.Add(-time.Hour) }), []string{seal.RuleTime}},
		"expired":             {plain, content, ask(func(o *seal.Options) { o.At = w.now.AddDate(11, 0, 0) }), []string{seal.RuleTime}},
		"no time":             {plain, content, ask(func(o *seal.Options) { o.At = time.Time{} }), []string{seal.RuleTime}},
		"trailing byte":       {append(slices.Clone(good), 0), content, ask(func(*seal.Options) {}), []string{seal.RuleDER}},
		"unused certificate":  {w.sign(t, withRoot, seal.CAdES, false), content, ask(func(*seal.Options) {}), []string{seal.RuleCertificate}},
		"empty":               {nil, content, ask(func(*seal.Options) {}), []string{seal.RuleDER}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := seal.VerifyCMS(c.cms, c.content, c.o)
			wantRule(t, err, c.rules...)
		})
	}
}

func TestStampedSignatureOutlivesItsCertificate(t *testing.T) {
	w := newWorld(t)
	o := w.options(seal.CAdES)
	o.At = w.now.AddDate(15, 0, 0)
	if _, err := seal.VerifyCMS(w.sign(t, w.pki.Seal(), seal.CAdES, true), content, o); err != nil {
		t.Error(err)
	}
}

func TestOnlyAStampingCertificateStamps(t *testing.T) {
	w := newWorld(t)
	imprint := sha256.Sum256(content)
	token, err := seal.NewToken(w.pki.Seal(), seal.Request{Imprint: imprint, CertReq: true},
		seal.TokenInfo{Time: w.now, Serial: big.NewInt(1), Policy: testpki.Policy, Accuracy: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	_, err = seal.VerifyToken(token, imprint[:], w.roots, time.Time{})
	wantRule(t, err, seal.RuleCertificate)
}

func TestTokenSaysWhatWasStamped(t *testing.T) {
	w := newWorld(t)
	imprint := sha256.Sum256(content)
	token := w.token(t, imprint)
	info, err := seal.VerifyToken(token, imprint[:], w.tsa, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if info.Nonce.Int64() != 77 || info.Serial.Int64() != 1 || info.Accuracy != time.Second || !info.Policy.Equal(testpki.Policy) {
		t.Errorf("token info %+v", info)
	}
	for _, wrong := range [][]byte{nil, {}, imprint[:31], make([]byte, 32)} {
		_, err := seal.VerifyToken(token, wrong, w.tsa, time.Time{})
		wantRule(t, err, seal.RuleImprint)
	}
}

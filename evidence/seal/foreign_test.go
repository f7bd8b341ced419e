package seal_test

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"confermo/evidence/seal"
)

// smith is a folder in which openssl signs: an RSA root, an RSA signer, a P-256 signer.
func smith(t testing.TB) (dir string, o seal.Options) {
	t.Helper()
	dir = t.TempDir()
	put(t, dir, "content", content)
	put(t, dir, "ext", []byte("keyUsage=critical,digitalSignature,nonRepudiation\nbasicConstraints=CA:false\nsubjectKeyIdentifier=hash\n"))
	for _, line := range []string{
		"req -x509 -newkey rsa:3072 -nodes -keyout ca.key -out ca.pem -subj /CN=Prova -days 30 -addext keyUsage=critical,keyCertSign,cRLSign",
		"req -newkey rsa:3072 -nodes -keyout rsa.key -out rsa.csr -subj /CN=AnnaRossi",
		"x509 -req -in rsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out rsa.pem -days 20 -extfile ext",
		"req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ec.key -out ec.csr -subj /CN=BrunoBianchi",
		"x509 -req -in ec.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out ec.pem -days 20 -extfile ext",
	} {
		run(t, dir, strings.Fields(line)...)
	}
	o.Roots = x509.NewCertPool()
	o.Roots.AddCert(certificate(t, dir, "ca.pem"))
	o.At = time.Now()
	return dir, o
}

func run(t testing.TB, dir string, args ...string) {
	t.Helper()
	if !openssl(t, dir, args...) {
		t.Fatalf("openssl %v failed", args)
	}
}

func get(t testing.TB, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func certificate(t testing.TB, dir, name string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(get(t, dir, name))
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEnvelopesOfOpenSSLOpen(t *testing.T) {
	dir, o := smith(t)
	sign := "cms -sign -binary -nodetach -in content -signer rsa.pem -inkey rsa.key -md sha256 -out out.p7m -outform "
	for name, c := range map[string]struct {
		args    string
		signers int
		bound   bool
	}{
		"DER":                     {sign + "DER -cades", 1, true},
		"DER without certificate": {sign + "DER", 1, false},
		"BER in pieces":           {sign + "DER -cades -stream", 1, true},
		"PEM":                     {sign + "PEM -cades", 1, true},
		"named by key":            {sign + "DER -cades -keyid", 1, true},
		"SHA-512, P-256":          {"cms -sign -binary -nodetach -in content -signer ec.pem -inkey ec.key -md sha512 -cades -out out.p7m -outform DER", 1, true},
		"with the root":           {sign + "DER -cades -certfile ca.pem", 1, true},
		"two signers":             {sign + "DER -cades -signer ec.pem -inkey ec.key", 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, dir, strings.Fields(c.args)...)
			p7m := get(t, dir, "out.p7m")
			got, reports, err := seal.OpenP7M(p7m, o)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, content) || len(reports) != c.signers || reports[0].Bound != c.bound || reports[0].SigningTime.IsZero() || len(reports[0].Chain) != 2 {
				t.Errorf("%q %+v", got, reports)
			}
			if name == "DER" {
				packed := base64.StdEncoding.EncodeToString(p7m)
				if got, _, err := seal.OpenP7M([]byte(packed[:64]+"\r\n"+packed[64:]), o); err != nil || !bytes.Equal(got, content) {
					t.Errorf("base64: %v", err)
				}
			}
			refusesFlips(t, p7m, o)
		})
	}
}

// refusesFlips flips a bit everywhere: nothing may give other content, another signer or another time.
func refusesFlips(t *testing.T, p7m []byte, o seal.Options) {
	t.Helper()
	_, want, err := seal.OpenP7M(p7m, o)
	if err != nil {
		t.Fatal(err)
	}
	for at := range p7m {
		bad := slices.Clone(p7m)
		bad[at] ^= 1 << (at % 8)
		got, reports, err := seal.OpenP7M(bad, o)
		if err != nil {
			continue
		}
		if !bytes.Equal(got, content) {
			t.Fatalf("flip in byte %d gives other content", at)
		}
		for i, r := range reports {
			if !r.Signer.Equal(want[i].Signer) || !r.SigningTime.Equal(want[i].SigningTime) || r.Bound != want[i].Bound {
				t.Fatalf("flip in byte %d gives another report", at)
			}
		}
	}
}

func TestEnvelopesThatProveNothingAreRefused(t *testing.T) {
	dir, o := smith(t)
	make := func(args string) []byte {
		run(t, dir, strings.Fields("cms -sign -binary -in content -out out.p7m -outform DER "+args)...)
		return get(t, dir, "out.p7m")
	}
	rsa := "-signer rsa.pem -inkey rsa.key "
	good := make(rsa + "-nodetach -cades")
	expired := o
	expired.At = time.Now().AddDate(0, 2, 0)
	foreign := o
	foreign.Roots = x509.NewCertPool()
	stamped := o
	stamped.RequireTimestamp = true
	for name, c := range map[string]struct {
		p7m  []byte
		o    seal.Options
		rule []string
	}{
		"detached":               {make(rsa + "-cades"), o, []string{seal.RuleForm}},
		"no attributes":          {make(rsa + "-nodetach -noattr"), o, []string{seal.RuleDER}},
		"no certificate":         {make(rsa + "-nodetach -nocerts"), o, []string{seal.RuleCertificate}},
		"SHA-1":                  {make(rsa + "-nodetach -md sha1"), o, []string{seal.RuleAlgorithm}},
		"RSA-PSS":                {make(rsa + "-nodetach -keyopt rsa_padding_mode:pss"), o, []string{seal.RuleDER, seal.RuleAlgorithm}},
		"signed by an authority": {make("-nodetach -signer ca.pem -inkey ca.key"), o, []string{seal.RuleCertificate}},
		"expired":                {good, expired, []string{seal.RuleTime}},
		"foreign root":           {good, foreign, []string{seal.RuleTrust}},
		"no time stamp":          {good, stamped, []string{seal.RuleTimestamp}},
		"other content":          {bytes.Replace(good, []byte("di 1 ora"), []byte("di 2 ore"), 1), o, []string{seal.RuleDigest}},
		"appended":               {append(slices.Clone(good), 0), o, []string{seal.RuleDER}},
		"words":                  {[]byte("this is no envelope"), o, []string{seal.RuleDER}},
		"empty":                  {nil, o, []string{seal.RuleDER}},
		"deep":                   {bytes.Repeat([]byte{0x30, 0x80}, 100000), o, []string{seal.RuleDER}},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := seal.OpenP7M(c.p7m, c.o)
			wantRule(t, err, c.rule...)
		})
	}
}

// A time stamp in a foreign signature counts, by whatever authority the auditor trusts.
func TestAForeignSignatureIsTimedByItsStamp(t *testing.T) {
	w := newWorld(t)
	cms := w.sign(t, w.operator(t), seal.CAdES, true)
	o := w.options(seal.CAdES)
	o.At, o.RequireTimestamp = w.now.AddDate(15, 0, 0), true
	reports, err := seal.VerifyForeign(cms, content, o)
	if err != nil || reports[0].Timestamp == nil || reports[0].Level() != "B-T" {
		t.Errorf("%+v, %v", reports, err)
	}
	_, err = seal.VerifyForeign(cms, []byte("other"), o)
	wantRule(t, err, seal.RuleDigest)
	o.TSARoots = w.roots
	_, err = seal.VerifyForeign(cms, content, o)
	wantRule(t, err, seal.RuleTrust)
}

// fixtures are files that openssl made on 22 November 2026, so that every fuzzing process has the same keys.
func fixtures(f *testing.F, names ...string) (map[string][]byte, []*x509.Certificate, seal.Options) {
	f.Helper()
	dir := filepath.Join("testdata", "foreign")
	out := map[string][]byte{}
	for _, name := range names {
		out[name] = get(f, dir, name)
		f.Add(out[name])
	}
	chain := []*x509.Certificate{certificate(f, dir, "signer.pem"), certificate(f, dir, "ca.pem")}
	o := seal.Options{Roots: x509.NewCertPool(), At: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}
	o.Roots.AddCert(chain[1])
	return out, chain, o
}

func FuzzOpenP7M(f *testing.F) {
	good, _, o := fixtures(f, "der.p7m", "stream.p7m", "root.p7m", "noattr.p7m")
	for _, name := range []string{"der.p7m", "stream.p7m", "root.p7m"} {
		if got, _, err := seal.OpenP7M(good[name], o); err != nil || !bytes.Equal(got, content) {
			f.Fatalf("%s: %v", name, err)
		}
	}
	f.Add([]byte{0x30, 0x80, 0x24, 0x80, 4, 1, 1, 0, 0, 0, 0})
	f.Add([]byte("-----BEGIN CMS-----\nMAA=\n-----END CMS-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, _, err := seal.OpenP7M(data, o); err == nil && !bytes.Equal(got, content) {
			t.Error("other content verifies")
		}
		if cut, err := seal.Unpad(data); err == nil && !bytes.HasPrefix(data, cut) {
			t.Error("not the beginning")
		}
	})
}

package anchor_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"confermo/evidence/anchor"
	"confermo/evidence/seal"
	"confermo/pdf/pades"

	"software.sslmate.com/src/go-pkcs12"
)

// keys are of the kinds people's signature keys have.
func keys(t *testing.T) map[string]crypto.Signer {
	t.Helper()
	small, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	large, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]crypto.Signer{"P-256": small, "RSA-3072": large}
}

// certify is a chain of three for a key: leaf, intermediate, root.
func certify(t *testing.T, key crypto.Signer) []*x509.Certificate {
	t.Helper()
	var chain []*x509.Certificate
	parent, parentKey := (*x509.Certificate)(nil), crypto.Signer(nil)
	for i, name := range []string{"Root", "Issuer", "Anna Bianchi"} {
		c := &x509.Certificate{
			SerialNumber: big.NewInt(int64(i + 1)), Subject: pkix.Name{CommonName: name},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true,
			IsCA: i < 2, KeyUsage: x509.KeyUsageCertSign,
		}
		own := key
		if i == 2 {
			c.KeyUsage = x509.KeyUsageContentCommitment
		} else {
			k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			own = k
		}
		if parent == nil {
			parent, parentKey = c, own
		}
		der, err := x509.CreateCertificate(rand.Reader, c, parent, own.Public(), parentKey)
		if err != nil {
			t.Fatal(err)
		}
		if parent, err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
		parentKey = own
		chain = append([]*x509.Certificate{parent}, chain...)
	}
	return chain
}

// signsPDF has the signer sign and checks it by its root.
func signsPDF(t *testing.T, s seal.Signer, root *x509.Certificate) {
	t.Helper()
	signed, err := pades.Sign(page(t), s, pades.SignOptions{FieldName: "Operatore", M: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(root)
	sigs, err := pades.Verify(signed, pades.VerifyOptions{Roots: pool, At: time.Now()})
	if err != nil || len(sigs[0].Chain) != 3 {
		t.Errorf("%+v, %v", sigs, err)
	}
}

func TestAKeyFileSigns(t *testing.T) {
	for name, key := range keys(t) {
		chain := certify(t, key)
		data, err := pkcs12.Modern.Encode(key, chain[0], []*x509.Certificate{chain[2], chain[1]}, "segreto")
		if err != nil {
			t.Fatal(err)
		}
		s, err := anchor.OpenPKCS12(data, "segreto")
		if err != nil {
			t.Fatal(name, err)
		}
		signsPDF(t, s, chain[2])
		if _, err := anchor.OpenPKCS12(data, "sbagliato"); err == nil || !strings.Contains(err.Error(), "password is wrong") {
			t.Errorf("wrong password: %v", err)
		}
		data[len(data)/2] ^= 1
		if _, err := anchor.OpenPKCS12(data, "segreto"); err == nil {
			t.Error("a damaged file opens")
		}
	}
}

func TestOpenSSLsKeyFileSigns(t *testing.T) {
	dir := t.TempDir()
	key := keys(t)["RSA-3072"]
	chain := certify(t, key)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	for _, c := range chain {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	if err := os.WriteFile(filepath.Join(dir, "all.pem"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("openssl", "pkcs12", "-export", "-in", "all.pem", "-out", "key.p12", "-passout", "pass:segreto")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("openssl: %s", out)
	}
	data, err := os.ReadFile(filepath.Join(dir, "key.p12"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := anchor.OpenPKCS12(data, "segreto")
	if err != nil {
		t.Fatal(err)
	}
	signsPDF(t, s, chain[2])
}

func FuzzOpenPKCS12(f *testing.F) {
	f.Add([]byte{0x30, 0x03, 2, 1, 3})
	f.Add([]byte("x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := anchor.OpenPKCS12(data, ""); err == nil && (s.Key == nil || len(s.Chain) == 0) {
			t.Error("a signer without key or certificate")
		}
	})
}

// provider is a remote signing service after the CSC API, version 2.
type provider struct {
	t      *testing.T
	key    crypto.Signer
	chain  []*x509.Certificate
	mode   string
	algo   []string
	raw    bool // ECDSA values as two bare numbers
	broken bool // signs something else
	sads   map[string]string
	logins int
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	refuse := func(code string) {
		w.WriteHeader(http.StatusBadRequest)
		json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": "no"}) //nolint:errcheck // a test's answer
	}
	answer := func(v any) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(v) //nolint:errcheck // a test's answer
	}
	if r.URL.Path == "/oauth2/token" {
		id, secret, _ := r.BasicAuth()
		if id != "confermo" || secret != "s3cret" || r.FormValue("grant_type") != "client_credentials" {
			refuse("invalid_client")
			return
		}
		p.logins++
		answer(map[string]any{"access_token": "T0K", "token_type": "Bearer", "expires_in": 3600})
		return
	}
	var q struct {
		CredentialID     string   `json:"credentialID"`
		SAD              string   `json:"SAD"`
		Hashes           []string `json:"hashes"`
		HashAlgorithmOID string   `json:"hashAlgorithmOID"`
		SignAlgo         string   `json:"signAlgo"`
		AuthData         []struct{ ID, Value string }
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil || r.Method != http.MethodPost || r.Header.Get("Authorization") != "Bearer T0K" {
		refuse("invalid_request")
		return
	}
	if r.URL.Path != "/csc/v2/credentials/list" && q.CredentialID != "GX0112348" {
		refuse("invalid_credential")
		return
	}
	switch r.URL.Path {
	case "/csc/v2/credentials/list":
		answer(map[string]any{"credentialIDs": []string{"GX0112348"}})
	case "/csc/v2/credentials/info":
		var certs []string
		for _, c := range p.chain {
			certs = append(certs, base64.StdEncoding.EncodeToString(c.Raw))
		}
		answer(map[string]any{
			"key":  map[string]any{"status": "enabled", "algo": p.algo, "len": 3072},
			"cert": map[string]any{"status": "valid", "certificates": certs},
			"auth": map[string]any{"mode": p.mode}, "multisign": 1,
		})
	case "/csc/v2/credentials/authorize":
		if len(q.AuthData) != 2 || q.AuthData[0].ID != "OTP" || q.AuthData[0].Value != "123456" || len(q.Hashes) != 1 {
			refuse("invalid_otp")
			return
		}
		p.sads["SAD-"+q.Hashes[0]] = q.Hashes[0]
		answer(map[string]any{"SAD": "SAD-" + q.Hashes[0], "expiresIn": 300})
	case "/csc/v2/signatures/signHash":
		if p.mode != "oauth2code" && (p.sads[q.SAD] == "" || p.sads[q.SAD] != q.Hashes[0]) {
			refuse("invalid_request")
			return
		}
		delete(p.sads, q.SAD) // one use
		answer(map[string]any{"signatures": []string{p.sign(q.Hashes[0], q.HashAlgorithmOID, q.SignAlgo)}})
	default:
		http.NotFound(w, r)
	}
}

func (p *provider) sign(hash, hashOID, algo string) string {
	digest, err := base64.StdEncoding.DecodeString(hash)
	if err != nil || hashOID != "2.16.840.1.101.3.4.2.1" || !slices.Contains(p.algo, algo) {
		p.t.Errorf("asked for %q %q %q", hash, hashOID, algo)
	}
	if p.broken {
		digest[0] ^= 1
	}
	value, err := p.key.Sign(rand.Reader, digest, crypto.SHA256)
	if k, ok := p.key.(*ecdsa.PrivateKey); ok && p.raw {
		r, s, e := ecdsa.Sign(rand.Reader, k, digest)
		value, err = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...), e
	}
	if err != nil {
		p.t.Error(err)
	}
	return base64.StdEncoding.EncodeToString(value)
}

func remote(t *testing.T, p *provider) *anchor.CSC {
	t.Helper()
	p.t, p.sads, p.chain = t, map[string]string{}, certify(t, p.key)
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	return &anchor.CSC{
		URL: server.URL + "/csc/v2", Token: anchor.ClientCredentials(nil, server.URL+"/oauth2/token", "confermo", "s3cret"),
		Authorize: func(context.Context, string) (map[string]string, error) {
			return map[string]string{"PIN": "0000", "OTP": "123456"}, nil
		},
	}
}

func TestARemoteKeySigns(t *testing.T) {
	k := keys(t)
	for name, p := range map[string]*provider{
		"P-256":                  {key: k["P-256"], mode: "explicit", algo: []string{"1.2.840.10045.4.3.2"}},
		"P-256, two numbers":     {key: k["P-256"], mode: "explicit", algo: []string{"1.2.840.10045.2.1"}, raw: true},
		"RSA-3072":               {key: k["RSA-3072"], mode: "explicit", algo: []string{"1.2.840.113549.1.1.10", "1.2.840.113549.1.1.11"}},
		"RSA-3072, by the token": {key: k["RSA-3072"], mode: "oauth2code", algo: []string{"1.2.840.113549.1.1.1"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := remote(t, p)
			ids, err := c.Credentials(t.Context())
			if err != nil || !slices.Equal(ids, []string{"GX0112348"}) {
				t.Fatal(ids, err)
			}
			s, err := c.Signer(t.Context(), ids[0])
			if err != nil {
				t.Fatal(err)
			}
			signsPDF(t, s, p.chain[2])
			if p.logins != 1 {
				t.Errorf("%d logins", p.logins)
			}
		})
	}
}

func TestARemoteKeysFailuresAreErrors(t *testing.T) {
	key := keys(t)["P-256"]
	ecdsaAlgo := []string{"1.2.840.10045.4.3.2"}
	p := &provider{key: key, mode: "explicit", algo: ecdsaAlgo, broken: true}
	c := remote(t, p)
	s, err := c.Signer(t.Context(), "GX0112348")
	if err != nil {
		t.Fatal(err)
	}
	o := pades.SignOptions{FieldName: "Operatore", M: time.Now()}
	if _, err := pades.Sign(page(t), s, o); err == nil || !strings.Contains(err.Error(), "does not verify") {
		t.Errorf("wrong signature: %v", err)
	}
	c.Authorize = func(context.Context, string) (map[string]string, error) {
		return map[string]string{"OTP": "0", "PIN": "0"}, nil
	}
	_, err = pades.Sign(page(t), s, o)
	if refused := (*anchor.CSCError)(nil); !errors.As(err, &refused) || refused.Code != "invalid_otp" {
		t.Errorf("wrong code: %v", err)
	}
	if _, err := c.Signer(t.Context(), "other"); err == nil {
		t.Error("unknown credential")
	}
	if _, err := remote(t, &provider{key: key, mode: "explicit", algo: []string{"1.2.840.10045.4.3.4"}}).Signer(t.Context(), "GX0112348"); err == nil {
		t.Error("SHA-512 only")
	}
}

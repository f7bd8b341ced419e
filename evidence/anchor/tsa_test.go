package anchor_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"confermo/evidence/anchor"
	"confermo/evidence/anchor/testpki"
	"confermo/evidence/seal"

	"github.com/digitorus/timestamp"
)

var note = sha256.Sum256([]byte("confermo.example/log\n7\nroot\n"))

func openPKI(t *testing.T) (*testpki.PKI, string, *x509.CertPool) {
	t.Helper()
	dir := t.TempDir()
	pki, err := testpki.Open(dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	_, roots := pki.Roots()
	return pki, dir, roots
}

// serve runs a handler and returns the client of an authority there.
func serve(t *testing.T, h http.Handler, roots *x509.CertPool) *anchor.TSA {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return &anchor.TSA{URL: server.URL, Client: server.Client(), Roots: roots}
}

// answer is an authority that answers a request's bytes with bytes.
func answer(f func(query []byte) []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		w.Header().Set("Content-Type", "application/timestamp-reply")
		w.Write(f(query)) //nolint:errcheck // the client judges
	})
}

func TestStampComesBackVerified(t *testing.T) {
	pki, _, roots := openPKI(t)
	tsa := serve(t, pki.TSA(), roots)
	tsa.Policy = testpki.Policy
	serials := map[string]bool{}
	for range 3 {
		before := time.Now()
		token, info, err := tsa.Stamp(t.Context(), note)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := seal.VerifyToken(token, note[:], roots, time.Now().Add(time.Second)); err != nil {
			t.Error(err)
		}
		if info.Time.Before(before.Truncate(time.Millisecond)) || info.Time.After(time.Now()) || info.Nonce == nil || info.Accuracy != time.Second {
			t.Errorf("token says %+v", info)
		}
		serials[info.Serial.String()] = true
	}
	if len(serials) != 3 {
		t.Errorf("serial numbers repeat: %v", serials)
	}
}

// The tokens of two other makers' authorities, with roots and attributes ours does not send.
func TestStampOfOtherAuthoritiesIsAccepted(t *testing.T) {
	_, dir, roots := openPKI(t)
	for name, h := range map[string]http.Handler{"openssl": opensslTSA(t, dir), "digitorus": digitorusTSA(t, dir)} {
		t.Run(name, func(t *testing.T) {
			token, info, err := serve(t, h, roots).Stamp(t.Context(), note)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := seal.VerifyToken(token, note[:], roots, time.Time{}); err != nil {
				t.Error(err)
			}
			t.Logf("%d bytes, %+v", len(token), info.Policy)
		})
	}
}

const opensslConfig = `[tsa]
default_tsa = here
[here]
serial = serial.openssl
crypto_device = builtin
default_policy = 1.2.3.4.1
digests = sha256
signer_digest = sha256
accuracy = secs:1
ordering = yes
tsa_name = yes
ess_cert_id_chain = yes
ess_cert_id_alg = sha256
`

func opensslTSA(t *testing.T, dir string) http.Handler {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Fatal("openssl is not installed: it is in the Debian package openssl")
	}
	work := filepath.Join(dir, "tsa")
	if err := os.WriteFile(filepath.Join(work, "tsa.cnf"), []byte(opensslConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	return answer(func(query []byte) []byte {
		if err := os.WriteFile(filepath.Join(work, "q.tsq"), query, 0o600); err != nil {
			t.Error(err)
		}
		cmd := exec.Command("openssl", "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "q.tsq", "-signer", "tsa.pem",
			"-inkey", "tsa.pem", "-chain", "root.pem", "-out", "r.tsr")
		cmd.Dir = work
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("openssl ts -reply: %s", out)
		}
		reply, err := os.ReadFile(filepath.Join(work, "r.tsr"))
		if err != nil {
			t.Error(err)
		}
		return reply
	})
}

func digitorusTSA(t *testing.T, dir string) http.Handler {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "tsa", "tsa.pem"))
	if err != nil {
		t.Fatal(err)
	}
	keyBlock, rest := pem.Decode(data)
	certBlock, _ := pem.Decode(rest)
	key, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return answer(func(query []byte) []byte {
		r, err := timestamp.ParseRequest(query)
		if err != nil {
			t.Error(err)
			return nil
		}
		reply, err := (&timestamp.Timestamp{
			HashAlgorithm: crypto.SHA256, HashedMessage: r.HashedMessage, Time: time.Now(), Nonce: r.Nonce,
			Policy: asn1.ObjectIdentifier{1, 2, 3, 4, 1}, Accuracy: time.Second, SerialNumber: big.NewInt(9),
			Ordering: false, AddTSACertificate: true,
		}).CreateResponseWithOpts(cert, key.(crypto.Signer), crypto.SHA256)
		if err != nil {
			t.Error(err)
		}
		return reply
	})
}

func TestWrongAnswersAreNotStamps(t *testing.T) {
	pki, _, roots := openPKI(t)
	foreign, _, _ := openPKI(t)
	stamp := func(p *testpki.PKI, change func(*seal.Request)) http.Handler {
		return answer(func(query []byte) []byte {
			r, err := seal.ParseRequest(query)
			if err != nil {
				t.Error(err)
			}
			change(&r)
			token, err := p.Stamp(r)
			if err != nil {
				t.Error(err)
			}
			return seal.GrantedResponse(token)
		})
	}
	for name, c := range map[string]struct {
		h      http.Handler
		policy asn1.ObjectIdentifier
		says   string
		lied   bool // the answer does not hold, as against no stamp was had
	}{
		"nonce of another":  {stamp(pki, func(r *seal.Request) { r.Nonce.Add(r.Nonce, big.NewInt(1)) }), nil, "nonce", true},
		"no nonce":          {stamp(pki, func(r *seal.Request) { r.Nonce = nil }), nil, "nonce", true},
		"other digest":      {stamp(pki, func(r *seal.Request) { r.Imprint[0] ^= 1 }), nil, "imprint", true},
		"foreign authority": {stamp(foreign, func(*seal.Request) {}), nil, "trust", true},
		"no certificate":    {stamp(pki, func(r *seal.Request) { r.CertReq = false }), nil, "certificate", true},
		"other policy":      {stamp(pki, func(*seal.Request) {}), asn1.ObjectIdentifier{1, 2, 3}, "policy", true},
		"not a response":    {answer(func([]byte) []byte { return []byte("<html>") }), nil, "der", true},
		"refusal":           {answer(func([]byte) []byte { return seal.RejectedResponse("quota") }), nil, "quota", false},
		"too large":         {answer(func([]byte) []byte { return bytes.Repeat([]byte("0"), 1<<20+1) }), nil, "larger", false},
		"HTTP error":        {http.NotFoundHandler(), nil, "404", false},
		"other type":        {http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }), nil, "type", false},
	} {
		t.Run(name, func(t *testing.T) {
			tsa := serve(t, c.h, roots)
			tsa.Policy = c.policy
			token, _, err := tsa.Stamp(t.Context(), note)
			if err == nil || token != nil {
				t.Fatal("accepted")
			}
			if errors.Is(err, anchor.ErrAnswer) != c.lied || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %q", err)
			}
		})
	}
}

func TestStampEndsWithItsContext(t *testing.T) {
	_, _, roots := openPKI(t)
	asked, done := make(chan struct{}), make(chan struct{})
	tsa := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(asked)
		<-done
	}), roots)
	defer close(done)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	if _, _, err := tsa.Stamp(ctx, note); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestStampSendsItsPassword(t *testing.T) {
	pki, _, roots := openPKI(t)
	tsa := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "ente" || password != "segreto" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		pki.TSA().ServeHTTP(w, r)
	}), roots)
	if _, _, err := tsa.Stamp(t.Context(), note); err == nil {
		t.Error("stamped without password")
	}
	tsa.Username, tsa.Password = "ente", "segreto"
	if _, _, err := tsa.Stamp(t.Context(), note); err != nil {
		t.Error(err)
	}
}

package testpki_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"confermo/evidence/anchor/testpki"
	"confermo/evidence/seal"
)

func open(t *testing.T, dir string) *testpki.PKI {
	t.Helper()
	p, err := testpki.Open(dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestASecondOpenFindsTheSameCertificates(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir)
	anna, err := a.IssueOperator("Anna Bianchi")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Stamp(seal.Request{CertReq: true}); err != nil {
		t.Fatal(err)
	}
	b := open(t, dir)
	again, err := b.IssueOperator("Anna Bianchi")
	if err != nil {
		t.Fatal(err)
	}
	if string(a.SealCAPEM()) != string(b.SealCAPEM()) || string(a.TSACAPEM()) != string(b.TSACAPEM()) ||
		!a.Seal().Chain[0].Equal(b.Seal().Chain[0]) || !anna.Chain[0].Equal(again.Chain[0]) {
		t.Error("certificates changed")
	}
	token, err := b.Stamp(seal.Request{CertReq: true})
	if err != nil {
		t.Fatal(err)
	}
	_, roots := b.Roots()
	var imprint [32]byte
	info, err := seal.VerifyToken(token, imprint[:], roots, time.Time{})
	if err != nil || info.Serial.Int64() != 2 {
		t.Errorf("second stamp has serial %v, %v", info.Serial, err)
	}
}

func TestEveryCertificateSaysItIsATest(t *testing.T) {
	dir := t.TempDir()
	p := open(t, dir)
	anna, err := p.IssueOperator("Anna Bianchi")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range append(anna.Chain, p.Seal().Chain...) {
		if !strings.HasSuffix(c.Subject.CommonName, "certificato di prova") {
			t.Errorf("certificate of %q", c.Subject.CommonName)
		}
	}
	if string(p.SealCAPEM()) == string(p.TSACAPEM()) {
		t.Error("seal and time stamps have one root")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil || len(files) != 6 {
		t.Errorf("files %v, %v", files, err)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", f, info.Mode(), err)
		}
	}
}

func TestOddNamesAndBrokenFilesAreErrors(t *testing.T) {
	dir := t.TempDir()
	p := open(t, dir)
	for _, name := range []string{"", "a\nb", strings.Repeat("x", 101)} {
		if _, err := p.IssueOperator(name); err == nil {
			t.Errorf("certificate for %q", name)
		}
	}
	if _, err := p.IssueOperator("../../etc/Żółć"); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "seal", "seal.pem"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := testpki.Open(dir, time.Now()); err == nil || !strings.Contains(err.Error(), "seal/seal.pem") {
		t.Errorf("broken file: %v", err)
	}
}

func TestTheAuthorityAnswersOddRequests(t *testing.T) {
	h := open(t, t.TempDir()).TSA()
	for name, c := range map[string]struct {
		method, kind, body string
		status             int
	}{
		"a page view":  {http.MethodGet, "", "", http.StatusMethodNotAllowed},
		"another type": {http.MethodPost, "text/plain", "x", http.StatusUnsupportedMediaType},
		"too large":    {http.MethodPost, "application/timestamp-query", strings.Repeat("x", 1<<20), http.StatusBadRequest},
		"not DER":      {http.MethodPost, "application/timestamp-query", "hello", http.StatusOK},
		"a foreign policy": {
			http.MethodPost, "application/timestamp-query",
			string(seal.Request{Policy: []int{1, 2, 3}}.DER()), http.StatusOK,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, "/", strings.NewReader(c.body))
			r.Header.Set("Content-Type", c.kind)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != c.status {
				t.Errorf("status %d, want %d", w.Code, c.status)
			}
			if token, err := seal.ParseResponse(w.Body.Bytes()); err == nil || token != nil {
				t.Error("stamped")
			}
		})
	}
}

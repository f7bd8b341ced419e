package anchor_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"confermo/evidence/anchor"
	"confermo/evidence/anchor/testpki"
	"confermo/evidence/seal"
	"confermo/pdf/pades"

	"github.com/jung-kurt/gofpdf"
)

// openServed is an authority whose certificates name a server that runs.
func openServed(t *testing.T) (*testpki.PKI, *x509.CertPool, *http.ServeMux) {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	pki, err := testpki.OpenAt(t.TempDir(), time.Now(), server.URL+"/pki")
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("/pki/", http.StripPrefix("/pki", pki.Revocations()))
	roots, _ := pki.Roots()
	return pki, roots, mux
}

func TestRevocationIsFetchedWhereCertificatesSay(t *testing.T) {
	pki, roots, _ := openServed(t)
	operator, err := pki.IssueOperator("Anna Bianchi")
	if err != nil {
		t.Fatal(err)
	}
	e, err := anchor.Revocation(t.Context(), operator.Chain, roots)
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Certs) != 3 || len(e.OCSPs) != 2 || len(e.CRLs) != 0 {
		t.Errorf("%d certificates, %d responses, %d lists", len(e.Certs), len(e.OCSPs), len(e.CRLs))
	}
	if err := judge(t, e, time.Now()); err != nil {
		t.Error(err)
	}
	if err := pki.Revoke(operator.Chain[0], testpki.Revoked{At: time.Now().Add(-time.Second), Reason: 1}); err != nil {
		t.Fatal(err)
	}
	if e, err = anchor.Revocation(t.Context(), operator.Chain, roots); err != nil {
		t.Fatalf("a revoked certificate's data is not had: %v", err)
	}
	var rule *seal.RuleError
	if err := judge(t, e, time.Now()); !errors.As(err, &rule) || rule.Rule != seal.RuleRevoked {
		t.Errorf("judged %v", err)
	}
	if err := judge(t, e, time.Now().Add(-time.Minute)); err != nil {
		t.Errorf("revoked later, judged %v", err)
	}
}

func judge(t *testing.T, e seal.Evidence, at time.Time) error {
	t.Helper()
	book, err := seal.OpenEvidence(e)
	if err != nil {
		t.Fatal(err)
	}
	var chain []*x509.Certificate
	for _, der := range e.Certs {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		chain = append(chain, c)
	}
	return book.Judge(chain, seal.Moment{At: at})
}

func TestListsServeWhereTheResponderFails(t *testing.T) {
	pki, roots, mux := openServed(t)
	mux.HandleFunc("/pki/ocsp/", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("down")) }) //nolint:errcheck // says nothing anyway
	e, err := anchor.Revocation(t.Context(), pki.Seal().Chain, roots)
	if err != nil || len(e.CRLs) != 1 || len(e.OCSPs) != 0 {
		t.Errorf("%d lists, %d responses, %v", len(e.CRLs), len(e.OCSPs), err)
	}
}

func TestRevocationRefusesWhatIsNotGenuine(t *testing.T) {
	pki, roots, mux := openServed(t)
	other, _, _ := openServed(t)
	foreign, err := other.CRL("seal")
	if err != nil {
		t.Fatal(err)
	}
	mux.HandleFunc("/pki/ocsp/", http.NotFound)
	lie := []byte(nil)
	mux.HandleFunc("/pki/crl/", func(w http.ResponseWriter, _ *http.Request) { w.Write(lie) }) //nolint:errcheck // the client judges
	for name, data := range map[string][]byte{
		"list of another authority": foreign, "rubbish": []byte("x"), "endless": bytes.Repeat([]byte{0x30}, 11<<20),
	} {
		lie = data
		if _, err := anchor.Revocation(t.Context(), pki.Seal().Chain, roots); err == nil {
			t.Errorf("%s passes", name)
		}
	}
	if _, err := anchor.Revocation(t.Context(), other.Seal().Chain, roots); err == nil || !strings.Contains(err.Error(), "unknown authority") {
		t.Errorf("foreign chain: %v", err)
	}
	plain, err := testpki.Open(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	plainRoots, _ := plain.Roots()
	if _, err := anchor.Revocation(t.Context(), plain.Seal().Chain, plainRoots); err == nil || !strings.Contains(err.Error(), "names neither") {
		t.Errorf("certificate without addresses: %v", err)
	}
}

// The whole way: signed, stamped, raised and judged with data that came over HTTP.
func TestAPDFIsRenewedOverHTTP(t *testing.T) {
	pki, roots, mux := openServed(t)
	mux.Handle("/tsa", pki.TSA())
	_, tsaRoots := pki.Roots()
	tsa := serve(t, pki.TSA(), tsaRoots)
	stamp := func(digest [32]byte) ([]byte, error) {
		token, _, err := tsa.Stamp(t.Context(), digest)
		return token, err
	}
	signed, err := pades.Sign(page(t), pki.Seal(), pades.SignOptions{FieldName: "Sigillo", M: time.Now(), Stamp: stamp})
	if err != nil {
		t.Fatal(err)
	}
	both := roots.Clone()
	tsaRoot, err := x509.ParseCertificate(rootDER(t, pki))
	if err != nil {
		t.Fatal(err)
	}
	both.AddCert(tsaRoot)
	out, renewed, err := pades.Renew(signed, pades.Renewal{
		Roots: roots, TSARoots: tsaRoots, Now: time.Now(), Stamp: stamp,
		Revocation: func(chain []*x509.Certificate) (pades.Evidence, error) {
			return anchor.Revocation(context.Background(), chain, both)
		},
	})
	if err != nil || !renewed {
		t.Fatal(renewed, err)
	}
	sigs, err := pades.Verify(out, pades.VerifyOptions{Roots: roots, TSARoots: tsaRoots, At: time.Now().Add(time.Second), RequireCurrent: true})
	if err != nil || sigs[0].Level != "B-LTA" {
		t.Errorf("%+v, %v", sigs, err)
	}
}

func rootDER(t *testing.T, pki *testpki.PKI) []byte {
	t.Helper()
	imprint := sha256.Sum256(nil)
	token, err := pki.Stamp(seal.Request{Imprint: imprint, CertReq: true})
	if err != nil {
		t.Fatal(err)
	}
	_, roots := pki.Roots()
	info, err := seal.VerifyToken(token, imprint[:], roots, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return info.Chain[len(info.Chain)-1].Raw
}

func page(t *testing.T) []byte {
	t.Helper()
	f := gofpdf.New("P", "mm", "A4", "")
	f.AddPage()
	f.SetFont("Helvetica", "", 12)
	f.Cell(40, 10, "Foglio presenze")
	var b bytes.Buffer
	if err := f.Output(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

package testpki

import (
	"bytes"
	"crypto"
	"crypto/rand"
	_ "crypto/sha1" // the hash of most requests
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"confermo/evidence/durable"
	"confermo/evidence/seal"

	"golang.org/x/crypto/ocsp"
)

// Revoked is when and why a certificate was revoked (RFC 5280 section 5.3.1: 1 is key compromise).
type Revoked struct {
	At     time.Time
	Reason int
}

// dataLife is how long revocation data is current.
const dataLife = 24 * time.Hour

// authorities are those that issue certificates: each signs its own revocation list and its own OCSP answers.
func (p *PKI) authorities() map[string]seal.Signer {
	return map[string]seal.Signer{"seal": p.sealRoot, "operators": p.operators, "tsa": p.tsaRoot}
}

// place is the authority's name in URLs.
func place(issuer *x509.Certificate) string {
	for name, words := range map[string]string{"operators": "operatori", "tsa": "marca"} {
		if strings.Contains(issuer.Subject.CommonName, words) {
			return name
		}
	}
	return "seal"
}

// Revoke makes a certificate invalid from a moment on, in whole seconds.
func (p *PKI) Revoke(c *x509.Certificate, r Revoked) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	line := fmt.Sprintf("%s %s %d\n", c.SerialNumber.Text(16), r.At.UTC().Format(time.RFC3339), r.Reason)
	old, err := os.ReadFile(p.revokedFile())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read revoked certificates: %w", err)
	}
	if err := durable.WriteFile(p.revokedFile(), append(old, line...)); err != nil {
		return fmt.Errorf("revoke certificate: %w", err)
	}
	p.revoked[c.SerialNumber.Text(16)] = Revoked{At: r.At.UTC().Truncate(time.Second), Reason: r.Reason}
	return nil
}

func (p *PKI) revokedFile() string { return filepath.Join(p.dir, "revoked") }

func (p *PKI) loadRevoked() error {
	p.revoked = map[string]Revoked{}
	data, err := os.ReadFile(p.revokedFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read revoked certificates: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		var serial, at string
		var r Revoked
		_, err := fmt.Sscanf(line, "%s %s %d\n", &serial, &at, &r.Reason)
		if err == nil {
			r.At, err = time.Parse(time.RFC3339, at)
		}
		if err != nil {
			return fmt.Errorf("read revoked certificates: line %q: %w", line, err)
		}
		p.revoked[serial] = r
	}
	return nil
}

// CRL is the current revocation list of an authority: "seal", "operators" or "tsa".
func (p *PKI) CRL(authority string) ([]byte, error) {
	issuer, ok := p.authorities()[authority]
	if !ok {
		return nil, fmt.Errorf("no authority %q", authority)
	}
	p.mu.Lock()
	now := p.clock().UTC().Truncate(time.Second)
	list := &x509.RevocationList{Number: big.NewInt(now.Unix()), ThisUpdate: now, NextUpdate: now.Add(dataLife)}
	for serial, r := range p.revoked { // numbers of other authorities' certificates do no harm: 120 random bits
		n, _ := new(big.Int).SetString(serial, 16)
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{
			SerialNumber: n, RevocationTime: r.At, ReasonCode: r.Reason,
		})
	}
	p.mu.Unlock()
	der, err := x509.CreateRevocationList(rand.Reader, list, issuer.Chain[0], issuer.Key)
	if err != nil {
		return nil, fmt.Errorf("issue revocation list: %w", err)
	}
	return der, nil
}

// OCSP answers a request about a certificate of an authority; the authority signs itself.
func (p *PKI) OCSP(authority string, request []byte) ([]byte, error) {
	issuer, ok := p.authorities()[authority]
	if !ok {
		return nil, fmt.Errorf("no authority %q", authority)
	}
	q, err := ocsp.ParseRequest(request)
	if err != nil {
		return ocsp.MalformedRequestErrorResponse, nil //nolint:nilerr // the answer says it
	}
	p.mu.Lock()
	now := p.clock().UTC().Truncate(time.Second)
	r, revoked := p.revoked[q.SerialNumber.Text(16)]
	p.mu.Unlock()
	answer := ocsp.Response{
		Status: ocsp.Good, SerialNumber: q.SerialNumber, ProducedAt: now, ThisUpdate: now, NextUpdate: now.Add(dataLife), IssuerHash: q.HashAlgorithm,
	}
	if !mine(issuer.Chain[0], q) {
		return ocsp.UnauthorizedErrorResponse, nil
	}
	if revoked {
		answer.Status, answer.RevokedAt, answer.RevocationReason = ocsp.Revoked, r.At, r.Reason
	}
	der, err := ocsp.CreateResponse(issuer.Chain[0], issuer.Chain[0], answer, issuer.Key)
	if err != nil {
		return nil, fmt.Errorf("answer OCSP request: %w", err)
	}
	return der, nil
}

func mine(issuer *x509.Certificate, q *ocsp.Request) bool {
	if q.HashAlgorithm != crypto.SHA1 && q.HashAlgorithm != crypto.SHA256 {
		return false
	}
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(issuer.RawSubjectPublicKeyInfo, &info); err != nil {
		return false
	}
	h, k := q.HashAlgorithm.New(), q.HashAlgorithm.New()
	h.Write(issuer.RawSubject)
	k.Write(info.Key.Bytes)
	return bytes.Equal(h.Sum(nil), q.IssuerNameHash) && bytes.Equal(k.Sum(nil), q.IssuerKeyHash)
}

// Evidence is revocation data for a chain as seal's reports give it, without HTTP: OCSP for its first
// certificate, lists for the others.
func (p *PKI) Evidence(chain []*x509.Certificate) (seal.Evidence, error) {
	var e seal.Evidence
	for i, c := range chain {
		e.Certs = append(e.Certs, c.Raw)
		if i+1 == len(chain) {
			break
		}
		if i == 0 {
			der, err := p.OCSP(place(chain[1]), seal.NewOCSPRequest(c, chain[1]))
			if err != nil {
				return e, err
			}
			e.OCSPs = append(e.OCSPs, der)
			continue
		}
		der, err := p.CRL(place(chain[i+1]))
		if err != nil {
			return e, err
		}
		e.CRLs = append(e.CRLs, der)
	}
	return e, nil
}

// Revocations serves the lists at /crl/AUTHORITY.crl and OCSP (RFC 6960 appendix A) at /ocsp/AUTHORITY.
func (p *PKI) Revocations() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /crl/{file}", func(w http.ResponseWriter, r *http.Request) {
		der, err := p.CRL(strings.TrimSuffix(r.PathValue("file"), ".crl"))
		reply(w, "application/pkix-crl", der, err)
	})
	mux.HandleFunc("POST /ocsp/{authority}", func(w http.ResponseWriter, r *http.Request) {
		query, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxQuery))
		if err != nil {
			http.Error(w, "the OCSP request cannot be read or is too large", http.StatusBadRequest)
			return
		}
		der, err := p.OCSP(r.PathValue("authority"), query)
		reply(w, "application/ocsp-response", der, err)
	})
	mux.HandleFunc("GET /ocsp/{authority}/{query...}", func(w http.ResponseWriter, r *http.Request) {
		query, err := base64.StdEncoding.DecodeString(r.PathValue("query"))
		if err != nil {
			http.Error(w, "the OCSP request is not base64", http.StatusBadRequest)
			return
		}
		der, err := p.OCSP(r.PathValue("authority"), query)
		reply(w, "application/ocsp-response", der, err)
	})
	return mux
}

func reply(w http.ResponseWriter, kind string, der []byte, err error) {
	if err != nil {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(der)))
	if _, err := w.Write(der); err != nil {
		slog.Debug("revocation data not delivered", "error", err)
	}
}

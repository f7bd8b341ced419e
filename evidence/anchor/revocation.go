package anchor

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"confermo/evidence/seal"
)

const (
	maxList           = 10 << 20
	maxRevocationURLs = 4 // asked per certificate and kind
	revocationTimeout = 20 * time.Second
	clockSkew         = 5 * time.Minute
)

// RevocationClient fetches revocation data where certificates say it is: OCSP (RFC 6960 appendix A)
// first, else the revocation list, over HTTP.
type RevocationClient struct {
	Client *http.Client     // nil: one of its own
	Now    func() time.Time // nil: the machine's clock
}

// Revocation is RevocationClient's with its defaults.
func Revocation(ctx context.Context, chain []*x509.Certificate, roots *x509.CertPool) (seal.Evidence, error) {
	return (&RevocationClient{}).Revocation(ctx, chain, roots)
}

// Revocation returns current, genuine revocation data for every certificate of a chain but its root, and
// the chain's certificates. Nothing is fetched for a chain that does not lead to the roots. Whether a certificate is
// revoked is for the verifier to say: a revocation after the signature was stamped does not harm it.
func (c *RevocationClient) Revocation(ctx context.Context, chain []*x509.Certificate, roots *x509.CertPool) (seal.Evidence, error) {
	var e seal.Evidence
	now := time.Now()
	if c.Now != nil {
		now = c.Now()
	}
	if len(chain) == 0 || roots == nil {
		return e, errors.New("fetch revocation data: no chain or no roots")
	}
	between := x509.NewCertPool()
	for _, up := range chain[1:] {
		between.AddCert(up)
	}
	found, err := chain[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return e, fmt.Errorf("fetch revocation data: %w", err)
	}
	full := found[0]
	for i, cert := range full {
		e.Certs = append(e.Certs, cert.Raw)
		if i+1 == len(full) {
			break
		}
		if err := c.one(ctx, &e, cert, full[i+1], now); err != nil {
			return seal.Evidence{}, fmt.Errorf("fetch revocation data of %q: %w", cert.Subject.CommonName, err)
		}
	}
	return e, nil
}

// one adds data about a certificate.
func (c *RevocationClient) one(ctx context.Context, e *seal.Evidence, cert, issuer *x509.Certificate, now time.Time) error {
	var failed []error
	for _, u := range cert.OCSPServer[:min(len(cert.OCSPServer), maxRevocationURLs)] {
		der, err := c.get(ctx, http.MethodPost, u, seal.NewOCSPRequest(cert, issuer), maxReply)
		if err == nil {
			err = genuine(seal.Evidence{OCSPs: [][]byte{der}}, cert, issuer, now)
		}
		if err == nil {
			e.OCSPs = append(e.OCSPs, der)
			return nil
		}
		failed = append(failed, err)
	}
	for _, u := range cert.CRLDistributionPoints[:min(len(cert.CRLDistributionPoints), maxRevocationURLs)] {
		der, err := c.get(ctx, http.MethodGet, u, nil, maxList)
		if err == nil {
			err = genuine(seal.Evidence{CRLs: [][]byte{der}}, cert, issuer, now)
		}
		if err == nil {
			e.CRLs = append(e.CRLs, der)
			return nil
		}
		failed = append(failed, err)
	}
	if len(failed) == 0 {
		return errors.New("it names neither an OCSP responder nor a revocation list")
	}
	return errors.Join(failed...)
}

// genuine says whether the data is signed by who may and speaks for now.
func genuine(e seal.Evidence, cert, issuer *x509.Certificate, now time.Time) error {
	book, err := seal.OpenEvidence(e)
	if err != nil {
		return err
	}
	err = book.Judge([]*x509.Certificate{cert, issuer}, seal.Moment{At: now, Proved: now.Add(clockSkew)})
	var rule *seal.RuleError
	if errors.As(err, &rule) && rule.Rule == seal.RuleRevoked {
		return nil
	}
	return err
}

func (c *RevocationClient) get(ctx context.Context, method, address string, body []byte, limit int64) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("address %.100q is not of HTTP", address)
	}
	ctx, cancel := context.WithTimeout(ctx, revocationTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("build request: %w", err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/ocsp-request")
	}
	return fetch(c.Client, req, limit)
}

// fetch sends a request and reads an answer of status 200 up to a limit.
func fetch(client *http.Client, req *http.Request, limit int64) ([]byte, error) {
	if client == nil {
		client = &http.Client{}
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // read to its end or given up
	body, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return nil, &statusError{res.StatusCode, body[:min(len(body), 4096)]}
	}
	if int64(len(body)) > limit {
		return nil, fmt.Errorf("answer is larger than %d bytes", limit)
	}
	return body, nil
}

// statusError is an answer that is not 200, with the beginning of what it says.
type statusError struct {
	status int
	body   []byte
}

func (e *statusError) Error() string { return fmt.Sprintf("HTTP status %d: %.300q", e.status, e.body) }

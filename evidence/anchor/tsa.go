// Package anchor has the clients of outside time-stamping and witness services, and the witness itself.
package anchor

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"time"

	"confermo/evidence/seal"
)

const (
	maxReply     = 1 << 20
	stampTimeout = 20 * time.Second
)

// TSA asks one outside time-stamping authority (RFC 3161 over HTTP, section 3.4).
type TSA struct {
	URL      string
	Client   *http.Client          // nil: one of its own
	Roots    *x509.CertPool        // the authority's certificate must lead here
	Policy   asn1.ObjectIdentifier // optional; asked for, and the answer must name it
	Username string                // optional, with Password: HTTP basic authentication
	Password string
}

// ErrAnswer is an answer that is not the one to our question: wrong nonce, policy, signature, imprint
// or chain. Other errors of Stamp mean that no stamp was had.
var ErrAnswer = errors.New("answer of the time-stamping authority does not hold")

// Stamp has a SHA-256 digest stamped within 20 s. The token comes back verified, in the
// form seal.VerifyToken accepts. It is not retried here: the schedule does that. The
// local clock is not asked; token and journal are compared by whoever reads both.
func (t *TSA) Stamp(ctx context.Context, digest [32]byte) (token []byte, info seal.TokenInfo, err error) {
	ctx, cancel := context.WithTimeout(ctx, stampTimeout)
	defer cancel()
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 63))
	if err != nil {
		return nil, info, fmt.Errorf("draw nonce: %w", err)
	}
	request := seal.Request{Imprint: digest, Policy: t.Policy, Nonce: nonce, CertReq: true}
	reply, err := t.post(ctx, request.DER())
	if err != nil {
		return nil, info, fmt.Errorf("ask time-stamping authority: %w", err)
	}
	token, err = seal.ParseResponse(reply)
	if status := (*seal.StatusError)(nil); errors.As(err, &status) {
		return nil, info, fmt.Errorf("ask time-stamping authority: %w", err)
	}
	if err == nil {
		token, err = seal.CleanToken(token, t.Roots)
	}
	if err == nil {
		info, err = seal.VerifyToken(token, digest[:], t.Roots, time.Time{})
	}
	switch {
	case err != nil:
	case info.Nonce == nil || info.Nonce.Cmp(nonce) != 0:
		err = errors.New("nonce is not the one sent")
	case t.Policy != nil && !info.Policy.Equal(t.Policy):
		err = fmt.Errorf("policy is %v, not %v", info.Policy, t.Policy)
	}
	if err != nil {
		return nil, seal.TokenInfo{}, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return token, info, nil
}

func (t *TSA) post(ctx context.Context, query []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL, bytes.NewReader(query))
	if err != nil {
		return nil, fmt.Errorf("build request: %w", err)
	}
	req.Header.Set("Content-Type", "application/timestamp-query")
	req.Header.Set("Accept", "application/timestamp-reply")
	if t.Username != "" {
		req.SetBasicAuth(t.Username, t.Password)
	}
	client := t.Client
	if client == nil {
		client = &http.Client{}
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // read to its end or given up
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP status %s", res.Status)
	}
	if kind := res.Header.Get("Content-Type"); kind != "application/timestamp-reply" {
		return nil, fmt.Errorf("answer has type %q, not application/timestamp-reply", kind)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxReply+1))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if len(body) > maxReply {
		return nil, fmt.Errorf("answer is larger than %d bytes", maxReply)
	}
	return body, nil
}

package anchor

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"confermo/evidence/seal"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// CSC signs with keys that a trust service provider keeps, by the API of the Cloud Signature
// Consortium, version 2: one POST of JSON per method, below the base URL.
//
//	credentials/list      {} → {"credentialIDs":["GX0112348"]}
//	credentials/info      {"credentialID":"GX0112348","certificates":"chain"} →
//	                      {"key":{"status":"enabled","algo":["1.2.840.10045.4.3.2"],"len":256},
//	                       "cert":{"status":"valid","certificates":["MII…"]},"auth":{"mode":"explicit"}}
//	credentials/authorize {"credentialID":…,"numSignatures":1,"hashes":["…"],"authData":[{"id":"PIN","value":"…"}]} → {"SAD":"…"}
//	signatures/signHash   {"credentialID":…,"SAD":"…","hashes":["…"],"hashAlgorithmOID":…,"signAlgo":…} → {"signatures":["…"]}
type CSC struct {
	URL    string       // such as https://signing.example/csc/v2
	Client *http.Client // nil: one of its own
	// Token gives the OAuth 2 access token; ClientCredentials makes such a function.
	Token func(ctx context.Context) (string, error)
	// Authorize gives what releases the key for one digest, such as {"PIN": …, "OTP": …}. It is
	// not asked where the access token itself does so (auth mode oauth2code); nil gives nothing.
	Authorize func(ctx context.Context, credential string) (map[string]string, error)
}

const cscTimeout = 60 * time.Second

// The algorithms asked for, and the names by which providers offer them.
const (
	oidSHA256        = "2.16.840.1.101.3.4.2.1"
	oidRSA           = "1.2.840.113549.1.1.1"
	oidSHA256RSA     = "1.2.840.113549.1.1.11"
	oidECDSA         = "1.2.840.10045.2.1"
	oidECDSASHA256   = "1.2.840.10045.4.3.2"
	maxCredentials   = 100
	authByToken      = "oauth2code"
	chainAsked       = "chain"
	statusKeyEnabled = "enabled"
)

// CSCError is a provider's refusal (CSC API section 10.1).
type CSCError struct {
	Code        string `json:"error"` // such as "invalid_request", "invalid_otp"
	Description string `json:"error_description"`
}

func (e *CSCError) Error() string {
	return fmt.Sprintf("signing service refused: %s: %.200q", e.Code, e.Description)
}

// Credentials lists the keys that the access token may use.
func (c *CSC) Credentials(ctx context.Context) ([]string, error) {
	var out struct {
		IDs []string `json:"credentialIDs"`
	}
	if err := c.call(ctx, "credentials/list", map[string]any{"maxResults": maxCredentials}, &out); err != nil {
		return nil, fmt.Errorf("list credentials: %w", err)
	}
	return out.IDs, nil
}

type credentialInfo struct {
	Key struct {
		Status string   `json:"status"`
		Algo   []string `json:"algo"`
	} `json:"key"`
	Cert struct {
		Status       string   `json:"status"`
		Certificates []string `json:"certificates"`
	} `json:"cert"`
	Auth struct {
		Mode string `json:"mode"`
	} `json:"auth"`
}

// Signer is a credential as a signer. Its key asks the service at each use, within 60 s of it and
// while ctx lives, and hands out only signatures that verify.
func (c *CSC) Signer(ctx context.Context, credential string) (seal.Signer, error) {
	fail := func(err error) (seal.Signer, error) {
		return seal.Signer{}, fmt.Errorf("open credential %q: %w", credential, err)
	}
	var info credentialInfo
	query := map[string]any{"credentialID": credential, "certificates": chainAsked, "certInfo": false, "authInfo": true}
	if err := c.call(ctx, "credentials/info", query, &info); err != nil {
		return fail(err)
	}
	if info.Key.Status != statusKeyEnabled {
		return fail(fmt.Errorf("its key is %q", info.Key.Status))
	}
	var certs []*x509.Certificate
	for _, text := range info.Cert.Certificates {
		der, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return fail(errors.New("certificate is not base64"))
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return fail(fmt.Errorf("certificate: %w", err))
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		return fail(errors.New("it has no certificate"))
	}
	k := &cscKey{csc: c, ctx: ctx, id: credential, cert: certs[0], byToken: info.Auth.Mode == authByToken}
	offered := []string{oidECDSASHA256, oidECDSA}
	if _, ok := certs[0].PublicKey.(*rsa.PublicKey); ok {
		offered = []string{oidSHA256RSA, oidRSA}
	}
	for _, algo := range offered {
		if k.algo == "" && slices.Contains(info.Key.Algo, algo) {
			k.algo = algo
		}
	}
	if k.algo == "" {
		return fail(fmt.Errorf("it signs with %v, not with SHA-256", info.Key.Algo))
	}
	s := seal.Signer{Key: k, Chain: order(certs[0], certs[1:])}
	if _, err := s.Size(seal.SignOptions{Profile: seal.PAdES}); err != nil {
		return fail(err)
	}
	return s, nil
}

// cscKey is the remote key.
type cscKey struct {
	csc      *CSC
	ctx      context.Context //nolint:containedctx // crypto.Signer has none of its own
	id, algo string
	cert     *x509.Certificate
	byToken  bool
}

func (k *cscKey) Public() crypto.PublicKey { return k.cert.PublicKey }

// Sign has a SHA-256 digest signed.
func (k *cscKey) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if opts.HashFunc() != crypto.SHA256 || len(digest) != crypto.SHA256.Size() {
		return nil, errors.New("sign remotely: only SHA-256 digests")
	}
	if _, pss := opts.(*rsa.PSSOptions); pss {
		return nil, errors.New("sign remotely: RSA-PSS is not supported")
	}
	ctx, cancel := context.WithTimeout(k.ctx, cscTimeout)
	defer cancel()
	hash := base64.StdEncoding.EncodeToString(digest)
	query := map[string]any{
		"credentialID": k.id, "hashes": []string{hash}, "hashAlgorithmOID": oidSHA256, "signAlgo": k.algo, "operationMode": "S",
	}
	if !k.byToken {
		sad, err := k.authorize(ctx, hash)
		if err != nil {
			return nil, fmt.Errorf("sign remotely: %w", err)
		}
		query["SAD"] = sad
	}
	var out struct {
		Signatures []string `json:"signatures"`
	}
	if err := k.csc.call(ctx, "signatures/signHash", query, &out); err != nil {
		return nil, fmt.Errorf("sign remotely: %w", err)
	}
	if len(out.Signatures) != 1 {
		return nil, fmt.Errorf("sign remotely: %d signatures for one digest", len(out.Signatures))
	}
	value, err := base64.StdEncoding.DecodeString(out.Signatures[0])
	if err != nil {
		return nil, errors.New("sign remotely: signature is not base64")
	}
	return k.checked(digest, value)
}

// checked refuses a value that does not verify, and writes an ECDSA one as DER if it came as two bare numbers.
func (k *cscKey) checked(digest, value []byte) ([]byte, error) {
	switch pub := k.cert.PublicKey.(type) {
	case *rsa.PublicKey:
		if rsa.VerifyPKCS1v15(pub, crypto.SHA256, digest, value) == nil {
			return value, nil
		}
	case *ecdsa.PublicKey:
		if ecdsa.VerifyASN1(pub, digest, value) {
			return value, nil
		}
		if half := len(value) / 2; len(value) == 64 {
			var b cryptobyte.Builder
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1BigInt(new(big.Int).SetBytes(value[:half]))
				b.AddASN1BigInt(new(big.Int).SetBytes(value[half:]))
			})
			if der, err := b.Bytes(); err == nil && ecdsa.VerifyASN1(pub, digest, der) {
				return der, nil
			}
		}
	}
	return nil, errors.New("sign remotely: the service's signature does not verify")
}

// authorize obtains the signature activation data for one digest.
func (k *cscKey) authorize(ctx context.Context, hash string) (string, error) {
	type item struct {
		ID    string `json:"id"`
		Value string `json:"value"`
	}
	var data []item
	if k.csc.Authorize != nil {
		values, err := k.csc.Authorize(ctx, k.id)
		if err != nil {
			return "", fmt.Errorf("authorize: %w", err)
		}
		for id, value := range values {
			data = append(data, item{id, value})
		}
		slices.SortFunc(data, func(a, b item) int { return strings.Compare(a.ID, b.ID) })
	}
	query := map[string]any{"credentialID": k.id, "numSignatures": 1, "hashes": []string{hash}, "hashAlgorithmOID": oidSHA256}
	if data != nil {
		query["authData"] = data
	}
	var out struct {
		SAD string `json:"SAD"`
	}
	if err := k.csc.call(ctx, "credentials/authorize", query, &out); err != nil {
		return "", fmt.Errorf("authorize: %w", err)
	}
	if out.SAD == "" {
		return "", errors.New("authorize: the service gave no activation data")
	}
	return out.SAD, nil
}

func (c *CSC) call(ctx context.Context, method string, query, answer any) error {
	body, err := json.Marshal(query)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(c.URL, "/")+"/"+method, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("build request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	token, err := c.Token(ctx)
	if err != nil {
		return fmt.Errorf("obtain access token: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return askJSON(c.Client, req, answer)
}

// askJSON sends a request whose answer is JSON, also when it is a refusal.
func askJSON(client *http.Client, req *http.Request, answer any) error {
	body, err := fetch(client, req, maxReply)
	if status := (*statusError)(nil); errors.As(err, &status) {
		var refused CSCError
		if json.Unmarshal(status.body, &refused) == nil && refused.Code != "" {
			return &refused
		}
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, answer); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}

// ClientCredentials is an OAuth 2 token source of the client credentials grant (RFC 6749 section 4.4),
// asked anew shortly before its token expires.
func ClientCredentials(client *http.Client, address, id, secret string) func(context.Context) (string, error) {
	var mu sync.Mutex
	var token string
	var until time.Time
	return func(ctx context.Context) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if token != "" && time.Now().Before(until) {
			return token, nil
		}
		form := url.Values{"grant_type": {"client_credentials"}, "scope": {"service"}}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
		if err != nil {
			return "", fmt.Errorf("build request: %w", err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
		var out struct {
			Token   string `json:"access_token"`
			Type    string `json:"token_type"`
			Expires int    `json:"expires_in"`
		}
		if err := askJSON(client, req, &out); err != nil {
			return "", err
		}
		if out.Token == "" || !strings.EqualFold(out.Type, "Bearer") {
			return "", errors.New("answer holds no bearer token")
		}
		token, until = out.Token, time.Now().Add(time.Duration(out.Expires)*time.Second*9/10)
		return token, nil
	}
}

package local

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/emersion/go-msgauth/dkim"

	"confermo/evidence/durable"
)

// selector names the one DKIM key of each domain.
const selector = "prova"

// signer signs for one domain (RFC 6376).
type signer struct {
	domain string
	key    *rsa.PrivateKey
}

// Signer makes or loads the key of a domain, so that KeyRecords lists it before its first signature.
func (s *Server) Signer(domain string) error {
	_, err := s.signer(domain)
	return err
}

func (s *Server) signer(domain string) (*signer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	domain = strings.ToLower(domain)
	if g := s.signers[domain]; g != nil {
		return g, nil
	}
	if domain == "" || strings.Trim(domain, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" {
		return nil, fmt.Errorf("make signer: %q is no domain", domain)
	}
	name := filepath.Join(s.dir, "dkim", domain+".pem")
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = newKey(); err == nil {
			err = durable.WriteFile(name, text)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read signing key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("read signing key of %s: it is not PEM", domain)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read signing key: %w", err)
	}
	k, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("read signing key of %s: it is not RSA", domain)
	}
	s.signers[domain] = &signer{domain, k}
	return s.signers[domain], nil
}

func newKey() ([]byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// KeyRecords gives the TXT records of all domains with a key, by name, as the DNS would.
func (s *Server) KeyRecords() map[string][]string {
	names, _ := filepath.Glob(filepath.Join(s.dir, "dkim", "*.pem")) // the pattern is well formed
	out := map[string][]string{}
	for _, n := range names {
		g, err := s.signer(strings.TrimSuffix(filepath.Base(n), ".pem"))
		if err != nil {
			continue // as in the DNS: there is no such record
		}
		der, err := x509.MarshalPKIXPublicKey(&g.key.PublicKey)
		if err != nil {
			continue
		}
		out[selector+"._domainkey."+g.domain] = []string{"v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der)}
	}
	return out
}

// signed adds the signature of the sender's domain on top.
func (s *Server) signed(from string, raw []byte) ([]byte, error) {
	g, err := s.signer(domainOf(from))
	if err != nil {
		return nil, err
	}
	// From and Subject stand twice: a second such field breaks the signature (RFC 6376 section 8.15).
	o := &dkim.SignOptions{
		Domain: g.domain, Selector: selector, Signer: g.key,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
		HeaderKeys: []string{"From", "From", "To", "Subject", "Subject", "Date", "Message-ID", "Reply-To", "In-Reply-To", "References", "MIME-Version", "Content-Type"},
	}
	var out bytes.Buffer
	if err := dkim.Sign(&out, bytes.NewReader(raw), o); err != nil {
		return nil, fmt.Errorf("sign mail: %w", err)
	}
	return out.Bytes(), nil
}

package anchor

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"

	"confermo/evidence/seal"

	"software.sslmate.com/src/go-pkcs12"
)

// maxPKCS12 bounds a key file; a real one is under 20 KiB.
const maxPKCS12 = 1 << 20

// OpenPKCS12 takes the signer out of a PKCS #12 file (RFC 7292): its key, P-256 or RSA of at
// least 2048 bits, its certificate and the intermediates above it.
func OpenPKCS12(data []byte, password string) (seal.Signer, error) {
	if len(data) > maxPKCS12 {
		return seal.Signer{}, fmt.Errorf("open PKCS #12 file: it is larger than %d bytes", maxPKCS12)
	}
	key, leaf, others, err := pkcs12.DecodeChain(data, password)
	if errors.Is(err, pkcs12.ErrIncorrectPassword) {
		return seal.Signer{}, errors.New("open PKCS #12 file: the password is wrong, or the file is damaged")
	}
	if err != nil {
		return seal.Signer{}, fmt.Errorf("open PKCS #12 file: %w", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return seal.Signer{}, errors.New("open PKCS #12 file: its key cannot sign")
	}
	s := seal.Signer{Key: signer, Chain: order(leaf, others)}
	if _, err := s.Size(seal.SignOptions{Profile: seal.PAdES}); err != nil {
		return seal.Signer{}, fmt.Errorf("open PKCS #12 file: %w", err)
	}
	return s, nil
}

// order is the way up from the leaf without its root, which trust brings and signatures leave out.
func order(leaf *x509.Certificate, others []*x509.Certificate) []*x509.Certificate {
	chain := []*x509.Certificate{leaf}
	for range others {
		last := chain[len(chain)-1]
		for _, c := range others {
			if bytes.Equal(c.RawSubject, last.RawIssuer) && !bytes.Equal(c.RawSubject, c.RawIssuer) && last.CheckSignatureFrom(c) == nil {
				chain = append(chain, c)
				break
			}
		}
		if chain[len(chain)-1] == last {
			break
		}
	}
	return chain
}

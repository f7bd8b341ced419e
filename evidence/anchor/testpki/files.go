package testpki

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"

	"confermo/evidence/durable"
	"confermo/evidence/seal"
)

func certPEM(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

func parseSigner(data []byte) (seal.Signer, error) {
	var s seal.Signer
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		switch block.Type {
		case "PRIVATE KEY":
			key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return s, fmt.Errorf("parse key: %w", err)
			}
			signer, ok := key.(crypto.Signer)
			if !ok {
				return s, errors.New("parse key: it cannot sign")
			}
			s.Key = signer
		case "CERTIFICATE":
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return s, fmt.Errorf("parse certificate: %w", err)
			}
			s.Chain = append(s.Chain, c)
		}
	}
	if s.Key == nil || len(s.Chain) == 0 {
		return s, errors.New("file has no key or no certificate")
	}
	return s, nil
}

func (p *PKI) serialFile() string { return filepath.Join(p.dir, "tsa", "serial") }

func (p *PKI) loadSerial() error {
	p.serial = new(big.Int)
	data, err := os.ReadFile(p.serialFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read serial number: %w", err)
	}
	if _, ok := p.serial.SetString(strings.TrimSpace(string(data)), 10); !ok || p.serial.Sign() < 0 {
		return errors.New("read serial number: file does not hold a number")
	}
	return nil
}

// nextSerial gives out a number after it is on disk, so that none is given twice.
func (p *PKI) nextSerial() (*big.Int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := new(big.Int).Add(p.serial, big.NewInt(1))
	if err := durable.WriteFile(p.serialFile(), []byte(next.String()+"\n")); err != nil {
		return nil, fmt.Errorf("store serial number: %w", err)
	}
	p.serial = next
	return next, nil
}

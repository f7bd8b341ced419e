package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
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

	"golang.org/x/mod/sumdb/note"

	"confermo/evidence/durable"
	"confermo/evidence/seal"
)

// secretFile reads a file of 0600, or makes it with what fresh returns; it is on disk before it is used.
func secretFile(path string, fresh func() (string, error)) (string, error) {
	b, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(b)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read key: %w", err)
	}
	value, err := fresh()
	if err != nil {
		return "", fmt.Errorf("make key: %w", err)
	}
	if err = os.MkdirAll(filepath.Dir(path), 0o700); err == nil {
		err = durable.WriteFile(path, []byte(value+"\n"))
	}
	if err != nil {
		return "", fmt.Errorf("keep key: %w", err)
	}
	return value, nil
}

func randomKey() (string, error) {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // crypto/rand never fails
	return base64.StdEncoding.EncodeToString(b), nil
}

// noteKey makes a signer key of the name.
func noteKey(name string) func() (string, error) {
	return func() (string, error) {
		skey, _, err := note.GenerateKey(rand.Reader, name)
		return skey, err
	}
}

// keyBytes reads a key that randomKey made.
func keyBytes(path string) ([]byte, error) {
	text, err := secretFile(path, randomKey)
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) < 32 {
		return nil, fmt.Errorf("read key %s: it is damaged", path)
	}
	return key, nil
}

// loadSeal reads the configured seal: a PEM chain, leaf first, and a PEM key (PKCS #8, SEC 1 or PKCS #1).
func loadSeal(certFile, keyFile string) (seal.Signer, error) {
	var s seal.Signer
	chain, err := os.ReadFile(certFile)
	if err != nil {
		return s, fmt.Errorf("read seal certificate: %w", err)
	}
	for block, rest := pem.Decode(chain); block != nil; block, rest = pem.Decode(rest) {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return s, fmt.Errorf("read seal certificate: %w", err)
		}
		s.Chain = append(s.Chain, cert)
	}
	b, err := os.ReadFile(keyFile)
	if err != nil {
		return s, fmt.Errorf("read seal key: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil || len(s.Chain) == 0 {
		return s, fmt.Errorf("read seal: want PEM in %s and %s", certFile, keyFile)
	}
	switch key, err := parseKey(block.Bytes); k := key.(type) {
	case *ecdsa.PrivateKey:
		s.Key = k
	case *rsa.PrivateKey:
		s.Key = k
	default:
		return s, fmt.Errorf("read seal key: want P-256 or RSA: %w", err)
	}
	return s, nil
}

func parseKey(der []byte) (any, error) {
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key, nil
	}
	return x509.ParsePKCS1PrivateKey(der)
}

// verifierOf gives the verifier key of a signer key, as note.NewVerifier reads it.
func verifierOf(skey string) (string, error) {
	signer, err := note.NewSigner(skey)
	if err != nil {
		return "", fmt.Errorf("read key: %w", err)
	}
	_, encoded, _ := strings.Cut(strings.TrimPrefix(skey, "PRIVATE+KEY+"+signer.Name()+"+"), "+")
	seed, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(seed) != 33 {
		return "", fmt.Errorf("read key: it is damaged")
	}
	return note.NewEd25519VerifierKey(signer.Name(), ed25519.NewKeyFromSeed(seed[1:]).Public().(ed25519.PublicKey))
}

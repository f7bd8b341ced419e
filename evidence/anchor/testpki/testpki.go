// Package testpki is the certificate authority and time-stamping authority of a demo or test installation.
//
// It lives in a folder of its own and every certificate says that it is a test:
//
//	seal/root.pem         root of signers, key and certificate
//	seal/seal.pem         the service's seal, issued by the root
//	seal/operators.pem    issuer of operators, an intermediate below the root
//	seal/operator-*.pem   one per operator, the name hashed
//	tsa/root.pem          root of the time-stamping authority, apart from the other
//	tsa/tsa.pem           its stamping certificate
//	tsa/serial            the last serial number given out
//	revoked               revoked certificates, made at the first: serial number, time, reason
//
// [OpenAt] writes into new certificates where their authority's revocation list and OCSP
// responder answer, which [PKI.Revocations] serves; certificates of older folders name none.
//
// Keys lie there unencrypted: whoever reads the folder can sign as anybody.
package testpki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"confermo/evidence/durable"
	"confermo/evidence/seal"
)

// testMark ends every subject name.
const testMark = " – certificato di prova"

// SealName is the common name of the seal's certificate.
const SealName = "Confermo" + testMark

const (
	rootYears = 20
	leafYears = 10 // a demo's bundle must still verify when its auditor comes
)

// PKI is an opened folder. Its methods may be called from several goroutines.
type PKI struct {
	dir       string
	base      string // URL before /crl and /ocsp; empty: certificates name no such places
	sealRoot  seal.Signer
	tsaRoot   seal.Signer
	seal      seal.Signer
	operators seal.Signer

	mu      sync.Mutex // guards what is below, and the files below dir
	tsa     seal.Signer
	serial  *big.Int
	revoked map[string]Revoked // by serial number, in hexadecimal
	clock   func() time.Time
}

// Open creates the folder's certificates, valid from an hour before now, or loads them.
func Open(dir string, now time.Time) (*PKI, error) { return OpenAt(dir, now, "") }

// OpenAt is Open for a service that will serve Revocations below the URL.
func OpenAt(dir string, now time.Time, base string) (*PKI, error) {
	for _, sub := range []string{"seal", "tsa"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, fmt.Errorf("create test certificate folder: %w", err)
		}
	}
	p := &PKI{dir: dir, base: base, clock: time.Now}
	root, err := p.load("seal/root.pem", nil, now, authority("Confermo, radice"))
	if err != nil {
		return nil, err
	}
	if p.seal, err = p.load("seal/seal.pem", &root, now, signer(SealName)); err != nil {
		return nil, err
	}
	if p.operators, err = p.load("seal/operators.pem", &root, now, authority("Confermo, operatori")); err != nil {
		return nil, err
	}
	stampRoot, err := p.load("tsa/root.pem", nil, now, authority("Confermo, radice della marca temporale"))
	if err != nil {
		return nil, err
	}
	if p.tsa, err = p.load("tsa/tsa.pem", &stampRoot, now, stamper()); err != nil {
		return nil, err
	}
	p.sealRoot, p.tsaRoot = root, stampRoot
	if err := p.loadRevoked(); err != nil {
		return nil, err
	}
	return p, p.loadSerial()
}

// SetClock replaces the machine's clock in stamps, new certificates and revocation data.
func (p *PKI) SetClock(now func() time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clock = now
}

// RenewTSA gives the time-stamping authority a new key and certificate, as one does before the old expires.
func (p *PKI) RenewTSA() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	data, err := p.issue(&p.tsaRoot, p.clock(), stamper())
	if err != nil {
		return err
	}
	if err := durable.WriteFile(filepath.Join(p.dir, "tsa", "tsa.pem"), data); err != nil {
		return fmt.Errorf("renew time-stamping certificate: %w", err)
	}
	p.tsa, err = parseSigner(data)
	return err
}

// Seal is the service's own signer.
func (p *PKI) Seal() seal.Signer { return p.seal }

// SealCAPEM is the root an auditor must trust for the seal and the operators.
func (p *PKI) SealCAPEM() []byte { return certPEM(p.sealRoot.Chain[0]) }

// TSACAPEM is the root an auditor must trust for time stamps.
func (p *PKI) TSACAPEM() []byte { return certPEM(p.tsaRoot.Chain[0]) }

// Roots are the two as pools.
func (p *PKI) Roots() (signers, tsa *x509.CertPool) {
	signers, tsa = x509.NewCertPool(), x509.NewCertPool()
	signers.AddCert(p.sealRoot.Chain[0])
	tsa.AddCert(p.tsaRoot.Chain[0])
	return signers, tsa
}

// IssueOperator is the signer of the named operator: the same one each time,
// issued at the first. The name is 1 to 100 bytes without control characters.
func (p *PKI) IssueOperator(name string) (seal.Signer, error) {
	if name == "" || len(name) > 100 || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return seal.Signer{}, errors.New("issue operator certificate: name is empty, too long or has control characters")
	}
	sum := sha256.Sum256([]byte(name))
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.load("seal/operator-"+hex.EncodeToString(sum[:8])+".pem", &p.operators, p.clock(), signer(name+testMark))
}

func authority(name string) *x509.Certificate {
	return &x509.Certificate{
		Subject:               subject(name + testMark),
		BasicConstraintsValid: true, IsCA: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
}

func signer(name string) *x509.Certificate {
	return &x509.Certificate{
		Subject:               subject(name),
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment,
	}
}

// stamper has the extended key usage critical, which crypto/x509 alone does not write.
func stamper() *x509.Certificate {
	c := signer("Confermo, marca temporale" + testMark)
	stamping := asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 8}
	value, err := asn1.Marshal([]asn1.ObjectIdentifier{stamping})
	if err != nil {
		panic("internal error: extended key usage does not encode: " + err.Error())
	}
	c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: value}}
	return c
}

func subject(name string) pkix.Name {
	return pkix.Name{CommonName: name, Organization: []string{"Confermo test"}, Country: []string{"IT"}}
}

// load reads a signer's file or issues it: key, certificate and intermediates in one file, so
// that a crash leaves all or nothing. issuer nil makes a root.
func (p *PKI) load(file string, issuer *seal.Signer, now time.Time, template *x509.Certificate) (seal.Signer, error) {
	path := filepath.Join(p.dir, file)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if data, err = p.issue(issuer, now, template); err == nil {
			err = durable.WriteFile(path, data)
		}
	}
	if err != nil {
		return seal.Signer{}, fmt.Errorf("open test certificate %s: %w", file, err)
	}
	s, err := parseSigner(data)
	if err != nil {
		return seal.Signer{}, fmt.Errorf("open test certificate %s: %w", file, err)
	}
	return s, nil
}

func (p *PKI) issue(issuer *seal.Signer, now time.Time, c *x509.Certificate) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("draw serial number: %w", err)
	}
	years := leafYears
	if c.IsCA {
		years = rootYears
	}
	c.SerialNumber = serial.Add(serial, big.NewInt(1))
	c.NotBefore = now.UTC().Truncate(time.Second).Add(-time.Hour)
	c.NotAfter = c.NotBefore.AddDate(years, 0, 0)
	parent, parentKey := c, any(key)
	var above []*x509.Certificate
	if issuer != nil {
		parent, parentKey = issuer.Chain[0], issuer.Key
		if p.base != "" {
			c.CRLDistributionPoints = []string{p.base + "/crl/" + place(parent) + ".crl"}
			c.OCSPServer = []string{p.base + "/ocsp/" + place(parent)}
		}
		if parent.Issuer.String() != parent.Subject.String() {
			above = issuer.Chain
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), parentKey)
	if err != nil {
		return nil, fmt.Errorf("issue certificate: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode key: %w", err)
	}
	out := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	for _, up := range above {
		out = append(out, certPEM(up)...)
	}
	return out, nil
}

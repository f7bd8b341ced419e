// Package audittest builds one small interview, whole, in memory: a log, a witness, a time-stamping authority, a signed
// timesheet, a DKIM-signed reply, and the bundle over them, at times the test chooses. It is for tests alone.
package audittest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"time"

	"confermo/evidence/seal"
)

// PKI is a root for signers and one for the time-stamping authority.
type PKI struct {
	Seal     seal.Signer
	Operator seal.Signer
	SealRoot *x509.Certificate
	TSARoot  *x509.Certificate
	tsa      seal.Signer
	serial   int64
}

// NewPKI issues certificates valid for ten years from a day before now.
func NewPKI(now time.Time) *PKI {
	root := issue(nil, now, "Radice di prova", true)
	tsaRoot := issue(nil, now, "Radice della marca di prova", true)
	return &PKI{
		Seal: issue(&root, now, "Confermo, sigillo di prova", false), Operator: issue(&root, now, "Operatrice di prova", false),
		SealRoot: root.Chain[0], TSARoot: tsaRoot.Chain[0], tsa: issue(&tsaRoot, now, "Marca di prova", false),
	}
}

// Stamper is the time-stamping authority with its clock at the time.
func (p *PKI) Stamper(at time.Time) func([32]byte) ([]byte, error) {
	return func(digest [32]byte) ([]byte, error) {
		p.serial++
		return seal.NewToken(p.tsa, seal.Request{Imprint: digest, CertReq: true}, seal.TokenInfo{
			Time: at, Accuracy: time.Second, Serial: big.NewInt(p.serial), Policy: asn1.ObjectIdentifier{2, 999, 1, 1},
		})
	}
}

// PEM is the certificate as a file of a trust folder.
func PEM(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

func issue(issuer *seal.Signer, now time.Time, name string, ca bool) seal.Signer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic("audittest: key: " + err.Error())
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic("audittest: serial number: " + err.Error())
	}
	c := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, SerialNumber: serial.Add(serial, big.NewInt(1)),
		NotBefore: now.AddDate(0, 0, -1), NotAfter: now.AddDate(10, 0, 0), BasicConstraintsValid: true, IsCA: ca,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment,
	}
	if ca {
		c.KeyUsage = x509.KeyUsageCertSign
	} else if name == "Marca di prova" {
		use, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
		if err != nil {
			panic("audittest: key usage: " + err.Error())
		}
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: use}}
	}
	parent, parentKey := c, any(key)
	if issuer != nil {
		parent, parentKey = issuer.Chain[0], issuer.Key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), parentKey)
	if err != nil {
		panic("audittest: certificate: " + err.Error())
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic("audittest: certificate: " + err.Error())
	}
	return seal.Signer{Key: key, Chain: []*x509.Certificate{cert}}
}

// SignReply signs a mail as the person's provider does, simple/simple, and says so at the time; zero says none.
func SignReply(raw string, at time.Time, headers ...string) []byte {
	head, body, _ := strings.Cut(raw, "\r\n\r\n")
	sum := sha256.Sum256([]byte(body))
	stated := ""
	if !at.IsZero() {
		stated = fmt.Sprintf(" t=%d;", at.Unix())
	}
	own := "DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=posta.example; s=s1; h=" + strings.Join(headers, ":") + ";" + stated +
		" bh=" + base64.StdEncoding.EncodeToString(sum[:]) + "; b="
	var signed strings.Builder
	for _, name := range headers {
		for line := range strings.SplitSeq(head, "\r\n") {
			if strings.HasPrefix(line, name+":") {
				signed.WriteString(line + "\r\n")
			}
		}
	}
	digest := sha256.Sum256([]byte(signed.String() + own))
	value, err := rsa.SignPKCS1v15(rand.Reader, replyKey(), crypto.SHA256, digest[:])
	must(err)
	return []byte(own + base64.StdEncoding.EncodeToString(value) + "\r\n" + raw)
}

package seal

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"time"
)

// Options tells VerifyCMS what to expect and whom to trust.
type Options struct {
	Profile          Profile
	Roots            *x509.CertPool // of signers; nil trusts nobody
	TSARoots         *x509.CertPool // of time-stamping authorities; nil trusts nobody
	At               time.Time      // the certificate must be valid then, unless a token says when
	RequireTimestamp bool           // refuse B-B
}

// Report is what a verified signature says.
type Report struct {
	Signer      *x509.Certificate
	Chain       []*x509.Certificate // the signer's first, the trusted root last
	SigningTime time.Time           // claimed by the signer; zero in PAdES
	Timestamp   *TokenInfo          // nil at level B-B
	Bound       bool                // the signature names its certificate; always so in our own
}

// Level is the baseline level reached: "B-B" or "B-T".
func (r Report) Level() string {
	if r.Timestamp == nil {
		return "B-B"
	}
	return "B-T"
}

// VerifyCMS checks a detached signature over content. A token in it must verify
// too, and then its time, not o.At, is when the signer's certificate must have
// been valid; o.At, if given, must not lie before it. Errors are *RuleError.
func VerifyCMS(cms, content []byte, o Options) (Report, error) {
	d, err := parseSignedData(cms)
	if err != nil {
		return Report{}, err
	}
	if d.contentType != idData || d.content != nil {
		return Report{}, refuse(RuleForm, "signature is not detached over id-data")
	}
	known := []oid{idContentType, idMessageDigest, idSigningCertV2}
	if o.Profile == CAdES {
		known = append(known, idSigningTime)
	}
	signer, others, err := d.check(cms, content, known)
	if err != nil {
		return Report{}, err
	}
	report := Report{Signer: signer, Bound: true}
	if o.Profile == CAdES {
		if report.SigningTime, err = d.claimedTime(); err != nil {
			return Report{}, err
		}
	}
	if report.Timestamp, err = d.timestamp(o); err != nil {
		return Report{}, err
	}
	at := o.At
	if report.Timestamp != nil {
		at = report.Timestamp.Time
	} else if o.RequireTimestamp {
		return Report{}, refuse(RuleTimestamp, "the signature has no time stamp")
	}
	if err := maySign(signer); err != nil {
		return Report{}, err
	}
	if report.Chain, err = chain(signer, others, o.Roots, at, x509.ExtKeyUsageAny); err != nil {
		return Report{}, err
	}
	return report, nil
}

func maySign(c *x509.Certificate) error {
	if c.KeyUsage != 0 && c.KeyUsage&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0 {
		return refuse(RuleCertificate, "key usage of %q allows no signatures", c.Subject.CommonName)
	}
	return nil
}

func (d *signedData) claimedTime() (time.Time, error) {
	v, err := value(d.signed, idSigningTime, "signing-time")
	if err != nil {
		return time.Time{}, err
	}
	p := newParser(v)
	t := p.signingTime("signing-time")
	p.end("signing-time")
	return t, *p.err
}

// timestamp checks the signature-time-stamp, if there is one.
func (d *signedData) timestamp(o Options) (*TokenInfo, error) {
	if len(d.unsigned) == 0 {
		return nil, nil
	}
	if err := onlyKnown(d.unsigned, idTimestamp); err != nil {
		return nil, err
	}
	imprint := sha256.Sum256(d.signature)
	info, err := VerifyToken(d.unsigned[0].value, imprint[:], o.TSARoots, o.At)
	if err != nil {
		return nil, err
	}
	return &info, nil
}

// check verifies everything but the chain: form, attributes, digest, signing
// certificate, signature value. in is the container d was read from.
func (d *signedData) check(in, content []byte, known []oid) (signer *x509.Certificate, others []*x509.Certificate, err error) {
	if !bytes.Equal(d.encode(), in) {
		return nil, nil, refuse(RuleForm, "encoding again what was read gives other bytes")
	}
	if err := onlyKnown(d.signed, known...); err != nil {
		return nil, nil, err
	}
	signer, others, err = d.certificates()
	if err != nil {
		return nil, nil, err
	}
	hash, ok := hashes[d.digest.id]
	if !ok {
		return nil, nil, refuse(RuleAlgorithm, "digest algorithm is not SHA-256, SHA-384 or SHA-512")
	}
	kind, err := value(d.signed, idContentType, "content-type")
	if err != nil {
		return nil, nil, err
	}
	if !bytes.Equal(kind, d.contentType.der()) {
		return nil, nil, refuse(RuleAttributes, "content-type differs from what is signed")
	}
	digest, err := value(d.signed, idMessageDigest, "message-digest")
	if err != nil {
		return nil, nil, err
	}
	if !bytes.Equal(digest, tlv(tagOctets, sum(hash, content))) {
		return nil, nil, refuse(RuleDigest, "message-digest is not that of the content")
	}
	if err := d.checkSigningCert(signer, others); err != nil {
		return nil, nil, err
	}
	if err := d.checkSignature(signer, hash); err != nil {
		return nil, nil, err
	}
	return signer, others, nil
}

func sum(h crypto.Hash, b []byte) []byte {
	w := h.New()
	w.Write(b)
	return w.Sum(nil)
}

func (d *signedData) checkSignature(signer *x509.Certificate, hash crypto.Hash) error {
	if want, ok := signatureHash[d.algorithm.id]; ok && want != d.digest.id {
		return refuse(RuleAlgorithm, "signature and digest algorithm do not fit")
	}
	return verifySignature(signer, d.algorithm, hash, sum(hash, d.signedSet(tagSet)), d.signature)
}

// verifySignature checks a signature value over a digest.
func verifySignature(signer *x509.Certificate, algo algorithm, hash crypto.Hash, over, signature []byte) error {
	switch k := signer.PublicKey.(type) {
	case *ecdsa.PublicKey:
		switch algo.id {
		case idECDSASHA256, idECDSASHA384, idECDSASHA512:
		default:
			return refuse(RuleAlgorithm, "signature algorithm is not ECDSA like the key")
		}
		if algo.null {
			return refuse(RuleAlgorithm, "ECDSA has no parameters")
		}
		if !ecdsa.VerifyASN1(k, over, signature) {
			return refuse(RuleSignature, "signature of %q does not verify", signer.Subject.CommonName)
		}
	case *rsa.PublicKey:
		switch algo.id {
		case idRSA, idRSASHA256, idRSASHA384, idRSASHA512:
		default:
			return refuse(RuleAlgorithm, "signature algorithm is not RSA like the key")
		}
		if !algo.null {
			return refuse(RuleAlgorithm, "RSA needs NULL parameters")
		}
		if k.N.BitLen() < 2048 || k.N.BitLen() > 8192 {
			return refuse(RuleAlgorithm, "RSA key has %d bits, not 2048 to 8192", k.N.BitLen())
		}
		if rsa.VerifyPKCS1v15(k, hash, over, signature) != nil {
			return refuse(RuleSignature, "signature of %q does not verify", signer.Subject.CommonName)
		}
	default:
		return refuse(RuleAlgorithm, "keys of type %T are not supported", k)
	}
	return nil
}

// chain leads signer to a root at the given time, through all of others and nothing else.
func chain(signer *x509.Certificate, others []*x509.Certificate, roots *x509.CertPool, at time.Time, use x509.ExtKeyUsage) ([]*x509.Certificate, error) {
	found, err := chains(signer, others, roots, at, use)
	if err != nil {
		return nil, err
	}
	for _, c := range found {
		if sameSet(between(c), others) {
			return c, nil
		}
	}
	return nil, refuse(RuleCertificate, "a certificate in the container is not used by the chain of %q", signer.Subject.CommonName)
}

func chains(signer *x509.Certificate, others []*x509.Certificate, roots *x509.CertPool, at time.Time, use x509.ExtKeyUsage) ([][]*x509.Certificate, error) {
	if signer.IsCA {
		return nil, refuse(RuleCertificate, "%q is a certificate authority and signs itself", signer.Subject.CommonName)
	}
	if roots == nil {
		return nil, refuse(RuleTrust, "no trusted root for %q", signer.Subject.CommonName)
	}
	if at.IsZero() {
		return nil, refuse(RuleTime, "no time at which to check the certificate of %q", signer.Subject.CommonName)
	}
	if at.Before(signer.NotBefore) || at.After(signer.NotAfter) {
		return nil, refuse(RuleTime, "certificate of %q is not valid at %s", signer.Subject.CommonName, at.UTC().Format(time.RFC3339))
	}
	pool := x509.NewCertPool()
	for _, c := range others {
		pool.AddCert(c)
	}
	found, err := signer.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: pool, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{use},
	})
	if err != nil {
		return nil, refuse(RuleTrust, "%q: %v", signer.Subject.CommonName, err)
	}
	return found, nil
}

// between is a chain without its leaf and its root.
func between(chain []*x509.Certificate) []*x509.Certificate {
	if len(chain) < 2 {
		return nil
	}
	return chain[1 : len(chain)-1]
}

func sameSet(a, b []*x509.Certificate) bool {
	if len(a) != len(b) {
		return false
	}
	for _, x := range a {
		has := false
		for _, y := range b {
			has = has || x.Equal(y)
		}
		if !has {
			return false
		}
	}
	return true
}

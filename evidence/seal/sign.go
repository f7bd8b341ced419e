package seal

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"time"
)

// Signer is a private key and the certificates that speak for it.
type Signer struct {
	Key   crypto.Signer       // P-256, or RSA of at least 2048 bits
	Chain []*x509.Certificate // leaf first, then intermediates; not the root
}

// Profile says which baseline a signature follows.
type Profile int

// The two profiles differ in signing-time, which CAdES demands and PAdES forbids.
const (
	PAdES Profile = iota + 1 // EN 319 142-1, in a PDF's /Contents
	CAdES                    // EN 319 122-1, beside a file
)

// SignOptions tells Sign what to write.
type SignOptions struct {
	Profile     Profile
	SigningTime time.Time // CAdES: required, whole seconds are kept. PAdES: must be zero
}

// Sign makes a detached signature over content and returns its DER.
func (s Signer) Sign(o SignOptions, content []byte) ([]byte, error) {
	return s.SignDigest(o, sha256.Sum256(content))
}

// SignDigest is Sign for content whose SHA-256 is known.
func (s Signer) SignDigest(o SignOptions, digest [32]byte) ([]byte, error) {
	d := &signedData{contentType: idData}
	switch {
	case o.Profile == PAdES && !o.SigningTime.IsZero():
		return nil, errors.New("sign: PAdES forbids a signing time in the CMS")
	case o.Profile == CAdES && o.SigningTime.IsZero():
		return nil, errors.New("sign: CAdES needs a signing time")
	case o.Profile == CAdES:
		d.signed = append(d.signed, attribute{idSigningTime, signingTime(o.SigningTime)})
	case o.Profile != PAdES:
		return nil, fmt.Errorf("sign: unknown profile %d", o.Profile)
	}
	if err := s.seal(d, digest[:], true); err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return d.encode(), nil
}

// seal completes d: the attributes every signature has, the signer, the signature value.
func (s Signer) seal(d *signedData, digest []byte, withCerts bool) error {
	if s.Key == nil || len(s.Chain) == 0 {
		return errors.New("signer has no key or no certificate")
	}
	leaf := s.Chain[0]
	algo, err := algorithmFor(s.Key.Public())
	if err != nil {
		return err
	}
	if pub, ok := leaf.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); !ok || !pub.Equal(s.Key.Public()) {
		return errors.New("certificate and key do not belong together")
	}
	d.issuer, d.digest, d.algorithm = issuerAndSerial(leaf), algorithm{id: idSHA256}, algo
	var ids [][]byte // ESSCertIDv2 with its default SHA-256 left out, as DER wants
	for _, c := range s.Chain {
		hash := sha256.Sum256(c.Raw)
		ids = append(ids, seq(tlv(tagOctets, hash[:])))
	}
	d.signed = append(d.signed,
		attribute{idContentType, d.contentType.der()},
		attribute{idMessageDigest, tlv(tagOctets, digest)},
		attribute{idSigningCertV2, seq(seq(ids...))},
	)
	if withCerts {
		for _, c := range s.Chain {
			d.certs = append(d.certs, c.Raw)
		}
	}
	over := sha256.Sum256(d.signedSet(tagSet))
	d.signature, err = s.Key.Sign(rand.Reader, over[:], crypto.SHA256)
	if err != nil {
		return fmt.Errorf("use the private key: %w", err)
	}
	return nil
}

// Size is the most bytes Sign's result takes, found without using the key: a remote key may cost its
// owner a code for each use.
func (s Signer) Size(o SignOptions) (int, error) {
	if s.Key != nil {
		s.Key = unused{s.Key.Public()}
	}
	cms, err := s.SignDigest(o, [32]byte{})
	return len(cms), err
}

// unused stands for a key and gives the longest value it could sign.
type unused struct{ public crypto.PublicKey }

func (u unused) Public() crypto.PublicKey { return u.public }

func (u unused) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	if k, ok := u.public.(*rsa.PublicKey); ok {
		return make([]byte, k.Size()), nil
	}
	return make([]byte, 72), nil // SEQUENCE of two integers of at most 33 bytes
}

func algorithmFor(pub crypto.PublicKey) (algorithm, error) {
	switch k := pub.(type) {
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return algorithm{}, errors.New("only curve P-256 is supported")
		}
		return algorithm{id: idECDSASHA256}, nil
	case *rsa.PublicKey:
		if k.N.BitLen() < 2048 {
			return algorithm{}, errors.New("RSA key is shorter than 2048 bits")
		}
		return algorithm{id: idRSA, null: true}, nil
	}
	return algorithm{}, fmt.Errorf("keys of type %T are not supported", pub)
}

// SignatureValue is the signature's octets, which a signature time stamp covers.
func SignatureValue(cms []byte) ([]byte, error) {
	d, err := parseSignedData(cms)
	if err != nil {
		return nil, fmt.Errorf("read signature: %w", err)
	}
	return d.signature, nil
}

// AddTimestamp raises a B-B signature to B-T: token becomes its signature-time-stamp.
// It does not judge the token; VerifyCMS does.
func AddTimestamp(cms, token []byte) ([]byte, error) {
	d, err := parseSignedData(cms)
	if err != nil {
		return nil, fmt.Errorf("add time stamp: %w", err)
	}
	if len(d.unsigned) > 0 {
		return nil, errors.New("add time stamp: the signature already has unsigned attributes")
	}
	if _, err := parseSignedData(token); err != nil {
		return nil, fmt.Errorf("add time stamp: token: %w", err)
	}
	d.unsigned = []attribute{{idTimestamp, token}}
	return d.encode(), nil
}

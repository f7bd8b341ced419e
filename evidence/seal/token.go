package seal

import (
	"bytes"
	"crypto"
	_ "crypto/sha512" // authorities sign with SHA-384 and SHA-512 too
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// TokenInfo is what a verified time-stamp token says (RFC 3161 section 2.4.2).
type TokenInfo struct {
	Time     time.Time // UTC
	Accuracy time.Duration
	Serial   *big.Int
	Policy   asn1.ObjectIdentifier
	Nonce    *big.Int            // nil if none
	Cert     *x509.Certificate   // the authority's
	Chain    []*x509.Certificate // the same first, the trusted root last
}

// tokenAttributes are those authorities sign: ours the first three, others also these.
var tokenAttributes = []oid{idContentType, idMessageDigest, idSigningCertV2, idSigningCert, idSigningTime, idAlgProtection}

// VerifyToken checks a time-stamp token over a SHA-256 imprint. The authority's
// chain must be valid at the time the token states and that time must not lie
// after at, unless at is zero. Errors are *RuleError.
func VerifyToken(token, imprint []byte, roots *x509.CertPool, at time.Time) (TokenInfo, error) {
	d, err := parseSignedData(token)
	if err != nil {
		return TokenInfo{}, inToken(err)
	}
	info, signer, others, err := d.checkToken(token, imprint)
	if err != nil {
		return TokenInfo{}, inToken(err)
	}
	if !at.IsZero() && info.Time.After(at) {
		return TokenInfo{}, refuse(RuleTime, "token is of %s, after %s", info.Time.Format(time.RFC3339), at.UTC().Format(time.RFC3339))
	}
	if info.Chain, err = chain(signer, others, roots, info.Time, x509.ExtKeyUsageTimeStamping); err != nil {
		return TokenInfo{}, inToken(err)
	}
	return info, nil
}

// CleanToken rewrites an authority's token into the form VerifyToken accepts:
// sets sorted, and of the certificates only the chain to a trusted root. Nothing
// that is signed changes. An authority that cannot be verified gives an error.
func CleanToken(token []byte, roots *x509.CertPool) ([]byte, error) {
	d, err := parseSignedData(token)
	if err != nil {
		return nil, inToken(err)
	}
	var info TokenInfo
	if _, _, err := info.parse(d.content); err != nil {
		return nil, inToken(err)
	}
	signer, others, err := d.certificates()
	if err != nil {
		return nil, inToken(err)
	}
	found, err := chains(signer, others, roots, info.Time, x509.ExtKeyUsageTimeStamping)
	if err != nil {
		return nil, inToken(err)
	}
	d.certs = [][]byte{signer.Raw}
	for _, c := range between(found[0]) {
		d.certs = append(d.certs, c.Raw)
	}
	return d.encode(), nil
}

func inToken(err error) error {
	if r, ok := err.(*RuleError); ok { //nolint:errorlint // made in this package, never wrapped
		return &RuleError{Rule: r.Rule, Why: "time-stamp token: " + r.Why}
	}
	return fmt.Errorf("time-stamp token: %w", err)
}

// checkToken is everything but the chain and the caller's clock.
func (d *signedData) checkToken(token, imprint []byte) (info TokenInfo, signer *x509.Certificate, others []*x509.Certificate, err error) {
	if d.contentType != idTSTInfo || d.content == nil {
		return info, nil, nil, refuse(RuleTimestamp, "content is not TSTInfo")
	}
	if len(d.unsigned) > 0 {
		return info, nil, nil, refuse(RuleAttributes, "unsigned attributes are not known here")
	}
	signer, others, err = d.check(token, d.content, tokenAttributes)
	if err != nil {
		return info, nil, nil, err
	}
	algo, stamped, err := info.parse(d.content)
	if err != nil {
		return info, nil, nil, err
	}
	if algo.id != idSHA256 || len(stamped) != crypto.SHA256.Size() {
		return info, nil, nil, refuse(RuleAlgorithm, "imprint is not SHA-256")
	}
	if !bytes.Equal(stamped, imprint) {
		return info, nil, nil, refuse(RuleImprint, "token stamps something else")
	}
	info.Cert = signer
	return info, signer, others, stampsOnly(signer)
}

// stampsOnly is RFC 3161 section 2.3: extended key usage critical, and timeStamping alone.
func stampsOnly(c *x509.Certificate) error {
	critical := false
	for _, e := range c.Extensions {
		critical = critical || e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 37}) && e.Critical
	}
	if !critical || len(c.UnknownExtKeyUsage) > 0 || !slices.Equal(c.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}) {
		return refuse(RuleCertificate, "%q is not for time-stamping alone", c.Subject.CommonName)
	}
	return nil
}

// parse reads a TSTInfo and returns its imprint.
func (t *TokenInfo) parse(der []byte) (algo algorithm, stamped []byte, err error) {
	top := newParser(der)
	p := top.enter(tagSequence, "TSTInfo")
	top.end("TSTInfo")
	if p.small("TSTInfo version") != 1 {
		p.fail("TSTInfo version", "not 1")
	}
	if t.Policy = p.oid("policy").public(); t.Policy == nil {
		p.fail("policy", "arc too large")
	}
	algo, stamped = p.imprint()
	t.Serial = p.integer("serial number")
	t.Time = p.generalTime("genTime")
	if p.peek() == tagSequence {
		t.Accuracy = p.accuracy()
	}
	if p.peek() == tagBool && !p.yes("ordering") {
		p.fail("ordering", "default written out")
	}
	if p.peek() == tagInteger {
		t.Nonce = p.integer("nonce")
	}
	if p.peek() == tagContext0 {
		p.take(tagContext0, "tsa")
	}
	if p.peek() == tagContext1 {
		p.tokenExtensions()
	}
	p.end("TSTInfo")
	return algo, stamped, *top.err
}

func (p *parser) accuracy() time.Duration {
	a := p.enter(tagSequence, "accuracy")
	var d time.Duration
	if a.peek() == tagInteger {
		d += time.Duration(a.small("accuracy")) * time.Second
	}
	for i, unit := range []time.Duration{time.Millisecond, time.Microsecond} {
		if tag := byte(0x80 + i); a.peek() == tag {
			n := smallOf(a, intBody(a, a.take(tag, "accuracy"), "accuracy"), "accuracy")
			if n < 1 || n > 999 {
				a.fail("accuracy", "fraction out of range")
			}
			d += time.Duration(n) * unit
		}
	}
	a.end("accuracy")
	return d
}

// tokenExtensions accepts only the statement of a qualified time stamp (EN 319 422 clause 9.1).
func (p *parser) tokenExtensions() {
	for list := p.enter(tagContext1, "extensions"); list.more(); {
		e := list.enter(tagSequence, "extension")
		if e.oid("extension") != idQCStatements {
			e.fail("extension", "not known here")
		}
		if e.peek() == tagBool {
			e.yes("extension critical")
		}
		e.take(tagOctets, "extension")
		e.end("extension")
	}
}

// NewToken is the authority's side: it stamps a request with info's Time (cut to
// milliseconds), Accuracy (whole seconds), Serial and Policy.
func NewToken(s Signer, r Request, info TokenInfo) ([]byte, error) {
	parts := [][]byte{
		derSmall(1), oidOf(info.Policy).der(), messageImprint(algorithm{id: idSHA256}, r.Imprint[:]),
		derInt(info.Serial), generalTime(info.Time), seq(derSmall(int(info.Accuracy / time.Second))),
	}
	if r.Nonce != nil {
		parts = append(parts, derInt(r.Nonce))
	}
	d := &signedData{contentType: idTSTInfo, content: seq(parts...)}
	if err := s.seal(d, sum(crypto.SHA256, d.content), r.CertReq); err != nil {
		return nil, fmt.Errorf("stamp: %w", err)
	}
	return d.encode(), nil
}

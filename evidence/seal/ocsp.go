package seal

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"math/big"
	"time"
)

// ocspResponse is a BasicOCSPResponse (RFC 6960 section 4.2.1), unverified.
type ocspResponse struct {
	signed    []byte // tbsResponseData, what is signed
	byName    []byte // the responder's name, or
	byKey     []byte // the SHA-1 of its key
	produced  time.Time
	answers   []ocspAnswer
	algorithm algorithm
	signature []byte
	certs     []*x509.Certificate
}

// ocspAnswer is what it says about one certificate.
type ocspAnswer struct {
	hash       crypto.Hash
	name, key  []byte // hashes of the issuer's
	serial     *big.Int
	status     byte // 0 good, 1 revoked, 2 unknown
	revoked    time.Time
	reason     int // -1 if none is given
	this, next time.Time
}

const (
	maxAnswers = 100
	noReason   = -1
)

// parseOCSP reads a successful response.
func parseOCSP(der []byte) (*ocspResponse, error) {
	if len(der) > maxContainer {
		return nil, refuse(RuleDER, "OCSP response is larger than %d bytes", maxContainer)
	}
	top := newParser(der)
	p := top.enter(tagSequence, "OCSPResponse")
	top.end("OCSPResponse")
	if status := p.take(tagEnumerated, "responseStatus"); *top.err == nil && (len(status) != 1 || status[0] != 0) {
		return nil, refuse(RuleRevocation, "OCSP responder gave no answer")
	}
	wrap := p.enter(tagContext0, "responseBytes")
	p.end("OCSPResponse")
	typed := wrap.enter(tagSequence, "responseBytes")
	wrap.end("responseBytes")
	if typed.oid("responseType") != idOCSPBasic {
		typed.fail("responseType", "not basic")
	}
	inner := &parser{rest: typed.take(tagOctets, "response"), err: top.err}
	typed.end("responseBytes")
	basic := inner.enter(tagSequence, "BasicOCSPResponse")
	inner.end("BasicOCSPResponse")
	r := &ocspResponse{signed: basic.full(tagSequence, "tbsResponseData")}
	r.parse((&parser{rest: r.signed, err: top.err}).enter(tagSequence, "tbsResponseData"))
	r.algorithm = basic.algorithm("signatureAlgorithm")
	r.signature = basic.bits("signature")
	if basic.more() {
		list := basic.enter(tagContext0, "certs")
		for certs := list.enter(tagSequence, "certs"); certs.more() && len(r.certs) < maxAnswers; {
			c, err := x509.ParseCertificate(certs.full(tagSequence, "certificate"))
			if err != nil {
				certs.fail("certificate", "does not parse")
				break
			}
			r.certs = append(r.certs, c)
		}
		list.end("certs")
	}
	basic.end("BasicOCSPResponse")
	return r, *top.err
}

func (r *ocspResponse) parse(p *parser) {
	switch p.peek() {
	case tagContext1:
		r.byName = p.enter(tagContext1, "responderID").full(tagSequence, "responderID")
	case tagContext2:
		r.byKey = p.enter(tagContext2, "responderID").take(tagOctets, "responderID")
	default:
		p.fail("responderID", "missing, or the version is written out")
	}
	r.produced = p.generalTime("producedAt")
	for list := p.enter(tagSequence, "responses"); list.more(); {
		if len(r.answers) == maxAnswers {
			list.fail("responses", "too many")
		}
		r.answers = append(r.answers, readAnswer(list.enter(tagSequence, "SingleResponse")))
	}
	p.plainExtensions(tagContext1, "responseExtensions")
	p.end("tbsResponseData")
}

func readAnswer(p *parser) ocspAnswer {
	a := ocspAnswer{reason: noReason}
	id := p.enter(tagSequence, "certID")
	algo := id.algorithm("certID hash")
	if a.hash = hashes[algo.id]; algo.id == idSHA1 {
		a.hash = crypto.SHA1
	}
	if a.hash == 0 {
		id.fail("certID", "unknown hash algorithm")
	}
	a.name = id.take(tagOctets, "issuerNameHash")
	a.key = id.take(tagOctets, "issuerKeyHash")
	a.serial = id.integer("serialNumber")
	id.end("certID")
	switch p.peek() {
	case 0x80:
		p.take(0x80, "good")
	case tagContext1:
		a.status = 1
		info := p.enter(tagContext1, "revoked")
		a.revoked = info.generalTime("revocationTime")
		if info.more() {
			reason := info.enter(tagContext0, "revocationReason").take(tagEnumerated, "revocationReason")
			if len(reason) == 1 {
				a.reason = int(reason[0])
			}
		}
		info.end("revoked")
	default:
		a.status = 2
		p.take(0x82, "certStatus")
	}
	a.this = p.generalTime("thisUpdate")
	if p.peek() == tagContext0 {
		a.next = p.enter(tagContext0, "nextUpdate").generalTime("nextUpdate")
	}
	p.plainExtensions(tagContext1, "singleExtensions")
	p.end("SingleResponse")
	return a
}

// plainExtensions skips an optional list of extensions, none of which may be critical.
func (p *parser) plainExtensions(tag byte, what string) {
	if p.peek() != tag {
		return
	}
	wrap := p.enter(tag, what)
	for list := wrap.enter(tagSequence, what); list.more(); {
		e := list.enter(tagSequence, what)
		e.oid(what)
		if e.peek() == tagBool && e.yes(what) {
			e.fail(what, "unknown critical extension")
		}
		e.take(tagOctets, what)
		e.end(what)
	}
	wrap.end(what)
}

// bits reads a BIT STRING of whole bytes.
func (p *parser) bits(what string) []byte {
	b := p.take(tagBitString, what)
	if *p.err != nil {
		return nil
	}
	if len(b) < 1 || b[0] != 0 {
		p.fail(what, "not whole bytes")
		return nil
	}
	return b[1:]
}

// publicBits is a certificate's key as RFC 6960 hashes it: without tag, length and unused bits.
func publicBits(c *x509.Certificate) []byte {
	p := newParser(c.RawSubjectPublicKeyInfo).enter(tagSequence, "key")
	p.full(tagSequence, "key algorithm")
	return p.bits("key")
}

// about says whether the answer is about c as issued by issuer.
func (a ocspAnswer) about(c, issuer *x509.Certificate) bool {
	return a.serial.Cmp(c.SerialNumber) == 0 && bytes.Equal(a.name, sum(a.hash, issuer.RawSubject)) &&
		bytes.Equal(a.key, sum(a.hash, publicBits(issuer)))
}

// signer finds who signed the response: the issuer itself, or a responder the issuer
// certified for that and nothing else of weight (RFC 6960 section 4.2.2.2).
func (r *ocspResponse) signer(issuer *x509.Certificate) (*x509.Certificate, error) {
	for _, c := range append([]*x509.Certificate{issuer}, r.certs...) {
		if r.byName != nil && !bytes.Equal(r.byName, c.RawSubject) ||
			r.byKey != nil && !bytes.Equal(r.byKey, sum(crypto.SHA1, publicBits(c))) {
			continue
		}
		if !c.Equal(issuer) {
			if err := delegated(c, issuer, r.produced); err != nil {
				return nil, err
			}
		}
		hash, ok := hashes[signatureHash[r.algorithm.id]]
		if !ok {
			return nil, refuse(RuleAlgorithm, "signature algorithm of the OCSP response is unknown or weak")
		}
		if err := verifySignature(c, r.algorithm, hash, sum(hash, r.signed), r.signature); err != nil {
			return nil, err
		}
		return c, nil
	}
	return nil, refuse(RuleRevocation, "OCSP response is not signed by %q or a responder of it", issuer.Subject.CommonName)
}

func delegated(c, issuer *x509.Certificate, at time.Time) error {
	if c.CheckSignatureFrom(issuer) != nil || !bytes.Equal(c.RawIssuer, issuer.RawSubject) {
		return refuse(RuleRevocation, "OCSP responder %q is not of %q", c.Subject.CommonName, issuer.Subject.CommonName)
	}
	may := false
	for _, u := range c.ExtKeyUsage {
		may = may || u == x509.ExtKeyUsageOCSPSigning
	}
	if !may || at.Before(c.NotBefore) || at.After(c.NotAfter) {
		return refuse(RuleRevocation, "%q may not answer for %q then", c.Subject.CommonName, issuer.Subject.CommonName)
	}
	return nil
}

// noCheck says that a responder need not be looked up itself (RFC 6960 section 4.2.2.2.1).
func noCheck(c *x509.Certificate) bool {
	for _, e := range c.Extensions {
		if oidOf(e.Id) == idOCSPNoCheck {
			return true
		}
	}
	return false
}

// NewOCSPRequest asks about a certificate, without nonce, so that the answer may come from a cache (RFC 5019).
func NewOCSPRequest(c, issuer *x509.Certificate) []byte {
	id := seq(algorithm{id: idSHA1, null: true}.der(), tlv(tagOctets, sum(crypto.SHA1, issuer.RawSubject)),
		tlv(tagOctets, sum(crypto.SHA1, publicBits(issuer))), derInt(c.SerialNumber))
	return seq(seq(seq(seq(id))))
}

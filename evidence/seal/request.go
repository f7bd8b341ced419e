package seal

import (
	"crypto/sha256"
	"encoding/asn1"
	"math/big"
	"strings"
)

// Request is a TimeStampReq (RFC 3161 section 2.4.1) over a SHA-256 imprint.
type Request struct {
	Imprint [32]byte
	Policy  asn1.ObjectIdentifier // asked of the authority; nil leaves it the choice
	Nonce   *big.Int              // nil for none
	CertReq bool                  // the token shall carry the authority's certificates
}

// NewRequest is the DER of a request without policy.
func NewRequest(imprint [32]byte, nonce *big.Int, certReq bool) []byte {
	return Request{Imprint: imprint, Nonce: nonce, CertReq: certReq}.DER()
}

// DER encodes the request.
func (r Request) DER() []byte {
	parts := [][]byte{derSmall(1), messageImprint(algorithm{id: idSHA256}, r.Imprint[:])}
	if r.Policy != nil {
		parts = append(parts, oidOf(r.Policy).der())
	}
	if r.Nonce != nil {
		parts = append(parts, derInt(r.Nonce))
	}
	if r.CertReq {
		parts = append(parts, []byte{tagBool, 1, 0xff})
	}
	return seq(parts...)
}

// ParseRequest reads a request as an authority receives it. Extensions and
// digests other than SHA-256 are refused.
func ParseRequest(der []byte) (Request, error) {
	var r Request
	top := newParser(der)
	p := top.enter(tagSequence, "TimeStampReq")
	top.end("TimeStampReq")
	if p.small("version") != 1 {
		p.fail("version", "not 1")
	}
	algo, imprint := p.imprint()
	if p.peek() == tagOID {
		if r.Policy = p.oid("policy").public(); r.Policy == nil {
			p.fail("policy", "arc too large")
		}
	}
	if p.peek() == tagInteger {
		r.Nonce = p.integer("nonce")
	}
	if p.peek() == tagBool {
		r.CertReq = p.yes("certReq")
	}
	p.end("TimeStampReq")
	if *top.err != nil {
		return Request{}, *top.err
	}
	if algo.id != idSHA256 || len(imprint) != sha256.Size {
		return Request{}, refuse(RuleAlgorithm, "imprint is not SHA-256")
	}
	r.Imprint = [32]byte(imprint)
	return r, nil
}

// ParseResponse reads a TimeStampResp and returns its token, unverified. A refusal is a *StatusError.
func ParseResponse(der []byte) (token []byte, err error) {
	if len(der) > maxContainer {
		return nil, refuse(RuleDER, "response is larger than %d bytes", maxContainer)
	}
	top := newParser(der)
	p := top.enter(tagSequence, "TimeStampResp")
	top.end("TimeStampResp")
	info := p.enter(tagSequence, "PKIStatusInfo")
	status := info.small("status")
	var text []string
	if info.peek() == tagSequence {
		for list := info.enter(tagSequence, "statusString"); list.more(); {
			text = append(text, string(list.take(tagUTF8, "statusString")))
		}
	}
	if info.peek() == tagBitString {
		info.take(tagBitString, "failInfo")
	}
	info.end("PKIStatusInfo")
	if status == 0 || status == 1 {
		token = p.full(tagSequence, "token")
	}
	p.end("TimeStampResp")
	if *top.err != nil {
		return nil, *top.err
	}
	if token == nil {
		words := strings.Join(text, " ")
		return nil, &StatusError{Status: status, Text: words[:min(len(words), 200)]}
	}
	return token, nil
}

// GrantedResponse wraps a token for the requester.
func GrantedResponse(token []byte) []byte { return seq(seq(derSmall(0)), token) }

// RejectedResponse says no, in words; its status is 2, rejection.
func RejectedResponse(why string) []byte {
	return seq(seq(derSmall(2), seq(tlv(tagUTF8, []byte(why)))))
}

func messageImprint(a algorithm, digest []byte) []byte { return seq(a.der(), tlv(tagOctets, digest)) }

func (p *parser) imprint() (algorithm, []byte) {
	s := p.enter(tagSequence, "messageImprint")
	a := s.algorithm("imprint algorithm")
	digest := s.take(tagOctets, "imprint")
	s.end("messageImprint")
	return a, digest
}

// yes reads a BOOLEAN; DER writes true as 0xff.
func (p *parser) yes(what string) bool {
	b := p.take(tagBool, what)
	if *p.err != nil {
		return false
	}
	if len(b) != 1 || b[0] != 0 && b[0] != 0xff {
		p.fail(what, "malformed boolean")
		return false
	}
	return b[0] == 0xff
}

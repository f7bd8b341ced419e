package seal

import (
	"bytes"
	"crypto/x509"
	"slices"
)

// maxContainer bounds a CMS or token. A seal with two chains and a token is under 10 KiB.
const maxContainer = 1 << 20

// attribute is a CMS attribute with its one value.
type attribute struct {
	id    oid
	value []byte // the value's whole element
}

func (a attribute) der() []byte { return seq(a.id.der(), setOf(tagSet, a.value)) }

// signedData is everything a container of ours says. What is not here (the
// versions, the digest list, the order of sets) follows from it in encode.
type signedData struct {
	contentType oid
	content     []byte   // eContent; nil when detached
	certs       [][]byte // DER
	issuer      []byte   // issuerAndSerialNumber, whole element
	digest      algorithm
	signed      []attribute
	algorithm   algorithm
	signature   []byte
	unsigned    []attribute
}

// parseSignedData reads a container forgivingly in what encode decides: the
// caller compares with encode, or rewrites (CleanToken).
func parseSignedData(der []byte) (*signedData, error) {
	if len(der) > maxContainer {
		return nil, refuse(RuleDER, "container is larger than %d bytes", maxContainer)
	}
	var d signedData
	top := newParser(der)
	info := top.enter(tagSequence, "ContentInfo")
	top.end("ContentInfo")
	if id := info.oid("content type"); *top.err == nil && id != idSignedData {
		return nil, refuse(RuleDER, "ContentInfo: not SignedData")
	}
	wrap := info.enter(tagContext0, "SignedData")
	info.end("ContentInfo")
	sd := wrap.enter(tagSequence, "SignedData")
	wrap.end("SignedData")
	sd.small("SignedData version")
	sd.take(tagSet, "digestAlgorithms")
	d.encapsulated(sd.enter(tagSequence, "encapContentInfo"))
	if sd.peek() == tagContext0 {
		for set := sd.enter(tagContext0, "certificates"); set.more(); {
			d.certs = append(d.certs, set.full(tagSequence, "certificate"))
		}
	}
	if sd.peek() == tagContext1 {
		sd.take(tagContext1, "crls")
	}
	infos := sd.enter(tagSet, "signerInfos")
	sd.end("SignedData")
	d.signerInfo(infos.enter(tagSequence, "SignerInfo"))
	infos.end("signerInfos: more than one signer")
	if *top.err != nil {
		return nil, *top.err
	}
	return &d, nil
}

func (d *signedData) encapsulated(p *parser) {
	d.contentType = p.oid("eContentType")
	if p.more() {
		e := p.enter(tagContext0, "eContent")
		d.content = e.take(tagOctets, "eContent")
		e.end("eContent")
	}
	p.end("encapContentInfo")
}

func (d *signedData) signerInfo(p *parser) {
	p.small("SignerInfo version")
	d.issuer = p.full(tagSequence, "issuerAndSerialNumber")
	d.digest = p.algorithm("digestAlgorithm")
	d.signed = attributes(p.enter(tagContext0, "signed attributes"))
	d.algorithm = p.algorithm("signatureAlgorithm")
	d.signature = p.take(tagOctets, "signature")
	if p.more() {
		d.unsigned = attributes(p.enter(tagContext1, "unsigned attributes"))
	}
	p.end("SignerInfo")
}

func attributes(p *parser) []attribute {
	var out []attribute
	for p.more() {
		s := p.enter(tagSequence, "attribute")
		a := attribute{id: s.oid("attribute type")}
		values := s.enter(tagSet, "attribute values")
		s.end("attribute")
		_, _, a.value = values.element("attribute value")
		values.end("attribute with several values")
		out = append(out, a)
	}
	return out
}

// signedSet is the signed attributes under their tag: 0x31 to hash, 0xA0 to store (RFC 5652 section 5.4).
func (d *signedData) signedSet(tag byte) []byte { return attributeSet(tag, d.signed) }

func attributeSet(tag byte, list []attribute) []byte {
	var parts [][]byte
	for _, a := range list {
		parts = append(parts, a.der())
	}
	return setOf(tag, parts...)
}

// encode writes the one form this package accepts.
func (d *signedData) encode() []byte {
	version := 1
	encap := [][]byte{d.contentType.der()}
	if d.contentType != idData {
		version = 3 // RFC 5652 section 5.1
	}
	if d.content != nil {
		encap = append(encap, tlv(tagContext0, tlv(tagOctets, d.content)))
	}
	signer := [][]byte{
		derSmall(1), d.issuer, d.digest.der(), d.signedSet(tagContext0), d.algorithm.der(), tlv(tagOctets, d.signature),
	}
	if len(d.unsigned) > 0 {
		signer = append(signer, attributeSet(tagContext1, d.unsigned))
	}
	body := [][]byte{derSmall(version), setOf(tagSet, d.digest.der()), seq(encap...)}
	if len(d.certs) > 0 {
		body = append(body, setOf(tagContext0, d.certs...))
	}
	body = append(body, setOf(tagSet, seq(signer...)))
	return seq(idSignedData.der(), tlv(tagContext0, seq(body...)))
}

// value is the one value of an attribute that must be there once.
func value(list []attribute, id oid, what string) ([]byte, error) {
	var found []byte
	for _, a := range list {
		if a.id != id {
			continue
		}
		if found != nil {
			return nil, refuse(RuleAttributes, "%s is there twice", what)
		}
		found = a.value
	}
	if found == nil {
		return nil, refuse(RuleAttributes, "%s is missing", what)
	}
	return found, nil
}

// onlyKnown refuses attributes outside the list and repeated ones.
func onlyKnown(list []attribute, known ...oid) error {
	seen := map[oid]bool{}
	for _, a := range list {
		if !slices.Contains(known, a.id) {
			if a.id == idSigningTime {
				return refuse(RuleAttributes, "signing-time is present, PAdES baseline forbids it")
			}
			return refuse(RuleAttributes, "attribute %v is not known here", a.id.public())
		}
		if seen[a.id] {
			return refuse(RuleAttributes, "attribute %v is there twice", a.id.public())
		}
		seen[a.id] = true
	}
	return nil
}

// issuerAndSerial is the SignerIdentifier that names a certificate.
func issuerAndSerial(c *x509.Certificate) []byte {
	return seq(c.RawIssuer, derInt(c.SerialNumber))
}

// certificates parses the set and finds the signer's among it.
func (d *signedData) certificates() (signer *x509.Certificate, others []*x509.Certificate, err error) {
	for _, raw := range d.certs {
		c, err := x509.ParseCertificate(raw)
		if err != nil {
			return nil, nil, refuse(RuleCertificate, "certificate does not parse: %v", err)
		}
		if signer == nil && bytes.Equal(issuerAndSerial(c), d.issuer) {
			signer = c
			continue
		}
		others = append(others, c)
	}
	if signer == nil {
		return nil, nil, refuse(RuleCertificate, "the signer's certificate is not in the container")
	}
	return signer, others, nil
}

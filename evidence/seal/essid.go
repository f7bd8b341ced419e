package seal

import (
	"bytes"
	"crypto"
	_ "crypto/sha1" // certificate ids of older authorities
	"crypto/x509"
)

// certID is an ESSCertID or ESSCertIDv2 (RFC 5035).
type certID struct {
	hash   crypto.Hash
	digest []byte
	issuer []byte // issuerSerial, whole element; nil if absent
}

func (id certID) names(c *x509.Certificate) bool {
	if id.issuer != nil && !bytes.Equal(id.issuer, seq(seq(tlv(0xa4, c.RawIssuer)), derInt(c.SerialNumber))) {
		return false
	}
	return bytes.Equal(id.digest, sum(id.hash, c.Raw))
}

// checkSigningCert compares signing-certificate(-v2) with the certificates: the
// first entry is the signer's. A signature of ours lists its whole chain, so that
// a changed intermediate is refused as such, whether or not its root is trusted;
// authorities list what they like after the first.
func (d *signedData) checkSigningCert(signer *x509.Certificate, others []*x509.Certificate) error {
	ids, err := d.certIDs()
	if err != nil {
		return err
	}
	if len(ids) == 0 || !ids[0].names(signer) {
		return refuse(RuleSigningCert, "signing-certificate is not that of the signer")
	}
	if d.contentType != idData {
		return nil
	}
	if len(ids) != len(others)+1 {
		return refuse(RuleSigningCert, "signing-certificate lists %d certificates, the container has %d", len(ids), len(others)+1)
	}
	for _, c := range others {
		listed := false
		for _, id := range ids[1:] {
			listed = listed || id.names(c)
		}
		if !listed {
			return refuse(RuleSigningCert, "signing-certificate does not list %q", c.Subject.CommonName)
		}
	}
	return nil
}

// certIDs reads the attribute. Version 1 names certificates by SHA-1; older
// authorities write it, so it is read in tokens, where the attribute lists decide.
func (d *signedData) certIDs() ([]certID, error) {
	version := 2
	v, err := value(d.signed, idSigningCertV2, "signing-certificate-v2")
	if err != nil {
		old, missing := value(d.signed, idSigningCert, "signing-certificate")
		if missing != nil {
			return nil, err
		}
		v, version = old, 1
	}
	p := newParser(v)
	attr := p.enter(tagSequence, "signing-certificate")
	p.end("signing-certificate")
	var ids []certID
	for list := attr.enter(tagSequence, "signing-certificate list"); list.more(); {
		ids = append(ids, readCertID(list.enter(tagSequence, "certificate id"), version))
	}
	return ids, *p.err
}

func readCertID(p *parser, version int) certID {
	id := certID{hash: crypto.SHA256}
	if version == 1 {
		id.hash = crypto.SHA1
	} else if p.peek() == tagSequence {
		known := false
		if id.hash, known = hashes[p.algorithm("certificate id hash").id]; !known {
			p.fail("certificate id", "unknown hash algorithm")
			id.hash = crypto.SHA256
		}
	}
	id.digest = p.take(tagOctets, "certificate id")
	if p.more() {
		id.issuer = p.full(tagSequence, "certificate id issuer")
	}
	p.end("certificate id")
	return id
}

package seal

import (
	"crypto"
	"encoding/asn1"
)

// oid is an object identifier as the body of its DER element.
type oid string

func newOID(arcs ...int) oid { return oidOf(asn1.ObjectIdentifier(arcs)) }

func oidOf(id asn1.ObjectIdentifier) oid {
	b, err := asn1.Marshal(id)
	if err != nil {
		panic("internal error: object identifier does not encode: " + err.Error())
	}
	return oid(b[2:])
}

func (o oid) der() []byte { return tlv(tagOID, []byte(o)) }

// public is the identifier in the form the standard library uses; nil if an arc is too large for it.
func (o oid) public() asn1.ObjectIdentifier {
	var id asn1.ObjectIdentifier
	if rest, err := asn1.Unmarshal(o.der(), &id); err != nil || len(rest) > 0 {
		return nil
	}
	return id
}

var (
	idData       = newOID(1, 2, 840, 113549, 1, 7, 1)
	idSignedData = newOID(1, 2, 840, 113549, 1, 7, 2)
	idTSTInfo    = newOID(1, 2, 840, 113549, 1, 9, 16, 1, 4)

	idContentType   = newOID(1, 2, 840, 113549, 1, 9, 3)
	idMessageDigest = newOID(1, 2, 840, 113549, 1, 9, 4)
	idSigningTime   = newOID(1, 2, 840, 113549, 1, 9, 5)
	idSigningCert   = newOID(1, 2, 840, 113549, 1, 9, 16, 2, 12)
	idSigningCertV2 = newOID(1, 2, 840, 113549, 1, 9, 16, 2, 47)
	idTimestamp     = newOID(1, 2, 840, 113549, 1, 9, 16, 2, 14)
	idAlgProtection = newOID(1, 2, 840, 113549, 1, 9, 52)

	idSHA256 = newOID(2, 16, 840, 1, 101, 3, 4, 2, 1)
	idSHA384 = newOID(2, 16, 840, 1, 101, 3, 4, 2, 2)
	idSHA512 = newOID(2, 16, 840, 1, 101, 3, 4, 2, 3)

	idRSA         = newOID(1, 2, 840, 113549, 1, 1, 1)
	idRSASHA256   = newOID(1, 2, 840, 113549, 1, 1, 11)
	idRSASHA384   = newOID(1, 2, 840, 113549, 1, 1, 12)
	idRSASHA512   = newOID(1, 2, 840, 113549, 1, 1, 13)
	idECDSASHA256 = newOID(1, 2, 840, 10045, 4, 3, 2)
	idECDSASHA384 = newOID(1, 2, 840, 10045, 4, 3, 3)
	idECDSASHA512 = newOID(1, 2, 840, 10045, 4, 3, 4)

	idSHA1         = newOID(1, 3, 14, 3, 2, 26)
	idOCSPBasic    = newOID(1, 3, 6, 1, 5, 5, 7, 48, 1, 1)
	idOCSPNoCheck  = newOID(1, 3, 6, 1, 5, 5, 7, 48, 1, 5)
	idIssuingPoint = newOID(2, 5, 29, 28)
	idCRLNumber    = newOID(2, 5, 29, 20)
	idAuthorityKey = newOID(2, 5, 29, 35)

	idQCStatements = newOID(1, 3, 6, 1, 5, 5, 7, 1, 3)
)

var hashes = map[oid]crypto.Hash{idSHA256: crypto.SHA256, idSHA384: crypto.SHA384, idSHA512: crypto.SHA512}

// signatureHash ties a signature algorithm to the digest it stands for; plain
// rsaEncryption stands for any.
var signatureHash = map[oid]oid{
	idECDSASHA256: idSHA256, idECDSASHA384: idSHA384, idECDSASHA512: idSHA512,
	idRSASHA256: idSHA256, idRSASHA384: idSHA384, idRSASHA512: idSHA512,
}

// algorithm is an AlgorithmIdentifier whose parameters are absent or NULL.
type algorithm struct {
	id   oid
	null bool
}

func (a algorithm) der() []byte {
	if a.null {
		return seq(a.id.der(), []byte{tagNull, 0})
	}
	return seq(a.id.der())
}

func (p *parser) algorithm(what string) algorithm {
	s := p.enter(tagSequence, what)
	a := algorithm{id: s.oid(what)}
	if s.more() {
		if len(s.take(tagNull, what+" parameters")) > 0 {
			s.fail(what, "NULL with content")
		}
		a.null = true
	}
	s.end(what)
	return a
}

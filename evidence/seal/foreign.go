package seal

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"time"
)

const (
	maxEnvelope = 64 << 20
	maxSigners  = 32
)

// foreignSigner is a SignerInfo of another program: like ours, but its attributes as they came.
type foreignSigner struct {
	signedData
	keyID []byte // subjectKeyIdentifier, where the signer is named by it
	raw   []byte // the signed attributes without tag and length
}

// OpenP7M opens a CAdES envelope as other programs write it (.p7m): BER, DER, PEM or base64, with one or
// several signers side by side, all of whom must verify. It returns what was signed; an envelope inside an
// envelope comes back as the inner one. Errors are *RuleError.
//
// Other than VerifyCMS it suffers what does not weaken the signature: further attributes, unused certificates,
// unsorted sets. It demands signed attributes, SHA-256 or better, a chain to a root, and a time stamp if o says so.
func OpenP7M(data []byte, o Options) (content []byte, reports []Report, err error) {
	if len(data) > maxEnvelope {
		return nil, nil, refuse(RuleDER, "envelope is larger than %d bytes", maxEnvelope)
	}
	if len(data) > 0 && data[0] != tagSequence {
		if data, err = armoured(data); err != nil {
			return nil, nil, err
		}
	}
	encap, signers, err := parseForeign(data)
	if err != nil {
		return nil, nil, err
	}
	if encap.content == nil {
		return nil, nil, refuse(RuleForm, "the signature has no content in it: the signed file is missing")
	}
	reports, err = verifyForeign(signers, encap.content, o)
	return encap.content, reports, err
}

// VerifyForeign is OpenP7M for a detached signature over content, as in PDFs of other programs.
func VerifyForeign(cms, content []byte, o Options) ([]Report, error) {
	if len(cms) > maxContainer {
		return nil, refuse(RuleDER, "signature is larger than %d bytes", maxContainer)
	}
	encap, signers, err := parseForeign(cms)
	if err != nil {
		return nil, err
	}
	if encap.content != nil {
		return nil, refuse(RuleForm, "signature carries content of its own")
	}
	return verifyForeign(signers, content, o)
}

// armoured undoes PEM or bare base64.
func armoured(data []byte) ([]byte, error) {
	if block, _ := pem.Decode(data); block != nil {
		return block.Bytes, nil
	}
	packed := bytes.Join(bytes.Fields(data), nil)
	out := make([]byte, base64.StdEncoding.DecodedLen(len(packed)))
	n, err := base64.StdEncoding.Decode(out, packed)
	if err != nil || n == 0 {
		return nil, refuse(RuleDER, "neither an envelope nor one in base64")
	}
	return out[:n], nil
}

// parseForeign reads SignedData and its signers.
func parseForeign(ber []byte) (encap signedData, signers []*foreignSigner, err error) {
	der, err := fromBER(ber)
	if err != nil {
		return encap, nil, err
	}
	top := newParser(der)
	info := top.enter(tagSequence, "ContentInfo")
	top.end("ContentInfo")
	if id := info.oid("content type"); *top.err == nil && id != idSignedData {
		return encap, nil, refuse(RuleDER, "ContentInfo: not SignedData")
	}
	sd := info.enter(tagContext0, "SignedData").enter(tagSequence, "SignedData")
	sd.small("SignedData version")
	sd.take(tagSet, "digestAlgorithms")
	encap.encapsulated(sd.enter(tagSequence, "encapContentInfo"))
	if sd.peek() == tagContext0 {
		for set := sd.enter(tagContext0, "certificates"); set.more(); {
			if tag, _, full := set.element("certificate"); tag == tagSequence {
				encap.certs = append(encap.certs, full)
			}
		}
	}
	if sd.peek() == tagContext1 {
		sd.take(tagContext1, "crls")
	}
	for infos := sd.enter(tagSet, "signerInfos"); infos.more(); {
		if len(signers) == maxSigners {
			infos.fail("signerInfos", "too many")
			break
		}
		s := &foreignSigner{signedData: signedData{contentType: encap.contentType, certs: encap.certs}}
		s.read(infos.enter(tagSequence, "SignerInfo"))
		signers = append(signers, s)
	}
	sd.end("SignedData")
	if *top.err != nil {
		return encap, nil, *top.err
	}
	if len(signers) == 0 {
		return encap, nil, refuse(RuleSignature, "nobody signed")
	}
	return encap, signers, nil
}

func (s *foreignSigner) read(p *parser) {
	p.small("SignerInfo version")
	if p.peek() == 0x80 {
		s.keyID = p.take(0x80, "subjectKeyIdentifier")
	} else {
		s.issuer = p.full(tagSequence, "issuerAndSerialNumber")
	}
	s.digest = p.algorithm("digestAlgorithm")
	s.raw = p.take(tagContext0, "signed attributes")
	s.signed = attributes(&parser{rest: s.raw, err: p.err})
	s.algorithm = p.algorithm("signatureAlgorithm")
	s.signature = p.take(tagOctets, "signature")
	if p.more() {
		s.unsigned = attributes(p.enter(tagContext1, "unsigned attributes"))
	}
	p.end("SignerInfo")
}

func verifyForeign(signers []*foreignSigner, content []byte, o Options) ([]Report, error) {
	var out []Report
	for _, s := range signers {
		r, err := s.verify(content, o)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

func (s *foreignSigner) verify(content []byte, o Options) (Report, error) {
	var r Report
	signer, others, err := s.find()
	if err != nil {
		return r, err
	}
	r.Signer = signer
	hash, ok := hashes[s.digest.id]
	if !ok {
		return r, refuse(RuleAlgorithm, "digest algorithm is not SHA-256, SHA-384 or SHA-512")
	}
	if kind, err := value(s.signed, idContentType, "content-type"); err != nil {
		return r, err
	} else if !bytes.Equal(kind, s.contentType.der()) {
		return r, refuse(RuleAttributes, "content-type differs from what is signed")
	}
	if digest, err := value(s.signed, idMessageDigest, "message-digest"); err != nil {
		return r, err
	} else if !bytes.Equal(digest, tlv(tagOctets, sum(hash, content))) {
		return r, refuse(RuleDigest, "message-digest is not that of the content")
	}
	if r.Bound, err = s.bound(signer); err != nil {
		return r, err
	}
	if want, ok := signatureHash[s.algorithm.id]; ok && want != s.digest.id {
		return r, refuse(RuleAlgorithm, "signature and digest algorithm do not fit")
	}
	if err := verifySignature(signer, s.algorithm, hash, sum(hash, tlv(tagSet, s.raw)), s.signature); err != nil {
		return r, err
	}
	if err := maySign(signer); err != nil {
		return r, err
	}
	if _, err := value(s.signed, idSigningTime, "signing-time"); err == nil {
		if r.SigningTime, err = s.claimedTime(); err != nil {
			return r, err
		}
	}
	at := o.At
	if r.Timestamp, err = s.token(o); err != nil {
		return r, err
	}
	if r.Timestamp != nil {
		at = r.Timestamp.Time
	} else if o.RequireTimestamp {
		return r, refuse(RuleTimestamp, "the signature has no time stamp")
	}
	found, err := chains(signer, others, o.Roots, at, x509.ExtKeyUsageAny)
	if err != nil {
		return r, err
	}
	r.Chain = found[0]
	return r, nil
}

// find is certificates for a container that may bring unused and repeated ones.
func (s *foreignSigner) find() (signer *x509.Certificate, others []*x509.Certificate, err error) {
	for _, raw := range s.certs {
		c, err := x509.ParseCertificate(raw)
		if err != nil {
			continue // it cannot be the signer's or lead to a root
		}
		named := bytes.Equal(issuerAndSerial(c), s.issuer) || s.keyID != nil && bytes.Equal(c.SubjectKeyId, s.keyID)
		if named && signer == nil {
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

// bound checks signing-certificate(-v2) where it is; without it another certificate of the same key could be put in.
func (s *foreignSigner) bound(signer *x509.Certificate) (bool, error) {
	for _, a := range s.signed {
		if a.id != idSigningCert && a.id != idSigningCertV2 {
			continue
		}
		ids, err := s.certIDs()
		if err != nil {
			return false, err
		}
		if len(ids) == 0 || !ids[0].names(signer) {
			return false, refuse(RuleSigningCert, "signing-certificate is not that of the signer")
		}
		return ids[0].hash != crypto.SHA1, nil
	}
	return false, nil
}

// token verifies the signature time stamp, as another authority and program wrote it.
func (s *foreignSigner) token(o Options) (*TokenInfo, error) {
	var token []byte
	for _, a := range s.unsigned {
		if a.id == idTimestamp {
			if token != nil {
				return nil, refuse(RuleAttributes, "signature time stamp is there twice")
			}
			token = a.value
		}
	}
	if token == nil {
		return nil, nil
	}
	info, err := VerifyForeignToken(token, s.signature, o.TSARoots, o.At)
	if err != nil {
		return nil, err
	}
	return &info, nil
}

// VerifyForeignToken is VerifyToken for a token over content as an authority sent it, with an imprint of
// SHA-256 and whatever certificates and order.
func VerifyForeignToken(token, content []byte, roots *x509.CertPool, at time.Time) (TokenInfo, error) {
	der, err := fromBER(token)
	if err != nil {
		return TokenInfo{}, inToken(err)
	}
	clean, err := CleanToken(der, roots)
	if err != nil {
		return TokenInfo{}, err
	}
	return VerifyToken(clean, sum(crypto.SHA256, content), roots, at)
}

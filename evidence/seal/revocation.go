package seal

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"slices"
	"time"
)

// Evidence is what lets certificates be judged later without asking anybody, as DER: the
// certificates of the chains, OCSP responses (RFC 6960) and revocation lists (RFC 5280 section 5).
type Evidence struct {
	Certs, OCSPs, CRLs [][]byte
}

const (
	maxCRL      = 10 << 20
	maxEvidence = 1000 // pieces
)

// Book is evidence taken apart. It notes which pieces took part in a judgement.
type Book struct {
	certs  []*x509.Certificate
	ocsps  []*ocspResponse
	lists  []*x509.RevocationList
	listed []map[string]x509.RevocationListEntry // by serial number, beside lists
	used   map[any]bool                          // pointers of ocsps and lists, and Raw of certificates
	signed map[check]*x509.Certificate           // who signed a piece for an issuer; nil if nobody who may
}

// check is a piece and an issuer: its signature is looked at once.
type check struct {
	piece  any
	issuer string
}

// OpenEvidence parses every piece; one that is not what it should be is an error.
func OpenEvidence(e Evidence) (*Book, error) {
	if len(e.Certs)+len(e.OCSPs)+len(e.CRLs) > maxEvidence {
		return nil, refuse(RuleRevocation, "more than %d pieces of revocation data", maxEvidence)
	}
	b := &Book{used: map[any]bool{}, signed: map[check]*x509.Certificate{}}
	for _, der := range e.Certs {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, refuse(RuleDER, "certificate does not parse: %v", err)
		}
		b.certs = append(b.certs, c)
	}
	for _, der := range e.OCSPs {
		r, err := parseOCSP(der)
		if err != nil {
			return nil, err
		}
		b.ocsps = append(b.ocsps, r)
	}
	for _, der := range e.CRLs {
		if len(der) > maxCRL {
			return nil, refuse(RuleDER, "revocation list is larger than %d bytes", maxCRL)
		}
		l, err := x509.ParseRevocationList(der)
		if err != nil || !bytes.Equal(l.Raw, der) {
			return nil, refuse(RuleDER, "revocation list does not parse: %v", err)
		}
		index := make(map[string]x509.RevocationListEntry, len(l.RevokedCertificateEntries))
		for _, entry := range l.RevokedCertificateEntries {
			index[string(entry.SerialNumber.Bytes())] = entry
		}
		b.lists, b.listed = append(b.lists, l), append(b.listed, index)
	}
	return b, nil
}

// First is the book as it was when it had fewer pieces; what takes part there counts as used here.
func (b *Book) First(certs, ocsps, crls int) *Book {
	c := *b
	c.certs, c.ocsps, c.lists, c.listed = b.certs[:certs], b.ocsps[:ocsps], b.lists[:crls], b.listed[:crls]
	return &c
}

// Moment says for when a chain is judged.
type Moment struct {
	At       time.Time // the signature is proved to have existed then
	Proved   time.Time // nothing younger than this counts as good; zero: no bound
	Stamping bool      // the chain is a time-stamping authority's (RFC 3161 section 4)
	// Until, for an authority, is when a later stamp or the auditor vouches for the token: a key
	// revoked before then for compromise, or without reason, may have back-dated it.
	Until time.Time
}

// Judge checks every certificate of a chain but its root. RuleRevoked is a certificate revoked by
// then; RuleRevocation says that the evidence covers a certificate not or not for that moment.
// chain is as Report and TokenInfo give it.
func (b *Book) Judge(chain []*x509.Certificate, m Moment) error {
	var missing error
	for i, c := range chain {
		b.used[string(c.Raw)] = true
		if i+1 == len(chain) {
			break
		}
		leaf := m
		leaf.Stamping = m.Stamping && i == 0
		known, err := b.status(c, chain[i+1], leaf)
		if err != nil {
			return err
		}
		if !known && missing == nil {
			missing = refuse(RuleRevocation, "no revocation data covers %q at %s", c.Subject.CommonName, m.At.UTC().Format(time.RFC3339))
		}
	}
	return missing
}

// status asks all evidence: one word of revocation outweighs any of good standing.
func (b *Book) status(c, issuer *x509.Certificate, m Moment) (known bool, err error) {
	for _, r := range b.ocsps {
		ok, err := b.byOCSP(r, c, issuer, m)
		if err != nil {
			return false, err
		}
		known = known || ok
	}
	ok, err := b.byList(c, issuer, m)
	return known || ok, err
}

func (b *Book) byOCSP(r *ocspResponse, c, issuer *x509.Certificate, m Moment) (known bool, err error) {
	for _, a := range r.answers {
		if !a.about(c, issuer) {
			continue
		}
		signer := b.signer(r, issuer, func() *x509.Certificate {
			s, err := r.signer(issuer)
			if err != nil {
				return nil // a response that is not genuine says nothing
			}
			return s
		})
		if signer == nil {
			return false, nil
		}
		if !signer.Equal(issuer) && !noCheck(signer) {
			good, err := b.byList(signer, issuer, Moment{At: r.produced})
			if err != nil || !good {
				return false, nil //nolint:nilerr // nor does a revoked responder
			}
		}
		b.used[r] = true
		b.used[string(signer.Raw)] = true
		switch {
		case a.status == 1:
			if err := m.revoked(c, a.revoked, a.reason); err != nil {
				return false, err
			}
			known = known || m.covers(a.this, a.next, c)
		case a.status == 0:
			known = known || m.covers(a.this, a.next, c)
		}
	}
	return known, nil
}

func (b *Book) byList(c, issuer *x509.Certificate, m Moment) (known bool, err error) {
	for i, l := range b.lists {
		if !bytes.Equal(l.RawIssuer, issuer.RawSubject) || l.ThisUpdate.Before(issuer.NotBefore) || l.ThisUpdate.After(issuer.NotAfter) {
			continue
		}
		signer := b.signer(l, issuer, func() *x509.Certificate {
			if !listAlgorithm(l.SignatureAlgorithm) || l.CheckSignatureFrom(issuer) != nil {
				return nil
			}
			return issuer
		})
		if signer == nil || !scope(l, c) {
			continue
		}
		b.used[l] = true
		if e, revoked := b.listed[i][string(c.SerialNumber.Bytes())]; revoked {
			if unknownCritical(e.Extensions) {
				continue
			}
			reason := e.ReasonCode
			if !slices.ContainsFunc(e.Extensions, func(x pkix.Extension) bool { return oidOf(x.Id) == newOID(2, 5, 29, 21) }) {
				reason = noReason
			}
			if err := m.revoked(c, e.RevocationTime, reason); err != nil {
				return false, err
			}
		}
		known = known || m.covers(l.ThisUpdate, l.NextUpdate, c)
	}
	return known, nil
}

func (b *Book) signer(piece any, issuer *x509.Certificate, find func() *x509.Certificate) *x509.Certificate {
	key := check{piece, string(issuer.Raw)}
	signer, known := b.signed[key]
	if !known {
		signer = find()
		b.signed[key] = signer
	}
	return signer
}

// covers says whether data of the window speaks for the moment: the moment lies in it, or the data
// is younger and was made while the certificate had to be listed if revoked.
func (m Moment) covers(this, next time.Time, c *x509.Certificate) bool {
	if !m.Proved.IsZero() && this.After(m.Proved) {
		return false
	}
	if this.After(m.At) {
		return !this.After(c.NotAfter)
	}
	return !next.IsZero() && !m.At.After(next)
}

func (m Moment) revoked(c *x509.Certificate, at time.Time, reason int) error {
	limit := m.At
	if m.Stamping && !slices.Contains([]int{0, 3, 4, 5}, reason) && m.Until.After(limit) {
		limit = m.Until
	}
	if at.After(limit) {
		return nil
	}
	return refuse(RuleRevoked, "certificate of %q was revoked at %s", c.Subject.CommonName, at.UTC().Format(time.RFC3339))
}

func listAlgorithm(a x509.SignatureAlgorithm) bool {
	return slices.Contains([]x509.SignatureAlgorithm{
		x509.SHA256WithRSA, x509.SHA384WithRSA, x509.SHA512WithRSA, x509.ECDSAWithSHA256, x509.ECDSAWithSHA384, x509.ECDSAWithSHA512,
	}, a)
}

func unknownCritical(list []pkix.Extension) bool {
	return slices.ContainsFunc(list, func(e pkix.Extension) bool { return e.Critical })
}

// scope says whether a list is complete for c: no delta, no indirect list, and a part of a
// divided list only if c names that part (RFC 5280 section 5.2.5).
func scope(l *x509.RevocationList, c *x509.Certificate) bool {
	for _, e := range l.Extensions {
		switch oidOf(e.Id) {
		case idIssuingPoint:
			if !pointFits(e.Value, c) {
				return false
			}
		case idCRLNumber, idAuthorityKey:
		default:
			if e.Critical {
				return false
			}
		}
	}
	return true
}

func pointFits(der []byte, c *x509.Certificate) bool {
	top := newParser(der)
	p := top.enter(tagSequence, "issuingDistributionPoint")
	top.end("issuingDistributionPoint")
	fits := true
	if p.peek() == tagContext0 {
		point := p.enter(tagContext0, "distributionPoint")
		fits = false
		for names := point.enter(tagContext0, "fullName"); names.more(); {
			tag, name, _ := names.element("fullName")
			fits = fits || tag == 0x86 && slices.Contains(c.CRLDistributionPoints, string(name))
		}
		point.end("distributionPoint")
	}
	for p.more() {
		tag, body, _ := p.element("issuingDistributionPoint")
		on := len(body) == 1 && body[0] != 0
		switch {
		case tag == 0x81 && on:
			fits = fits && !c.IsCA
		case tag == 0x82 && on:
			fits = fits && c.IsCA
		case on || tag == 0x83:
			return false // only some reasons, indirect, attribute certificates
		}
	}
	return fits && *top.err == nil
}

// Idle refuses evidence that took part in no judgement: it has no place in a container of ours.
func (b *Book) Idle() error {
	for _, c := range b.certs {
		if !b.used[string(c.Raw)] {
			return refuse(RuleForm, "certificate of %q in the revocation data belongs to no chain", c.Subject.CommonName)
		}
	}
	for _, r := range b.ocsps {
		if !b.used[r] {
			return refuse(RuleForm, "an OCSP response is not genuine or about no certificate here")
		}
	}
	for _, l := range b.lists {
		if !b.used[l] {
			return refuse(RuleForm, "a revocation list is not genuine or of no issuer here")
		}
	}
	return nil
}

// Lifetime is how long a chain's signatures can be relied on without renewal: until its first
// certificate expires or its first key is too short (NIST SP 800-57 part 1, table 4: 112 bits until the end of 2030).
func Lifetime(chain []*x509.Certificate) time.Time {
	var end time.Time
	for _, c := range chain {
		until := c.NotAfter
		if k, ok := c.PublicKey.(*rsa.PublicKey); ok && k.N.BitLen() < 3072 {
			if short := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC); short.Before(until) {
				until = short
			}
		}
		if end.IsZero() || until.Before(end) {
			end = until
		}
	}
	return end
}

package pades

import (
	"crypto/x509"
	"fmt"
	"time"

	"confermo/evidence/seal"
)

// Renewal says how Renew brings a PDF's signatures to B-LTA and keeps them there.
type Renewal struct {
	Roots, TSARoots *x509.CertPool
	Now             time.Time
	Within          time.Duration // stamp again what ends within this time; a good value is a year
	// Revocation gets current revocation data for a chain whose last certificate is its root.
	Revocation func(chain []*x509.Certificate) (Evidence, error)
	Stamp      Stamp
}

// Renew adds the revocation data of all chains and a document time stamp, if a signature is below
// B-LTA or its Until is near, and says whether it did. A file that cannot be saved any more, because
// its newest stamp expired or a certificate was revoked in time, is an error.
func Renew(pdf []byte, r Renewal) (out []byte, renewed bool, err error) {
	o := VerifyOptions{Roots: r.Roots, TSARoots: r.TSARoots, At: r.Now, RequireCurrent: true}
	sigs, err := Verify(pdf, o)
	if err != nil {
		return nil, false, fmt.Errorf("renew PDF: %w", err)
	}
	due := false
	for _, s := range sigs {
		due = due || s.Level != "B-LTA" || s.Until.Before(r.Now.Add(r.Within))
	}
	if !due {
		return pdf, false, nil
	}
	var all Evidence
	for _, chain := range Chains(sigs) {
		if r.Now.After(seal.Lifetime(chain)) {
			continue // nobody answers for it any more; what the file holds has to do
		}
		e, err := r.Revocation(chain)
		if err != nil {
			return nil, false, fmt.Errorf("renew PDF: revocation data of %q: %w", chain[0].Subject.CommonName, err)
		}
		all = join(all, e)
	}
	if out, err = AddRevocation(pdf, all); err != nil {
		return nil, false, fmt.Errorf("renew PDF: %w", err)
	}
	if out, err = Archive(out, r.Stamp); err != nil {
		return nil, false, fmt.Errorf("renew PDF: %w", err)
	}
	o.At = time.Time{} // the stamp just made is younger than Now
	if sigs, err = Verify(out, o); err != nil {
		return nil, false, fmt.Errorf("renew PDF: check the result: %w", err)
	}
	for _, s := range sigs {
		if s.Level != "B-LTA" {
			return nil, false, fmt.Errorf("renew PDF: signature %q does not reach B-LTA: %w", s.Field, s.Lacks)
		}
	}
	return out, true, nil
}

// Chains are the chains that revocation data must cover: signers', and those of time stamps, once each.
func Chains(sigs []Signature) [][]*x509.Certificate {
	var out [][]*x509.Certificate
	seen := map[string]bool{}
	add := func(chain []*x509.Certificate) {
		if len(chain) > 0 && !seen[string(chain[0].Raw)] {
			seen[string(chain[0].Raw)] = true
			out = append(out, chain)
		}
	}
	for _, s := range sigs {
		add(s.Chain)
		if s.Timestamp != nil {
			add(s.Timestamp.Chain)
		}
		for _, a := range s.Archives {
			add(a.Chain)
		}
	}
	return out
}

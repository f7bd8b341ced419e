package pades

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"confermo/evidence/seal"
)

// proof is a trusted time stamp and where it stands: before it, rev updates and their revocation data.
type proof struct {
	seal.TokenInfo
	rev int
}

// history is what time stamps and revocation data of a PDF say about its signatures.
type history struct {
	o      VerifyOptions
	book   *seal.Book
	bookAt func(rev int) *seal.Book // what of it stood in the file when update rev was made
	stamps []proof                  // document time stamps, oldest first
}

// clockSlack is how far two authorities' clocks may disagree beyond their stated accuracy.
const clockSlack = time.Minute

func newHistory(pdf []byte, updates []update, o VerifyOptions) (*history, error) {
	h := &history{o: o}
	var all Evidence
	var sizes []Evidence // the store before each update
	for i, u := range updates {
		sizes = append(sizes, all)
		all = join(all, u.store)
		if u.mark == nil || !u.mark.stamp {
			continue
		}
		imprint := sha256.Sum256(u.mark.content(pdf))
		info, err := seal.VerifyToken(u.mark.cms, imprint[:], o.TSARoots, o.At)
		if err != nil {
			return nil, fmt.Errorf("document time stamp %q: %w", u.mark.field, err)
		}
		if n := len(h.stamps); n > 0 && before(info, h.stamps[n-1].TokenInfo) {
			return nil, fmt.Errorf("document time stamp %q: %w", u.mark.field, errOrder)
		}
		h.stamps = append(h.stamps, proof{info, i})
	}
	h.bookAt = func(rev int) *seal.Book {
		e := sizes[rev]
		return h.book.First(len(e.Certs), len(e.OCSPs), len(e.CRLs))
	}
	var err error
	if h.book, err = seal.OpenEvidence(all); err != nil {
		return nil, fmt.Errorf("revocation data: %w", err)
	}
	return h, nil
}

var errOrder = &seal.RuleError{Rule: seal.RuleTime, Why: "a later time stamp states an earlier time"}

func before(later, earlier seal.TokenInfo) bool {
	return later.Time.Add(later.Accuracy + earlier.Accuracy + clockSlack).Before(earlier.Time)
}

// after are the document time stamps behind update i.
func (h *history) after(i int) []proof {
	for n, s := range h.stamps {
		if s.rev > i {
			return h.stamps[n:]
		}
	}
	return nil
}

// raise gives the signature of update i its level, and refuses it if a certificate was revoked in time.
func (h *history) raise(s *Signature, i int) error {
	var proofs []proof
	if s.Timestamp != nil {
		proofs = append(proofs, proof{*s.Timestamp, i})
	}
	for _, p := range h.after(i) {
		s.Archives = append(s.Archives, p.TokenInfo)
		proofs = append(proofs, p)
	}
	if len(proofs) == 0 {
		s.Until = seal.Lifetime(s.Chain)
		if err := h.book.Judge(s.Chain, seal.Moment{At: h.o.At}); broken(err) {
			return err
		}
		return h.current(s)
	}
	first := proofs[0]
	s.Level = "B-T"
	for n, p := range proofs {
		if n > 0 && before(p.TokenInfo, proofs[n-1].TokenInfo) {
			return errOrder
		}
		if err := h.book.Judge(p.Chain, h.stamping(p, h.next(proofs, n), h.o.At)); broken(err) {
			return err
		}
	}
	if s.Lacks = h.lasting(h.book, s, first, h.next(proofs, 0), h.o.At); broken(s.Lacks) {
		return s.Lacks
	}
	if s.Lacks == nil {
		s.Level = "B-LT"
	}
	s.Until = h.until(s, proofs)
	return h.current(s)
}

// next is the moment that vouches for proof n: the stamp after it, or the auditor's.
func (h *history) next(proofs []proof, n int) time.Time {
	if n+1 < len(proofs) {
		return proofs[n+1].Time
	}
	return h.o.At
}

// stamping is for a token that something vouches for from until on, by data not younger than proved.
func (h *history) stamping(p proof, until, proved time.Time) seal.Moment {
	return seal.Moment{At: p.Time, Proved: proved, Until: until, Stamping: true}
}

// lasting checks that the book alone is enough to judge signer and first stamp.
func (h *history) lasting(b *seal.Book, s *Signature, first proof, until, proved time.Time) error {
	if err := b.Judge(s.Chain, seal.Moment{At: first.Time, Proved: proved}); err != nil {
		return err
	}
	return b.Judge(first.Chain, h.stamping(first, until, proved))
}

// until follows the chain of renewals: a document time stamp takes over if it was made while the one
// before could still be relied on and revocation data for that one stood in the file by then. A stamp
// over data that makes B-LT makes B-LTA.
func (h *history) until(s *Signature, proofs []proof) time.Time {
	now := proofs[0]
	for _, p := range h.stamps {
		if p.rev <= now.rev || p.Time.After(seal.Lifetime(now.Chain)) {
			continue
		}
		b, at := h.bookAt(p.rev), p.Time.Add(p.Accuracy)
		if s.Lacks == nil && h.lasting(b, s, proofs[0], at, at) == nil {
			s.Level = "B-LTA"
		}
		if b.Judge(now.Chain, h.stamping(now, at, at)) == nil {
			now = p
		}
	}
	return seal.Lifetime(now.Chain)
}

func (h *history) current(s *Signature) error {
	if h.o.RequireCurrent && h.o.At.After(s.Until) {
		return &seal.RuleError{Rule: seal.RuleTime, Why: "nothing proves the signature since " + s.Until.UTC().Format(time.RFC3339) + ": it was not renewed in time"}
	}
	return nil
}

// broken says whether a judgement is a refusal; missing data only keeps the level down.
func broken(err error) bool {
	var rule *seal.RuleError
	return err != nil && !(errors.As(err, &rule) && rule.Rule == seal.RuleRevocation)
}

func join(a, b Evidence) Evidence {
	return Evidence{
		Certs: append(a.Certs[:len(a.Certs):len(a.Certs)], b.Certs...),
		OCSPs: append(a.OCSPs[:len(a.OCSPs):len(a.OCSPs)], b.OCSPs...),
		CRLs:  append(a.CRLs[:len(a.CRLs):len(a.CRLs)], b.CRLs...),
	}
}

package pades

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"confermo/evidence/seal"
)

// VerifyOptions says whom to trust. At is when the certificates must be valid
// where no time stamp says; it may not lie before one.
type VerifyOptions struct {
	Roots, TSARoots  *x509.CertPool
	At               time.Time
	RequireTimestamp bool // refuse B-B
	RequireCurrent   bool // refuse a signature whose Until lies before At
}

// Signature is one verified signature of a PDF.
type Signature struct {
	Field                               string
	Signer                              *x509.Certificate
	Chain                               []*x509.Certificate // the signer's first, the root last
	M                                   time.Time           // claimed
	Name, Reason, Location, ContactInfo string              // claimed
	Timestamp                           *seal.TokenInfo     // in the signature; nil if none
	Archives                            []seal.TokenInfo    // document time stamps over it, oldest first
	Level                               string              // "B-B", "B-T", "B-LT" or "B-LTA"
	Lacks                               error               // why B-LT is not reached; nil at B-B
	Until                               time.Time           // from then on the newest stamp proves nothing: renew before
	Covers                              int                 // bytes: the file up to the end of the signature's revision
	WholeDocument                       bool                // behind Covers only revocation data and document time stamps follow
	Page                                int                 // from 1
	Rect                                [4]float64          // x, y, width, height in points; zero if invisible
	Lines                               []string            // what the visible field says
}

// ErrUnsigned is a PDF without signatures.
var ErrUnsigned = errors.New("PDF carries no signature")

// Verify checks every signature and document time stamp of a PDF, first to last, that nothing else but
// revocation data was added to the original, and that none of this data says that a certificate
// was revoked by the time its signature is proved to have existed. One that fails fails the PDF. A
// *seal.RuleError in the error names the rule; seal.RuleTrust alone means that no root for it was given.
func Verify(pdf []byte, o VerifyOptions) ([]Signature, error) {
	f, err := load(pdf)
	if err != nil {
		return nil, fmt.Errorf("verify PDF: %w", err)
	}
	updates, err := f.updates()
	if err != nil {
		return nil, fmt.Errorf("verify PDF: %w", err)
	}
	signed := func(u update) bool { return u.mark != nil && !u.mark.stamp }
	if !slices.ContainsFunc(updates, signed) {
		return nil, fmt.Errorf("verify PDF: %w", ErrUnsigned)
	}
	h, err := newHistory(pdf, updates, o)
	if err != nil {
		return nil, fmt.Errorf("verify PDF: %w", err)
	}
	var out []Signature
	for i, u := range updates {
		if !signed(u) {
			continue
		}
		s, err := u.mark.verify(pdf, o, h.after(i))
		if err == nil {
			err = h.raise(&s, i)
		}
		if err != nil {
			return nil, fmt.Errorf("verify PDF: signature %q: %w", u.mark.field, err)
		}
		s.WholeDocument = !slices.ContainsFunc(updates[i+1:], signed)
		out = append(out, s)
	}
	if err := h.book.Idle(); err != nil {
		return nil, fmt.Errorf("verify PDF: revocation data: %w", err)
	}
	return out, nil
}

// content is what the mark's signature is over.
func (m mark) content(pdf []byte) []byte {
	return slices.Concat(pdf[:m.contents[0]], pdf[m.contents[1]:m.covers])
}

// verify checks a signature; without a time stamp of its own, the first document time stamp after it says when it was.
func (m mark) verify(pdf []byte, o VerifyOptions, later []proof) (Signature, error) {
	at := o.At
	if len(later) > 0 {
		at = later[0].Time
	}
	own := o.RequireTimestamp && len(later) == 0
	r, err := seal.VerifyCMS(m.cms, m.content(pdf), seal.Options{
		Profile: seal.PAdES, Roots: o.Roots, TSARoots: o.TSARoots, At: at, RequireTimestamp: own,
	})
	if err != nil {
		return Signature{}, err
	}
	return Signature{
		Field: m.field, Signer: r.Signer, Chain: r.Chain, M: m.m, Timestamp: r.Timestamp, Level: r.Level(), Covers: m.covers,
		Name: m.words[0], Reason: m.words[1], Location: m.words[2], ContactInfo: m.words[3],
		Page: m.page, Lines: m.lines,
		Rect: [4]float64{float64(m.box.x) / 100, float64(m.box.y) / 100, float64(m.box.w) / 100, float64(m.box.h) / 100},
	}, nil
}

// updates reads every update, oldest first.
func (f *file) updates() ([]update, error) {
	var out []update
	fields := map[string]bool{}
	for rev := 1; rev < len(f.revs); rev++ {
		u, err := f.readUpdate(rev)
		if err != nil {
			return nil, fmt.Errorf("update %d: %w", rev, err)
		}
		if u.mark != nil {
			if fields[u.mark.field] {
				return nil, fmt.Errorf("update %d: field %q is there twice", rev, u.mark.field)
			}
			fields[u.mark.field] = true
		}
		out = append(out, u)
	}
	return out, nil
}

// Revisions are the lengths of the file as it was first and after each
// update; the last is its length now. Signatures are not verified.
func Revisions(pdf []byte) ([]int, error) {
	f, err := load(pdf)
	if err != nil {
		return nil, fmt.Errorf("read PDF: %w", err)
	}
	if _, err := f.updates(); err != nil {
		return nil, fmt.Errorf("read PDF: %w", err)
	}
	var out []int
	for _, r := range f.revs {
		out = append(out, r.end)
	}
	return out, nil
}

// Original is the PDF as it was before the first signature.
func Original(pdf []byte) ([]byte, error) {
	ends, err := Revisions(pdf)
	if err != nil {
		return nil, err
	}
	return bytes.Clone(pdf[:ends[0]]), nil
}

// writeTable writes a cross-reference table, a subsection per run of numbers.
func writeTable(b *bytes.Buffer, offsets map[int]int) {
	var numbers []int
	for n := range offsets {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	b.WriteString("xref\n")
	for i := 0; i < len(numbers); {
		j := i
		for j < len(numbers) && numbers[j] == numbers[i]+j-i {
			j++
		}
		fmt.Fprintf(b, "%d %d\n", numbers[i], j-i)
		for ; i < j; i++ {
			fmt.Fprintf(b, "%010d 00000 n \n", offsets[numbers[i]])
		}
	}
}

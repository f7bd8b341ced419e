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
}

// Signature is one verified signature of a PDF.
type Signature struct {
	Field                               string
	Signer                              *x509.Certificate
	M                                   time.Time // claimed
	Name, Reason, Location, ContactInfo string    // claimed
	Timestamp                           *seal.TokenInfo
	Level                               string     // "B-B" or "B-T"
	Covers                              int        // bytes: the file up to the end of the signature's revision
	WholeDocument                       bool       // Covers is the whole file
	Page                                int        // from 1
	Rect                                [4]float64 // x, y, width, height in points; zero if invisible
	Lines                               []string   // what the visible field says
}

// ErrUnsigned is a PDF without signatures.
var ErrUnsigned = errors.New("PDF carries no signature")

// Verify checks every signature of a PDF, first to last, and that nothing but signatures was added to
// the original. One that fails fails the PDF. A *seal.RuleError in the
// error names the rule; seal.RuleTrust alone means that no root for it was given.
func Verify(pdf []byte, o VerifyOptions) ([]Signature, error) {
	f, err := load(pdf)
	if err != nil {
		return nil, fmt.Errorf("verify PDF: %w", err)
	}
	marks, err := f.marks()
	if err != nil {
		return nil, fmt.Errorf("verify PDF: %w", err)
	}
	if len(marks) == 0 {
		return nil, fmt.Errorf("verify PDF: %w", ErrUnsigned)
	}
	var out []Signature
	for _, m := range marks {
		s, err := m.verify(pdf, o)
		if err != nil {
			return nil, fmt.Errorf("verify PDF: signature %q: %w", m.field, err)
		}
		s.WholeDocument = s.Covers == len(pdf)
		out = append(out, s)
	}
	return out, nil
}

func (m mark) verify(pdf []byte, o VerifyOptions) (Signature, error) {
	content := slices.Concat(pdf[:m.contents[0]], pdf[m.contents[1]:m.covers])
	r, err := seal.VerifyCMS(m.cms, content, seal.Options{
		Profile: seal.PAdES, Roots: o.Roots, TSARoots: o.TSARoots, At: o.At, RequireTimestamp: o.RequireTimestamp,
	})
	if err != nil {
		return Signature{}, err
	}
	return Signature{
		Field: m.field, Signer: r.Signer, M: m.m, Timestamp: r.Timestamp, Level: r.Level(), Covers: m.covers,
		Name: m.words[0], Reason: m.words[1], Location: m.words[2], ContactInfo: m.words[3],
		Page: m.page, Lines: m.lines,
		Rect: [4]float64{float64(m.box.x) / 100, float64(m.box.y) / 100, float64(m.box.w) / 100, float64(m.box.h) / 100},
	}, nil
}

// marks reads every update, oldest first.
func (f *file) marks() ([]mark, error) {
	var out []mark
	for rev := 1; rev < len(f.revs); rev++ {
		m, err := f.readUpdate(rev)
		if err != nil {
			return nil, fmt.Errorf("update %d: %w", rev, err)
		}
		for _, e := range out {
			if e.field == m.field {
				return nil, fmt.Errorf("update %d: field %q is there twice", rev, m.field)
			}
		}
		out = append(out, m)
	}
	return out, nil
}

// Revisions are the lengths of the file as it was first and after each
// signature; the last is its length now. Signatures are not verified.
func Revisions(pdf []byte) ([]int, error) {
	f, err := load(pdf)
	if err != nil {
		return nil, fmt.Errorf("read PDF: %w", err)
	}
	if _, err := f.marks(); err != nil {
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

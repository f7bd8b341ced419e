package pades

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"confermo/evidence/seal"
)

// SignOptions says what a signature dictionary and its field show.
type SignOptions struct {
	FieldName                           string    // required, not yet in the PDF; without a full stop
	M                                   time.Time // required: the time the signature claims, to the second
	Name, Reason, Location, ContactInfo string    // optional, up to 500 bytes each
	Visible                             *Visible  // nil: the signature does not show
	Stamp                               Stamp     // nil makes B-B; else it gets the SHA-256 of the signature value
}

// Stamp has a SHA-256 digest stamped by a time-stamping authority and returns the token, in
// the form seal.VerifyToken accepts.
type Stamp = func(digest [32]byte) (token []byte, err error)

const (
	// tokenRoom is what is kept for a token of unknown size: P-256 authorities need 1 KiB, RSA ones
	// with intermediates up to 4. A larger one costs a second signature and stamp.
	tokenRoom = 4 << 10
	slack     = 16 // an ECDSA signature's length varies by a few bytes
	maxWord   = 500
)

// Sign appends a signature to a PDF that gofpdf wrote and that carries no
// updates but signatures of this package. It says what it cannot handle.
func Sign(pdf []byte, s seal.Signer, o SignOptions) ([]byte, error) {
	f, updates, err := open(pdf)
	if err != nil {
		return nil, fmt.Errorf("sign PDF: %w", err)
	}
	d, err := newDraft(f, updates, o)
	if err != nil {
		return nil, fmt.Errorf("sign PDF: %w", err)
	}
	room, err := s.Size(seal.SignOptions{Profile: seal.PAdES})
	if err != nil {
		return nil, fmt.Errorf("sign PDF: %w", err)
	}
	if o.Stamp != nil {
		room += tokenRoom
	}
	signed, err := d.complete(room, func(digest [32]byte) ([]byte, error) { return signAndStamp(s, o.Stamp, digest) })
	if err != nil {
		return nil, fmt.Errorf("sign PDF: %w", err)
	}
	return signed, nil
}

// open loads a PDF that another update may be appended to.
func open(pdf []byte) (*file, []update, error) {
	f, err := load(pdf)
	if err != nil {
		return nil, nil, err
	}
	if pdf[len(pdf)-1] != '\n' {
		return nil, nil, errors.New("it does not end with a line feed after %%EOF")
	}
	updates, err := f.updates()
	if err != nil {
		return nil, nil, fmt.Errorf("it has changes that are no signatures: %w", err)
	}
	return f, updates, nil
}

// complete fills the draft with what contents makes of its digest; once more if that is larger than room.
func (d *draft) complete(room int, contents func([32]byte) ([]byte, error)) ([]byte, error) {
	for range 2 {
		signed, need, err := d.fill(room, contents)
		if err != nil {
			return nil, err
		}
		if signed == nil {
			room = need + slack
			continue
		}
		if _, err := Revisions(signed); err != nil {
			return nil, fmt.Errorf("check the result: %w", err)
		}
		return signed, nil
	}
	return nil, errors.New("the signature grew while it was made")
}

// draft is an update whose signature is still missing.
type draft struct {
	f       *file
	m       mark
	objects map[int]any
	order   []int
	look    []byte // the appearance's drawing
}

func newDraft(f *file, updates []update, o SignOptions) (*draft, error) {
	d := &draft{f: f, m: mark{field: o.FieldName, m: o.M, words: [4]string{o.Name, o.Reason, o.Location, o.ContactInfo}}}
	if err := d.m.check(updates); err != nil {
		return nil, err
	}
	return d, d.place(o.Visible)
}

// place decides the objects the update writes.
func (d *draft) place(visible *Visible) error {
	f := d.f
	last := len(f.revs) - 1
	size := f.size(last)
	if size < 1 || size > maxFile {
		return errors.New("trailer has no usable /Size")
	}
	d.m.sig, d.m.widgetRef = ref(size), ref(size+1)
	pages, err := f.pages(last)
	if err != nil {
		return err
	}
	page := 1
	if visible != nil {
		page = visible.Page
		if err := d.draw(*visible); err != nil {
			return err
		}
	}
	if page < 1 || page > len(pages) {
		return fmt.Errorf("visible signature: there is no page %d", page)
	}
	d.objects, d.order, err = f.expected(last, &d.m, pages[page-1])
	return err
}

// check refuses what the reader would not accept.
func (m *mark) check(earlier []update) error {
	if m.field == "" || len(m.field) > maxWord || bytes.ContainsRune([]byte(m.field), '.') {
		return errors.New("field name is empty, too long or has a full stop")
	}
	for _, e := range earlier {
		if e.mark != nil && e.mark.field == m.field {
			return fmt.Errorf("field %q is already signed", m.field)
		}
	}
	if y := m.m.UTC().Year(); m.m.IsZero() || y < 1000 || y > 9999 {
		return errors.New("signing time /M is missing")
	}
	for _, w := range append(m.words[:], m.field) {
		if len(w) > maxWord {
			return fmt.Errorf("a text of the signature is longer than %d bytes", maxWord)
		}
		if back, err := readText(textString(w)); err != nil || back != w {
			return errors.New("a text of the signature is not valid UTF-8")
		}
	}
	return nil
}

func (d *draft) draw(v Visible) error {
	var err error
	if d.m.box, err = v.box(); err != nil {
		return err
	}
	var lines [][]byte
	for _, line := range v.Lines {
		b, err := latin(line)
		if err != nil {
			return err
		}
		lines = append(lines, b)
	}
	d.m.look = d.m.widgetRef + 1
	d.look, err = appearance(d.m.box, lines)
	return err
}

// signAndStamp makes a signature over a digest and has it stamped unless stamp is nil.
func signAndStamp(s seal.Signer, stamp Stamp, digest [32]byte) ([]byte, error) {
	cms, err := s.SignDigest(seal.SignOptions{Profile: seal.PAdES}, digest)
	if err != nil || stamp == nil {
		return cms, err
	}
	value, err := seal.SignatureValue(cms)
	if err != nil {
		return nil, err
	}
	token, err := stamp(sha256.Sum256(value))
	if err != nil {
		return nil, fmt.Errorf("stamp signature: %w", err)
	}
	return seal.AddTimestamp(cms, token)
}

// fill lays the update out with room bytes for the contents, makes them and puts them in place. If room
// is too small the result is nil and need says how much they take.
func (d *draft) fill(room int, make func([32]byte) ([]byte, error)) (signed []byte, need int, err error) {
	out, contents := d.layout(room)
	h := sha256.New()
	h.Write(out[:contents[0]])
	h.Write(out[contents[1]:])
	der, err := make([32]byte(h.Sum(nil)))
	if err != nil {
		return nil, 0, err
	}
	if len(der) > room {
		return nil, len(der), nil
	}
	copy(out[contents[0]+1:], bytes.ToUpper([]byte(hex.EncodeToString(der))))
	return out, 0, nil
}

// layout writes the PDF with its update and zeros for the signature.
func (d *draft) layout(room int) (out []byte, contents [2]int) {
	b := bytes.NewBuffer(bytes.Clone(d.f.data))
	offsets := map[int]int{}
	rangeAt := 0
	for _, n := range d.order {
		offsets[n] = b.Len()
		fmt.Fprintf(b, "%d 0 obj\n", n)
		switch ref(n) {
		case d.m.sig:
			head := text(d.m.signature())
			b.WriteString(head[:len(head)-len(">>")])
			rangeAt = b.Len() + len("/ByteRange ")
			fmt.Fprintf(b, "/ByteRange %-*s\n/Contents ", rangeWidth, "[]")
			contents[0] = b.Len()
			b.WriteString("<" + string(bytes.Repeat([]byte("0"), 2*room)) + ">")
			contents[1] = b.Len()
			b.WriteString("\n>>")
		case d.m.look:
			b.WriteString(text(appearanceObject(d.m.box, d.look)))
			fmt.Fprintf(b, "\nstream\n%sendstream", d.look)
		default:
			b.WriteString(text(d.objects[n]))
		}
		b.WriteString("\nendobj\n")
	}
	last := len(d.f.revs) - 1
	xref := b.Len()
	writeTable(b, offsets)
	trailer := d.f.trailer(last, d.f.size(last)+len(d.order)-2)
	fmt.Fprintf(b, "trailer\n%s\nstartxref\n%d\n%%%%EOF\n", text(trailer), xref)
	out = b.Bytes()
	byteRange := fmt.Sprintf("[0 %d %d %d]", contents[0], contents[1], len(out)-contents[1])
	copy(out[rangeAt:], byteRange)
	return out, contents
}

// rangeWidth holds three numbers below maxFile's eight digits.
const rangeWidth = len("[0 12345678 12345678 12345678]")

package pades

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf16"

	"confermo/evidence/seal"

	"golang.org/x/text/encoding/charmap"
)

// foreignMark is a signature of another program: where it stands and what it says.
type foreignMark struct {
	field  string
	widget dict
	sig    dict
	number int // of the signature dictionary
	covers int
	stamp  bool
	cms    []byte
	bounds [2]int // the hexadecimal string with its brackets
}

const maxForeign = 64 // signatures of a file

// VerifyForeign is Verify for a PDF that other programs wrote and signed: classic or compressed
// cross-reference, ETSI.CAdES.detached, adbe.pkcs7.detached and ETSI.RFC3161. Every signature must
// verify, cover the whole file of its time, and what came after one may only be what signatures and
// revocation data need (see difference); anything else is refused, and so are encrypted and hybrid
// files. Lines stays empty: what a foreign field shows is not read. Level is "CMS" for
// a signature that is not of PAdES (adbe.pkcs7.detached).
func VerifyForeign(pdf []byte, o VerifyOptions) ([]Signature, error) {
	budget := maxInflated
	d, err := loadDocument(pdf, &budget)
	if err != nil {
		return nil, fmt.Errorf("verify PDF: %w", err)
	}
	marks, err := d.signatures()
	if err != nil {
		return nil, fmt.Errorf("verify PDF: %w", err)
	}
	states := []*document{}
	for _, m := range marks {
		s, err := d.state(m)
		if err != nil {
			return nil, fmt.Errorf("verify PDF: signature %q: %w", m.field, err)
		}
		if n := len(states); n > 0 {
			if err := compare(states[n-1], s); err != nil {
				return nil, fmt.Errorf("verify PDF: changed before signature %q: %w", m.field, err)
			}
		}
		states = append(states, s)
	}
	if n := len(states); n == 0 {
		return nil, fmt.Errorf("verify PDF: %w", ErrUnsigned)
	} else if marks[n-1].covers < len(pdf) {
		if err := compare(states[n-1], d); err != nil {
			return nil, fmt.Errorf("verify PDF: changed after the last signature: %w", err)
		}
	}
	return d.verify(marks, states, o)
}

// verify checks the signatures and gives them levels, as Verify does.
func (d *document) verify(marks []foreignMark, states []*document, o VerifyOptions) ([]Signature, error) {
	h := &history{o: o, bookAt: func(rev int) *seal.Book { return states[rev].book() }, book: d.book()}
	for i, m := range marks {
		if !m.stamp {
			continue
		}
		info, err := seal.VerifyForeignToken(m.cms, m.content(d.data), o.TSARoots, o.At)
		if err == nil && len(h.stamps) > 0 && before(info, h.stamps[len(h.stamps)-1].TokenInfo) {
			err = errOrder
		}
		if err != nil {
			return nil, fmt.Errorf("verify PDF: document time stamp %q: %w", m.field, err)
		}
		h.stamps = append(h.stamps, proof{info, i})
	}
	pages, err := d.pages()
	if err != nil {
		return nil, fmt.Errorf("verify PDF: %w", err)
	}
	var out []Signature
	for i, m := range marks {
		if m.stamp {
			continue
		}
		s, err := m.verify(d.data, o, h.after(i))
		if err == nil {
			cms := s.Level == levelCMS
			if err = h.raise(&s, i); cms {
				s.Level = levelCMS
			}
		}
		if err != nil {
			return nil, fmt.Errorf("verify PDF: signature %q: %w", m.field, err)
		}
		if p, ok := m.widget.get("P").(ref); ok {
			s.Page = slices.Index(pages, p) + 1
		}
		s.WholeDocument = !slices.ContainsFunc(marks[i+1:], func(m foreignMark) bool { return !m.stamp })
		out = append(out, s)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("verify PDF: %w", ErrUnsigned)
	}
	return out, nil
}

// levelCMS is a valid signature outside PAdES.
const levelCMS = "CMS"

func (m foreignMark) content(pdf []byte) []byte {
	return slices.Concat(pdf[:m.bounds[0]], pdf[m.bounds[1]:m.covers])
}

func (m foreignMark) verify(pdf []byte, o VerifyOptions, later []proof) (Signature, error) {
	s := Signature{Field: m.field, Covers: m.covers, M: pdfDate(m.sig.get("M"))}
	for i, to := range []*string{&s.Name, &s.Reason, &s.Location, &s.ContactInfo} {
		*to = words(m.sig.get(wordKeys[i]))
	}
	if rect, ok := m.widget.get("Rect").(array); ok && len(rect) == 4 {
		for i := range rect {
			t, _ := rect[i].(token)
			s.Rect[i], _ = strconv.ParseFloat(string(t), 64) //nolint:errcheck // what is no number counts as 0
		}
		s.Rect[2], s.Rect[3] = s.Rect[2]-s.Rect[0], s.Rect[3]-s.Rect[1]
	}
	at := o.At
	if len(later) > 0 {
		at = later[0].Time
	}
	list, err := seal.VerifyForeign(m.cms, m.content(pdf), seal.Options{
		Roots: o.Roots, TSARoots: o.TSARoots, At: at, RequireTimestamp: o.RequireTimestamp && len(later) == 0,
	})
	if err != nil {
		return s, err
	}
	if len(list) != 1 {
		return s, errors.New("it has several signers")
	}
	r := list[0]
	s.Signer, s.Chain, s.Timestamp, s.Level = r.Signer, r.Chain, r.Timestamp, r.Level()
	switch {
	case m.sig.get("SubFilter") != name("ETSI.CAdES.detached"):
		s.Level = levelCMS
	case !r.Bound:
		return s, &seal.RuleError{Rule: seal.RuleSigningCert, Why: "signature does not name its certificate, as PAdES demands"}
	}
	return s, nil
}

// signatures finds the signed fields, in the order of what they cover.
func (d *document) signatures() ([]foreignMark, error) {
	root, err := d.dictionary(d.trailer.get("Root"), "catalogue")
	if err != nil {
		return nil, err
	}
	form, err := d.dictionary(root.get("AcroForm"), "form")
	if err != nil {
		return nil, err
	}
	fields, err := d.list(form.get("Fields"), "form fields")
	if err != nil {
		return nil, err
	}
	var out []foreignMark
	seen := map[ref]bool{}
	var walk func(v any, kind any, depth int) error
	walk = func(v, kind any, depth int) error {
		r, ok := v.(ref)
		if !ok || seen[r] || depth > maxDepth || len(seen) > maxPages {
			return errors.New("form fields are malformed, too deep or too many")
		}
		seen[r] = true
		t, err := d.dictionary(r, "field")
		if err != nil {
			return err
		}
		if own := t.get("FT"); own != nil {
			kind = own
		}
		if kind == name("Sig") && t.get("V") != nil && t.get("V") != token("null") {
			m, err := d.mark(t)
			if err != nil {
				return fmt.Errorf("signature field %q: %w", m.field, err)
			}
			out = append(out, m)
		}
		kids, err := d.list(t.get("Kids"), "field")
		if err != nil {
			return err
		}
		for _, k := range kids {
			if err := walk(k, kind, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	for _, v := range fields {
		if err := walk(v, nil, 0); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(out, func(a, b foreignMark) int { return a.covers - b.covers })
	for i := range out {
		if i > 0 && (out[i].covers == out[i-1].covers || out[i].number == out[i-1].number) {
			return nil, errors.New("two signatures share what they cover")
		}
	}
	if len(out) > maxForeign {
		return nil, fmt.Errorf("PDF has more than %d signatures", maxForeign)
	}
	return out, nil
}

// mark reads a signed field and checks that /ByteRange leaves out its own /Contents and nothing else.
func (d *document) mark(field dict) (foreignMark, error) {
	m := foreignMark{field: words(field.get("T")), widget: field}
	r, ok := field.get("V").(ref)
	if !ok || d.places[int(r)].at == 0 {
		return m, errors.New("its signature does not stand in the file by itself")
	}
	o, err := d.object(int(r))
	if err != nil {
		return m, err
	}
	m.sig, ok = o.value.(dict)
	m.number = int(r)
	m.stamp = m.sig.get("SubFilter") == name("ETSI.RFC3161")
	if !ok || !m.stamp && m.sig.get("SubFilter") != name("ETSI.CAdES.detached") && m.sig.get("SubFilter") != name("adbe.pkcs7.detached") {
		return m, errors.New("the form of its signature is not supported")
	}
	if o.stream != nil || m.stamp != (m.sig.get("Type") == name("DocTimeStamp")) {
		return m, errors.New("document time stamp and signature are mixed up")
	}
	for _, e := range m.sig {
		if e.key == "Contents" {
			m.bounds = [2]int{e.at, e.end}
		}
	}
	b, ok := m.sig.get("ByteRange").(array)
	if !ok || len(b) != 4 || number(b[0]) != 0 || number(b[1]) != m.bounds[0] || number(b[2]) != m.bounds[1] || number(b[3]) < 0 {
		return m, errors.New("/ByteRange leaves out something else than /Contents")
	}
	m.covers = m.bounds[1] + number(b[3])
	if m.covers > len(d.data) || m.bounds[0] == 0 || d.data[m.bounds[0]] != '<' || d.data[m.bounds[1]-1] != '>' {
		return m, errors.New("/ByteRange or /Contents is malformed")
	}
	m.cms = make([]byte, hex.DecodedLen(m.bounds[1]-m.bounds[0]-2))
	if _, err := hex.Decode(m.cms, d.data[m.bounds[0]+1:m.bounds[1]-1]); err != nil {
		return m, errors.New("/Contents is not hexadecimal")
	}
	m.cms, err = seal.Unpad(m.cms)
	return m, err
}

// state is the document as the signature covers it: a whole PDF that holds the very signature.
func (d *document) state(m foreignMark) (*document, error) {
	s := d
	if m.covers < len(d.data) {
		var err error
		if s, err = loadDocument(d.data[:m.covers:m.covers], d.budget); err != nil {
			return nil, fmt.Errorf("it does not cover a whole PDF: %w", err)
		}
	}
	if s.places[m.number] != d.places[m.number] || s.places[m.number].at == 0 {
		return nil, errors.New("it was moved by a later update")
	}
	own, err := s.signatures()
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(own, func(o foreignMark) bool { return o.number == m.number && o.covers == len(s.data) }) {
		return nil, errors.New("it does not cover the whole file of its time")
	}
	return s, nil
}

// book is the security store's revocation data; pieces that cannot be read are left out, for they prove nothing.
func (d *document) book() *seal.Book {
	var e Evidence
	root, _ := d.dictionary(d.trailer.get("Root"), "catalogue") //nolint:errcheck // an unreadable store holds nothing
	store, _ := d.dictionary(root.get("DSS"), "security store") //nolint:errcheck // the same
	for i, to := range []*[][]byte{&e.Certs, &e.OCSPs, &e.CRLs} {
		list, _ := d.list(store.get(storeKeys[i]), "security store") //nolint:errcheck // the same
		for _, v := range list[:min(len(list), maxForeign)] {
			r, ok := v.(ref)
			if !ok {
				continue
			}
			o, err := d.object(int(r))
			if err != nil || o.stream == nil {
				continue
			}
			der, err := d.inflate(o)
			if err != nil {
				continue
			}
			piece := Evidence{}
			*[]*[][]byte{&piece.Certs, &piece.OCSPs, &piece.CRLs}[i] = [][]byte{der}
			if _, err := seal.OpenEvidence(piece); err == nil {
				*to = append(*to, der)
			}
		}
	}
	b, err := seal.OpenEvidence(e)
	if err != nil {
		b, _ = seal.OpenEvidence(Evidence{}) //nolint:errcheck // nothing is always readable
	}
	return b
}

// words reads a text of another program; what it cannot read is empty.
func words(v any) string {
	s, ok := v.(str)
	if !ok || len(s) < 2 {
		return ""
	}
	b := foreignUnescape(s)
	if len(b) > maxWord {
		b = b[:maxWord]
	}
	if bytes.HasPrefix(b, []byte{0xfe, 0xff}) {
		var units []uint16
		for i := 2; i+1 < len(b); i += 2 {
			units = append(units, uint16(b[i])<<8|uint16(b[i+1]))
		}
		return string(utf16.Decode(units))
	}
	if b, ok := bytes.CutPrefix(b, []byte{0xef, 0xbb, 0xbf}); ok {
		return string(bytes.ToValidUTF8(b, nil))
	}
	out, err := charmap.ISO8859_1.NewDecoder().Bytes(b) // PDFDocEncoding but for 40 rare signs
	if err != nil {
		return ""
	}
	return string(out)
}

// foreignUnescape reads a literal or hexadecimal string (ISO 32000-1 clause 7.3.4).
func foreignUnescape(s str) []byte {
	if s[0] == '<' {
		digits := bytes.Join(bytes.Fields([]byte(s[1:len(s)-1])), nil)
		if len(digits)%2 == 1 {
			digits = append(digits, '0')
		}
		out, _ := hex.DecodeString(string(digits)) //nolint:errcheck // the lexer has looked
		return out
	}
	var out []byte
	plain := map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', 'b': '\b', 'f': '\f'}
	for i := 1; i < len(s)-1; i++ {
		c := s[i]
		if c == '\\' && i+1 < len(s)-1 {
			i++
			c = s[i]
			if mapped, ok := plain[c]; ok {
				c = mapped
			} else if c >= '0' && c <= '7' {
				n := 0
				for k := 0; k < 3 && i < len(s)-1 && s[i] >= '0' && s[i] <= '7'; k++ {
					n, i = n<<3|int(s[i]-'0'), i+1
				}
				i, c = i-1, byte(n)
			}
		}
		out = append(out, c)
	}
	return out
}

// pdfDate reads D:YYYYMMDDHHmmSS with a zone, as far as it is given; zero if it is none.
func pdfDate(v any) time.Time {
	s := words(v)
	zone := "Z"
	if len(s) >= 19 && (s[16] == '+' || s[16] == '-') {
		zone = s[16:19] + "00"
		if len(s) >= 22 && s[19] == '\'' {
			zone = s[16:19] + s[20:22]
		}
	}
	if len(s) < 16 {
		return time.Time{}
	}
	layout := "D:20060102150405Z0700"
	t, err := time.Parse(layout, s[:16]+zone)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

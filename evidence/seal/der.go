package seal

import (
	"bytes"
	"encoding/asn1"
	"math/big"
	"slices"
	"time"
)

// DER tags used by CMS and time stamps; context tags are written out where used.
const (
	tagBool        = 0x01
	tagInteger     = 0x02
	tagBitString   = 0x03
	tagOctets      = 0x04
	tagNull        = 0x05
	tagOID         = 0x06
	tagEnumerated  = 0x0a
	tagUTF8        = 0x0c
	tagUTCTime     = 0x17
	tagGeneralTime = 0x18
	tagSequence    = 0x30
	tagSet         = 0x31
	tagContext0    = 0xa0
	tagContext1    = 0xa1
	tagContext2    = 0xa2
)

// tlv writes one element around the given parts.
func tlv(tag byte, parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	out := make([]byte, 0, n+6)
	out = append(out, tag)
	switch {
	case n < 0x80:
		out = append(out, byte(n))
	case n < 0x100:
		out = append(out, 0x81, byte(n))
	case n < 0x10000:
		out = append(out, 0x82, byte(n>>8), byte(n))
	case n < 0x1000000:
		out = append(out, 0x83, byte(n>>16), byte(n>>8), byte(n))
	default:
		out = append(out, 0x84, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func seq(parts ...[]byte) []byte { return tlv(tagSequence, parts...) }

// setOf writes a SET OF under tag, sorted as DER wants (X.690 clause 11.6).
func setOf(tag byte, parts ...[]byte) []byte {
	sorted := slices.Clone(parts)
	slices.SortFunc(sorted, bytes.Compare)
	return tlv(tag, sorted...)
}

func derInt(n *big.Int) []byte {
	out, err := asn1.Marshal(n)
	if err != nil {
		panic("internal error: integer does not encode: " + err.Error())
	}
	return out
}

func derSmall(n int) []byte { return derInt(big.NewInt(int64(n))) }

// generalTime writes a GeneralizedTime in UTC with at most milliseconds and no trailing zero.
func generalTime(t time.Time) []byte {
	return tlv(tagGeneralTime, []byte(t.UTC().Format("20060102150405.999Z")))
}

// signingTime writes the CMS Time choice (RFC 5652 section 11.3): UTCTime until 2049.
func signingTime(t time.Time) []byte {
	t = t.UTC()
	if y := t.Year(); y >= 1950 && y < 2050 {
		return tlv(tagUTCTime, []byte(t.Format("060102150405Z")))
	}
	return tlv(tagGeneralTime, []byte(t.Format("20060102150405Z")))
}

// parser reads strict DER. Parsers entered from one another share one error;
// after the first error every read is empty, so the caller checks once.
type parser struct {
	rest []byte
	err  *error
}

func newParser(b []byte) *parser { return &parser{rest: b, err: new(error)} }

func (p *parser) fail(what, why string) {
	if *p.err == nil {
		*p.err = refuse(RuleDER, "%s: %s", what, why)
	}
	p.rest = nil
}

// peek is the next tag, 0 at the end.
func (p *parser) peek() byte {
	if *p.err != nil || len(p.rest) == 0 {
		return 0
	}
	return p.rest[0]
}

func (p *parser) more() bool { return *p.err == nil && len(p.rest) > 0 }

// element reads the next element whatever its tag.
func (p *parser) element(what string) (tag byte, body, full []byte) {
	if *p.err != nil {
		return 0, nil, nil
	}
	b := p.rest
	if len(b) < 2 {
		p.fail(what, "missing")
		return 0, nil, nil
	}
	if b[0]&0x1f == 0x1f {
		p.fail(what, "long tag")
		return 0, nil, nil
	}
	n, head := int(b[1]), 2
	if n >= 0x80 {
		size := n & 0x7f
		if size == 0 || size > 4 || len(b) < 2+size {
			p.fail(what, "indefinite, too long or cut length")
			return 0, nil, nil
		}
		n = 0
		for _, c := range b[2 : 2+size] {
			n = n<<8 | int(c)
		}
		head += size
		if n < 0x80 || n < 1<<(8*(size-1)) {
			p.fail(what, "length is not minimal")
			return 0, nil, nil
		}
	}
	if len(b)-head < n {
		p.fail(what, "cut short")
		return 0, nil, nil
	}
	p.rest = b[head+n:]
	return b[0], b[head : head+n], b[:head+n]
}

// take reads an element that must have the tag.
func (p *parser) take(tag byte, what string) []byte {
	got, body, _ := p.element(what)
	if *p.err == nil && got != tag {
		p.fail(what, "unexpected tag")
		return nil
	}
	return body
}

// enter is take for constructed elements.
func (p *parser) enter(tag byte, what string) *parser {
	return &parser{rest: p.take(tag, what), err: p.err}
}

// full reads an element that must have the tag, header included.
func (p *parser) full(tag byte, what string) []byte {
	got, _, full := p.element(what)
	if *p.err == nil && got != tag {
		p.fail(what, "unexpected tag")
		return nil
	}
	return full
}

// end refuses trailing bytes.
func (p *parser) end(what string) {
	if *p.err == nil && len(p.rest) > 0 {
		p.fail(what, "trailing bytes")
	}
}

func (p *parser) integer(what string) *big.Int {
	return intBody(p, p.take(tagInteger, what), what)
}

// intBody reads a minimal two's complement number of at most 64 bytes.
func intBody(p *parser, b []byte, what string) *big.Int {
	if *p.err != nil {
		return new(big.Int)
	}
	if len(b) == 0 || len(b) > 64 || len(b) > 1 && (b[0] == 0 && b[1] < 0x80 || b[0] == 0xff && b[1] >= 0x80) {
		p.fail(what, "integer is empty, too long or not minimal")
		return new(big.Int)
	}
	n := new(big.Int).SetBytes(b)
	if b[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
}

// small reads a number from 0 to 999999.
func (p *parser) small(what string) int {
	return smallOf(p, p.integer(what), what)
}

func smallOf(p *parser, n *big.Int, what string) int {
	if n.Sign() < 0 || n.BitLen() > 20 {
		p.fail(what, "number out of range")
		return 0
	}
	return int(n.Int64())
}

func (p *parser) oid(what string) oid {
	b := p.take(tagOID, what)
	if *p.err != nil {
		return ""
	}
	if len(b) == 0 || len(b) > 64 || b[len(b)-1] >= 0x80 || !minimalArcs(b) {
		p.fail(what, "malformed object identifier")
	}
	return oid(b)
}

func minimalArcs(b []byte) bool {
	for i, c := range b {
		if c == 0x80 && (i == 0 || b[i-1] < 0x80) {
			return false
		}
	}
	return true
}

// generalTime reads what its namesake writes.
func (p *parser) generalTime(what string) time.Time {
	b := p.take(tagGeneralTime, what)
	return p.clock("20060102150405Z", b, what)
}

// signingTime reads what its namesake writes.
func (p *parser) signingTime(what string) time.Time {
	if p.peek() == tagUTCTime {
		t := p.clock("060102150405Z", p.take(tagUTCTime, what), what)
		if t.Year() >= 2050 { // Go reads 50..68 as 20xx, RFC 5652 as 19xx
			t = t.AddDate(-100, 0, 0)
		}
		return t
	}
	return p.clock("20060102150405Z", p.take(tagGeneralTime, what), what)
}

// clock reads a time and accepts it only in its one canonical spelling. Go's
// parser takes a fraction after the seconds by itself.
func (p *parser) clock(layout string, b []byte, what string) time.Time {
	if *p.err != nil {
		return time.Time{}
	}
	t, err := time.Parse(layout, string(b))
	canonical := t.Format(layout)
	if t.Nanosecond() != 0 {
		canonical = t.Format(layout[:len(layout)-1] + ".999999Z")
	}
	if err != nil || canonical != string(b) {
		p.fail(what, "malformed time")
		return time.Time{}
	}
	return t
}

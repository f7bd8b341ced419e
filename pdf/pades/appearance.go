package pades

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"
)

// Visible is where and with what words a signature shows. Lengths are points
// (1/72 inch) from the page's lower left corner, kept to hundredths.
type Visible struct {
	Page       int // from 1
	X, Y, W, H float64
	Lines      []string // 1 to 12; the first is bold. Letters outside Latin-1 lose their accents, or show as "?"
}

const (
	maxLines    = 12
	maxLine     = 200   // bytes
	maxSide     = 14400 // points, the largest page (ISO 32000-1 annex C)
	padding     = 400   // hundredths of a point, as are the sizes below
	largestType = 900
	leastType   = 300
)

// box is a rectangle in hundredths of a point: whole numbers, so that
// signer and reader compute the same appearance on every machine.
type box struct{ x, y, w, h int }

func (v Visible) box() (box, error) {
	var b box
	for i, f := range []float64{v.X, v.Y, v.W, v.H} {
		if !(f >= 0 && f <= maxSide) {
			return b, errors.New("visible signature: rectangle lies outside any page")
		}
		*[]*int{&b.x, &b.y, &b.w, &b.h}[i] = int(math.Round(f * 100))
	}
	return b, nil
}

// points writes hundredths of a point.
func points(n int) token { return token(fmt.Sprintf("%d.%02d", n/100, n%100)) }

func (b box) rect() array {
	return array{points(b.x), points(b.y), points(b.x + b.w), points(b.y + b.h)}
}

// readBox reads what rect writes.
func readBox(v any) (box, error) {
	a, ok := v.(array)
	if !ok || len(a) != 4 {
		return box{}, errors.New("rectangle has not 4 numbers")
	}
	var n [4]int
	for i := range a {
		whole, cents := 0, 0
		t, _ := a[i].(token)
		if _, err := fmt.Sscanf(string(t), "%d.%d", &whole, &cents); err != nil || whole < 0 || whole > 2*maxSide {
			return box{}, errors.New("malformed rectangle")
		}
		n[i] = whole*100 + cents
		if points(n[i]) != t {
			return box{}, errors.New("malformed rectangle")
		}
	}
	b := box{n[0], n[1], n[2] - n[0], n[3] - n[1]}
	if b.w < 0 || b.h < 0 {
		return b, errors.New("malformed rectangle")
	}
	return b, nil
}

// latin encodes a line for Helvetica's WinAnsiEncoding.
func latin(line string) ([]byte, error) {
	if len(line) > maxLine || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return nil, errors.New("visible signature: a line is too long or has control characters")
	}
	var out []byte
	for _, r := range norm.NFC.String(line) {
		c, ok := charmap.Windows1252.EncodeRune(r)
		if !ok {
			c, ok = charmap.Windows1252.EncodeRune([]rune(norm.NFD.String(string(r)))[0])
		}
		if !ok {
			c = '?'
		}
		out = append(out, c)
	}
	return out, nil
}

func fromLatin(b []byte) string {
	var out []rune
	for _, c := range b {
		out = append(out, charmap.Windows1252.DecodeByte(c))
	}
	return string(out)
}

// appearance draws the frame and the lines, as large as they fit up to 9 points.
func appearance(b box, lines [][]byte) ([]byte, error) {
	if len(lines) == 0 || len(lines) > maxLines {
		return nil, fmt.Errorf("visible signature: %d lines, not 1 to %d", len(lines), maxLines)
	}
	size := min(largestType, (b.h-2*padding)*100/(125*len(lines)))
	for i, line := range lines {
		width := 1
		for _, c := range line {
			width += glyphWidth(c, i == 0)
		}
		size = min(size, (b.w-2*padding)*1000/width)
	}
	if size < leastType {
		return nil, errors.New("visible signature: the lines do not fit into the rectangle")
	}
	var s strings.Builder
	fmt.Fprintf(&s, "q 0.4 G 0.5 w 0.25 0.25 %s %s re S Q\nBT\n0 g\n/F2 %s Tf\n%s TL\n%s %s Td\n",
		points(b.w-50), points(b.h-50), points(size), points(size*125/100), points(padding), points(b.h-padding-size*95/100))
	for i, line := range lines {
		fmt.Fprintf(&s, "%s Tj T*\n", string(literal(line)))
		if i == 0 {
			fmt.Fprintf(&s, "/F1 %s Tf\n", points(size))
		}
	}
	s.WriteString("ET\n")
	return []byte(s.String()), nil
}

// appearanceObject is the form XObject around the drawing.
func appearanceObject(b box, drawing []byte) dict {
	font := func(base name) dict {
		return dict{
			{key: "Type", value: name("Font")},
			{key: "Subtype", value: name("Type1")},
			{key: "BaseFont", value: base},
			{key: "Encoding", value: name("WinAnsiEncoding")},
		}
	}
	fonts := dict{{key: "F1", value: font("Helvetica")}, {key: "F2", value: font("Helvetica-Bold")}}
	return dict{
		{key: "Type", value: name("XObject")},
		{key: "Subtype", value: name("Form")},
		{key: "BBox", value: array{num(0), num(0), points(b.w), points(b.h)}},
		{key: "Resources", value: dict{{key: "Font", value: fonts}}},
		{key: "Length", value: num(len(drawing))},
	}
}

// readAppearance takes the lines out of a drawing and accepts it only if
// drawing them again gives the same bytes: no form paints over the page.
func readAppearance(b box, o object) ([]string, error) {
	var raw [][]byte
	var lines []string
	l := &lexer{data: o.stream}
	for l.err == nil && len(raw) <= maxLines {
		for l.pos < len(l.data) && l.data[l.pos] != '(' {
			l.pos++
		}
		if l.pos >= len(l.data) {
			break
		}
		s, _ := l.literal().(str)
		raw = append(raw, unescape(s))
		lines = append(lines, fromLatin(unescape(s)))
	}
	want, err := appearance(b, raw)
	if err != nil {
		return nil, err
	}
	if string(want) != string(o.stream) || text(appearanceObject(b, want)) != text(o.value) {
		return nil, errors.New("the appearance draws more than a frame and lines of text")
	}
	return lines, nil
}

// glyphWidth is Helvetica's advance width in thousandths (Adobe's font metrics), the
// bold face and letters beyond ASCII estimated from above.
func glyphWidth(c byte, bold bool) int {
	w := 722
	if c >= ' ' && int(c-' ') < len(helvetica) {
		w = helvetica[c-' ']
	}
	if bold {
		w += 56
	}
	return w
}

var helvetica = [...]int{
	278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
	556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
	1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
	667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
	333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
	556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
}

package layout

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"regexp"
	"strconv"
)

// Bounds of a PDF that Same reads.
const (
	maxPDF      = 32 << 20
	maxInflated = 64 << 20
)

// Same compares two PDFs of this package's form object by object with streams inflated, so that another version of the
// compressor makes no difference. Every byte of both is accounted for: objects follow one another without a gap, the
// cross-reference table must be the one that their places give, and nothing stands after it. The error names the first
// difference, or why one of them has another form.
func Same(a, b []byte) error {
	x, err := readPDF(a)
	if err != nil {
		return fmt.Errorf("read first PDF: %w", err)
	}
	y, err := readPDF(b)
	if err != nil {
		return fmt.Errorf("read second PDF: %w", err)
	}
	if len(x) != len(y) {
		return fmt.Errorf("PDFs differ: %d and %d parts", len(x), len(y))
	}
	for i := range x {
		switch {
		case !bytes.Equal(x[i].dict, y[i].dict):
			return fmt.Errorf("PDFs differ in %s", x[i].name)
		case !bytes.Equal(x[i].stream, y[i].stream):
			return fmt.Errorf("PDFs differ in the stream of %s", x[i].name)
		}
	}
	return nil
}

// part is the header, one object, or the trailer.
type part struct {
	name         string
	dict, stream []byte
}

var (
	header  = []byte("%PDF-1.3\n")
	object  = regexp.MustCompile(`^([1-9][0-9]{0,5}) 0 obj\n`)
	length  = regexp.MustCompile(`/Length ([0-9]{1,9})\b`)
	trailer = regexp.MustCompile(`^trailer\n<<\n(?:/(?:Size|Root|Info) [0-9R ]+\n)+>>\nstartxref\n([0-9]+)\n%%EOF\n$`)
)

func readPDF(pdf []byte) ([]part, error) {
	if len(pdf) > maxPDF || !bytes.HasPrefix(pdf, header) {
		return nil, fmt.Errorf("it has another form at its start, or %d bytes are too many", len(pdf))
	}
	parts := []part{{name: "header", dict: header}}
	places := map[int]int{}
	at, inflated := len(header), 0
	for {
		m := object.FindSubmatch(pdf[at:])
		if m == nil {
			break
		}
		n, _ := strconv.Atoi(string(m[1]))
		if _, again := places[n]; again {
			return nil, fmt.Errorf("object %d stands twice", n)
		}
		p, size, err := readObject(pdf[at+len(m[0]):])
		if err != nil {
			return nil, fmt.Errorf("object %d: %w", n, err)
		}
		if inflated += len(p.stream); inflated > maxInflated {
			return nil, fmt.Errorf("streams hold more than %d bytes", maxInflated)
		}
		p.name = "object " + string(m[1])
		p.dict = append([]byte(p.name+"\n"), p.dict...)
		parts = append(parts, p)
		places[n] = at
		at += len(m[0]) + size
	}
	table := xref(places)
	if !bytes.HasPrefix(pdf[at:], table) {
		return nil, fmt.Errorf("its cross-reference table does not give the places of its objects")
	}
	m := trailer.FindSubmatch(pdf[at+len(table):])
	if m == nil || string(m[1]) != strconv.Itoa(at) {
		return nil, fmt.Errorf("it has another form at its end")
	}
	end := bytes.Replace(m[0], m[1], nil, 1)
	return append(parts, part{name: "trailer", dict: end}), nil
}

// readObject reads from after "n 0 obj" to after "endobj".
func readObject(b []byte) (p part, size int, err error) {
	open, end := bytes.Index(b, []byte("\nstream\n")), bytes.Index(b, []byte("\nendobj\n"))
	if end < 0 {
		return p, 0, fmt.Errorf("it has no end")
	}
	if open < 0 || open > end {
		return part{dict: b[:end]}, end + len("\nendobj\n"), nil
	}
	dict := b[:open]
	m := length.FindSubmatchIndex(dict)
	if m == nil || len(length.FindAllIndex(dict, 2)) != 1 {
		return p, 0, fmt.Errorf("its stream has no single length")
	}
	n, _ := strconv.Atoi(string(dict[m[2]:m[3]]))
	data := b[open+len("\nstream\n"):]
	if n > len(data) {
		return p, 0, fmt.Errorf("its stream ends after the file")
	}
	const tail = "\nendstream\nendobj\n"
	if !bytes.HasPrefix(data[n:], []byte(tail)) {
		return p, 0, fmt.Errorf("its stream has another length")
	}
	p.dict = append(append([]byte{}, dict[:m[2]]...), dict[m[3]:]...)
	if p.stream = data[:n]; bytes.Contains(dict, []byte("/Filter /FlateDecode")) {
		p.stream, err = inflate(data[:n])
	} else {
		p.dict = dict
	}
	return p, open + len("\nstream\n") + n + len(tail), err
}

func inflate(b []byte) ([]byte, error) {
	in := bytes.NewReader(b)
	z, err := zlib.NewReader(in)
	if err != nil {
		return nil, fmt.Errorf("inflate its stream: %w", err)
	}
	out, err := io.ReadAll(io.LimitReader(z, maxInflated+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("inflate its stream: %w", err)
	case len(out) > maxInflated:
		return nil, fmt.Errorf("its stream holds more than %d bytes", maxInflated)
	case in.Len() > 0:
		return nil, fmt.Errorf("bytes follow its stream's data")
	}
	return out, nil
}

// xref writes the table that the objects' places give.
func xref(places map[int]int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(places)+1)
	for n := 1; n <= len(places); n++ {
		fmt.Fprintf(&b, "%010d 00000 n \n", places[n])
	}
	return b.Bytes()
}

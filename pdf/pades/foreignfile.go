package pades

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
)

// place is where an object of a foreign PDF stands: at an offset, or in an object stream.
type place struct {
	at     int // offset; 0 if it stands in a stream
	stream int // number of the object stream
	index  int // in it
}

// document is a foreign PDF as of one of its ends: what its last startxref leads to and nothing else.
type document struct {
	data    []byte
	places  map[int]place // objects in use, by number and generation as in a ref
	named   map[int]bool  // numbers that a table has named; older tables do not count for them
	trailer dict
	objects map[int]object
	packed  map[int]packed
	budget  *int // bytes that streams may still inflate to, over all documents of a file
}

// packed is an object stream taken apart.
type packed struct {
	data  []byte
	first int
	pairs []int // number and offset of each object
}

const (
	maxSections = 256
	maxObjects  = 1 << 18
	maxInflated = 32 << 20
)

var ending = regexp.MustCompile(`startxref[\r\n ]+([0-9]{1,10})[\r\n ]+%%EOF[\r\n]{0,2}$`)

// loadDocument reads the tables of a PDF up to its end.
func loadDocument(data []byte, budget *int) (*document, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("PDF is larger than %d bytes", maxFile)
	}
	if !bytes.HasPrefix(data, []byte("%PDF-")) {
		return nil, errors.New("not a PDF: it does not begin with %PDF-")
	}
	m := ending.FindSubmatch(data[max(0, len(data)-80):])
	if m == nil {
		return nil, errors.New("PDF does not end with startxref and %%EOF: it is cut or something was appended")
	}
	d := &document{
		data: data, places: map[int]place{}, named: map[int]bool{}, objects: map[int]object{}, packed: map[int]packed{}, budget: budget,
	}
	at, err := strconv.Atoi(string(m[1]))
	seen := map[int]bool{}
	for err == nil && at >= 0 {
		if seen[at] || len(seen) == maxSections || at >= len(data) {
			return nil, errors.New("cross-reference tables are too many, in a circle or outside the file")
		}
		seen[at] = true
		var t dict
		if t, err = d.section(at); err != nil {
			break
		}
		if d.trailer == nil {
			d.trailer = t
		}
		if prev := t.get("Prev"); prev == nil {
			at = -1
		} else if at = number(prev); at < 0 {
			err = errors.New("a trailer's /Prev is no offset")
		}
		for _, key := range []name{"Encrypt", "XRefStm"} {
			if t.get(key) != nil {
				err = fmt.Errorf("PDFs with /%s are not supported", key)
			}
		}
	}
	return d, err
}

// put notes an object unless a newer table named it.
func (d *document) put(n, gen int, p place, used bool) error {
	if d.named[n] {
		return nil
	}
	if n < 0 || n >= generation || gen < 0 || gen > maxGeneration || len(d.named) > maxObjects {
		return errors.New("cross-reference table has too many objects or an odd one")
	}
	d.named[n] = true
	if used {
		d.places[n+gen*generation] = p
	}
	return nil
}

// section reads one table or cross-reference stream and its trailer.
func (d *document) section(at int) (dict, error) {
	l := &lexer{data: d.data, pos: at, generations: true}
	if l.space(); !l.has("xref") {
		return d.crossStream(at)
	}
	l.expect("xref")
	for l.space(); l.err == nil && !l.has("trailer"); l.space() {
		first := l.integer()
		l.space()
		count := l.integer()
		l.space()
		for n := first; n < first+count && l.err == nil; n++ {
			at := l.integer()
			l.space()
			gen := l.integer()
			l.space()
			kind := l.word()
			l.space()
			if kind != "n" && kind != "f" {
				l.fail("malformed table line")
			} else if err := d.put(n, gen, place{at: at}, kind == "n" && at > 0); err != nil {
				return nil, err
			}
		}
	}
	l.expect("trailer")
	t, ok := l.value(0).(dict)
	if l.err != nil || !ok {
		return nil, fmt.Errorf("read cross-reference table: %w", errors.Join(l.err, errors.New("no trailer")))
	}
	return t, nil
}

// crossStream reads a cross-reference stream (ISO 32000-1 clause 7.5.8).
func (d *document) crossStream(at int) (dict, error) {
	o, err := d.read(at)
	t, ok := o.value.(dict)
	if err != nil || !ok || t.get("Type") != name("XRef") {
		return nil, fmt.Errorf("read cross-reference stream: %w", errors.Join(err, errors.New("none stands there")))
	}
	rows, err := d.inflate(o)
	if err != nil {
		return nil, fmt.Errorf("read cross-reference stream: %w", err)
	}
	widths, ok := t.get("W").(array)
	if !ok || len(widths) != 3 {
		return nil, errors.New("cross-reference stream has no /W")
	}
	var w [3]int
	for i := range w {
		if w[i] = number(widths[i]); w[i] < 0 || w[i] > 4 {
			return nil, errors.New("cross-reference stream has an odd /W")
		}
	}
	index, ok := t.get("Index").(array)
	if !ok {
		index = array{num(0), t.get("Size")}
	}
	size := w[0] + w[1] + w[2]
	for i := 0; i+1 < len(index); i += 2 {
		first, count := number(index[i]), number(index[i+1])
		if first < 0 || count < 0 || size == 0 || count > len(rows)/size {
			return nil, errors.New("cross-reference stream is cut")
		}
		for n := first; n < first+count; n++ {
			f := [3]int{1, 0, 0}
			row := rows[:size]
			rows = rows[size:]
			for k := range f {
				if w[k] > 0 {
					f[k] = 0
				}
				for _, c := range row[:w[k]] {
					f[k] = f[k]<<8 | int(c)
				}
				row = row[w[k]:]
			}
			p, gen := place{at: f[1]}, f[2]
			if f[0] == 2 {
				p, gen = place{stream: f[1], index: f[2]}, 0
			}
			if f[0] > 2 || f[0] == 1 && f[1] == 0 {
				return nil, errors.New("cross-reference stream has an unknown entry")
			}
			if f[0] == 0 {
				gen = 0
			}
			if err := d.put(n, gen, p, f[0] != 0); err != nil {
				return nil, err
			}
		}
	}
	return t, nil
}

// read takes the object that stands at an offset; the length of its stream may be another object.
func (d *document) read(at int) (object, error) {
	if at < 0 || at >= len(d.data) {
		return object{}, errors.New("object lies outside the file")
	}
	l := &lexer{data: d.data, pos: at, generations: true}
	l.space()
	o := object{num: l.integer()}
	l.space()
	gen := l.integer()
	if o.num >= generation || gen > maxGeneration {
		l.fail("object number is too large")
	}
	o.num += gen * generation
	l.space()
	l.expect("obj")
	o.value = l.value(0)
	l.space()
	if t, ok := o.value.(dict); ok && l.has("stream") {
		l.expect("stream")
		if l.has("\r") {
			l.expect("\r")
		}
		l.expect("\n")
		n := number(t.get("Length"))
		if r, indirect := t.get("Length").(ref); indirect {
			if p := d.places[int(r)]; p.at > 0 && int(r) != o.num {
				n = number(d.plain(p.at))
			}
		}
		if n < 0 || n > len(l.data)-l.pos {
			l.fail("stream length is missing or wrong")
			return o, l.err
		}
		o.stream = l.data[l.pos : l.pos+n : l.pos+n]
		l.pos += n
		l.space()
		l.expect("endstream")
		l.space()
	}
	l.expect("endobj")
	o.end = l.pos
	return o, l.err
}

// plain is the value at an offset, if it is no stream.
func (d *document) plain(at int) any {
	if at >= len(d.data) {
		return nil
	}
	l := &lexer{data: d.data, pos: at, generations: true}
	l.integer()
	l.space()
	l.word()
	l.space()
	l.expect("obj")
	v := l.value(0)
	if l.err != nil {
		return nil
	}
	return v
}

// object is object n; a missing one is null, as PDF has it.
func (d *document) object(n int) (object, error) {
	if o, ok := d.objects[n]; ok {
		return o, nil
	}
	p, ok := d.places[n]
	if !ok {
		return object{num: n, value: token("null")}, nil
	}
	var o object
	var err error
	if p.at > 0 {
		o, err = d.read(p.at)
	} else {
		o, err = d.unpack(p)
	}
	if err == nil && o.num != n {
		err = fmt.Errorf("object %d stands there", o.num)
	}
	if err != nil {
		return o, fmt.Errorf("read object %d: %w", n, err)
	}
	d.objects[n] = o
	return o, nil
}

// unpack reads an object out of an object stream (ISO 32000-1 clause 7.5.7).
func (d *document) unpack(p place) (object, error) {
	s, ok := d.packed[p.stream]
	if !ok {
		home := d.places[p.stream]
		if home.at == 0 {
			return object{}, errors.New("its object stream is missing")
		}
		o, err := d.read(home.at)
		t, isDict := o.value.(dict)
		if err != nil || !isDict || o.num != p.stream || t.get("Type") != name("ObjStm") {
			return object{}, errors.New("its object stream is none")
		}
		if s.data, err = d.inflate(o); err != nil {
			return object{}, err
		}
		count := number(t.get("N"))
		s.first = number(t.get("First"))
		l := &lexer{data: s.data}
		for range count {
			for range 2 {
				l.space()
				s.pairs = append(s.pairs, l.integer())
			}
			if l.err != nil {
				return object{}, fmt.Errorf("object stream: %w", l.err)
			}
		}
		d.packed[p.stream] = s
	}
	if 2*p.index+1 >= len(s.pairs) || s.first < 0 || s.first+s.pairs[2*p.index+1] >= len(s.data) {
		return object{}, errors.New("it is not in its object stream")
	}
	l := &lexer{data: s.data, pos: s.first + s.pairs[2*p.index+1], generations: true}
	o := object{num: s.pairs[2*p.index], value: l.value(0)}
	return o, l.err
}

// inflate undoes a stream's compression: none, or Flate with a PNG predictor.
func (d *document) inflate(o object) ([]byte, error) {
	t, _ := o.value.(dict)
	filter, parms := t.get("Filter"), t.get("DecodeParms")
	if a, ok := filter.(array); ok && len(a) == 1 {
		filter = a[0]
		if p, ok := parms.(array); ok && len(p) == 1 {
			parms = p[0]
		}
	}
	if filter == nil {
		return o.stream, nil
	}
	if filter != name("FlateDecode") {
		return nil, errors.New("stream has a filter that is not supported")
	}
	z, err := zlib.NewReader(bytes.NewReader(o.stream))
	if err != nil {
		return nil, fmt.Errorf("inflate stream: %w", err)
	}
	out, err := io.ReadAll(io.LimitReader(z, int64(*d.budget)+1))
	if err != nil {
		return nil, fmt.Errorf("inflate stream: %w", err)
	}
	if *d.budget -= len(out); *d.budget < 0 {
		return nil, errors.New("streams inflate to too much")
	}
	p, _ := parms.(dict)
	switch kind := number(p.get("Predictor")); {
	case kind < 2:
		return out, nil
	case kind >= 10:
		return unpredict(out, p)
	}
	return nil, errors.New("stream has a predictor that is not supported")
}

// unpredict undoes the PNG filters with one byte per pixel (RFC 2083 section 6), as tables use them.
func unpredict(in []byte, p dict) ([]byte, error) {
	columns := number(p.get("Columns"))
	if p.get("Colors") != nil && number(p.get("Colors")) != 1 || p.get("BitsPerComponent") != nil && number(p.get("BitsPerComponent")) != 8 ||
		columns < 1 || columns > 1000 || len(in)%(columns+1) != 0 {
		return nil, errors.New("stream has a predictor that is not supported")
	}
	out := make([]byte, 0, len(in))
	above := make([]byte, columns)
	for ; len(in) > 0; in = in[columns+1:] {
		row := bytes.Clone(in[1 : columns+1])
		for i := range row {
			var left, corner byte
			if i > 0 {
				left, corner = row[i-1], above[i-1]
			}
			switch in[0] {
			case 0:
			case 1:
				row[i] += left
			case 2:
				row[i] += above[i]
			case 3:
				row[i] += byte((int(left) + int(above[i])) / 2)
			case 4:
				row[i] += paeth(left, above[i], corner)
			default:
				return nil, errors.New("stream has a predictor that is not supported")
			}
		}
		out, above = append(out, row...), row
	}
	return out, nil
}

func paeth(a, b, c byte) byte {
	p := int(a) + int(b) - int(c)
	distance := func(x byte) int { return max(p-int(x), int(x)-p) }
	switch {
	case distance(a) <= distance(b) && distance(a) <= distance(c):
		return a
	case distance(b) <= distance(c):
		return b
	}
	return c
}

// resolve follows a reference.
func (d *document) resolve(v any) (any, error) {
	r, ok := v.(ref)
	if !ok {
		return v, nil
	}
	o, err := d.object(int(r))
	return o.value, err
}

// dictionary is the dictionary v stands for; nil if it is null or missing.
func (d *document) dictionary(v any, what string) (dict, error) {
	v, err := d.resolve(v)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if v == nil || v == token("null") {
		return nil, nil
	}
	t, ok := v.(dict)
	if !ok {
		return nil, fmt.Errorf("%s is not a dictionary", what)
	}
	return t, nil
}

// list is the array v stands for; nil if it is null or missing.
func (d *document) list(v any, what string) (array, error) {
	v, err := d.resolve(v)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if v == nil || v == token("null") {
		return nil, nil
	}
	a, ok := v.(array)
	if !ok {
		return nil, fmt.Errorf("%s is not a list", what)
	}
	return a, nil
}

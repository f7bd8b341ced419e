package pades

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
)

const (
	maxFile      = 64 << 20
	maxRevisions = 32
	maxPages     = 10000
)

// revision is a part of the file that ends in %%EOF: the original or one update.
type revision struct {
	start, end int         // bytes of the file
	xref       int         // where its table stands
	offsets    map[int]int // objects it writes
	trailer    dict
}

// file is a PDF as its revisions, first to last.
type file struct {
	data []byte
	revs []revision
}

var tail = regexp.MustCompile(`^startxref\r?\n([0-9]{1,10})\r?\n%%EOF(\r\n|\n|\r|$)`)

// load reads the structure of a PDF: every byte belongs to one revision, and
// every revision's objects stand inside it.
func load(data []byte) (*file, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("PDF is larger than %d bytes", maxFile)
	}
	if !bytes.HasPrefix(data, []byte("%PDF-")) {
		return nil, errors.New("not a PDF: it does not begin with %PDF-")
	}
	at := bytes.LastIndex(data, []byte("startxref"))
	if at < 0 {
		return nil, errors.New("PDF is cut: there is no startxref")
	}
	m := tail.FindSubmatch(data[at:])
	if m == nil || at+len(m[0]) != len(data) {
		return nil, errors.New("PDF does not end with startxref and %%EOF: it is cut or something was appended")
	}
	f := &file{data: data}
	next, err := strconv.Atoi(string(m[1]))
	for err == nil && next >= 0 {
		var r revision
		if len(f.revs) == maxRevisions {
			return nil, fmt.Errorf("PDF has more than %d revisions", maxRevisions)
		}
		if r, err = readRevision(data, next); err != nil {
			break
		}
		f.revs = append(f.revs, r)
		if prev := r.trailer.get("Prev"); prev == nil {
			next = -1
		} else if p := number(prev); p < 0 || p >= next {
			err = errors.New("a trailer's /Prev does not lead back")
		} else {
			next = p
		}
	}
	if err != nil {
		return nil, err
	}
	slices.Reverse(f.revs)
	return f, f.bounds()
}

// bounds joins the revisions and checks that each keeps to itself.
func (f *file) bounds() error {
	start := 0
	for i := range f.revs {
		r := &f.revs[i]
		r.start = start
		start = r.end
		if r.xref < r.start || r.end <= r.xref {
			return errors.New("revisions overlap")
		}
		for n, at := range r.offsets {
			if at < r.start || at >= r.xref {
				return fmt.Errorf("object %d stands outside its revision", n)
			}
		}
	}
	if start != len(f.data) {
		return errors.New("bytes after the last revision")
	}
	return nil
}

// readRevision reads the table, trailer and end at an offset.
func readRevision(data []byte, at int) (revision, error) {
	r := revision{xref: at, offsets: map[int]int{}}
	if at >= len(data) {
		return r, errors.New("cross-reference table lies outside the file")
	}
	l := &lexer{data: data, pos: at}
	if !l.has("xref") {
		return r, errors.New("PDF has no classic cross-reference table there; such PDFs are not supported")
	}
	l.expect("xref")
	for l.space(); l.err == nil && !l.has("trailer"); l.space() {
		r.subsection(l)
	}
	l.expect("trailer")
	t, ok := l.value(0).(dict)
	l.space()
	if l.err != nil {
		return r, fmt.Errorf("read cross-reference table: %w", l.err)
	}
	if !ok {
		return r, errors.New("trailer is not a dictionary")
	}
	r.trailer = t
	for _, key := range []name{"Encrypt", "XRefStm"} {
		if t.get(key) != nil {
			return r, fmt.Errorf("PDFs with /%s are not supported", key)
		}
	}
	m := tail.FindSubmatch(data[l.pos:])
	if m == nil || string(m[1]) != strconv.Itoa(at) {
		return r, errors.New("a revision does not end with its startxref and %%EOF")
	}
	r.end = l.pos + len(m[0])
	return r, nil
}

// subsection reads "first count" and as many lines of 20 bytes (ISO 32000-1 clause 7.5.4).
func (r *revision) subsection(l *lexer) {
	first := l.integer()
	l.expect(" ")
	count := l.integer()
	l.space()
	for n := first; n < first+count && l.err == nil; n++ {
		if len(l.data)-l.pos < 20 {
			l.fail("table is cut")
			return
		}
		line := l.data[l.pos : l.pos+20]
		at := number(token(line[:10]))
		kind, generation := line[17], string(line[11:16])
		if at < 0 || line[10] != ' ' || line[16] != ' ' || kind != 'n' && kind != 'f' || !isSpace(line[18]) || !isSpace(line[19]) {
			l.fail("malformed table line")
			return
		}
		if kind == 'n' {
			if _, twice := r.offsets[n]; twice || generation != "00000" {
				l.fail("object %d is there twice or has a generation", n)
				return
			}
			r.offsets[n] = at
		}
		l.pos += 20
	}
}

// object reads object n as of revision rev.
func (f *file) object(rev, n int) (object, error) {
	for ; rev >= 0; rev-- {
		at, ok := f.revs[rev].offsets[n]
		if !ok {
			continue
		}
		l := &lexer{data: f.data[:f.revs[rev].xref], pos: at}
		o := l.object()
		if l.err != nil {
			return o, fmt.Errorf("read object %d: %w", n, l.err)
		}
		if o.num != n {
			return o, fmt.Errorf("read object %d: object %d stands there", n, o.num)
		}
		return o, nil
	}
	return object{}, fmt.Errorf("object %d is missing", n)
}

// dictionary is the dictionary v stands for as of revision rev.
func (f *file) dictionary(rev int, v any, what string) (dict, error) {
	if r, ok := v.(ref); ok {
		o, err := f.object(rev, int(r))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		v = o.value
	}
	d, ok := v.(dict)
	if !ok {
		return nil, fmt.Errorf("%s is not a dictionary", what)
	}
	return d, nil
}

// size is the number after the highest object as of revision rev.
func (f *file) size(rev int) int { return number(f.revs[rev].trailer.get("Size")) }

// pages lists the page objects of revision rev in reading order.
func (f *file) pages(rev int) ([]ref, error) {
	root, err := f.dictionary(rev, f.revs[rev].trailer.get("Root"), "catalogue")
	if err != nil {
		return nil, err
	}
	var out []ref
	seen := map[ref]bool{}
	var walk func(v any, depth int) error
	walk = func(v any, depth int) error {
		r, ok := v.(ref)
		if !ok || seen[r] || depth > maxDepth || len(seen) > maxPages {
			return errors.New("page tree is malformed, too deep or too large")
		}
		seen[r] = true
		d, err := f.dictionary(rev, r, "page tree")
		if err != nil {
			return err
		}
		if d.get("Type") == name("Page") {
			out = append(out, r)
			return nil
		}
		kids, ok := d.get("Kids").(array)
		if !ok {
			return errors.New("page tree has a node without /Kids")
		}
		for _, k := range kids {
			if err := walk(k, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	if err := walk(root.get("Pages"), 0); err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, errors.New("PDF has no pages")
	}
	return out, nil
}

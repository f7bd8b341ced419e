package pades

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// mark is a signature update taken apart: what Sign writes and Verify reads.
type mark struct {
	field                string
	stamp                bool // a document time stamp: no M, no words
	m                    time.Time
	words                [4]string // Name, Reason, Location, ContactInfo
	page                 int       // from 1
	box                  box       // zero if invisible
	lines                []string
	contents             [2]int // where the hexadecimal string with its brackets stands
	covers               int    // end of the update
	cms                  []byte // with its zero padding
	sig, widgetRef, look ref
}

var wordKeys = [4]name{"Name", "Reason", "Location", "ContactInfo"}

const pdfTime = "D:20060102150405Z"

// newCatalog is the catalogue after a field was added.
func newCatalog(old dict, field ref) (dict, error) {
	form := dict{{key: "Fields", value: array{}}, {key: "SigFlags", value: num(3)}}
	if have := old.get("AcroForm"); have != nil {
		d, ok := have.(dict)
		if !ok || len(d) != 2 || text(d.get("SigFlags")) != "3" {
			return nil, errors.New("PDF has form fields of another program; such PDFs are not supported")
		}
		form = d
	}
	fields, ok := form.get("Fields").(array)
	if !ok {
		return nil, errors.New("form fields are not a list")
	}
	out := old.with("AcroForm", form.with("Fields", append(slices.Clone(fields), field)))
	// CAdES in a PDF below 2.0 is an extension that the catalogue must declare.
	esic := dict{{key: "ESIC", value: dict{{key: "BaseVersion", value: name("1.7")}, {key: "ExtensionLevel", value: num(1)}}}}
	switch have := old.get("Extensions"); {
	case have == nil:
		out = out.with("Extensions", esic).with("Version", name("1.7"))
	case text(have) != text(esic):
		return nil, errors.New("PDF declares extensions of another program; such PDFs are not supported")
	}
	return out, nil
}

// newPage is the page after a widget was put on it.
func (f *file) newPage(rev int, old dict, widget ref) (dict, error) {
	have := old.get("Annots")
	if r, ok := have.(ref); ok {
		o, err := f.object(rev, int(r))
		if err != nil {
			return nil, fmt.Errorf("annotations: %w", err)
		}
		have = o.value
	}
	list, ok := have.(array)
	if have != nil && !ok {
		return nil, errors.New("page's annotations are not a list")
	}
	return old.with("Annots", append(slices.Clone(list), widget)), nil
}

// widget is the field, which is its own annotation. /F 132 is print and locked.
func (m mark) widget(page ref) dict {
	d := dict{
		{key: "Type", value: name("Annot")},
		{key: "Subtype", value: name("Widget")},
		{key: "FT", value: name("Sig")},
		{key: "T", value: textString(m.field)},
		{key: "F", value: num(132)},
		{key: "Rect", value: m.box.rect()},
		{key: "P", value: page},
		{key: "V", value: m.sig},
	}
	if m.look != 0 {
		d = append(d, entry{key: "AP", value: dict{{key: "N", value: m.look}}})
	}
	return d
}

// signature is the signature dictionary up to /ByteRange and /Contents.
func (m mark) signature() dict {
	if m.stamp {
		return dict{
			{key: "Type", value: name("DocTimeStamp")},
			{key: "Filter", value: name("Adobe.PPKLite")},
			{key: "SubFilter", value: name("ETSI.RFC3161")},
		}
	}
	d := dict{
		{key: "Type", value: name("Sig")},
		{key: "Filter", value: name("Adobe.PPKLite")},
		{key: "SubFilter", value: name("ETSI.CAdES.detached")},
		{key: "M", value: literal([]byte(m.m.UTC().Format(pdfTime)))},
	}
	for i, w := range m.words {
		if w != "" {
			d = append(d, entry{key: wordKeys[i], value: textString(w)})
		}
	}
	return d
}

// trailer is the trailer of the update that follows revision rev.
func (f *file) trailer(rev, size int) dict {
	return f.revs[rev].trailer.with("Size", num(size)).with("Prev", num(f.revs[rev].xref))
}

// update is one revision after the original: a signature or time stamp, or pieces added to the security store.
type update struct {
	mark  *mark
	store Evidence
}

// readUpdate takes revision rev apart and refuses it unless it is what this package appends to the one before.
func (f *file) readUpdate(rev int) (update, error) {
	objects, err := f.tiles(rev)
	if err != nil {
		return update{}, err
	}
	if objects[f.size(rev-1)].stream != nil {
		e, err := f.readStore(rev, objects)
		return update{store: e}, err
	}
	m, err := f.readMark(rev, objects)
	return update{mark: &m}, err
}

// readMark takes the update of a signature or document time stamp apart.
func (f *file) readMark(rev int, objects map[int]object) (mark, error) {
	var m mark
	r := f.revs[rev]
	first := f.size(rev - 1)
	m.sig, m.widgetRef, m.covers = ref(first), ref(first+1), r.end
	var err error
	w, ok := objects[int(m.widgetRef)].value.(dict)
	if !ok {
		return m, errors.New("it adds no signature field: the PDF was changed after it was signed")
	}
	if err = m.readWidget(w); err != nil {
		return m, fmt.Errorf("signature field: %w", err)
	}
	if m.look != 0 {
		if m.lines, err = readAppearance(m.box, objects[int(m.look)]); err != nil {
			return m, err
		}
	}
	if err := m.readSignature(objects[int(m.sig)].value, f.data); err != nil {
		return m, fmt.Errorf("signature dictionary: %w", err)
	}
	want, _, err := f.expected(rev-1, &m, w.get("P"))
	if err != nil {
		return m, err
	}
	if len(want) != len(objects) {
		return m, errors.New("the update writes other objects than a signature needs")
	}
	for n, v := range want {
		if o, ok := objects[n]; !ok || v != nil && (text(v) != text(o.value) || o.stream != nil) {
			return m, fmt.Errorf("object %d is not as a signature leaves it: the update changes something else", n)
		}
	}
	if text(r.trailer) != text(f.trailer(rev-1, first+len(want)-2)) {
		return m, errors.New("trailer is not as a signature leaves it")
	}
	return m, nil
}

// expected are the objects an update over revision rev writes; nil for those judged elsewhere.
func (f *file) expected(rev int, m *mark, page any) (map[int]any, []int, error) {
	rootRef, ok := f.revs[rev].trailer.get("Root").(ref)
	if !ok {
		return nil, nil, errors.New("trailer has no /Root")
	}
	oldRoot, err := f.dictionary(rev, rootRef, "catalogue")
	if err != nil {
		return nil, nil, err
	}
	root, err := newCatalog(oldRoot, m.widgetRef)
	if err != nil {
		return nil, nil, err
	}
	pages, err := f.pages(rev)
	if err != nil {
		return nil, nil, err
	}
	pageRef, _ := page.(ref)
	m.page = slices.Index(pages, pageRef) + 1
	if m.page == 0 {
		return nil, nil, errors.New("the field stands on no page")
	}
	oldPage, err := f.dictionary(rev, pageRef, "page")
	if err != nil {
		return nil, nil, err
	}
	newPage, err := f.newPage(rev, oldPage, m.widgetRef)
	if err != nil {
		return nil, nil, err
	}
	if f.size(rev) < 1 || f.size(rev) > maxFile {
		return nil, nil, errors.New("trailer has no usable /Size")
	}
	out := map[int]any{int(m.sig): nil, int(m.widgetRef): m.widget(pageRef), int(pageRef): newPage, int(rootRef): root}
	order := []int{int(m.sig), int(m.widgetRef), int(pageRef), int(rootRef)}
	if m.look != 0 {
		out[int(m.look)] = nil
		order = append(order, int(m.look))
	}
	if len(out) != len(order) {
		return nil, nil, errors.New("objects of the PDF share a number")
	}
	return out, order, nil
}

// tiles reads the objects of an update, which must lie one behind the other up to the table.
func (f *file) tiles(rev int) (map[int]object, error) {
	r := f.revs[rev]
	at := map[int]int{}
	for n, off := range r.offsets {
		at[off] = n
	}
	out := map[int]object{}
	l := &lexer{data: f.data[:r.xref], pos: r.start}
	for l.pos < r.xref {
		n, listed := at[l.pos]
		o := l.object()
		if l.err != nil {
			return nil, fmt.Errorf("read update: %w", l.err)
		}
		if !listed || o.num != n {
			return nil, fmt.Errorf("object %d stands where the table has none", o.num)
		}
		out[n] = o
		for l.pos < r.xref && isSpace(l.data[l.pos]) {
			l.pos++
		}
	}
	if len(out) != len(r.offsets) {
		return nil, errors.New("an update's table and objects differ")
	}
	return out, nil
}

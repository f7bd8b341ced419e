package pades

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// difference compares a document with a later state of the same file by a list of what may change: the
// catalogue may gain /DSS, /Extensions, /Version and a form; the form may gain signature fields
// at its end; pages may gain these fields' widgets at the end of /Annots; an empty signature field may be
// filled. Whatever else was reachable must be what it was, and nothing the old document
// referred to in vain may have come into being.
type difference struct {
	old, now  *document
	count     map[int]int  // references to each object that the old document reaches
	explained map[int]bool // objects whose change is on the list
	added     map[ref]bool // fields that are new or were filled
}

func compare(old, now *document) error {
	d := &difference{old: old, now: now, count: map[int]int{}, explained: map[int]bool{}, added: map[ref]bool{}}
	for _, key := range []name{"Root", "Info"} {
		if text(old.trailer.get(key)) != text(now.trailer.get(key)) {
			return fmt.Errorf("an update gives the trailer another /%s", key)
		}
	}
	if err := d.reach(); err != nil {
		return err
	}
	if err := d.catalogue(); err != nil {
		return err
	}
	pages, err := d.old.pages()
	if err != nil {
		return err
	}
	for _, p := range pages {
		if err := d.page(p); err != nil {
			return err
		}
	}
	for n := range d.count {
		same, err := d.same(n)
		if err != nil {
			return err
		}
		if !same && !d.explained[n] {
			return fmt.Errorf("an update changes object %d, which is neither a signature nor revocation data", n)
		}
	}
	return nil
}

// reach counts what the old document refers to, from its trailer on.
func (d *difference) reach() error {
	queue := []any{d.old.trailer.get("Root"), d.old.trailer.get("Info")}
	for len(queue) > 0 {
		v := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		switch v := v.(type) {
		case ref:
			if d.count[int(v)]++; d.count[int(v)] > 1 {
				continue
			}
			o, err := d.old.object(int(v))
			if err != nil {
				return err
			}
			queue = append(queue, o.value)
		case array:
			queue = append(queue, v...)
		case dict:
			for _, e := range v {
				queue = append(queue, e.value)
			}
		}
	}
	return nil
}

// same says whether object n is what it was: at the same place, or written again alike.
func (d *difference) same(n int) (bool, error) {
	before, was := d.old.places[n]
	after, is := d.now.places[n]
	if was && is && before == after {
		if before.at > 0 {
			return true, nil
		}
		if d.old.places[before.stream] == d.now.places[after.stream] {
			return true, nil
		}
	}
	if !was && !is {
		return true, nil
	}
	a, err := d.old.object(n)
	if err != nil {
		return false, err
	}
	b, err := d.now.object(n)
	if err != nil {
		return false, err
	}
	return was == is && text(a.value) == text(b.value) && bytes.Equal(a.stream, b.stream) && (a.stream == nil) == (b.stream == nil), nil
}

// explain allows object n to change, if it is an object of its own with one user in the old document.
func (d *difference) explain(v any) error {
	r, ok := v.(ref)
	if !ok {
		return nil
	}
	if d.count[int(r)] > 1 {
		if same, err := d.same(int(r)); err != nil || !same {
			return errors.Join(err, fmt.Errorf("an update changes object %d, which serves two purposes", int(r)))
		}
	}
	d.explained[int(r)] = true
	return nil
}

func (d *difference) catalogue() error {
	root := d.old.trailer.get("Root")
	before, err := d.old.dictionary(root, "catalogue")
	if err != nil {
		return err
	}
	after, err := d.now.dictionary(root, "catalogue")
	if err != nil || before == nil || after == nil {
		return errors.Join(err, errors.New("catalogue is missing"))
	}
	if err := onlyKeys(before, after, "catalogue", "DSS", "Extensions", "Version", "AcroForm"); err != nil {
		return err
	}
	if err := d.explain(root); err != nil {
		return err
	}
	if err := d.store(before.get("DSS"), 0); err != nil {
		return err
	}
	return d.form(before.get("AcroForm"), after.get("AcroForm"))
}

// onlyKeys refuses keys that came, went or changed, but for those named.
func onlyKeys(before, after dict, what string, free ...name) error {
	for _, t := range []dict{before, after} {
		for _, e := range t {
			if !slices.Contains(free, e.key) && text(before.get(e.key)) != text(after.get(e.key)) {
				return fmt.Errorf("an update changes /%s of the %s", e.key, what)
			}
		}
	}
	return nil
}

// store allows the objects of the old security store to change: no page shows them.
func (d *difference) store(v any, depth int) error {
	if depth > 3 {
		return nil // streams: they must stay
	}
	if r, ok := v.(ref); ok {
		o, err := d.old.object(int(r))
		if err != nil {
			return err
		}
		if o.stream != nil {
			return nil
		}
		if err := d.explain(r); err != nil {
			return err
		}
		v = o.value
	}
	if t, ok := v.(dict); ok {
		for _, e := range t {
			if err := d.store(e.value, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *difference) form(old, now any) error {
	before, err := d.old.dictionary(old, "form")
	if err != nil {
		return err
	}
	after, err := d.now.dictionary(now, "form")
	if err != nil {
		return err
	}
	if before != nil && after == nil {
		return errors.New("an update removes the form")
	}
	free := []name{"Fields", "SigFlags"}
	if before == nil {
		free = append(free, "DA", "DR")
	}
	if err := onlyKeys(before, after, "form", free...); err != nil {
		return err
	}
	was, err := d.old.list(before.get("Fields"), "form fields")
	if err != nil {
		return err
	}
	is, err := d.now.list(after.get("Fields"), "form fields")
	if err != nil {
		return err
	}
	if err := errors.Join(d.explain(old), d.explain(before.get("Fields"))); err != nil {
		return err
	}
	if len(is) < len(was) || text(is[:len(was)]) != text(was) {
		return errors.New("an update changes the list of form fields")
	}
	for _, v := range was {
		if err := d.filled(v); err != nil {
			return err
		}
	}
	for _, v := range is[len(was):] {
		r, ok := v.(ref)
		if !ok || d.count[int(r)] > 0 {
			return errors.New("an update makes something old a form field")
		}
		field, err := d.now.dictionary(r, "new field")
		if err != nil {
			return err
		}
		if err := onlyKeys(nil, field, "new field", newFieldKeys...); err != nil {
			return err
		}
		if field.get("FT") != name("Sig") {
			return errors.New("an update adds a field that is no signature")
		}
		if _, signed := field.get("V").(ref); !signed && visible(field) {
			return errors.New("an update adds a visible field without a signature")
		}
		d.added[r] = true
	}
	return nil
}

// newFieldKeys are what a signature field may say; actions are not among it.
var newFieldKeys = []name{"Type", "Subtype", "FT", "T", "TU", "F", "Ff", "Rect", "P", "V", "AP", "AS", "MK", "BS", "Border", "DA", "DR", "Lock", "SV", "M", "NM"}

func visible(field dict) bool {
	rect, ok := field.get("Rect").(array)
	return field.get("AP") != nil && !(ok && len(rect) == 4 && text(rect[0]) == text(rect[2]) && text(rect[1]) == text(rect[3]))
}

// filled allows an empty signature field to take its signature and appearance.
func (d *difference) filled(v any) error {
	r, ok := v.(ref)
	if !ok {
		return nil
	}
	before, err := d.old.dictionary(r, "field")
	if err != nil {
		return err
	}
	after, err := d.now.dictionary(r, "field")
	if err != nil || before.get("FT") != name("Sig") || before.get("V") != nil || after.get("V") == nil {
		return err
	}
	if err := onlyKeys(before, after, "signature field", "V", "AP", "M", "F", "NM"); err != nil {
		return err
	}
	if _, ok := after.get("AP").(dict); !ok && after.get("AP") != nil {
		return errors.New("a filled field has a strange appearance")
	}
	d.explained[int(r)] = true
	return nil
}

// page allows added fields at the end of a page's annotations.
func (d *difference) page(r ref) error {
	before, err := d.old.dictionary(r, "page")
	if err != nil {
		return err
	}
	after, err := d.now.dictionary(r, "page")
	if err != nil {
		return err
	}
	if err := onlyKeys(before, after, "page", "Annots"); err != nil {
		return err
	}
	was, err := d.old.list(before.get("Annots"), "annotations")
	if err != nil {
		return err
	}
	is, err := d.now.list(after.get("Annots"), "annotations")
	if err != nil {
		return err
	}
	if len(is) < len(was) || text(is[:len(was)]) != text(was) {
		return errors.New("an update changes a page's annotations")
	}
	for _, v := range is[len(was):] {
		if a, ok := v.(ref); !ok || !d.added[a] {
			return errors.New("an update adds an annotation that is no signature")
		}
	}
	d.explained[int(r)] = true
	return d.explain(before.get("Annots"))
}

// pages lists the page objects in reading order.
func (d *document) pages() ([]ref, error) {
	root, err := d.dictionary(d.trailer.get("Root"), "catalogue")
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
		t, err := d.dictionary(r, "page tree")
		if err != nil {
			return err
		}
		if t.get("Type") == name("Page") {
			out = append(out, r)
			return nil
		}
		kids, err := d.list(t.get("Kids"), "page tree")
		if err != nil {
			return err
		}
		for _, k := range kids {
			if err := walk(k, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return out, walk(root.get("Pages"), 0)
}

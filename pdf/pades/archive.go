package pades

import (
	"bytes"
	"errors"
	"fmt"

	"confermo/evidence/seal"
)

// Evidence is what a PDF's document security store holds.
type Evidence = seal.Evidence

// storeKeys are the store's lists in the order their streams are written.
var storeKeys = [3]name{"Certs", "OCSPs", "CRLs"}

func lists(e Evidence) [3][][]byte { return [3][][]byte{e.Certs, e.OCSPs, e.CRLs} }

// AddRevocation appends revocation data and the certificates it is about as one update, in
// the document security store (EN 319 142-1 clause 5.4.2). What is there already is left out;
// if that is all, the PDF comes back as it was. Verify judges what the data is worth.
func AddRevocation(pdf []byte, e Evidence) ([]byte, error) {
	f, updates, err := open(pdf)
	if err != nil {
		return nil, fmt.Errorf("add revocation data: %w", err)
	}
	if _, err := seal.OpenEvidence(e); err != nil {
		return nil, fmt.Errorf("add revocation data: %w", err)
	}
	var have Evidence
	for _, u := range updates {
		have = join(have, u.store)
	}
	e = Evidence{Certs: fresh(have.Certs, e.Certs), OCSPs: fresh(have.OCSPs, e.OCSPs), CRLs: fresh(have.CRLs, e.CRLs)}
	if len(e.Certs)+len(e.OCSPs)+len(e.CRLs) == 0 {
		return pdf, nil
	}
	added, err := f.layStore(len(f.revs)-1, e)
	if err != nil {
		return nil, fmt.Errorf("add revocation data: %w", err)
	}
	out := append(bytes.Clone(pdf), added...)
	if _, err := Revisions(out); err != nil {
		return nil, fmt.Errorf("add revocation data: check the result: %w", err)
	}
	return out, nil
}

// fresh are the pieces of more that are not in have, once each.
func fresh(have, more [][]byte) [][]byte {
	seen := map[string]bool{}
	for _, b := range have {
		seen[string(b)] = true
	}
	var out [][]byte
	for _, b := range more {
		if !seen[string(b)] {
			seen[string(b)] = true
			out = append(out, b)
		}
	}
	return out
}

// layStore writes the update that adds pieces to the store of revision rev.
func (f *file) layStore(rev int, e Evidence) ([]byte, error) {
	rootRef, ok := f.revs[rev].trailer.get("Root").(ref)
	size := f.size(rev)
	if !ok || size < 1 || size > maxFile {
		return nil, errors.New("trailer has no /Root or no usable /Size")
	}
	root, err := f.dictionary(rev, rootRef, "catalogue")
	if err != nil {
		return nil, err
	}
	store := dict{{key: "Type", value: name("DSS")}}
	if have := root.get("DSS"); have != nil {
		if store, ok = have.(dict); !ok {
			return nil, errors.New("PDF has a security store of another program; such PDFs are not supported")
		}
	}
	var b bytes.Buffer
	start := f.revs[rev].end
	offsets := map[int]int{}
	n := size
	for i, pieces := range lists(e) {
		have, ok := store.get(storeKeys[i]).(array)
		if !ok && store.get(storeKeys[i]) != nil {
			return nil, errors.New("PDF has a security store of another program; such PDFs are not supported")
		}
		have = have[:len(have):len(have)]
		for _, der := range pieces {
			offsets[n] = start + b.Len()
			fmt.Fprintf(&b, "%d 0 obj\n<</Length %d>>\nstream\n%s\nendstream\nendobj\n", n, len(der), der)
			have = append(have, ref(n))
			n++
		}
		if len(pieces) > 0 {
			store = store.with(storeKeys[i], have)
		}
	}
	if _, clash := offsets[int(rootRef)]; clash {
		return nil, errors.New("objects of the PDF share a number")
	}
	offsets[int(rootRef)] = start + b.Len()
	fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", int(rootRef), text(root.with("DSS", store)))
	xref := start + b.Len()
	writeTable(&b, offsets)
	fmt.Fprintf(&b, "trailer\n%s\nstartxref\n%d\n%%%%EOF\n", text(f.trailer(rev, n)), xref)
	return b.Bytes(), nil
}

// readStore takes an update of the store apart: lists that grew, and written to the byte as layStore writes it.
func (f *file) readStore(rev int, objects map[int]object) (Evidence, error) {
	var e Evidence
	r := f.revs[rev]
	rootRef, _ := r.trailer.get("Root").(ref)
	root, ok := objects[int(rootRef)].value.(dict)
	store, isStore := root.get("DSS").(dict)
	if !ok || !isStore {
		return e, errors.New("it adds neither a signature field nor revocation data: the PDF was changed after it was signed")
	}
	first := f.size(rev - 1)
	var found [3][][]byte
	for i, key := range storeKeys {
		list, _ := store.get(key).(array)
		for _, v := range list {
			n, ok := v.(ref)
			if !ok || int(n) < first {
				continue
			}
			o, ok := objects[int(n)]
			if !ok || o.stream == nil {
				return e, errors.New("revocation data is missing")
			}
			found[i] = append(found[i], o.stream)
		}
	}
	e = Evidence{Certs: found[0], OCSPs: found[1], CRLs: found[2]}
	want, err := f.layStore(rev-1, e)
	if err != nil {
		return e, err
	}
	if !bytes.Equal(want, f.data[r.start:r.end]) {
		return e, errors.New("an update of revocation data changes something else")
	}
	return e, nil
}

// Archive appends a document time stamp over everything before it (EN 319 142-1 clause 5.4.3). A
// signature that was at B-LT is then at B-LTA; stamped again before Signature.Until, with the
// revocation data of the stamp before added first, it stays provable.
func Archive(pdf []byte, stamp Stamp) ([]byte, error) {
	f, updates, err := open(pdf)
	if err != nil {
		return nil, fmt.Errorf("stamp PDF: %w", err)
	}
	d := &draft{f: f, m: mark{stamp: true}}
	taken := map[string]bool{}
	for _, u := range updates {
		if u.mark != nil {
			taken[u.mark.field] = true
		}
	}
	for n := 1; d.m.field == "" || taken[d.m.field]; n++ {
		d.m.field = fmt.Sprintf("Marca temporale %d", n)
	}
	if err := d.place(nil); err != nil {
		return nil, fmt.Errorf("stamp PDF: %w", err)
	}
	out, err := d.complete(tokenRoom, stamp)
	if err != nil {
		return nil, fmt.Errorf("stamp PDF: %w", err)
	}
	return out, nil
}

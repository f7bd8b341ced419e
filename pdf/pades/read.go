package pades

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"confermo/evidence/seal"
)

// readWidget takes from the field what widget needs to write it again.
func (m *mark) readWidget(d dict) (err error) {
	if m.field, err = readText(d.get("T")); err != nil {
		return fmt.Errorf("name: %w", err)
	}
	if m.box, err = readBox(d.get("Rect")); err != nil {
		return err
	}
	if ap, ok := d.get("AP").(dict); ok {
		m.look = m.widgetRef + 1
		if ap.get("N") != m.look {
			return errors.New("appearance is not the update's own")
		}
	} else if m.box.w != 0 || m.box.h != 0 {
		return errors.New("visible, but without appearance")
	}
	return nil
}

// readSignature reads the signature dictionary and checks its two halves: that
// /ByteRange leaves out /Contents and nothing else, and that no key is foreign.
func (m *mark) readSignature(v any, data []byte) error {
	d, ok := v.(dict)
	if !ok {
		return errors.New("missing")
	}
	if m.stamp = d.get("Type") == name("DocTimeStamp"); m.stamp {
		if m.look != 0 {
			return errors.New("a document time stamp shows on the page")
		}
	} else if err := m.readWords(d); err != nil {
		return err
	}
	if d.tail() == nil || text(append(m.signature(), d.tail()...)) != text(d) {
		return errors.New("not of the known form")
	}
	contents := d[len(d)-1]
	m.contents = [2]int{contents.at, contents.end}
	want := array{num(0), num(contents.at), num(contents.end), num(m.covers - contents.end)}
	if text(d.get("ByteRange")) != text(want) {
		return errors.New("/ByteRange does not cover all of the file up to here but /Contents")
	}
	digits := data[contents.at+1 : contents.end-1]
	m.cms = make([]byte, hex.DecodedLen(len(digits)))
	if _, err := hex.Decode(m.cms, digits); err != nil || data[contents.at] != '<' || !bytes.Equal(bytes.ToUpper(digits), digits) {
		return errors.New("/Contents is not in upper-case hexadecimal")
	}
	var err error
	m.cms, err = seal.Unpad(m.cms)
	return err
}

// readWords takes what the signature claims.
func (m *mark) readWords(d dict) error {
	made, ok := d.get("M").(str)
	if !ok {
		return errors.New("/M is missing")
	}
	var err error
	if m.m, err = time.Parse(pdfTime, string(unescape(made))); err != nil {
		return errors.New("/M is not a time in UTC")
	}
	for i, key := range wordKeys {
		if w := d.get(key); w != nil {
			if m.words[i], err = readText(w); err != nil {
				return fmt.Errorf("/%s: %w", key, err)
			}
		}
	}
	return nil
}

// tail are the two keys a signature dictionary ends with; nothing if it does not.
func (d dict) tail() dict {
	if len(d) < 2 || d[len(d)-2].key != "ByteRange" || d[len(d)-1].key != "Contents" {
		return nil
	}
	return d[len(d)-2:]
}

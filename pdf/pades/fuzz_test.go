package pades_test

import (
	"bytes"
	"testing"

	"confermo/pdf/pades"
)

// FuzzVerify feeds the reader foreign bytes. Whatever it accepts as structure
// must have an original that stands at the beginning, and only the bytes that
// were signed may verify.
func FuzzVerify(f *testing.F) {
	o := newOffice(f)
	plain := timesheet(f)
	signed := o.signTwice(f, plain)
	f.Add(plain)
	f.Add(signed)
	lta := o.archive(f, o.lasting(f, signed))
	f.Add(lta)
	f.Add(signed[:len(signed)/2])
	f.Add([]byte("%PDF-1.3\nxref\n0 1\n0000000000 65535 f \ntrailer\n<</Size 1 /Root 1 0 R>>\nstartxref\n9\n%%EOF\n"))
	f.Add([]byte("%PDF-1.3\n1 0 obj\n[[[[<</A(\\))/B<00>>>]]]]\nendobj\nxref\n1 1\n0000000009 00000 n \ntrailer\n<</Size 2/Root 1 0 R/Prev 0>>\nstartxref\n44\n%%EOF"))
	v := o.verify()
	f.Fuzz(func(t *testing.T, data []byte) {
		if original, err := pades.Original(data); err == nil && !bytes.HasPrefix(data, original) {
			t.Error("original is not the beginning")
		}
		if _, err := pades.Verify(data, v); err == nil && !bytes.HasPrefix(lta, data) { // without its last updates it is valid too
			t.Error("other bytes verify")
		}
		if _, err := pades.Sign(data, o.pki.Seal(), pades.SignOptions{FieldName: "F", M: o.now}); err == nil {
			if _, err := pades.Revisions(data); err != nil {
				t.Errorf("signed what cannot be read: %v", err)
			}
		}
	})
}

package pades_test

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"testing"
	"time"

	"confermo/pdf/pades"
)

// Files made to waste time or memory must be refused soon.
func TestHostilePDFsAreRefusedSoon(t *testing.T) {
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	for range 48 {
		if _, err := w.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	deep := bytes.Repeat([]byte("["), 1<<20)
	wide := bytes.Repeat([]byte("0000000009 00000 n \n"), 1<<19)
	o := newOffice(t)
	signed := o.seal(t, timesheet(t))
	many := bytes.Clone(signed)
	for range 60 {
		many = add(t, many, map[int]string{80: "(x)"})
	}
	for name, pdf := range map[string][]byte{
		"stream that inflates without end": fmt.Appendf(nil, "%%PDF-1.5\n1 0 obj\n<</Type /XRef /W [1 2 1] /Size 9 /Root 1 0 R /Filter /FlateDecode /Length %d>>\nstream\n%s\nendstream\nendobj\nstartxref\n9\n%%%%EOF\n", z.Len(), z.Bytes()),
		"arrays in arrays":                 fmt.Appendf(nil, "%%PDF-1.5\n1 0 obj\n%s\nendobj\nstartxref\n9\n%%%%EOF\n", deep),
		"tables in a circle":               []byte("%PDF-1.5\nxref\n0 1\n0000000000 65535 f \ntrailer\n<</Size 1 /Root 1 0 R /Prev 9>>\nstartxref\n9\n%%EOF\n"),
		"table of millions":                fmt.Appendf(nil, "%%PDF-1.5\nxref\n1 %d\n%strailer\n<</Size 1 /Root 1 0 R>>\nstartxref\n9\n%%%%EOF\n", 1<<19, wide),
		"page tree in a circle":            []byte("%PDF-1.5\n1 0 obj\n<</Pages 1 0 R /Kids [1 0 R 1 0 R]>>\nendobj\nxref\n1 1\n0000000009 00000 n \ntrailer\n<</Size 2 /Root 1 0 R>>\nstartxref\n60\n%%EOF\n"),
		"updates without end":              many,
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, strict := pades.Verify(pdf, o.verify())
			_, foreign := pades.VerifyForeign(pdf, o.verify())
			if strict == nil || name != "updates without end" && foreign == nil {
				t.Errorf("passes: %v, %v", strict, foreign)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

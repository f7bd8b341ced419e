package pades_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"confermo/evidence/seal"
	"confermo/pdf/pades"
)

// poppler is a folder in which pdfsig signs as Anna Rossi, with certificates by openssl.
func poppler(t *testing.T) (dir string, roots *x509.CertPool) {
	t.Helper()
	dir = t.TempDir()
	put(t, dir, "ext", []byte("keyUsage=critical,digitalSignature,nonRepudiation\nbasicConstraints=CA:false\n"))
	for _, args := range []string{
		"openssl req -x509 -newkey rsa:3072 -nodes -keyout ca.key -out ca.pem -subj /CN=Prova -days 30 -addext keyUsage=critical,keyCertSign",
		"openssl req -newkey rsa:3072 -nodes -keyout s.key -out s.csr -subj /CN=AnnaRossi",
		"openssl x509 -req -in s.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out s.pem -days 20 -extfile ext",
		"openssl pkcs12 -export -in s.pem -inkey s.key -certfile ca.pem -out s.p12 -passout pass:x -name anna",
		"certutil -N -d sql:. --empty-password",
		"pk12util -i s.p12 -d sql:. -W x",
	} {
		a := strings.Fields(args)
		must(t, dir, nil, a[0], a[1:]...)
	}
	data, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	ca, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AddCert(ca)
	return dir, roots
}

func popplerSigns(t *testing.T, dir string, pdf []byte) []byte {
	t.Helper()
	put(t, dir, "in.pdf", pdf)
	must(t, dir, nil, "pdfsig", "-nssdir", "sql:.", "-add-signature", "-nick", "anna", "-digest", "SHA256", "-reason", "Foglio presenze", "in.pdf", "out.pdf")
	out, err := os.ReadFile(filepath.Join(dir, "out.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPDFsSignedByPopplerVerify(t *testing.T) {
	dir, roots := poppler(t)
	o := newOffice(t)
	v := o.verify()
	v.Roots, v.RequireTimestamp = roots, false
	put(t, dir, "plain.pdf", timesheet(t))
	must(t, dir, nil, "qpdf", "--object-streams=generate", "plain.pdf", "streams.pdf")
	streams, err := os.ReadFile(filepath.Join(dir, "streams.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	for name, pdf := range map[string][]byte{"classic": timesheet(t), "compressed cross-reference": streams} {
		t.Run(name, func(t *testing.T) {
			if _, err := pades.VerifyForeign(pdf, v); !errors.Is(err, pades.ErrUnsigned) {
				t.Errorf("unsigned: %v", err)
			}
			once := popplerSigns(t, dir, pdf)
			twice := popplerSigns(t, dir, once)
			for n, signed := range [][]byte{once, twice} {
				got, err := pades.VerifyForeign(signed, v)
				if err != nil || len(got) != n+1 {
					t.Fatalf("%d signatures: %+v, %v", n+1, got, err)
				}
				s := got[n]
				if s.Signer.Subject.CommonName != "AnnaRossi" || s.Covers != len(signed) || !s.WholeDocument || s.Level != "CMS" || s.Reason != "Foglio presenze" || s.M.IsZero() {
					t.Errorf("%+v", s)
				}
			}
			refusals(t, twice, v)
			bad := v
			bad.RequireTimestamp = true
			if _, err := pades.VerifyForeign(once, bad); err == nil {
				t.Error("passes without the time stamp that was required")
			}
			bad.RequireTimestamp, bad.Roots = false, o.roots
			_, err := pades.VerifyForeign(once, bad)
			wantTrust(t, err)
		})
	}
}

// refusals flips bytes all over the file, and cuts it.
func refusals(t *testing.T, signed []byte, v pades.VerifyOptions) {
	t.Helper()
	for at := 0; at < len(signed); at += len(signed)/60 + 1 {
		bad := slices.Clone(signed)
		bad[at] ^= 1 << (at % 7)
		got, err := pades.VerifyForeign(bad, v)
		if err == nil && !bytes.Equal(bytes.ToUpper(bad), bytes.ToUpper(signed)) { // hexadecimal has two cases
			t.Errorf("flip in byte %d of %d passes: %d signatures", at, len(signed), len(got))
		}
	}
	for name, bad := range map[string][]byte{
		"cut":      signed[:len(signed)-5],
		"appended": append(slices.Clone(signed), "% more\n"...),
	} {
		if _, err := pades.VerifyForeign(bad, v); err == nil {
			t.Errorf("%s passes", name)
		}
	}
}

// Both readers must agree on every level of our own files.
func TestTheForeignReaderAgreesWithTheStrictOne(t *testing.T) {
	o := newOffice(t)
	v := o.verify()
	v.RequireTimestamp = false
	signed := o.signTwice(t, timesheet(t))
	lt := o.lasting(t, signed)
	lta := o.archive(t, lt)
	renewed := o.archive(t, o.lasting(t, lta))
	for _, pdf := range [][]byte{signed, lt, lta, renewed, o.archive(t, signed)} {
		want, err := pades.Verify(pdf, v)
		if err != nil {
			t.Fatal(err)
		}
		got, err := pades.VerifyForeign(pdf, v)
		if err != nil {
			t.Fatalf("%s: %v", want[0].Level, err)
		}
		for i, w := range want {
			g := got[i]
			if g.Field != w.Field || g.Level != w.Level || !g.Until.Equal(w.Until) || g.Covers != w.Covers || g.Name != w.Name || g.Reason != w.Reason ||
				g.Page != w.Page || !g.M.Equal(w.M) || g.WholeDocument != w.WholeDocument || len(g.Archives) != len(w.Archives) {
				t.Errorf("strict %+v\nforeign %+v", w, g)
			}
		}
	}
}

// add appends a well-formed update with these objects.
func add(t *testing.T, pdf []byte, objects map[int]string) []byte {
	t.Helper()
	m := regexp.MustCompile(`startxref\n(\d+)\n`).FindAllSubmatch(pdf, -1)
	out := bytes.Clone(pdf)
	table := "xref\n"
	for n, body := range objects {
		table += fmt.Sprintf("%d 1\n%010d 00000 n \n", n, len(out))
		out = append(out, fmt.Sprintf("%d 0 obj\n%s\nendobj\n", n, body)...)
	}
	xref := len(out)
	trailer := regexp.MustCompile(`trailer\n<<[^>]*/Root (\d+) 0 R`).FindAllSubmatch(pdf, -1)
	info := regexp.MustCompile(`/Info (\d+) 0 R`).FindAllSubmatch(pdf, -1)
	return append(out, fmt.Sprintf("%strailer\n<</Size 90\n/Root %s 0 R\n/Info %s 0 R\n/Prev %s\n>>\nstartxref\n%d\n%%%%EOF\n",
		table, trailer[0][1], info[0][1], m[len(m)-1][1], xref)...)
}

// newest is the last version of an object as written.
func newest(t *testing.T, pdf []byte, n int) string {
	t.Helper()
	m := regexp.MustCompile(fmt.Sprintf(`(?s)\n%d 0 obj\n(.*?)\nendobj`, n)).FindAllSubmatch(pdf, -1)
	if len(m) == 0 {
		t.Fatalf("no object %d", n)
	}
	return string(m[len(m)-1][1])
}

func TestLaterUpdatesMayOnlySignAndProve(t *testing.T) {
	o := newOffice(t)
	v := o.verify()
	signed := o.signTwice(t, timesheet(t))
	root := 0
	fmt.Sscanf(string(regexp.MustCompile(`/Root (\d+) 0 R`).FindSubmatch(signed)[1]), "%d", &root) //nolint:errcheck // the pattern holds digits
	catalogue, page := newest(t, signed, root), newest(t, signed, 3)
	with := func(object, more string) string { return strings.TrimSuffix(object, ">>") + more + "\n>>" }
	for name, objects := range map[string]map[int]string{
		"page other contents":       {3: strings.Replace(page, "/Contents 4 0 R", "/Contents 6 0 R", 1)},
		"page contents emptied":     {4: "<</Length 0>>\nstream\n\nendstream"},
		"page gains an action":      {3: with(page, "/AA <<>>")},
		"page gains an annotation":  {3: regexp.MustCompile(`/Annots \[`).ReplaceAllString(page, "/Annots [80 0 R "), 80: "<</Type /Annot /Subtype /FreeText /Rect [0 0 99 99]>>"},
		"annotation at the end":     {3: strings.Replace(page, "0 R]", "0 R 80 0 R]", 1), 80: "<</Type /Annot /Subtype /FreeText /Rect [0 0 99 99]>>"},
		"catalogue opens an action": {root: with(catalogue, "/OpenAction <</S /JavaScript /JS (x)>>")},
		"catalogue other pages":     {root: strings.Replace(catalogue, "/Pages 1 0 R", "/Pages 80 0 R", 1), 80: newest(t, signed, 1)},
		"form gains XFA":            {root: strings.Replace(catalogue, "/SigFlags 3", "/SigFlags 3 /XFA 80 0 R", 1), 80: "(x)"},
		"form gains a text field":   {root: strings.Replace(catalogue, "0 R]\n/SigFlags", "0 R 80 0 R]\n/SigFlags", 1), 80: "<</FT /Tx /T (x) /V (y)>>"},
		"form gains an empty frame": {root: strings.Replace(catalogue, "0 R]\n/SigFlags", "0 R 80 0 R]\n/SigFlags", 1), 80: "<</FT /Sig /T (x) /Rect [0 0 99 99] /AP <</N 4 0 R>>>>"},
		"form loses a field":        {root: regexp.MustCompile(`/Fields \[\d+ 0 R`).ReplaceAllString(catalogue, "/Fields [")},
		"information changed":       {8: "<</Title (x)>>"},
		"a font of another name":    {5: "<</Type /Font /Subtype /Type1 /BaseFont /Symbol>>"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := add(t, signed, objects)
			if _, err := pades.VerifyForeign(bad, v); err == nil {
				t.Error("passes")
			} else if !strings.Contains(err.Error(), "changed after") {
				t.Errorf("refused for another reason: %v", err)
			}
		})
	}
	for name, objects := range map[string]map[int]string{
		"nothing":               {80: "(nobody refers to it)"},
		"the same again":        {3: page},
		"revocation data":       {root: with(catalogue, "/DSS <</Certs [80 0 R]>>"), 80: "<</Length 0>>\nstream\n\nendstream"},
		"an unseen empty field": {root: strings.Replace(catalogue, "0 R]\n/SigFlags", "0 R 80 0 R]\n/SigFlags", 1), 80: "<</FT /Sig /T (x) /Rect [0 0 0 0]>>"},
	} {
		got, err := pades.VerifyForeign(add(t, signed, objects), v)
		if err != nil || len(got) != 2 || got[1].Covers != len(signed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An object that was referred to in vain must not come into being: it would show on a signed page.
func TestADanglingReferenceMustStayDangling(t *testing.T) {
	o := newOffice(t)
	plain := timesheet(t)
	hole := bytes.Replace(plain, []byte("/Contents 6 0 R"), []byte("/Contents 7 0 R"), 1) // of page two
	if bytes.Equal(hole, plain) {
		t.Fatal("page two has other contents")
	}
	hole = bytes.Replace(hole, []byte("/Contents 7 0 R"), []byte("/Contents 79 0 R"), 1)
	hole = regexp.MustCompile(`startxref\n\d+`).ReplaceAll(hole, fmt.Appendf(nil, "startxref\n%d", bytes.LastIndex(hole, []byte("xref\n0 "))))
	for _, m := range regexp.MustCompile(`(?m)^(\d+) 0 obj`).FindAllSubmatchIndex(hole, -1) { // the table anew
		n := 0
		fmt.Sscanf(string(hole[m[2]:m[3]]), "%d", &n) //nolint:errcheck // the pattern holds digits
		line := bytes.LastIndex(hole, []byte("65535 f \n")) + len("65535 f \n") + 20*(n-1)
		copy(hole[line:], fmt.Sprintf("%010d", m[0]))
	}
	signed := o.seal(t, hole)
	v := o.verify()
	if _, err := pades.VerifyForeign(signed, v); err != nil {
		t.Fatal(err)
	}
	if _, err := pades.VerifyForeign(add(t, signed, map[int]string{79: "<</Length 1>>\nstream\n \nendstream"}), v); err == nil {
		t.Error("passes")
	}
}

func TestForeignSignaturesMustBeWhole(t *testing.T) {
	o := newOffice(t)
	v := o.verify()
	signed := o.seal(t, timesheet(t))
	for name, bad := range map[string][]byte{
		"range from byte 1": bytes.Replace(signed, []byte("/ByteRange [0 "), []byte("/ByteRange [1 "), 1),
		"other form":        bytes.Replace(signed, []byte("/ETSI.CAdES.detached"), []byte("/adbe.x509.rsa_sha1 "), 1),
		"stamp for a name":  bytes.Replace(signed, []byte("/Type /Sig\n/Filter"), []byte("/Type /Doc\n/Filter"), 1),
		"encrypted":         add(t, bytes.Replace(signed, []byte("/Info"), []byte("/Encr"), 1), nil),
		"empty":             nil,
		"other":             []byte("%PDF-1.7\nstartxref\n0\n%%EOF"),
	} {
		if got, err := pades.VerifyForeign(bad, v); err == nil {
			t.Errorf("%s passes: %+v", name, got)
		}
	}
}

func FuzzVerifyForeign(f *testing.F) {
	o := newOffice(f)
	plain := timesheet(f)
	signed := o.signTwice(f, plain)
	lta := o.archive(f, o.lasting(f, signed))
	f.Add(plain)
	f.Add(signed)
	f.Add(lta)
	f.Add([]byte("%PDF-1.5\n1 0 obj\n<</Type /XRef /W [1 2 1] /Index [0 2] /Size 2 /Root 1 0 R /Length 8>>\nstream\n\x01\x00\x09\x00\x02\x00\x01\x00\nendstream\nendobj\nstartxref\n9\n%%EOF"))
	v := o.verify()
	f.Fuzz(func(t *testing.T, data []byte) {
		sigs, err := pades.VerifyForeign(data, v)
		if err != nil {
			return
		}
		for _, s := range sigs {
			if s.Covers > len(data) || !bytes.HasPrefix(lta, data[:len(plain)]) {
				t.Error("other bytes verify")
			}
		}
		var rule *seal.RuleError
		if _, err := pades.Verify(data, v); err != nil && !errors.As(err, &rule) {
			t.Logf("only the foreign reader accepts it: %v", err)
		}
	})
}

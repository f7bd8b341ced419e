package pades_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"confermo/evidence/seal"
	"confermo/pdf/pades"
)

// debian names the package that brings each tool.
var debian = map[string]string{
	"openssl": "openssl", "pdfsig": "poppler-utils", "certutil": "libnss3-tools", "mutool": "mupdf-tools",
	"qpdf": "qpdf", "pdftotext": "poppler-utils",
}

// tool runs a foreign program in dir and returns what it said and whether it exited 0.
func tool(t *testing.T, dir, name string, args ...string) (string, bool) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Fatalf("%s is not installed: it is in the Debian package %s", name, debian[name])
	}
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

func must(t *testing.T, dir string, says []string, name string, args ...string) {
	t.Helper()
	out, ok := tool(t, dir, name, args...)
	if !ok {
		t.Errorf("%s %v failed: %s", name, args, out)
	}
	for _, s := range says {
		if !strings.Contains(out, s) {
			t.Errorf("%s does not say %q: %s", name, s, out)
		}
	}
}

func put(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// cut takes a PDF's n-th signature apart as any program would: by /ByteRange.
func cut(t *testing.T, pdf []byte, n int) (cms, content []byte) {
	t.Helper()
	m := regexp.MustCompile(`/ByteRange \[0 (\d+) (\d+) (\d+)\]`).FindAllSubmatch(pdf, -1)
	if len(m) <= n {
		t.Fatalf("PDF has %d signatures", len(m))
	}
	var at [3]int
	for i := range at {
		for _, c := range m[n][i+1] {
			at[i] = at[i]*10 + int(c-'0')
		}
	}
	content = append(bytes.Clone(pdf[:at[0]]), pdf[at[1]:at[1]+at[2]]...)
	cms, err := hex.DecodeString(string(pdf[at[0]+1 : at[1]-1]))
	if err != nil {
		t.Fatal(err)
	}
	length := 4 + int(cms[2])<<8 + int(cms[3])
	return cms[:length], content
}

// look writes a file for a person to look at where the environment names a folder.
func look(t *testing.T, name string, data []byte) {
	t.Helper()
	if dir := os.Getenv("CONFERMO_TEST_OUT"); dir != "" {
		put(t, dir, name, data)
	}
}

func TestForeignProgramsAcceptTheSignatures(t *testing.T) {
	o := newOffice(t)
	dir := t.TempDir()
	plain := timesheet(t)
	put(t, dir, "one.pdf", o.seal(t, plain))
	both := o.signTwice(t, plain)
	put(t, dir, "two.pdf", both)
	look(t, "signed-by-two.pdf", both)
	put(t, dir, "ca.pem", o.pki.SealCAPEM())
	put(t, dir, "tsa.pem", o.pki.TSACAPEM())

	must(t, dir, nil, "certutil", "-N", "-d", "sql:.", "--empty-password")
	must(t, dir, nil, "certutil", "-A", "-d", "sql:.", "-n", "ca", "-t", "CT,C,C", "-i", "ca.pem")
	must(t, dir, nil, "certutil", "-A", "-d", "sql:.", "-n", "tsa", "-t", "CT,C,C", "-i", "tsa.pem")
	said, _ := tool(t, dir, "pdfsig", "-nssdir", "sql:.", "one.pdf")
	for _, s := range []string{"Signature is Valid.", "Certificate is Trusted.", "Total document signed", "ETSI.CAdES.detached"} {
		if !strings.Contains(said, s) {
			t.Errorf("pdfsig does not say %q: %s", s, said)
		}
	}
	if strings.Contains(said, "Not total document signed") {
		t.Errorf("pdfsig: %s", said)
	}
	said, _ = tool(t, dir, "pdfsig", "-nssdir", "sql:.", "two.pdf")
	if strings.Count(said, "Signature is Valid.") != 2 || strings.Count(said, "Certificate is Trusted.") != 2 ||
		!strings.Contains(said[strings.LastIndex(said, "Signature #"):], "- Total document signed") {
		t.Errorf("pdfsig of two signatures: %s", said)
	}

	must(t, dir, []string{"unchanged since signing"}, "mutool", "sign", "-v", "one.pdf")
	for _, f := range []string{"one.pdf", "two.pdf"} {
		must(t, dir, []string{"No syntax or stream encoding errors found"}, "qpdf", "--check", f)
	}
	must(t, dir, []string{"Operatrice – sede di Forlì (prova)"}, "pdftotext", "two.pdf", "-")

	for n := range 2 {
		cms, content := cut(t, both, n)
		put(t, dir, "out.p7s", cms)
		put(t, dir, "out.signed", content)
		must(t, dir, []string{"successful"}, "openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "out.p7s",
			"-content", "out.signed", "-CAfile", "ca.pem", "-purpose", "any", "-cades", "-out", os.DevNull)
		value, err := seal.SignatureValue(cms)
		if err != nil {
			t.Fatal(err)
		}
		put(t, dir, "out.sigval", value)
		put(t, dir, "out.tst", tokenOf(t, cms))
		must(t, dir, []string{"Verification: OK"}, "openssl", "ts", "-verify", "-in", "out.tst", "-token_in", "-data", "out.sigval", "-CAfile", "tsa.pem")
	}
}

// tokenOf finds the token as the element after the attribute's identifier and set header.
func tokenOf(t *testing.T, cms []byte) []byte {
	t.Helper()
	id := []byte{0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x0e}
	at := bytes.Index(cms, id)
	if at < 0 {
		t.Fatal("no time stamp in the signature")
	}
	return cms[at+len(id)+4:]
}

// Tampering as TRUST section 5 numbers it; the tools there miss several of these.
func TestTamperedPDFsAreRefused(t *testing.T) {
	o := newOffice(t)
	signed := o.signTwice(t, timesheet(t))
	if _, err := pades.Verify(signed, o.verify()); err != nil {
		t.Fatal(err)
	}
	year := []byte("/M (D:20")
	lastCMS, _ := cut(t, signed, 1)
	hexOf := func(b []byte) []byte { return bytes.ToUpper([]byte(hex.EncodeToString(b))) }
	flip := func(part []byte, from int) []byte { // the first byte of part after from, in the last signature
		at := bytes.LastIndex(signed, hexOf(lastCMS)) + 2*(bytes.Index(lastCMS, part)+from)
		out := bytes.Clone(signed)
		out[at] = "0123456789ABCDEF"[strings.IndexByte("123456789ABCDEF0", out[at])]
		return out
	}
	page := bytes.Clone(signed)
	page[bytes.Index(page, []byte("stream"))+30] ^= 4
	value, err := seal.SignatureValue(lastCMS)
	if err != nil {
		t.Fatal(err)
	}
	imprint := sha256.Sum256(value)
	for name, bad := range map[string][]byte{
		"T1 year in M":            bytes.Replace(signed, year, []byte("/M (D:21"), 1),
		"T1 year in the second M": replaceLast(signed, year, []byte("/M (D:21")),
		"T2 page byte":            page,
		"name":                    bytes.Replace(signed, []byte("(Anna"), []byte("(Anne"), 1),
		"T3 message-digest":       flip([]byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04}, 14),
		"T4 imprint of the stamp": flip(imprint[:], 3),
		"T5 page replaced":        replacePage(t, signed),
		"T6 last bytes cut":       signed[:len(signed)-10],
		"T7 comment appended":     append(bytes.Clone(signed), "% seen\n"...),
		"second end appended":     append(bytes.Clone(signed), "%%EOF\n"...),
		"padding used":            bytes.Replace(signed, []byte("00>\n>>"), []byte("01>\n>>"), 1),
		"lower-case hexadecimal":  lowerHex(signed, lastCMS),
		"byte before the header":  append([]byte("\n"), signed...),
	} {
		t.Run(name, func(t *testing.T) {
			if bytes.Equal(bad, signed) {
				t.Fatal("the attack changed nothing")
			}
			got, err := pades.Verify(bad, o.verify())
			if err == nil {
				t.Fatalf("passes: %+v", got)
			}
			t.Log(err)
		})
	}
}

func replaceLast(b, old, with []byte) []byte {
	at := bytes.LastIndex(b, old)
	return append(append(bytes.Clone(b[:at]), with...), b[at+len(old):]...)
}

func lowerHex(signed, cms []byte) []byte {
	upper := bytes.ToUpper([]byte(hex.EncodeToString(cms)))
	return bytes.Replace(signed, upper, bytes.ToLower(upper), 1)
}

// replacePage is the shadow attack: a well-formed update gives page 3 other contents.
func replacePage(t *testing.T, pdf []byte) []byte {
	t.Helper()
	m := regexp.MustCompile(`startxref\n(\d+)\n`).FindAllSubmatch(pdf, -1)
	prev := m[len(m)-1][1]
	out := bytes.Clone(pdf)
	at := len(out)
	out = append(out, "3 0 obj\n<</Type /Page /Parent 1 0 R /Resources 2 0 R /Contents 6 0 R>>\nendobj\n"...)
	xref := len(out)
	size := regexp.MustCompile(`/Size (\d+)`).FindAllSubmatch(pdf, -1)
	out = append(out, "xref\n3 1\n"+pad(at)+" 00000 n \ntrailer\n<</Size "+string(size[len(size)-1][1])+
		"\n/Root 9 0 R\n/Info 8 0 R\n/Prev "+string(prev)+"\n>>\nstartxref\n"+strings.TrimLeft(pad(xref), "0")+"\n%%EOF\n"...)
	return out
}

func pad(n int) string {
	s := []byte("0000000000")
	for i := len(s) - 1; n > 0; i, n = i-1, n/10 {
		s[i] = byte('0' + n%10)
	}
	return string(s)
}

// A signer with a trusted certificate may not use his own update to change what
// an earlier signer saw: each attack here is signed anew, validly.
func TestASignedUpdateMayOnlySign(t *testing.T) {
	o := newOffice(t)
	plain := timesheet(t)
	once := o.seal(t, plain)
	for name, change := range map[string]func([]byte) []byte{
		"page drops its contents": func(b []byte) []byte {
			return replaceLast(b, []byte("/Contents 4 0 R"), []byte("/Contents 6 0 R"))
		},
		"catalogue gains an action": func(b []byte) []byte {
			return replaceLast(b, []byte("/Version /1.7"), []byte("/OpenAct /1.7"))
		},
		"appearance paints a box": func(b []byte) []byte {
			return replaceLast(b, []byte(" re S Q"), []byte(" re f Q"))
		},
		"field is hidden": func(b []byte) []byte { return replaceLast(b, []byte("/F 132"), []byte("/F 134")) },
		"filter is other": func(b []byte) []byte { return replaceLast(b, []byte("/SubFilter"), []byte("/SubFiller")) },
	} {
		t.Run(name, func(t *testing.T) {
			for _, base := range [][]byte{plain, once} {
				bad := resign(t, o, base, change)
				if got, err := pades.Verify(bad, o.verify()); err == nil {
					t.Fatalf("passes: %+v", got)
				} else {
					t.Log(err)
				}
			}
		})
	}
}

// resign signs base, changes the update without changing its length and signs it again.
func resign(t *testing.T, o office, base []byte, change func([]byte) []byte) []byte {
	t.Helper()
	signed, err := pades.Sign(base, o.pki.Seal(), pades.SignOptions{
		FieldName: "Altro", M: o.now, Stamp: o.stamp,
		Visible: &pades.Visible{Page: 1, X: 10, Y: 10, W: 200, H: 40, Lines: []string{"Firmato"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	bad := change(signed)
	if bytes.Equal(bad, signed) || len(bad) != len(signed) || !bytes.HasPrefix(bad, base) {
		t.Fatal("the attack has another length or place")
	}
	last := bytes.Count(bad, []byte("/ByteRange")) - 1
	old, content := cut(t, bad, last)
	cms, err := o.pki.Seal().Sign(seal.SignOptions{Profile: seal.PAdES}, content)
	if err != nil {
		t.Fatal(err)
	}
	value, err := seal.SignatureValue(cms)
	if err != nil {
		t.Fatal(err)
	}
	token, err := o.stamp(sha256.Sum256(value))
	if err != nil {
		t.Fatal(err)
	}
	if cms, err = seal.AddTimestamp(cms, token); err != nil {
		t.Fatal(err)
	}
	at := bytes.LastIndex(bad, bytes.ToUpper([]byte(hex.EncodeToString(old))))
	for i := range 2 * len(old) {
		bad[at+i] = '0'
	}
	copy(bad[at:], bytes.ToUpper([]byte(hex.EncodeToString(cms))))
	if _, err := seal.VerifyCMS(cms, content, seal.Options{Profile: seal.PAdES, Roots: o.roots, TSARoots: o.tsa, At: time.Time{}}); err != nil {
		t.Fatalf("the attacker's signature does not hold: %v", err)
	}
	return bad
}

func TestFlippedBitsOfASignedPDFAreRefused(t *testing.T) {
	o := newOffice(t)
	signed := o.signTwice(t, timesheet(t))
	v := o.verify()
	for at := 0; at < len(signed); at += 5 {
		signed[at] ^= 1 << (at % 8)
		if _, err := pades.Verify(signed, v); err == nil {
			t.Errorf("flip in byte %d of %d passes", at, len(signed))
		} else {
			var broken *seal.RuleError
			if errors.As(err, &broken) && broken.Rule == seal.RuleTrust {
				t.Errorf("flip in byte %d reads as lack of trust: %v", at, err)
			}
		}
		signed[at] ^= 1 << (at % 8)
	}
}

func TestForeignRootIsAMatterOfTrust(t *testing.T) {
	o, other := newOffice(t), newOffice(t)
	v := o.verify()
	v.Roots = other.roots
	_, err := pades.Verify(o.seal(t, timesheet(t)), v)
	wantTrust(t, err)
	v = o.verify()
	v.TSARoots = x509.NewCertPool()
	_, err = pades.Verify(o.seal(t, timesheet(t)), v)
	wantTrust(t, err)
}

package pades_test

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// streams are the DER pieces of the security store, found as any program would: by the catalogue's lists.
func streams(t *testing.T, pdf []byte, key string) [][]byte {
	t.Helper()
	m := regexp.MustCompile(`/`+key+` \[([0-9R ]+)\]`).FindAllSubmatch(pdf, -1)
	if len(m) == 0 {
		t.Fatalf("no /%s", key)
	}
	var out [][]byte
	for _, n := range regexp.MustCompile(`(\d+) 0 R`).FindAllSubmatch(m[len(m)-1][1], -1) {
		head := regexp.MustCompile(`\n` + string(n[1]) + ` 0 obj\n<</Length (\d+)>>\nstream\n`)
		at := head.FindSubmatchIndex(pdf)
		if at == nil {
			t.Fatalf("object %s is no stream", n[1])
		}
		length, err := strconv.Atoi(string(pdf[at[2]:at[3]]))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, pdf[at[1]:at[1]+length])
	}
	return out
}

func TestForeignProgramsAcceptWhatIsArchived(t *testing.T) {
	o := newOffice(t)
	dir := t.TempDir()
	lta := o.archive(t, o.lasting(t, o.signTwice(t, timesheet(t))))
	put(t, dir, "lta.pdf", lta)
	put(t, dir, "ca.pem", o.pki.SealCAPEM())
	put(t, dir, "tsa.pem", o.pki.TSACAPEM())
	must(t, dir, nil, "certutil", "-N", "-d", "sql:.", "--empty-password")
	must(t, dir, nil, "certutil", "-A", "-d", "sql:.", "-n", "ca", "-t", "CT,C,C", "-i", "ca.pem")
	must(t, dir, nil, "certutil", "-A", "-d", "sql:.", "-n", "tsa", "-t", "CT,C,C", "-i", "tsa.pem")
	said, _ := tool(t, dir, "pdfsig", "-nssdir", "sql:.", "lta.pdf")
	if strings.Count(said, "Signature is Valid.") != 2 || strings.Count(said, "Certificate is Trusted.") != 2 ||
		!strings.Contains(said[strings.LastIndex(said, "Signature #"):], "- Total document signed") || strings.Count(said, "Signature #") != 3 {
		t.Errorf("pdfsig: %s", said)
	}
	must(t, dir, []string{"No syntax or stream encoding errors found"}, "qpdf", "--check", "lta.pdf")
	must(t, dir, []string{"Pages: 2"}, "mutool", "info", "lta.pdf")
	must(t, dir, []string{"Colloquio del 16/03/2020"}, "pdftotext", "lta.pdf", "-")

	token, content := cut(t, lta, 2)
	put(t, dir, "doc.tst", token)
	put(t, dir, "doc.bin", content)
	must(t, dir, []string{"Verification: OK"}, "openssl", "ts", "-verify", "-in", "doc.tst", "-token_in", "-data", "doc.bin", "-CAfile", "tsa.pem")
	for _, der := range streams(t, lta, "CRLs") {
		put(t, dir, "list.der", der)
		must(t, dir, []string{"verify OK"}, "openssl", "crl", "-inform", "DER", "-in", "list.der", "-CAfile", "ca.pem", "-noout", "-verify")
	}
	certs := streams(t, lta, "Certs")
	for _, der := range certs {
		put(t, dir, "cert.der", der)
		must(t, dir, nil, "openssl", "x509", "-inform", "DER", "-in", "cert.der", "-noout")
	}
	if len(certs) != 6 || len(streams(t, lta, "OCSPs")) != 3 {
		t.Errorf("%d certificates and %d responses in the store", len(certs), len(streams(t, lta, "OCSPs")))
	}
	for _, der := range streams(t, lta, "OCSPs") {
		put(t, dir, "response.der", der)
		text, _ := tool(t, dir, "openssl", "ocsp", "-respin", "response.der", "-noverify", "-resp_text")
		if !strings.Contains(text, "Cert Status: good") {
			t.Errorf("openssl reads a response as %s", text)
		}
	}
	if bytes.Count(lta, []byte("/ETSI.RFC3161")) != 1 {
		t.Error("not one document time stamp")
	}
}

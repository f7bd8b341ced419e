package bundle

import (
	"bytes"
	"strings"
	"testing"
)

func TestManifestForm(t *testing.T) {
	files := []member{{"README.txt", []byte("Leggimi\n")}, {"record/entries.jsonl", nil}}
	good := manifestOf(nameSignature, typeSignature, files)
	// The example of FORMAT.md section 2.
	want := `<?xml version="1.0" encoding="UTF-8"?>
<asic:ASiCManifest xmlns:asic="http://uri.etsi.org/02918/v1.2.1#" xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
<asic:SigReference URI="META-INF/signature001.p7s" MimeType="application/pkcs7-signature"></asic:SigReference>
<asic:DataObjectReference URI="README.txt" MimeType="text/plain"><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod><ds:DigestValue>0ZOIF/X8xG9yA81mUroD/3LUhax5oSiW165wt30mkTk=</ds:DigestValue></asic:DataObjectReference>
<asic:DataObjectReference URI="record/entries.jsonl" MimeType="application/jsonl"><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod><ds:DigestValue>47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=</ds:DigestValue></asic:DataObjectReference>
</asic:ASiCManifest>
`
	if got := string(good.encode()); got != want {
		t.Errorf("the manifest reads\n%s\nwant\n%s", got, want)
	}
	again, err := parseManifest(good.encode())
	if err != nil || again.covers(files) != nil {
		t.Errorf("a good manifest is refused: %v, %v", err, again.covers(files))
	}
	for find, with := range map[string]string{
		"README.txt":             "http://example/README.txt",
		"xmlenc#sha256":          "xmlenc#sha512",
		"</asic:ASiCManifest>\n": "<!-- x --></asic:ASiCManifest>\n",
		"URI=\"README":           "Rootfile=\"true\" URI=\"README",
		"text/plain":             "text/html",
	} {
		if _, err := parseManifest([]byte(strings.Replace(want, find, with, 1))); err == nil {
			t.Errorf("a manifest with %q is read", with)
		}
	}
	for what, refs := range map[string][]member{
		"lists":     files[:1],
		"out of":    {files[1], files[0]},
		"digest":    {{"README.txt", []byte("x")}, files[1]},
		"in no man": append([]member{{"a", nil}}, files...),
	} {
		if err := good.covers(refs); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("got %v, want %q", err, what)
		}
	}
}

func FuzzManifest(f *testing.F) {
	f.Add(manifestOf(nameSignature, typeSignature, []member{{"README.txt", nil}}).encode())
	f.Add([]byte("<a"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, err := parseManifest(data); err == nil && !bytes.Equal(m.encode(), data) {
			t.Error("a manifest that reads writes other bytes")
		}
	})
}

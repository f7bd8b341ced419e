package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"path"
	"strings"
)

// Namespaces and algorithm of a manifest (EN 319 162-1 annex A, XML Encryption).
const (
	nsASiC    = "http://uri.etsi.org/02918/v1.2.1#"
	nsDSig    = "http://www.w3.org/2000/09/xmldsig#"
	algSHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"

	typeSignature = "application/pkcs7-signature"
	typeToken     = "application/vnd.etsi.timestamp-token"

	maxManifest = 8 << 20
)

// manifest is an ASiCManifest: what one signature or token covers.
type manifest struct {
	uri, kind string // of the signature or token over it
	refs      []reference
}

type reference struct{ uri, digest string }

func refer(m member) reference {
	sum := sha256.Sum256(m.data)
	return reference{m.name, base64.StdEncoding.EncodeToString(sum[:])}
}

// encode writes the one form a manifest has. Names need no escaping: checkName allows no such character.
func (m manifest) encode() []byte {
	var b bytes.Buffer
	b.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
	fmt.Fprintf(&b, "<asic:ASiCManifest xmlns:asic=%q xmlns:ds=%q>\n", nsASiC, nsDSig)
	fmt.Fprintf(&b, "<asic:SigReference URI=%q MimeType=%q></asic:SigReference>\n", m.uri, m.kind)
	for _, r := range m.refs {
		fmt.Fprintf(&b, "<asic:DataObjectReference URI=%q MimeType=%q><ds:DigestMethod Algorithm=%q></ds:DigestMethod>"+
			"<ds:DigestValue>%s</ds:DigestValue></asic:DataObjectReference>\n", r.uri, mediaType(r.uri), algSHA256, r.digest)
	}
	b.WriteString("</asic:ASiCManifest>\n")
	return b.Bytes()
}

// parseManifest reads a manifest and requires that writing it again gives the same bytes.
func parseManifest(data []byte) (manifest, error) {
	var m manifest
	if len(data) > maxManifest {
		return m, fmt.Errorf("the manifest has %d bytes, at most %d are allowed", len(data), maxManifest)
	}
	var x struct {
		XMLName xml.Name `xml:"http://uri.etsi.org/02918/v1.2.1# ASiCManifest"`
		Sig     struct {
			URI  string `xml:"URI,attr"`
			Type string `xml:"MimeType,attr"`
		} `xml:"SigReference"`
		Refs []struct {
			URI    string `xml:"URI,attr"`
			Digest string `xml:"DigestValue"`
		} `xml:"DataObjectReference"`
	}
	if err := xml.Unmarshal(data, &x); err != nil {
		return m, fmt.Errorf("the manifest does not parse: %w", err)
	}
	m.uri, m.kind = x.Sig.URI, x.Sig.Type
	for _, r := range x.Refs {
		if strings.HasPrefix(r.URI, "/") || strings.Contains(r.URI, ":") {
			return m, fmt.Errorf("the manifest refers to the absolute address %q", r.URI)
		}
		m.refs = append(m.refs, reference{r.URI, r.Digest})
	}
	if !bytes.Equal(m.encode(), data) {
		return m, fmt.Errorf("the manifest is not in the one form a bundle has: writing it again gives other bytes")
	}
	return m, nil
}

// covers reports whether the manifest lists exactly the members, in their order, with their digests.
func (m manifest) covers(members []member) error {
	listed := make(map[string]bool, len(m.refs))
	for _, r := range m.refs {
		if listed[r.uri] {
			return fmt.Errorf("the manifest lists %q twice", r.uri)
		}
		listed[r.uri] = true
	}
	for _, f := range members {
		if !listed[f.name] {
			return fmt.Errorf("file %q is in the archive and in no manifest", f.name)
		}
		delete(listed, f.name)
	}
	for name := range listed {
		return fmt.Errorf("the manifest lists %q, which is not in the archive", name)
	}
	for i, f := range members {
		if m.refs[i].uri != f.name {
			return fmt.Errorf("the manifest lists %q out of order", f.name)
		}
		if m.refs[i] != refer(f) {
			return fmt.Errorf("file %q does not have the digest of the manifest", f.name)
		}
	}
	return nil
}

// mediaType follows from the name alone.
func mediaType(name string) string {
	switch path.Ext(name) {
	case ".xml":
		return "text/xml"
	case ".p7s":
		return typeSignature
	case ".tst":
		return typeToken
	case ".json":
		return "application/json"
	case ".jsonl":
		return "application/jsonl"
	case ".eml":
		return "message/rfc822"
	case ".pdf":
		return "application/pdf"
	case ".html":
		return "text/html"
	case ".txt", ".note":
		return "text/plain"
	case ".jpg":
		return "image/jpeg"
	case ".png":
		return "image/png"
	}
	return "application/octet-stream"
}

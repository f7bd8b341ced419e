package web

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/evidence/wording"
)

// prepared is a person who read the notice, at the documents' page.
func (s *site) prepared(id string) *browser {
	s.t.Helper()
	p, link := s.browser(), s.link(id)
	p.post(link+"/open", nil)
	p.post(link+"/notice", url.Values{"version": {wording.NoticeVersion}, "language": {"it"}})
	p.post(link+"/choices", url.Values{"still": {"no"}})
	return p
}

// TestT8_BadUploadsGetASentenceAndLoseNothing sends what people and attackers send instead of a photograph.
func TestT8_BadUploadsGetASentenceAndLoseNothing(t *testing.T) {
	s := newSite(t)
	id := s.schedule(s.operator())
	p, to := s.prepared(id), s.link(id)+"/documents"
	p.upload(to, file{"identity-card.front", "carta.jpg", "image/jpeg", photo(t)})
	if n := len(s.interview(id).Documents); n != 1 {
		t.Fatalf("%d documents after a good one", n)
	}
	var huge bytes.Buffer // a PNG that says it has 10^10 pixels
	fatal(t, png.Encode(&huge, image.NewGray(image.Rect(0, 0, 4, 4))))
	bomb := bytes.Replace(huge.Bytes(), []byte{0, 0, 0, 4, 0, 0, 0, 4}, []byte{0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0}, 1)
	fixCRC(bomb)
	for _, c := range []struct {
		name string
		data []byte
		want string
		code int
	}{
		{"carta.jpg", []byte("solo testo, con un nome da foto"), "Questo file non è una foto né un PDF", http.StatusUnsupportedMediaType},
		{"carta.html", []byte("<!doctype html><script>alert(1)</script>"), "Questo file non è una foto né un PDF", http.StatusUnsupportedMediaType},
		{"carta.svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), "Questo file non è una foto né un PDF", http.StatusUnsupportedMediaType},
		{"carta.gif", []byte("GIF89a......"), "Questo file non è una foto né un PDF", http.StatusUnsupportedMediaType},
		{"carta.jpg", photo(t)[:40], "il file è rovinato o incompleto", http.StatusUnprocessableEntity},
		{"carta.pdf", []byte("%PDF-1.7 senza fine"), "il file è rovinato o incompleto", http.StatusUnprocessableEntity},
		{"carta.png", bomb, "La foto ha troppi punti", http.StatusUnprocessableEntity},
		{"carta.jpg", append(photo(t), make([]byte, maxFile)...), "Il file è troppo grande: il limite è 12 MB", http.StatusRequestEntityTooLarge},
	} {
		a := p.upload(to, file{"identity-card.back", c.name, "image/jpeg", c.data})
		a.wants(t, c.code, c.want, "Carta d’identità: Retro", "Ricevuta")
		if n := len(s.interview(id).Documents); n != 1 {
			t.Fatalf("%s: %d documents in the record", c.name, n)
		}
	}
	p.upload(to).wants(t, http.StatusUnprocessableEntity, "Non ha scelto nessun file")
	a := p.upload(to, file{"identity-card.back", "x.jpg", "image/jpeg", []byte("testo")}, file{"tax-card.front", "t.jpg", "image/jpeg", photo(t)})
	a.wants(t, http.StatusUnsupportedMediaType, "Una foto è da rifare")
	if n := len(s.interview(id).Documents); n != 2 {
		t.Errorf("the good file of a mixed form is lost: %d documents", n)
	}
}

// TestUploadOf200MBIsRefusedUnread says so before the body is sent, and keeps what was recorded.
func TestUploadOf200MBIsRefusedUnread(t *testing.T) {
	s := newSite(t)
	id := s.schedule(s.operator())
	p, to := s.prepared(id), s.link(id)+"/documents"
	p.upload(to, file{"identity-card.front", "carta.jpg", "image/jpeg", photo(t)})
	sent := &counter{left: 200 << 20}
	r, err := http.NewRequest("POST", s.url+to, sent)
	fatal(t, err)
	r.ContentLength = 200 << 20
	r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	r.Header.Set("Expect", "100-continue")
	p.client.Transport = &http.Transport{ExpectContinueTimeout: 10 * time.Second}
	p.do(r).wants(t, http.StatusRequestEntityTooLarge, "Il file è troppo grande: il limite è 12 MB", "Le foto già inviate sono salve")
	if sent.read > 1<<20 {
		t.Errorf("%d bytes were read", sent.read)
	}
	if n := len(s.interview(id).Documents); n != 1 {
		t.Errorf("%d documents are left", n)
	}
}

// TestUploadWithoutLengthIsCutOff sends chunks without end; the connection ends at the bound.
func TestUploadWithoutLengthIsCutOff(t *testing.T) {
	s := newSite(t)
	id := s.schedule(s.operator())
	p, to := s.prepared(id), s.link(id)+"/documents"
	base, err := url.Parse(s.url)
	fatal(t, err)
	conn, err := net.Dial("tcp", base.Host)
	fatal(t, err)
	defer conn.Close()
	cookies := ""
	u, err := url.Parse(s.url + to)
	fatal(t, err)
	for _, c := range p.client.Jar.Cookies(u) {
		cookies += c.Name + "=" + c.Value + "; "
	}
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nTransfer-Encoding: chunked\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n", to, base.Host, cookies)
	head := "--x\r\nContent-Disposition: form-data; name=\"tax-card.front\"; filename=\"a.jpg\"\r\n\r\n"
	fmt.Fprintf(conn, "%x\r\n%s\r\n", len(head), head)
	chunk := strings.Repeat("a", 1<<20)
	written := 0
	for written < 200 {
		if _, err := fmt.Fprintf(conn, "%x\r\n%s\r\n", len(chunk), chunk); err != nil {
			break
		}
		written++
	}
	if written == 200 {
		t.Error("200 MB were taken")
	}
	if n := len(s.interview(id).Documents); n != 0 {
		t.Errorf("%d documents", n)
	}
}

// counter is a body that says how much of it was read.
type counter struct {
	left, read int64
}

func (c *counter) Read(b []byte) (int, error) {
	if c.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(b)), c.left)
	c.left -= n
	c.read += n
	return int(n), nil
}

// TestDocumentsAreShownOnlyToTheirOperator covers how the bytes of an identity card leave the service.
func TestI17_DocumentsAreShownOnlyToTheirOperator(t *testing.T) {
	s := newSite(t)
	op := s.operator()
	id := s.schedule(op)
	p := s.prepared(id)
	p.upload(s.link(id)+"/documents", file{"identity-card.front", "carta.jpg", "image/jpeg", photo(t)},
		file{"tax-card.front", "t.pdf", "application/pdf", []byte("%PDF-1.7\n%%EOF\n")})
	docs := s.interview(id).Documents
	path := fmt.Sprintf("/interviews/%s/files/%d", id, docs[0].N)
	a := op.get(path)
	if a.status != 200 || a.body != string(photo(t)) {
		t.Errorf("the operator gets status %d, %d bytes", a.status, len(a.body))
	}
	if csp := a.header.Get("Content-Security-Policy"); csp != "default-src 'none'; sandbox" || a.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("an upload is served with %q", csp)
	}
	pdf := op.get(fmt.Sprintf("/interviews/%s/files/%d", id, docs[1].N))
	if !strings.HasPrefix(pdf.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("a PDF is served with %q", pdf.header.Get("Content-Disposition"))
	}
	s.signIn("oreste@valgrande.example").get(path).wants(t, http.StatusNotFound, "Questa pagina non esiste")
	if a := s.browser().get(path); !strings.HasPrefix(a.path, "/sign-in") {
		t.Errorf("a stranger is led to %s", a.path)
	}
	if a := p.get(path); !strings.HasPrefix(a.path, "/sign-in") {
		t.Errorf("the person is led to %s", a.path)
	}
	op.get("/interviews/"+id+"/files/1").wants(t, http.StatusNotFound)
	if n := s.facts("stream:access", "record-read"); n == 0 {
		t.Error("reading a document left no trace")
	}
}

func FuzzInspect(f *testing.F) {
	f.Add(photo(f))
	f.Add([]byte("%PDF-1.7\n%%EOF"))
	f.Add([]byte("\x89PNG\r\n\x1a\n"))
	f.Add([]byte("<html>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		kind, err := inspect(data)
		if (err == nil) == (kind == "") {
			t.Errorf("kind %q, error %v", kind, err)
		}
	})
}

func FuzzReadMail(f *testing.F) {
	f.Add([]byte("Subject: =?utf-8?q?ciao?=\r\nFrom: a@b.example\r\n\r\nconfermo\r\n"))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nuno\r\n--x--\r\n"))
	f.Add([]byte("Content-Type: text/plain; charset=utf-7\r\n\r\nx"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if v := readMail(data); len(v.Text) > 4*maxMailText {
			t.Errorf("%d bytes of text", len(v.Text))
		}
	})
}

func FuzzParseLink(f *testing.F) {
	f.Add("01ARZ.abc")
	f.Add("x." + linkMAC(linkKey, "x"))
	f.Fuzz(func(t *testing.T, link string) {
		id, ok := parseLink(linkKey, link)
		if ok && !strings.EqualFold(link, id+"."+linkMAC(linkKey, id)) {
			t.Errorf("%q was accepted as %q", link, id)
		}
	})
}

// fixCRC makes the header chunk of a PNG consistent again.
func fixCRC(p []byte) {
	sum := crc32.ChecksumIEEE(p[12:29])
	binary.BigEndian.PutUint32(p[29:33], sum)
}

// TestBadInputSpeaksTheReadersLanguage: what a person can do wrong is said in the language they read in.
func TestBadInputSpeaksTheReadersLanguage(t *testing.T) {
	s := newSite(t)
	op := s.operator()
	id, gone := s.schedule(op), s.schedule(op)
	s.append(journal.Draft{Interview: gone, By: "test", Fact: &evidence.Sealed{Size: 1}})
	p := s.prepared(id)
	for lang, says := range map[string]struct{ kind, large, foreign, expired, device, code string }{
		"it": {"non è una foto né un PDF", "il limite è 12 MB", "Questo collegamento non è valido", "Questo collegamento è scaduto", "È un altro dispositivo", "Il codice non vale più"},
		"de": {"weder ein Foto noch ein PDF", "erlaubt sind 12 MB", "Dieser Link ist ungültig", "Dieser Link ist abgelaufen", "Dies ist ein anderes Gerät", "Der Code gilt nicht mehr"},
		"fr": {"ni une photo ni un PDF", "la limite est de 12\u00a0Mo", "Ce lien n’est pas valable", "Ce lien a expiré", "C’est un autre appareil", "Le code n’est plus valable"},
		"en": {"neither a photo nor a PDF", "the limit is 12 MB", "This link is not valid", "This link has expired", "another device", "The code is no longer valid"},
	} {
		p.get(s.link(id) + "/documents?lang=" + lang)
		html := file{"identity-card.front", "carta.jpg", "image/jpeg", []byte("<html><script>alert(1)</script></html>")}
		p.upload(s.link(id)+"/documents", html).wants(t, http.StatusUnsupportedMediaType, says.kind)
		large := file{"identity-card.front", "carta.jpg", "image/jpeg", append(photo(t), make([]byte, maxFile)...)}
		p.upload(s.link(id)+"/documents", large).wants(t, http.StatusRequestEntityTooLarge, says.large)
		stranger := s.browser()
		stranger.get("/sign-in?lang=" + lang)
		stranger.get(s.link(id)[:20]+".aaaaaaaaaaaaaaaaaaaa").wants(t, http.StatusNotFound, says.foreign)
		stranger.get(s.link(gone)).wants(t, http.StatusGone, says.expired)
		stranger.get(s.link(id)).wants(t, 200, says.device)
		stranger.post(s.link(id)+"/device", url.Values{"code": {"000000"}}).wants(t, http.StatusForbidden, says.code)
	}
	if n := s.facts(id, "document-uploaded"); n != 0 {
		t.Errorf("%d bad files were recorded", n)
	}
}

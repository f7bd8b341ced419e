package reply

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/charset"
	"golang.org/x/text/encoding/charmap"
)

// mail is a parsed message. Its fields are filled by one walk and not changed afterwards.
type mail struct {
	header      message.Header
	plain, html []textPart
	delivery    []byte // message/delivery-status
	original    []byte // message/rfc822 or text/rfc822-headers inside a report
	attachments []Attachment
	calendar    bool
	opaque      string // why the text cannot be read: "encrypted"
	report      string // report-type of a multipart/report
	doubts      []string
	parts, left int // parts seen; bytes of text still allowed
}

type textPart struct{ text string }

func (m *mail) doubt(s string) {
	for _, d := range m.doubts {
		if d == s {
			return
		}
	}
	m.doubts = append(m.doubts, s)
}

// parse reads raw bytes as far as they can be read; what cannot is a doubt.
func parse(raw []byte) *mail {
	m := &mail{left: MaxText}
	if len(raw) > MaxBytes {
		m.doubt("mail is larger than 40 MiB")
		raw = headerOnly(raw)
	}
	raw = skipEnvelopeLine(raw)
	e, err := read(raw)
	if e == nil {
		m.doubt("header is malformed")
		e, err = read(repair(raw))
	}
	if e == nil {
		m.opaque = "mail cannot be read"
		return m
	}
	m.header = e.Header
	m.walk(e, err, 0, "")
	return m
}

func read(raw []byte) (*message.Entity, error) {
	return message.ReadWithOptions(bytes.NewReader(raw), &message.ReadOptions{MaxHeaderBytes: MaxHeader + 4096})
}

// skipEnvelopeLine drops the "From " line of mbox files.
func skipEnvelopeLine(raw []byte) []byte {
	if bytes.HasPrefix(raw, []byte("From ")) {
		if i := bytes.IndexByte(raw, '\n'); i >= 0 {
			return raw[i+1:]
		}
	}
	return raw
}

func headerOnly(raw []byte) []byte {
	h := raw[:min(len(raw), MaxHeader)]
	if i := bytes.Index(h, []byte("\r\n\r\n")); i >= 0 {
		return h[:i+4]
	}
	return h
}

// repair keeps the header lines that can be understood, within the limit, and the body after the first empty line.
func repair(raw []byte) []byte {
	var out bytes.Buffer
	keep, n := false, 0
	for len(raw) > 0 && n < MaxHeader {
		i := bytes.IndexByte(raw, '\n')
		if i < 0 {
			i = len(raw) - 1
		}
		line := bytes.TrimRight(raw[:i+1], "\r\n")
		n += i + 1
		raw = raw[i+1:]
		if len(bytes.TrimSpace(line)) == 0 {
			break
		}
		if line[0] != ' ' && line[0] != '\t' {
			name, _, ok := bytes.Cut(line, []byte(":"))
			keep = ok && isFieldName(name)
		}
		if keep {
			out.Write(line)
			out.WriteString("\r\n")
		}
	}
	out.WriteString("\r\n")
	out.Write(raw)
	return out.Bytes()
}

func isFieldName(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return len(b) > 0
}

// walk visits an entity. within is the media type of the multipart around it.
func (m *mail) walk(e *message.Entity, err error, depth int, within string) {
	m.parts++
	kind, params, kerr := e.Header.ContentType()
	if kerr != nil && e.Header.Get("Content-Type") != "" {
		m.doubt("content type is malformed")
	}
	kind = strings.ToLower(kind)
	disposition, dparams, _ := e.Header.ContentDisposition()
	name := firstOf(decodeWords(dparams["filename"]), decodeWords(params["name"]))
	switch {
	case depth > MaxDepth:
		m.doubt("parts are nested deeper than 8")
	case kind == "multipart/encrypted":
		m.opaque = "encrypted"
	case strings.HasSuffix(kind, "pkcs7-mime"):
		m.opaque = "encrypted"
	case strings.HasPrefix(kind, "multipart/"):
		m.multipart(e, kind, params, depth)
	case within == "multipart/report" && kind == "message/delivery-status":
		m.delivery, _ = io.ReadAll(io.LimitReader(e.Body, 64<<10))
	case within == "multipart/report" && (kind == "message/rfc822" || kind == "text/rfc822-headers"):
		m.original, _ = io.ReadAll(io.LimitReader(e.Body, 64<<10))
	case strings.EqualFold(disposition, "attachment") || name != "" && !strings.HasPrefix(kind, "text/"):
		m.attach(e, name, kind)
	case kind == "text/calendar":
		m.calendar = m.calendar || strings.EqualFold(params["method"], "REPLY")
		m.attach(e, name, kind)
	case kind == "text/html":
		m.html = append(m.html, textPart{m.text(e, err, params)})
	case strings.HasPrefix(kind, "text/") && name == "":
		m.plain = append(m.plain, textPart{m.text(e, err, params)})
	case kind == "message/rfc822":
		m.attach(e, firstOf(name, "message.eml"), kind)
	default:
		m.attach(e, name, kind)
	}
}

func (m *mail) multipart(e *message.Entity, kind string, params map[string]string, depth int) {
	if kind == "multipart/report" && m.report == "" {
		m.report = firstOf(strings.ToLower(params["report-type"]), "unknown")
	}
	mr := e.MultipartReader()
	for {
		part, err := mr.NextPart()
		if errors.Is(err, io.EOF) {
			return
		}
		if part == nil {
			m.doubt("parts are damaged")
			return
		}
		if m.parts >= MaxParts {
			m.doubt("mail has more than 200 parts")
			return
		}
		m.walk(part, err, depth+1, kind)
		if kind == "multipart/signed" { // the second part is the signature over the first
			return
		}
	}
}

func (m *mail) attach(e *message.Entity, name, kind string) {
	n, _ := io.Copy(io.Discard, e.Body)
	m.attachments = append(m.attachments, Attachment{Name: name, Type: kind, Size: n})
}

// text decodes one text part to UTF-8.
func (m *mail) text(e *message.Entity, err error, params map[string]string) string {
	if message.IsUnknownEncoding(err) {
		m.doubt("transfer encoding is unknown")
	}
	b, rerr := io.ReadAll(io.LimitReader(e.Body, int64(m.left)+1))
	if rerr != nil {
		m.doubt("text is damaged")
	}
	if len(b) > m.left {
		m.doubt("text is longer than 256 KiB")
		b = b[:m.left]
	}
	m.left -= len(b)
	if message.IsUnknownCharset(err) && !ascii(b) {
		m.doubt("charset is unknown")
	}
	declared := strings.ToLower(params["charset"])
	if !utf8.Valid(b) { // declared nothing, or UTF-8 that is none: read as Windows does, and say so
		m.note("charset is not the declared one")
		b, _ = charmap.Windows1252.NewDecoder().Bytes(b)
	} else if declared == "us-ascii" && !ascii(b) {
		m.note("charset is not the declared one")
	}
	return strings.TrimPrefix(string(b), "\uFEFF")
}

// note is a doubt that does not prevent a confirmation.
func (m *mail) note(s string) { m.doubt(notePrefix + s) }

const notePrefix = "note: "

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

var wordDecoder = mime.WordDecoder{CharsetReader: charset.Reader}

// decodeWords decodes RFC 2047 words; what cannot be decoded stays as it is.
func decodeWords(s string) string {
	if d, err := wordDecoder.DecodeHeader(s); err == nil {
		return d
	}
	return s
}

func firstOf(s ...string) string {
	for _, v := range s {
		if v != "" {
			return v
		}
	}
	return ""
}

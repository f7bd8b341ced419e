package mailbox

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"net/textproto"
	"strings"
	"time"

	"confermo/evidence/wording"
)

// letter is a mail to be written: the values, and bytes gives the RFC 5322 message.
type letter struct {
	from, replyTo netmail.Address
	to            string
	toName        string
	subject, text string
	lang          string
	id            string // Message-ID without brackets
	reference     string // own id repeated in References, "" for none
	date          time.Time
	files         []attachment
}

type attachment struct {
	name, kind string
	data       []byte
}

// bytes writes the mail: text and simple HTML of the same lines, attachments, CRLF. The headers keep robots from
// answering (RFC 3834).
func (l letter) bytes() ([]byte, error) {
	if strings.ContainsAny(l.to+l.toName+l.from.Name+l.subject, "\r\n") {
		return nil, fmt.Errorf("write mail: a header would hold a line break")
	}
	if _, err := netmail.ParseAddress(l.to); err != nil {
		return nil, fmt.Errorf("write mail: address: %w", err)
	}
	var b bytes.Buffer
	header := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) }
	header("Date", l.date.Format(time.RFC1123Z))
	header("From", l.from.String())
	header("To", (&netmail.Address{Name: l.toName, Address: l.to}).String())
	if l.replyTo.Address != "" {
		header("Reply-To", l.replyTo.String())
	}
	header("Subject", mime.QEncoding.Encode("utf-8", l.subject))
	header("Message-ID", "<"+l.id+">")
	if l.reference != "" {
		header("References", "<"+l.reference+"> <"+l.id+">")
	}
	header("Auto-Submitted", "auto-generated")
	header("X-Auto-Response-Suppress", "All")
	header("Content-Language", wording.Known(l.lang))
	header("MIME-Version", "1.0")
	outer := multipart.NewWriter(&b)
	header("Content-Type", "multipart/mixed; boundary="+outer.Boundary())
	b.WriteString("\r\n")
	if err := l.body(outer); err != nil {
		return nil, fmt.Errorf("write mail: %w", err)
	}
	for _, f := range l.files {
		w, err := outer.CreatePart(textproto.MIMEHeader{
			"Content-Type":              {mime.FormatMediaType(f.kind, map[string]string{"name": f.name})},
			"Content-Disposition":       {mime.FormatMediaType("attachment", map[string]string{"filename": f.name})},
			"Content-Transfer-Encoding": {"base64"},
		})
		if err != nil {
			return nil, fmt.Errorf("write mail: %w", err)
		}
		text := base64.StdEncoding.EncodeToString(f.data)
		for len(text) > 0 {
			n := min(76, len(text))
			if _, err := w.Write([]byte(text[:n] + "\r\n")); err != nil {
				return nil, fmt.Errorf("write mail: %w", err)
			}
			text = text[n:]
		}
	}
	if err := outer.Close(); err != nil {
		return nil, fmt.Errorf("write mail: %w", err)
	}
	return b.Bytes(), nil
}

// body writes the text twice, as plain text and as HTML.
func (l letter) body(outer *multipart.Writer) error {
	var b bytes.Buffer
	inner := multipart.NewWriter(&b)
	for _, part := range []struct{ kind, text string }{
		{"text/plain; charset=utf-8", l.text}, {"text/html; charset=utf-8", wording.HTML(l.lang, l.text)},
	} {
		w, err := inner.CreatePart(textproto.MIMEHeader{"Content-Type": {part.kind}, "Content-Transfer-Encoding": {"quoted-printable"}})
		if err != nil {
			return err
		}
		q := quotedprintable.NewWriter(w)
		if _, err := q.Write([]byte(part.text)); err != nil {
			return err
		}
		if err := q.Close(); err != nil {
			return err
		}
	}
	if err := inner.Close(); err != nil {
		return err
	}
	w, err := outer.CreatePart(textproto.MIMEHeader{"Content-Type": {"multipart/alternative; boundary=" + inner.Boundary()}})
	if err != nil {
		return err
	}
	_, err = w.Write(b.Bytes())
	return err
}

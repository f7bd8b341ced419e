package web

import (
	"bytes"
	"errors"
	"io"
	"strings"

	_ "github.com/emersion/go-message/charset" // other character sets than UTF-8
	"github.com/emersion/go-message/mail"
)

// maxMailText bounds what is shown of a mail's text; the exact bytes can be downloaded.
const maxMailText = 64 << 10

// mailView is a mail as its bytes say.
type mailView struct {
	Subject, From, ReplyTo string
	Text                   string
	Attachments            []string
}

// readMail reads the parts that a page shows. What cannot be read is left out; a mail is never a reason to fail.
func readMail(raw []byte) mailView {
	var v mailView
	r, err := mail.CreateReader(bytes.NewReader(raw))
	if err != nil {
		v.Text = cut(strings.ToValidUTF8(string(raw), "�"), maxMailText)
		return v
	}
	defer r.Close()
	v.Subject, _ = r.Header.Subject()
	v.From, v.ReplyTo = addresses(r.Header, "From"), addresses(r.Header, "Reply-To")
	for range 50 { // more parts than a mail needs
		part, err := r.NextPart()
		if err != nil {
			if !errors.Is(err, io.EOF) && v.Text == "" {
				v.Text = "…"
			}
			return v
		}
		switch h := part.Header.(type) {
		case *mail.InlineHeader:
			kind, _, _ := h.ContentType()
			if v.Text == "" && (kind == "text/plain" || kind == "") {
				body, _ := io.ReadAll(io.LimitReader(part.Body, maxMailText))
				v.Text = strings.ReplaceAll(strings.ToValidUTF8(string(body), "�"), "\r\n", "\n")
			}
		case *mail.AttachmentHeader:
			name, _ := h.Filename()
			if name == "" {
				name, _, _ = h.ContentType()
			}
			v.Attachments = append(v.Attachments, name)
		}
	}
	return v
}

func addresses(h mail.Header, name string) string {
	list, err := h.AddressList(name)
	if err != nil {
		return ""
	}
	var all []string
	for _, a := range list {
		all = append(all, a.Address)
	}
	return strings.Join(all, ", ")
}

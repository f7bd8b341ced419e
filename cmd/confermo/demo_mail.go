package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	_ "github.com/emersion/go-message/charset" // mails in any charset
	"github.com/emersion/go-message/mail"

	"confermo/mailbox/smtp"
)

// mailRead is a mail as a person's program shows it.
type mailRead struct {
	from, subject, text string
	replyTo, messageID  string
	date                time.Time
	files               map[string][]byte
	raw                 []byte
}

// readMail reads a mail's first text and its attachments.
func readMail(raw io.Reader) (mailRead, error) {
	m := mailRead{files: map[string][]byte{}}
	r, err := mail.CreateReader(raw)
	if err != nil {
		return m, fmt.Errorf("read mail: %w", err)
	}
	m.subject, _ = r.Header.Subject()
	m.messageID, _ = r.Header.MessageID()
	m.date, _ = r.Header.Date()
	m.from, m.replyTo = first(r.Header, "From"), first(r.Header, "Reply-To")
	for {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return m, nil
		}
		if err != nil {
			return m, fmt.Errorf("read mail: %w", err)
		}
		body, err := io.ReadAll(part.Body)
		if err != nil {
			return m, fmt.Errorf("read mail: %w", err)
		}
		switch h := part.Header.(type) {
		case *mail.InlineHeader:
			if kind, _, _ := h.ContentType(); m.text == "" && kind == "text/plain" {
				m.text = strings.ReplaceAll(string(body), "\r\n", "\n")
			}
		case *mail.AttachmentHeader:
			name, _ := h.Filename()
			m.files[name] = body
		}
	}
}

func first(h mail.Header, key string) string {
	list, err := h.AddressList(key)
	if err != nil || len(list) == 0 {
		return ""
	}
	return list[0].Address
}

var sixDigits = regexp.MustCompile(`\b\d{6}\b`)

// code waits for the mail that follows the first `seen` ones in a mailbox and reads its six-digit code.
func (d *demo) code(ctx context.Context, address string, seen int) (string, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 1000 {
		for _, stored := range d.mail.Messages(address)[seen:] {
			m, err := readMail(bytes.NewReader(stored.Raw))
			if err != nil {
				return "", err
			}
			if code := sixDigits.FindString(m.text); code != "" {
				return code, nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	return "", fmt.Errorf("wait for a code to %s: none came", address)
}

// answerTo writes a reply as a usual mail program does: the words on top, the mail quoted below.
func answerTo(sent []byte, from, words string, at time.Time) ([]byte, error) {
	m, err := readMail(bytes.NewReader(sent))
	if err != nil {
		return nil, err
	}
	var h mail.Header
	h.SetDate(at)
	h.SetAddressList("From", []*mail.Address{{Address: from}})
	to := m.replyTo
	if to == "" {
		to = m.from
	}
	h.SetAddressList("To", []*mail.Address{{Address: to}})
	h.SetSubject("Re: " + m.subject)
	h.SetMsgIDList("In-Reply-To", []string{m.messageID})
	h.SetMsgIDList("References", []string{m.messageID})
	if err := h.GenerateMessageIDWithHostname("posta.example"); err != nil {
		return nil, fmt.Errorf("write reply: %w", err)
	}
	h.SetContentType("text/plain", map[string]string{"charset": "utf-8"})
	var out bytes.Buffer
	w, err := mail.CreateSingleInlineWriter(&out, h)
	if err != nil {
		return nil, fmt.Errorf("write reply: %w", err)
	}
	quoted := "> " + strings.ReplaceAll(strings.TrimRight(m.text, "\n"), "\n", "\n> ")
	text := fmt.Sprintf("%s\n\nIl giorno %s alle ore %s <%s> ha scritto:\n%s\n", words, m.date.Format("02/01/2006"), m.date.Format("15:04"), m.from, quoted)
	if _, err := io.WriteString(w, text); err != nil {
		return nil, fmt.Errorf("write reply: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("write reply: %w", err)
	}
	return out.Bytes(), nil
}

// submit hands a reply to the demo's server over authenticated SMTP, as the sender's own program would.
func (d *demo) submit(ctx context.Context, from string, raw []byte) error {
	r, err := mail.CreateReader(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("read reply: %w", err)
	}
	addr, _ := d.mail.Addrs()
	_, err = smtp.Submit(ctx, smtp.Account{Addr: addr, Username: from, Password: demoPassword, TLS: "plain"},
		smtp.Envelope{From: from, To: []string{first(r.Header, "To")}}, raw)
	return err
}

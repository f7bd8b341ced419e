package local

import (
	"crypto/subtle"
	"fmt"
	"io"
	"time"

	goimap "github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"
)

// smtpSession is one SMTP connection. Without authentication it is an MX: it takes mail for its users only, unsigned.
type smtpSession struct {
	server *Server
	user   string // address, after authentication
	from   string
	to     []string
}

// AuthMechanisms lists PLAIN, which go-sasl offers for servers.
func (s *smtpSession) AuthMechanisms() []string { return []string{sasl.Plain} }

// Auth checks a user's password.
func (s *smtpSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		b := s.server.boxes[base(user)]
		if b == nil || subtle.ConstantTimeCompare([]byte(b.password), []byte(password)) != 1 {
			return gosmtp.ErrAuthFailed
		}
		s.user = b.address
		return nil
	}), nil
}

// Mail begins a message.
func (s *smtpSession) Mail(from string, _ *gosmtp.MailOptions) error {
	s.from, s.to = from, nil
	return nil
}

// Rcpt refuses whoever has no mailbox here.
func (s *smtpSession) Rcpt(to string, _ *gosmtp.RcptOptions) error {
	if s.server.boxes[base(to)] == nil {
		return &gosmtp.SMTPError{Code: 550, EnhancedCode: gosmtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox here"}
	}
	s.to = append(s.to, to)
	return nil
}

// Data delivers a message; what an authenticated user submits is signed for his domain.
func (s *smtpSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	signer := s.from
	if s.user != "" {
		signer = s.user
	}
	if err := s.server.submit(s.from, signer, s.to, raw, s.user != ""); err != nil {
		return &gosmtp.SMTPError{Code: 451, EnhancedCode: gosmtp.EnhancedCode{4, 3, 0}, Message: "cannot keep the mail now"}
	}
	return nil
}

// Reset forgets the message under way.
func (s *smtpSession) Reset() { s.from, s.to = "", nil }

// Logout ends the session.
func (s *smtpSession) Logout() error { return nil }

// imapSession is one IMAP connection: the session of the server in memory, with the mailbox's own UIDVALIDITY, and
// without a way to remove mail.
type imapSession struct {
	*imapmemserver.UserSession // nil before login
	server                     *Server
	box                        *box
}

// Login opens the user's mailboxes.
func (s *imapSession) Login(username, password string) error {
	b := s.server.boxes[base(username)]
	if b == nil {
		return imapserver.ErrAuthFailed
	}
	if err := b.user.Login(b.address, password); err != nil {
		return err
	}
	s.box, s.UserSession = b, imapmemserver.NewUserSession(b.user)
	return nil
}

// Close ends the session.
func (s *imapSession) Close() error {
	if s.UserSession == nil {
		return nil
	}
	return s.UserSession.Close()
}

// Select opens a mailbox.
func (s *imapSession) Select(name string, options *goimap.SelectOptions) (*goimap.SelectData, error) {
	d, err := s.UserSession.Select(name, options)
	if d != nil {
		d.UIDValidity = s.box.validity
	}
	return d, err
}

// Append keeps a mail that a client puts into INBOX; other mailboxes live as long as the server.
func (s *imapSession) Append(mailbox string, r goimap.LiteralReader, options *goimap.AppendOptions) (*goimap.AppendData, error) {
	if mailbox != "INBOX" {
		return s.UserSession.Append(mailbox, r, options)
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read mail: %w", err)
	}
	at := options.Time
	if at.IsZero() {
		at = time.Now()
	}
	if err := s.box.deliver(raw, at); err != nil {
		return nil, err
	}
	all := s.server.Messages(s.box.address)
	return &goimap.AppendData{UIDValidity: s.box.validity, UID: goimap.UID(all[len(all)-1].UID)}, nil
}

// Expunge refuses: the mailbox is second evidence.
func (s *imapSession) Expunge(*imapserver.ExpungeWriter, *goimap.UIDSet) error {
	return &goimap.Error{Type: goimap.StatusResponseTypeNo, Text: "this mailbox keeps everything"}
}

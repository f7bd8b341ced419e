// Package local is the demo's own mail server: SMTP and IMAP on loopback addresses, several users, plus-addressing.
//
// It speaks the real protocols to the real clients, and keeps what it delivers in a folder, so that a second run on the
// same folder goes on where the first ended:
//
//	DIR/maria@posta.example/validity                 UIDVALIDITY of the mailbox
//	DIR/maria@posta.example/000001-1763805600000.eml UID and time of receipt (Unix milliseconds), the bytes
//	DIR/dkim/posta.example.pem                       key that signs what users of the domain submit
//
// Nothing is ever removed from a mailbox. Mail for other domains is refused: nothing can leave.
package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	goimap "github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	gosmtp "github.com/emersion/go-smtp"
)

// User is somebody with a mailbox.
type User struct{ Address, Password string }

// Stored is a delivered mail.
type Stored struct {
	UID      uint32
	Received time.Time
	Raw      []byte
}

// Server is the mail server. Its methods may be called from any goroutine.
type Server struct {
	dir   string
	boxes map[string]*box // by address, lower case; fixed after Open

	mu      sync.Mutex // guards signers
	signers map[string]*signer

	smtp  *gosmtp.Server
	imap  *imapserver.Server
	lines []net.Listener
	done  sync.WaitGroup
}

// Open reads the folder, which is made when absent, and prepares a server for the users.
func Open(dir string, users []User) (*Server, error) {
	s := &Server{dir: dir, boxes: map[string]*box{}, signers: map[string]*signer{}}
	if err := os.MkdirAll(filepath.Join(dir, "dkim"), 0o700); err != nil {
		return nil, fmt.Errorf("make mail folder: %w", err)
	}
	for _, u := range users {
		b, err := openBox(dir, u)
		if err != nil {
			return nil, err
		}
		s.boxes[b.address] = b
	}
	quiet := log.New(io.Discard, "", 0)
	s.smtp = gosmtp.NewServer(gosmtp.BackendFunc(func(*gosmtp.Conn) (gosmtp.Session, error) { return &smtpSession{server: s}, nil }))
	s.smtp.Domain, s.smtp.AllowInsecureAuth, s.smtp.MaxMessageBytes, s.smtp.MaxRecipients = "localhost", true, 40<<20, 20
	s.smtp.ReadTimeout, s.smtp.WriteTimeout, s.smtp.ErrorLog = time.Minute, time.Minute, quiet
	s.imap = imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return &imapSession{server: s}, nil, nil
		},
		Caps:         goimap.CapSet{goimap.CapIMAP4rev1: {}, goimap.CapIMAP4rev2: {}},
		InsecureAuth: true,
		Logger:       quiet,
	})
	return s, nil
}

// ListenAndServe serves SMTP and IMAP at the addresses, for example "127.0.0.1:0", until Close. It returns at once.
func (s *Server) ListenAndServe(smtpAddr, imapAddr string) error {
	for i, addr := range []string{smtpAddr, imapAddr} {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return errors.Join(fmt.Errorf("listen for mail: %w", err), s.Close())
		}
		if ip := l.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() {
			return errors.Join(fmt.Errorf("listen for mail at %s: the demo's mail server is for loopback addresses only", addr), l.Close(), s.Close())
		}
		s.lines = append(s.lines, l)
		serve := s.smtp.Serve
		if i == 1 {
			serve = s.imap.Serve
		}
		s.done.Go(func() { _ = serve(l) }) // ends with an error when Close closes l
	}
	return nil
}

// Addrs gives the addresses of SMTP and IMAP.
func (s *Server) Addrs() (smtp, imap string) {
	if len(s.lines) < 2 {
		return "", ""
	}
	return s.lines[0].Addr().String(), s.lines[1].Addr().String()
}

// Close ends the server and its connections.
func (s *Server) Close() error {
	err := errors.Join(s.smtp.Close(), s.imap.Close())
	for _, l := range s.lines {
		l.Close()
	}
	s.done.Wait()
	if err != nil && !errors.Is(err, gosmtp.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close mail server: %w", err)
	}
	return nil
}

// Messages lists what an address has received, in order. The bytes must not be changed.
func (s *Server) Messages(address string) []Stored {
	b := s.boxes[base(address)]
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Stored(nil), b.stored...)
}

// Submit delivers a mail as if one of the users had sent it; with sign it carries the DKIM signature of his domain.
func (s *Server) Submit(from string, to []string, raw []byte, sign bool) error {
	return s.submit(from, from, to, raw, sign)
}

func (s *Server) submit(from, signer string, to []string, raw []byte, sign bool) error {
	for _, rcpt := range to {
		if s.boxes[base(rcpt)] == nil {
			return fmt.Errorf("submit mail: there is no mailbox %s", rcpt)
		}
	}
	raw = wire(raw)
	if sign {
		var err error
		if raw, err = s.signed(signer, raw); err != nil {
			return err
		}
	}
	now := time.Now()
	for _, rcpt := range to {
		trace := fmt.Sprintf("Return-Path: <%s>\r\nDelivered-To: %s\r\nReceived: by localhost with ESMTP; %s\r\n", from, rcpt, now.Format(time.RFC1123Z))
		if err := s.boxes[base(rcpt)].deliver(append([]byte(trace), raw...), now); err != nil {
			return err
		}
	}
	return nil
}

// Lookup answers for the DNS: the key records of the server's own domains.
func (s *Server) Lookup(_ context.Context, name string) ([]string, error) {
	return s.KeyRecords()[strings.ToLower(strings.TrimSuffix(name, "."))], nil
}

// base is an address without its plus part, lower case.
func base(address string) string {
	address = strings.ToLower(strings.Trim(strings.TrimSpace(address), "<>"))
	i := strings.LastIndex(address, "@")
	if i < 0 {
		return address
	}
	local, _, _ := strings.Cut(address[:i], "+")
	return local + address[i:]
}

func domainOf(address string) string {
	a := base(address)
	return a[strings.LastIndex(a, "@")+1:]
}

// wire gives every line CRLF, as it would have arrived.
func wire(raw []byte) []byte {
	return bytes.ReplaceAll(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
}

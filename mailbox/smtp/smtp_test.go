package smtp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"
)

// sink is a real SMTP server that keeps what it takes.
type sink struct {
	got  chan []byte
	rcpt error
	data error
}

func (s *sink) NewSession(*gosmtp.Conn) (gosmtp.Session, error) { return &session{s}, nil }

type session struct{ *sink }

func (*session) Reset()                                   {}
func (*session) Logout() error                            { return nil }
func (*session) Mail(string, *gosmtp.MailOptions) error   { return nil }
func (s *session) Rcpt(string, *gosmtp.RcptOptions) error { return s.rcpt }
func (*session) AuthMechanisms() []string                 { return []string{sasl.Plain} }

func (*session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "agency" || password != "right" {
			return gosmtp.ErrAuthFailed
		}
		return nil
	}), nil
}

func (s *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if s.data != nil {
		return s.data
	}
	s.got <- b
	return nil
}

func serve(t *testing.T, s *sink) Account {
	t.Helper()
	s.got = make(chan []byte, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := gosmtp.NewServer(s)
	srv.AllowInsecureAuth = true
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(l) }()
	t.Cleanup(func() { srv.Close(); <-done })
	return Account{Addr: l.Addr().String(), Username: "agency", Password: "right", TLS: Plain}
}

var letter = []byte("Subject: x\r\n\r\n.dot first\r\nlast\r\n")

func send(t *testing.T, a Account) (string, error) {
	t.Helper()
	return Submit(context.Background(), a, Envelope{From: "bounce@cpi.example", To: []string{"maria@posta.example"}}, letter)
}

func TestTheVeryBytesArrive(t *testing.T) {
	s := &sink{}
	answer, err := send(t, serve(t, s))
	if err != nil || !strings.HasPrefix(answer, "250 ") {
		t.Fatalf("%q %v", answer, err)
	}
	if got := <-s.got; !bytes.Equal(got, letter) {
		t.Errorf("%q", got)
	}
}

func TestRefusalsAreTyped(t *testing.T) {
	unknown := &gosmtp.SMTPError{Code: 550, EnhancedCode: gosmtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	later := &gosmtp.SMTPError{Code: 451, EnhancedCode: gosmtp.EnhancedCode{4, 3, 0}, Message: "later"}
	_, err := send(t, serve(t, &sink{rcpt: unknown}))
	var r *Refused
	if !errors.As(err, &r) || r.Code != 550 || r.Enhanced != "5.1.1" || r.Temporary || r.Text != "no such user" {
		t.Errorf("%#v", err)
	}
	_, err = send(t, serve(t, &sink{data: later}))
	if !errors.As(err, &r) || r.Code != 451 || !r.Temporary {
		t.Errorf("%#v", err)
	}
	a := serve(t, &sink{})
	a.Password = "wrong"
	_, err = send(t, a)
	var auth *AuthFailed
	if !errors.As(err, &auth) {
		t.Errorf("%#v", err)
	}
}

func TestPlainIsForLoopbackOnly(t *testing.T) {
	_, err := Submit(context.Background(), Account{Addr: "192.0.2.1:25", TLS: Plain}, Envelope{To: []string{"a@b"}}, letter)
	if err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("%v", err)
	}
	if _, err := Submit(context.Background(), Account{Addr: "127.0.0.1:1", TLS: "none"}, Envelope{To: []string{"a@b"}}, letter); err == nil {
		t.Error("unknown protection accepted")
	}
}

// A server that dies between the last byte and its answer leaves the outcome unknown, neither sent nor refused.
func TestBrokenAfterDataIsUnknown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		in := bufio.NewScanner(c)
		say := func(s string) { _, _ = io.WriteString(c, s+"\r\n") }
		say("220 test")
		for data := false; in.Scan(); {
			switch line := in.Text(); {
			case data && line == ".":
				return
			case data:
			case line == "DATA":
				data = true
				say("354 go on")
			default:
				say("250 ok")
			}
		}
	}()
	_, err = send(t, Account{Addr: l.Addr().String(), TLS: Plain})
	var r *Refused
	if !errors.Is(err, ErrOutcomeUnknown) || errors.As(err, &r) {
		t.Errorf("%v", err)
	}
}

func TestEndingTheContextEndsTheSubmission(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		cancel() // the server never greets
		_, _ = c.Read(make([]byte, 1))
	}()
	if _, err := Submit(ctx, Account{Addr: l.Addr().String(), TLS: Plain}, Envelope{To: []string{"a@b"}}, letter); err == nil {
		t.Error("no error")
	}
}

// A server that takes no more bytes and does not answer must not keep the outbox for ever.
func TestStalledServerIsGivenUp(t *testing.T) {
	defer func(d time.Duration) { TotalTimeout = d }(TotalTimeout)
	TotalTimeout = 200 * time.Millisecond
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		in := bufio.NewScanner(c)
		_, _ = io.WriteString(c, "220 test\r\n")
		for in.Scan() {
			if in.Text() == "DATA" {
				_, _ = io.WriteString(c, "354 go on\r\n")
				<-ended // and reads no more
				return
			}
			_, _ = io.WriteString(c, "250 ok\r\n")
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	large := bytes.Repeat([]byte("0123456789\r\n"), 4<<20) // more than the kernel keeps on the way
	_, err = Submit(ctx, Account{Addr: l.Addr().String(), TLS: Plain}, Envelope{To: []string{"a@b"}}, large)
	if err == nil || ctx.Err() != nil {
		t.Errorf("the stalled server was waited for: %v", err)
	}
}

// A server that turns us away at the door has refused no message.
func TestRefusalAtTheGreetingIsTheAccounts(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "554 5.7.1 your address is blocked\r\n")
			_, _ = bufio.NewReader(c).ReadString('\n')
			c.Close()
		}
	}()
	for _, protection := range []string{Plain, StartTLS} {
		_, err := send(t, Account{Addr: l.Addr().String(), TLS: protection})
		var auth *AuthFailed
		if !errors.As(err, &auth) {
			t.Errorf("%s: %v", protection, err)
		}
	}
}

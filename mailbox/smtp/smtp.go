// Package smtp submits one message to a mail server and says exactly what became of it.
//
// A submission has three ends that differ for the record: the server took the message (its answer is returned), the
// server refused it (*Refused, for now or for good), or nobody knows (ErrOutcomeUnknown: the connection broke after the
// last byte and before the answer). Failed authentication (*AuthFailed) is a fault of the account, not of the message.
package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"
)

// The ways to protect a connection. Plain is accepted to loopback addresses only.
const (
	StartTLS = "starttls"
	TLS      = "tls"
	Plain    = "plain"
)

// Account is where and as whom to submit.
type Account struct {
	Addr               string // host:port
	Username, Password string // no authentication when Username is ""
	Helo               string // name to introduce ourselves with, "localhost" when empty
	TLS                string // "starttls", "tls" or "plain"
	Config             *tls.Config
}

// Envelope is the SMTP envelope, distinct from the header of the message.
type Envelope struct {
	From string
	To   []string
}

// Time limits of a submission: to connect, for each answer, and for the answer after the last byte (RFC 5321 section
// 4.5.3.2 allows a server ten minutes for that; after five the outcome counts as unknown and the bytes are sent again).
var (
	DialTimeout   = 30 * time.Second
	AnswerTimeout = 60 * time.Second
	SubmitTimeout = 5 * time.Minute
	// TotalTimeout ends a submission whose server takes no more bytes and gives no answer either.
	TotalTimeout = 20 * time.Minute
)

// ErrOutcomeUnknown says that the server may or may not have taken the message.
var ErrOutcomeUnknown = errors.New("the connection broke before the server answered: outcome unknown")

// Refused is the server's refusal of a message, its sender or a recipient. Temporary tells that a later try may pass.
type Refused struct {
	Code      int
	Enhanced  string // "5.1.1", "" when the server gave none
	Text      string
	Temporary bool
}

func (r *Refused) Error() string {
	return strings.TrimSpace(fmt.Sprintf("refused: %d %s", r.Code, strings.TrimSpace(r.Enhanced+" "+r.Text)))
}

// AuthFailed is the server's refusal of the account, or an account that cannot be used safely.
type AuthFailed struct{ Err error }

func (a *AuthFailed) Error() string { return "authenticate: " + a.Err.Error() }

// Unwrap gives the server's answer.
func (a *AuthFailed) Unwrap() error { return a.Err }

// Submit sends the very bytes of raw and returns the server's answer to them. Lines must end in CRLF. All recipients
// must be accepted. Ending ctx breaks the connection.
func Submit(ctx context.Context, a Account, e Envelope, raw []byte) (string, error) {
	if len(e.To) == 0 {
		return "", errors.New("submit mail: there is no recipient")
	}
	ctx, cancel := context.WithTimeout(ctx, TotalTimeout)
	defer cancel()
	c, err := connect(ctx, a)
	if err != nil {
		return "", err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	if a.Username != "" {
		if err := authenticate(c, a); err != nil {
			return "", err
		}
	}
	if err := c.Mail(e.From, nil); err != nil {
		return "", typed("name sender", err)
	}
	for _, to := range e.To {
		if err := c.Rcpt(to, nil); err != nil {
			return "", typed("name recipient", err)
		}
	}
	w, err := c.Data()
	if err != nil {
		return "", typed("begin data", err)
	}
	if _, err := w.Write(raw); err != nil {
		return "", fmt.Errorf("send data: %w", err)
	}
	answer, err := w.CloseWithResponse()
	if err != nil {
		if refused := refusal(err); refused != nil {
			return "", refused
		}
		return "", fmt.Errorf("end data: %w: %w", ErrOutcomeUnknown, err)
	}
	_ = c.Quit() // the message is taken: what follows cannot change that
	return "250 " + answer.StatusText, nil
}

func connect(ctx context.Context, a Account) (*gosmtp.Client, error) {
	host, _, err := net.SplitHostPort(a.Addr)
	if err != nil {
		return nil, fmt.Errorf("read server address: %w", err)
	}
	if a.TLS == Plain && !loopback(host) {
		return nil, fmt.Errorf("connect to %s: unprotected connections are for loopback addresses only", a.Addr)
	}
	d := net.Dialer{Timeout: DialTimeout}
	conn, err := d.DialContext(ctx, "tcp", a.Addr)
	if err != nil {
		return nil, fmt.Errorf("connect to mail server: %w", err)
	}
	cfg := &tls.Config{}
	if a.Config != nil {
		cfg = a.Config.Clone()
	}
	if cfg.ServerName == "" {
		cfg.ServerName = host
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	c, err := greet(conn, a, cfg)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

func greet(conn net.Conn, a Account, cfg *tls.Config) (*gosmtp.Client, error) {
	deadline := time.Now().Add(AnswerTimeout)
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, fmt.Errorf("limit greeting: %w", err)
	}
	var c *gosmtp.Client
	switch a.TLS {
	case TLS:
		c = gosmtp.NewClient(tls.Client(conn, cfg))
	case StartTLS:
		var err error
		if c, err = gosmtp.NewClientStartTLS(conn, cfg); err != nil {
			return nil, account("start TLS", err)
		}
	case Plain:
		c = gosmtp.NewClient(conn)
	default:
		return nil, fmt.Errorf("protection %q is unknown: want starttls, tls or plain", a.TLS)
	}
	c.CommandTimeout, c.SubmissionTimeout = AnswerTimeout, SubmitTimeout
	helo := a.Helo
	if helo == "" {
		helo = "localhost"
	}
	if err := c.Hello(helo); err != nil {
		return nil, account("greet mail server", err)
	}
	return c, nil
}

func authenticate(c *gosmtp.Client, a Account) error {
	var mech sasl.Client
	switch {
	case c.SupportsAuth(sasl.Plain):
		mech = sasl.NewPlainClient("", a.Username, a.Password)
	case c.SupportsAuth(sasl.Login):
		mech = sasl.NewLoginClient(a.Username, a.Password)
	default:
		return &AuthFailed{errors.New("the server offers neither PLAIN nor LOGIN")}
	}
	err := c.Auth(mech)
	switch r := refusal(err); {
	case err == nil:
		return nil
	case r != nil && !r.Temporary:
		return &AuthFailed{r}
	}
	return typed("authenticate", err)
}

// account is typed for what comes before any message is named: a final refusal there is no fault of the message.
func account(doing string, err error) error {
	if r := refusal(err); r != nil && !r.Temporary {
		return &AuthFailed{r}
	}
	return typed(doing, err)
}

// typed turns a server's answer into *Refused and wraps everything else, which is a failure of the way there.
func typed(doing string, err error) error {
	if r := refusal(err); r != nil {
		return r
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func refusal(err error) *Refused {
	var s *gosmtp.SMTPError
	if !errors.As(err, &s) {
		return nil
	}
	r := &Refused{Code: s.Code, Text: s.Message, Temporary: s.Code/100 == 4}
	if c := s.EnhancedCode; c != (gosmtp.EnhancedCode{}) && c != gosmtp.NoEnhancedCode {
		r.Enhanced = fmt.Sprintf("%d.%d.%d", c[0], c[1], c[2])
	}
	return r
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

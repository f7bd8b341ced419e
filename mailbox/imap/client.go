// Package imap watches one mailbox: each mail is handed on once, as its exact bytes, in the order of its UIDs.
//
// The cursor is (UIDVALIDITY, UID). IDLE is a hint and polling the guarantee: a mail is found by UID, never because a
// server announced it. ENVELOPE and BODYSTRUCTURE are never asked for, since servers answer them malformed; the raw
// bytes say everything. The facts behind this are MAIL.md sections 1 and 6.
package imap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	goimap "github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// Account is where and as whom to read mail. TLS is "tls", "starttls" or "plain"; plain is for loopback addresses only.
type Account struct {
	Addr               string // host:port
	Username, Password string
	TLS                string
	Config             *tls.Config
	Mailbox            string // "INBOX" when empty
}

func (a Account) mailbox() string {
	if a.Mailbox == "" {
		return "INBOX"
	}
	return a.Mailbox
}

// Message is one mail as the server holds it. Raw holds the header only when Size exceeds MaxSize.
type Message struct {
	UID      uint32
	Internal time.Time // INTERNALDATE: when the server received it
	Size     int64
	Raw      []byte
}

// MaxSize is the largest mail fetched whole; PEC allows 30 MB (RFC 6109).
const MaxSize = 40 << 20

// Time limits: to connect and log in, for the answer to a command, for the bytes of the mails of one command, and for the
// end of IDLE after DONE was sent. The client library itself waits for ever for the first byte of an answer, and a server
// that hangs keeps its connection open.
var (
	DialTimeout   = 30 * time.Second
	AnswerTimeout = 5 * time.Minute
	FetchTimeout  = 30 * time.Minute
	doneTimeout   = 30 * time.Second
)

// Unfetched is the error of FetchSince for a mail that is listed and whose bytes could not be had; several mails were
// asked for together unless batch was 1. Message holds no bytes.
type Unfetched struct {
	Message Message
	Err     error
}

func (u *Unfetched) Error() string { return fmt.Sprintf("fetch mail %d: %v", u.Message.UID, u.Err) }

// Unwrap gives the server's answer, or what broke the connection.
func (u *Unfetched) Unwrap() error { return u.Err }

// ErrAuth says that the server refused the account.
var ErrAuth = errors.New("the mail server refuses the account")

// Client is a connection to one mailbox. It belongs to one goroutine.
type Client struct {
	c    *imapclient.Client
	conn net.Conn
	stop func() bool
	news chan struct{} // holds a token when the server announced something
	idle bool          // the server offers IDLE
}

// Dial connects and logs in. Ending ctx closes the connection.
func Dial(ctx context.Context, a Account) (*Client, error) {
	host, _, err := net.SplitHostPort(a.Addr)
	if err != nil {
		return nil, fmt.Errorf("read server address: %w", err)
	}
	ip := net.ParseIP(host)
	if a.TLS == "plain" && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("connect to %s: unprotected connections are for loopback addresses only", a.Addr)
	}
	cfg := &tls.Config{}
	if a.Config != nil {
		cfg = a.Config.Clone()
	}
	if cfg.ServerName == "" {
		cfg.ServerName = host
	}
	d := net.Dialer{Timeout: DialTimeout, KeepAlive: time.Minute}
	conn, err := d.DialContext(ctx, "tcp", a.Addr)
	if err != nil {
		return nil, fmt.Errorf("connect to mail server: %w", err)
	}
	cl := &Client{conn: conn, news: make(chan struct{}, 1)}
	cl.stop = context.AfterFunc(ctx, func() { conn.Close() })
	defer cl.limit(DialTimeout)()
	if err := cl.login(conn, a, cfg); err != nil {
		cl.stop()
		conn.Close()
		return nil, err
	}
	return cl, nil
}

func (cl *Client) login(conn net.Conn, a Account, cfg *tls.Config) error {
	o := &imapclient.Options{TLSConfig: cfg, UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Mailbox: func(*imapclient.UnilateralDataMailbox) {
			select {
			case cl.news <- struct{}{}:
			default:
			}
		},
	}}
	var err error
	switch a.TLS {
	case "tls":
		cl.c = imapclient.New(tls.Client(conn, cfg), o)
	case "starttls":
		if cl.c, err = imapclient.NewStartTLS(conn, o); err != nil {
			return fmt.Errorf("start TLS: %w", err)
		}
	case "plain":
		cl.c = imapclient.New(conn, o)
	default:
		return fmt.Errorf("protection %q is unknown: want tls, starttls or plain", a.TLS)
	}
	if err := cl.c.WaitGreeting(); err != nil {
		return fmt.Errorf("greet mail server: %w", err)
	}
	if err := cl.c.Login(a.Username, a.Password).Wait(); err != nil {
		var no *goimap.Error
		if errors.As(err, &no) {
			return fmt.Errorf("%w: %w", ErrAuth, err)
		}
		return fmt.Errorf("log in: %w", err)
	}
	cl.idle = cl.c.Caps().Has(goimap.CapIdle)
	return nil
}

// limit breaks the connection after d, unless the function it returns is called before.
func (cl *Client) limit(d time.Duration) (stop func() bool) {
	return time.AfterFunc(d, func() { cl.conn.Close() }).Stop
}

// Close ends the connection.
func (cl *Client) Close() error {
	cl.stop()
	if err := cl.c.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close mailbox: %w", err)
	}
	return nil
}

// Select opens a mailbox and tells its UIDVALIDITY and the next UID.
func (cl *Client) Select(mailbox string) (validity, next uint32, err error) {
	defer cl.limit(AnswerTimeout)()
	d, err := cl.c.Select(mailbox, nil).Wait()
	if err != nil {
		return 0, 0, fmt.Errorf("select mailbox: %w", err)
	}
	return d.UIDValidity, uint32(d.UIDNext), nil
}

// FetchSince hands on the mails with a UID above uid that arrived at since or later, in order of UID, batch at a time.
// It stops at the first error of f and returns it. last is the highest UID that was seen, handed on or passed over.
func (cl *Client) FetchSince(uid uint32, since time.Time, batch int, f func(Message) error) (last uint32, err error) {
	last = uid
	var above goimap.UIDSet
	above.AddRange(goimap.UID(uid)+1, 0)
	stop := cl.limit(AnswerTimeout)
	list, err := cl.c.Fetch(above, &goimap.FetchOptions{UID: true, InternalDate: true, RFC822Size: true}).Collect()
	stop()
	if err != nil {
		return last, fmt.Errorf("list mails: %w", err)
	}
	// A server may answer n:* with the last mail although its UID is below n.
	list = slices.DeleteFunc(list, func(m *imapclient.FetchMessageBuffer) bool { return uint32(m.UID) <= uid })
	slices.SortFunc(list, func(a, b *imapclient.FetchMessageBuffer) int { return int(int64(a.UID) - int64(b.UID)) })
	for len(list) > 0 {
		part := list[:fits(list, max(1, batch))]
		list = list[len(part):]
		var wanted []*imapclient.FetchMessageBuffer
		for _, m := range part {
			if !m.InternalDate.Before(since) {
				wanted = append(wanted, m)
			}
		}
		if len(wanted) > 0 {
			if last, err = cl.fetch(wanted, last, f); err != nil {
				return last, err
			}
		}
		last = max(last, uint32(part[len(part)-1].UID))
	}
	return last, nil
}

// fits tells how many of the mails one command fetches: at most batch, and not much more than one largest mail in bytes.
func fits(list []*imapclient.FetchMessageBuffer, batch int) int {
	var size int64
	for i, m := range list {
		if size += min(m.RFC822Size, MaxSize); i >= batch || i > 0 && size > MaxSize {
			return i
		}
	}
	return len(list)
}

// fetch gets the bytes of listed mails. Mails expunged meanwhile are passed over.
func (cl *Client) fetch(list []*imapclient.FetchMessageBuffer, last uint32, f func(Message) error) (uint32, error) {
	got, err := cl.bytes(list)
	if err != nil {
		first := list[0]
		return last, &Unfetched{Message{UID: uint32(first.UID), Internal: first.InternalDate, Size: first.RFC822Size}, err}
	}
	for _, m := range list {
		raw, ok := got[m.UID]
		if !ok {
			continue
		}
		if raw == nil { // the server has a mail and cannot give it: that it came is handed on
			raw = []byte{}
		}
		if err := f(Message{UID: uint32(m.UID), Internal: m.InternalDate, Size: m.RFC822Size, Raw: raw}); err != nil {
			return last, err
		}
		last = uint32(m.UID)
	}
	return last, nil
}

// bytes gets the listed mails whole, and of those that are too large the header.
func (cl *Client) bytes(list []*imapclient.FetchMessageBuffer) (map[goimap.UID][]byte, error) {
	defer cl.limit(FetchTimeout)()
	var whole, large goimap.UIDSet
	for _, m := range list {
		if m.RFC822Size <= MaxSize {
			whole.AddNum(m.UID)
		} else {
			large.AddNum(m.UID)
		}
	}
	got := map[goimap.UID][]byte{}
	for _, want := range []struct {
		uids goimap.UIDSet
		part goimap.PartSpecifier
	}{{whole, goimap.PartSpecifierNone}, {large, goimap.PartSpecifierHeader}} {
		if len(want.uids) == 0 {
			continue
		}
		section := &goimap.FetchItemBodySection{Specifier: want.part, Peek: true}
		all, err := cl.c.Fetch(want.uids, &goimap.FetchOptions{UID: true, BodySection: []*goimap.FetchItemBodySection{section}}).Collect()
		if err != nil {
			return nil, fmt.Errorf("fetch bytes: %w", err)
		}
		for _, m := range all {
			got[m.UID] = m.FindBodySection(section)
		}
	}
	return got, nil
}

// Idle waits until the server announces something, d is over, or ctx ends; only a broken connection is an error. d is
// to be at most nine minutes: many routers forget a silent connection after ten. Without IDLE it only waits.
func (cl *Client) Idle(ctx context.Context, d time.Duration) error {
	var cmd *imapclient.IdleCommand
	if cl.idle {
		stop := cl.limit(AnswerTimeout)
		var err error
		cmd, err = cl.c.Idle()
		stop()
		if err != nil {
			return fmt.Errorf("begin to wait for mail: %w", err)
		}
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-cl.news:
	case <-timer.C:
	case <-ctx.Done():
	case <-cl.c.Closed():
		return errors.New("wait for mail: the server closed the connection")
	}
	if cmd == nil {
		return nil
	}
	if err := cmd.Close(); err != nil {
		return fmt.Errorf("end to wait for mail: %w", err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }() // ends at the latest when the connection is closed
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("end to wait for mail: %w", err)
		}
		return nil
	case <-time.After(doneTimeout):
		return errors.New("end to wait for mail: the server does not answer")
	}
}

// Mark adds a keyword to a mail, for the people who look into the mailbox; nothing here depends on it.
func (cl *Client) Mark(uid uint32, keyword string) error {
	defer cl.limit(AnswerTimeout)()
	flags := &goimap.StoreFlags{Op: goimap.StoreFlagsAdd, Silent: true, Flags: []goimap.Flag{goimap.Flag(keyword)}}
	if err := cl.c.Store(goimap.UIDSetNum(goimap.UID(uid)), flags, nil).Close(); err != nil {
		return fmt.Errorf("mark mail: %w", err)
	}
	return nil
}

// Append puts a copy into a mailbox, for example of what was sent.
func (cl *Client) Append(mailbox string, raw []byte) error {
	defer cl.limit(FetchTimeout)()
	cmd := cl.c.Append(mailbox, int64(len(raw)), nil)
	_, err := cmd.Write(raw)
	if err == nil {
		err = cmd.Close()
	}
	if err == nil {
		_, err = cmd.Wait()
	}
	if err != nil {
		return fmt.Errorf("append mail: %w", err)
	}
	return nil
}

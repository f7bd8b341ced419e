package imap_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"confermo/mailbox/imap"
	"confermo/mailbox/local"
)

const agency = "risposte@cpi.example"

func open(t *testing.T, dir string) *local.Server {
	t.Helper()
	s, err := local.Open(dir, []local.User{{Address: agency, Password: "pw"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ListenAndServe("127.0.0.1:0", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func account(addr string) imap.Account {
	return imap.Account{Addr: addr, Username: agency, Password: "pw", TLS: "plain"}
}

func deliver(t *testing.T, s *local.Server, n int) {
	t.Helper()
	raw := fmt.Sprintf("From: maria@posta.example\r\nSubject: mail %d\r\n\r\ntext %d\r\n", n, n)
	if err := s.Submit("maria@posta.example", []string{"risposte+tok@cpi.example"}, []byte(raw), false); err != nil {
		t.Fatal(err)
	}
}

// watching starts Watch and gives what it records.
func watching(t *testing.T, addr string, from imap.Cursor, o imap.Options) (<-chan string, <-chan imap.Cursor) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	subjects, cursors := make(chan string, 1000), make(chan imap.Cursor, 1000)
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := imap.Watch(ctx, account(addr), from, o, func(m imap.Message, at imap.Cursor) error {
			_, rest, _ := strings.Cut(string(m.Raw), "Subject: ")
			subject, _, _ := strings.Cut(rest, "\r\n")
			subjects <- subject
			cursors <- at
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("watch ended with %v", err)
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return subjects, cursors
}

func expect(t *testing.T, subjects <-chan string, want string) {
	t.Helper()
	select {
	case got := <-subjects:
		if got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("%q did not arrive", want)
	}
}

// Each of many mails arrives once and in order, whenever its wake-up was lost.
func TestEveryMailArrivesOnce(t *testing.T) {
	s := open(t, t.TempDir())
	_, addr := s.Addrs()
	deliver(t, s, 0)
	subjects, cursors := watching(t, addr, imap.Cursor{}, imap.Options{FromStart: true, Poll: 200 * time.Millisecond, Keyword: "$Confermo"})
	for n := range 40 {
		expect(t, subjects, fmt.Sprint("mail ", n))
		if c := <-cursors; c.UID != uint32(n+1) || c.Validity == 0 {
			t.Fatalf("cursor %+v", c)
		}
		deliver(t, s, n+1)
	}
	expect(t, subjects, "mail 40")
}

func TestAnOldMailboxIsNotAnswered(t *testing.T) {
	s := open(t, t.TempDir())
	_, addr := s.Addrs()
	deliver(t, s, 1)
	c, err := imap.Dial(context.Background(), account(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, next, err := c.Select("INBOX")
	if err != nil || next != 2 {
		t.Fatalf("next %d %v", next, err)
	}
	last, err := c.FetchSince(0, time.Now().Add(time.Hour), 10, func(m imap.Message) error { return fmt.Errorf("mail %d is old", m.UID) })
	if err != nil || last != 1 {
		t.Errorf("last %d %v", last, err)
	}
	subjects, _ := watching(t, addr, imap.Cursor{}, imap.Options{Since: time.Now().Add(-time.Hour), Poll: 100 * time.Millisecond})
	expect(t, subjects, "mail 1")
}

// A restart goes on behind the cursor; a mailbox made anew is read from its start.
func TestCursorSurvivesAndValidityCounts(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	_, addr := s.Addrs()
	deliver(t, s, 1)
	deliver(t, s, 2)
	c, err := imap.Dial(context.Background(), account(addr))
	if err != nil {
		t.Fatal(err)
	}
	validity, _, err := c.Select("INBOX")
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	s.Close()
	again := open(t, dir)
	_, addr = again.Addrs()
	subjects, _ := watching(t, addr, imap.Cursor{Validity: validity, UID: 1}, imap.Options{Poll: 100 * time.Millisecond})
	expect(t, subjects, "mail 2")
	fresh, _ := watching(t, addr, imap.Cursor{Validity: validity + 7, UID: 2}, imap.Options{Poll: 100 * time.Millisecond})
	expect(t, fresh, "mail 1")
	expect(t, fresh, "mail 2")
}

// proxy forwards to a server and can cut all its connections.
type proxy struct {
	l     net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{l: l}
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				in.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, in, out)
			p.mu.Unlock()
			go func() { _, _ = io.Copy(out, in); out.Close() }()
			go func() { _, _ = io.Copy(in, out); in.Close() }()
		}
	}()
	t.Cleanup(func() { l.Close(); p.cut() })
	return p
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

func TestBrokenConnectionsLoseNothing(t *testing.T) {
	s := open(t, t.TempDir())
	_, addr := s.Addrs()
	p := newProxy(t, addr)
	subjects, _ := watching(t, p.l.Addr().String(), imap.Cursor{}, imap.Options{FromStart: true, Poll: time.Hour})
	deliver(t, s, 1)
	expect(t, subjects, "mail 1")
	p.cut()
	deliver(t, s, 2)
	expect(t, subjects, "mail 2")
}

// What could not be recorded comes again.
func TestUnrecordedMailComesAgain(t *testing.T) {
	s := open(t, t.TempDir())
	_, addr := s.Addrs()
	deliver(t, s, 1)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	tries := 0
	err := imap.Watch(ctx, account(addr), imap.Cursor{}, imap.Options{FromStart: true}, func(m imap.Message, _ imap.Cursor) error {
		if tries++; tries == 1 {
			return errors.New("disk full")
		}
		cancel()
		return nil
	})
	if tries != 2 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d tries, %v", tries, err)
	}
}

func TestRefusedAccountRaisesAnAlarmAtOnce(t *testing.T) {
	s := open(t, t.TempDir())
	_, addr := s.Addrs()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	a := account(addr)
	a.Password = "wrong"
	var alarm error
	_ = imap.Watch(ctx, a, imap.Cursor{}, imap.Options{Alarm: func(err error) { alarm = err; cancel() }}, nil)
	if !errors.Is(alarm, imap.ErrAuth) {
		t.Errorf("alarm %v", alarm)
	}
	if _, err := imap.Dial(context.Background(), imap.Account{Addr: "192.0.2.1:143", TLS: "plain"}); err == nil {
		t.Error("unprotected connection to a foreign host")
	}
}

func TestAppendedCopyIsKept(t *testing.T) {
	s := open(t, t.TempDir())
	_, addr := s.Addrs()
	c, err := imap.Dial(context.Background(), account(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, box := range []string{"INBOX", "Sent"} {
		if err := c.Append(box, []byte("Subject: copy\r\n\r\nx\r\n")); err != nil {
			t.Errorf("%s: %v", box, err)
		}
	}
	if n := len(s.Messages(agency)); n != 1 {
		t.Errorf("%d mails in INBOX", n)
	}
}

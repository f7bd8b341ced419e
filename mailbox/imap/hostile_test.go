package imap_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	goimap "github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"

	"confermo/mailbox/imap"
)

// A server that greets and then hangs keeps its connection open for ever: nobody would know that mail is not read.
func TestHungServerIsGivenUp(t *testing.T) {
	defer func(d time.Duration) { imap.DialTimeout = d }(imap.DialTimeout)
	imap.DialTimeout = 50 * time.Millisecond
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
		_, _ = io.WriteString(c, "* OK [CAPABILITY IMAP4rev1] hello\r\n")
		_, _ = io.Copy(io.Discard, c)
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := imap.Dial(ctx, account(l.Addr().String())); err == nil || ctx.Err() != nil {
		t.Errorf("the hung server was waited for: %v", err)
	}
}

// spoiled is a mailbox whose mail of one UID the server lists and cannot give.
type spoiled struct {
	*imapmemserver.UserSession
	user *imapmemserver.User
	uid  goimap.UID
}

func (s *spoiled) Login(username, password string) error { return s.user.Login(username, password) }

func (s *spoiled) Fetch(w *imapserver.FetchWriter, set goimap.NumSet, o *goimap.FetchOptions) error {
	if uids, ok := set.(goimap.UIDSet); ok && len(o.BodySection) > 0 && uids.Contains(s.uid) {
		return &goimap.Error{Type: goimap.StatusResponseTypeNo, Code: goimap.ResponseCodeServerBug, Text: "internal error"}
	}
	return s.UserSession.Fetch(w, set, o)
}

type literal struct{ *strings.Reader }

func (l literal) Size() int64 { return l.Reader.Size() }

// A mail that the server cannot give is handed on without its bytes, and those after it are not kept waiting.
func TestMailTheServerCannotGiveKeepsNoOtherWaiting(t *testing.T) {
	user := imapmemserver.NewUser(agency, "pw")
	if err := user.Create("INBOX", nil); err != nil {
		t.Fatal(err)
	}
	srv := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return &spoiled{UserSession: imapmemserver.NewUserSession(user), user: user, uid: 2}, nil, nil
		},
		Caps: goimap.CapSet{goimap.CapIMAP4rev1: {}}, InsecureAuth: true,
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(l) }()
	t.Cleanup(func() { srv.Close(); <-done })
	for n := range 3 {
		raw := fmt.Sprintf("Subject: mail %d\r\n\r\nx\r\n", n+1)
		if _, err := user.Append("INBOX", literal{strings.NewReader(raw)}, &goimap.AppendOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	alarms := make(chan error, 10)
	subjects, cursors := watching(t, l.Addr().String(), imap.Cursor{}, imap.Options{
		FromStart: true, Poll: 100 * time.Millisecond, Alarm: func(err error) { alarms <- err },
	})
	for n, want := range []string{"mail 1", "", "mail 3"} {
		expect(t, subjects, want)
		if c := <-cursors; c.UID != uint32(n+1) {
			t.Errorf("cursor %+v", c)
		}
	}
	var u *imap.Unfetched
	if err := <-alarms; !errors.As(err, &u) || u.Message.UID != 2 {
		t.Errorf("alarm %v", err)
	}
}

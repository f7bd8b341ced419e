package local_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"confermo/mailbox/local"
	"confermo/mailbox/smtp"
)

var users = []local.User{{Address: "risposte@cpi.example", Password: "a"}, {Address: "Maria@posta.example", Password: "b"}}

func start(t *testing.T, dir string) *local.Server {
	t.Helper()
	s, err := local.Open(dir, users)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ListenAndServe("127.0.0.1:0", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

var letter = []byte("From: maria@posta.example\r\nTo: risposte+tok@cpi.example\r\nSubject: x\r\n\r\nConfermo\r\n")

func submit(t *testing.T, s *local.Server, user, password string) (string, error) {
	t.Helper()
	addr, _ := s.Addrs()
	return smtp.Submit(context.Background(), smtp.Account{Addr: addr, Username: user, Password: password, TLS: smtp.Plain},
		smtp.Envelope{From: "maria@posta.example", To: []string{"RISPOSTE+tok@cpi.example"}}, letter)
}

func TestSubmittedMailIsSignedAndDelivered(t *testing.T) {
	s := start(t, t.TempDir())
	if _, err := submit(t, s, "maria@posta.example", "b"); err != nil {
		t.Fatal(err)
	}
	got := s.Messages("risposte@cpi.example")
	if len(got) != 1 || got[0].UID != 1 || !bytes.Contains(got[0].Raw, []byte("Delivered-To: RISPOSTE+tok@cpi.example")) || !bytes.HasSuffix(got[0].Raw, letter) {
		t.Fatalf("%+v", got)
	}
	v, err := dkim.VerifyWithOptions(bytes.NewReader(got[0].Raw), &dkim.VerifyOptions{
		LookupTXT: func(n string) ([]string, error) { return s.Lookup(context.Background(), n) },
	})
	if err != nil || len(v) != 1 || v[0].Err != nil || v[0].Domain != "posta.example" {
		t.Errorf("%+v %v", v, err)
	}
}

func TestMailFromOutsideIsUnsigned(t *testing.T) {
	s := start(t, t.TempDir())
	if _, err := submit(t, s, "", ""); err != nil {
		t.Fatal(err)
	}
	if got := s.Messages("risposte@cpi.example"); len(got) != 1 || bytes.Contains(got[0].Raw, []byte("DKIM-Signature")) {
		t.Errorf("%d mails, signed without need", len(got))
	}
	if len(s.KeyRecords()) != 0 {
		t.Error("a key was made for nothing")
	}
}

func TestWrongPasswordAndForeignRecipientsAreRefused(t *testing.T) {
	s := start(t, t.TempDir())
	if _, err := submit(t, s, "maria@posta.example", "wrong"); err == nil {
		t.Error("wrong password accepted")
	}
	addr, _ := s.Addrs()
	_, err := smtp.Submit(context.Background(), smtp.Account{Addr: addr, TLS: smtp.Plain}, smtp.Envelope{From: "a@b.example", To: []string{"x@elsewhere.example"}}, letter)
	if err == nil || !strings.Contains(err.Error(), "550") {
		t.Errorf("%v", err)
	}
}

// A second run on the same folder goes on: same UIDs, same validity, same keys, nothing lost.
func TestSecondRunContinues(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	if err := s.Submit("maria@posta.example", []string{"risposte@cpi.example"}, letter, true); err != nil {
		t.Fatal(err)
	}
	first, keys := s.Messages("risposte@cpi.example"), s.KeyRecords()
	s.Close()
	again := start(t, dir)
	got := again.Messages("risposte@cpi.example")
	if len(got) != 1 || !bytes.Equal(got[0].Raw, first[0].Raw) || got[0].UID != 1 || got[0].Received.UnixMilli() != first[0].Received.UnixMilli() {
		t.Errorf("%+v", got)
	}
	for name, want := range keys {
		if k := again.KeyRecords()[name]; len(k) != 1 || k[0] != want[0] {
			t.Errorf("key %s changed", name)
		}
	}
	if err := again.Submit("maria@posta.example", []string{"risposte@cpi.example"}, letter, false); err != nil {
		t.Fatal(err)
	}
	if got := again.Messages("risposte@cpi.example"); len(got) != 2 || got[1].UID != 2 {
		t.Errorf("%+v", got)
	}
}

func TestDamagedFolderIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	for range 2 {
		if err := s.Submit("maria@posta.example", []string{"risposte@cpi.example"}, letter, false); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	files, _ := filepath.Glob(filepath.Join(dir, "risposte@cpi.example", "000001-*.eml"))
	if err := os.Remove(files[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := local.Open(dir, users); err == nil {
		t.Error("a mailbox with a missing mail was opened: UIDs would shift")
	}
	if _, err := local.Open(t.TempDir(), []local.User{{Address: "../x"}}); err == nil {
		t.Error("an address that leaves the folder was accepted")
	}
}

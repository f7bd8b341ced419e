package mailbox

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	netmail "net/mail"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-message/mail"
	"github.com/oklog/ulid/v2"
	"golang.org/x/mod/sumdb/note"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/evidence/store"
	"confermo/evidence/vault"
	"confermo/mailbox/imap"
	"confermo/mailbox/local"
	"confermo/mailbox/smtp"
)

const (
	agency = "risposte@cpi.example"
	maria  = "maria.rossi@posta.example"
)

// site is an installation with its mail server: real journal, real SMTP and IMAP.
type site struct {
	t       *testing.T
	folder  string
	key     string
	db      *store.DB
	j       *journal.Journal
	server  *local.Server
	stop    func()
	account smtp.Account
	person  string // address of the interviews scheduled from now on
	alarms  chan error
}

func newSite(t *testing.T) *site {
	t.Helper()
	key, _, err := note.GenerateKey(rand.Reader, "test.example/log")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, folder: t.TempDir(), key: key, stop: func() {}, person: maria, alarms: make(chan error, 100)}
	s.server, err = local.Open(filepath.Join(s.folder, "mail"), []local.User{{Address: agency, Password: "a"}, {Address: maria, Password: "m"}})
	if err == nil {
		err = s.server.ListenAndServe("127.0.0.1:0", "127.0.0.1:0")
	}
	if err != nil {
		t.Fatal(err)
	}
	smtpAddr, _ := s.server.Addrs()
	s.account = smtp.Account{Addr: smtpAddr, Username: agency, Password: "a", TLS: smtp.Plain}
	t.Cleanup(func() { s.close(); s.server.Close() })
	s.open()
	return s
}

func (s *site) open() {
	s.t.Helper()
	ctx := context.Background()
	blobs, err := vault.Dir(filepath.Join(s.folder, "blobs"))
	if err != nil {
		s.t.Fatal(err)
	}
	v, err := vault.Open(ctx, blobs, filepath.Join(s.folder, "vault.key"))
	if err != nil {
		s.t.Fatal(err)
	}
	if s.db, err = store.Open(ctx, "sqlite:"+filepath.Join(s.folder, "confermo.db")); err != nil {
		s.t.Fatal(err)
	}
	s.j, err = journal.Open(ctx, s.db, v, journal.Config{Node: "n1", Version: "test", Name: "Prova", Test: true, LogKey: s.key, Erased: vault.ErrErased})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) close() {
	s.stop()
	s.stop = func() {}
	s.j.Close()
	_ = s.db.Close()
}

// run starts the mailbox; s.stop ends it.
func (s *site) run() *Mailbox {
	s.t.Helper()
	_, imapAddr := s.server.Addrs()
	m, err := Open(Config{
		Journal: s.j, From: agency, SMTP: s.account, Poll: 100 * time.Millisecond,
		IMAP:   imap.Account{Addr: imapAddr, Username: agency, Password: "a", TLS: "plain"},
		Link:   func(id string) string { return "https://confermo.example/i/" + id },
		Lookup: s.server.Lookup, Log: slog.New(slog.NewTextHandler(testLog{s.t}, nil)),
		Alarm: func(_ string, err error) { s.alarms <- err },
	})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = m.Run(ctx) }()
	s.stop = func() { cancel(); <-done }
	return m
}

type testLog struct{ t *testing.T }

func (l testLog) Write(b []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

func (s *site) append(drafts ...journal.Draft) {
	s.t.Helper()
	if _, err := s.j.Append(context.Background(), drafts...); err != nil {
		s.t.Fatal(err)
	}
}

// schedule opens an interview; hold closes it and signs its timesheet.
func (s *site) schedule() string {
	s.t.Helper()
	id := ulid.Make().String()
	s.append(journal.Draft{Interview: id, By: "web", Fact: &evidence.Scheduled{
		Agency:   evidence.Agency{ID: "cpi", Name: "CPI Esempio", Office: "Firenze", Phone: "055 000"},
		Operator: evidence.Who{Account: "op", Name: evidence.V("Anna Bianchi")},
		Programme: evidence.Programme{ID: "prova", Title: "Assegno (prova)", Terms: evidence.Terms{
			Rule: evidence.Rule{Liveness: 5}, Unattended: 600, SignWithin: 3600, ReplyWithin: 86400, MinLevel: 2, Languages: []string{"it"},
		}},
		Activity: "A06", Language: "it", Start: "2026-11-22T10:00:00.000Z", Minutes: 60, Zone: "Europe/Rome",
		Person: evidence.Subject{Name: evidence.V("Maria"), Surname: evidence.V("Rossi"), Mail: evidence.V(s.person), Phone: evidence.V("333")},
	}})
	return id
}

var timesheet = []byte("%PDF-1.4 timesheet")

func (s *site) hold(id string) {
	s.t.Helper()
	s.append(
		journal.Draft{Interview: id, By: "rtc", Fact: &evidence.Closed{At: "2026-11-22T11:00:00.000Z", Reason: "operator"}},
		journal.Draft{Interview: id, By: "web", Fact: &evidence.Completed{Topics: []string{"search"}, Other: evidence.V("banche dati"), Place: "Firenze"}},
		journal.Draft{Interview: id, By: "web", Fact: &evidence.TimesheetApproved{Version: 1}},
		journal.Draft{Interview: id, By: "pdf", Fact: &evidence.TimesheetSigned{Version: 1, Attested: 3561, File: evidence.F("timesheet.pdf", "application/pdf", timesheet)}},
	)
}

// until waits for the record to hold what is wanted.
func (s *site) until(id, what string, holds func(*evidence.Interview) bool) *evidence.Interview {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		size := s.j.Size()
		iv, err := s.j.Interview(ctx, id)
		if err != nil {
			s.t.Fatal(err)
		}
		if holds(iv) {
			return iv
		}
		if err := s.j.Wait(ctx, size); err != nil {
			for _, r := range iv.Replies {
				s.t.Logf("%+v", r.Classified)
			}
			s.t.Fatalf("waiting for %s: %v; %d mails", what, err, len(iv.Mails))
		}
	}
}

func sentMails(n int) func(*evidence.Interview) bool {
	return func(iv *evidence.Interview) bool { return len(iv.Mails) >= n && iv.Mails[n-1].Sent != nil }
}

// received is the n-th mail that Maria got, parsed.
func (s *site) received(n int) (mail.Header, string, map[string][]byte, []byte) {
	s.t.Helper()
	all := s.server.Messages(maria)
	if len(all) <= n {
		s.t.Fatalf("Maria has %d mails", len(all))
	}
	r, err := mail.CreateReader(bytes.NewReader(all[n].Raw))
	if err != nil {
		s.t.Fatal(err)
	}
	text, files := "", map[string][]byte{}
	for {
		p, err := r.NextPart()
		if err == io.EOF {
			return r.Header, text, files, all[n].Raw
		}
		if err != nil {
			s.t.Fatal(err)
		}
		data, err := io.ReadAll(p.Body)
		if err != nil {
			s.t.Fatal(err)
		}
		switch h := p.Header.(type) {
		case *mail.InlineHeader:
			if kind, _, _ := h.ContentType(); kind == "text/plain" {
				text = string(data)
			}
		case *mail.AttachmentHeader:
			name, _ := h.Filename()
			files[name] = data
		}
	}
}

// answer replies to Maria's n-th mail as her mail program would, quoting it.
func (s *site) answer(n int, typed string, sign bool) {
	s.t.Helper()
	h, text, _, _ := s.received(n)
	to, err := h.AddressList("Reply-To")
	if err != nil {
		s.t.Fatal(err)
	}
	id, _ := h.MessageID()
	subject, _ := h.Subject()
	raw := fmt.Sprintf("From: Maria Rossi <%s>\r\nTo: %s\r\nSubject: Re: %s\r\nMessage-ID: <%s@posta.example>\r\nIn-Reply-To: <%s>\r\nDate: %s\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n\r\n"+
		"Il giorno dom 22 nov 2026 alle ore 12:00 CPI <%s> ha scritto:\r\n\r\n> %s\r\n",
		maria, to[0].Address, subject, random(), id, time.Now().Format(time.RFC1123Z), typed, to[0].Address, strings.ReplaceAll(strings.TrimSpace(strings.ReplaceAll(text, "\r", "")), "\n", "\r\n> "))
	if err := s.server.Submit(maria, []string{to[0].Address}, []byte(raw), sign); err != nil {
		s.t.Fatal(err)
	}
}

// TestT18_T21_T22: invitation, summary with its timesheet, "confermo", acknowledgement with a receipt that proves itself.
func TestT18_T21_T22_SummaryIsConfirmedAndAcknowledged(t *testing.T) {
	s := newSite(t)
	s.run()
	id := s.schedule()
	s.until(id, "invitation", sentMails(1))
	if _, text, _, raw := s.received(0); !strings.Contains(text, "https://confermo.example/i/"+id) || !bytes.Contains(raw, []byte("Auto-Submitted: auto-generated")) {
		t.Errorf("invitation:\n%s", text)
	}
	s.hold(id)
	iv := s.until(id, "summary", sentMails(2))
	h, text, files, raw := s.received(1)
	frozen, err := s.j.File(t.Context(), id, iv.Mails[1].N, "file")
	if err != nil || !bytes.HasSuffix(raw, frozen) {
		t.Errorf("what arrived is not what was frozen: %v", err)
	}
	if pdf := files["foglio-ore-1-2026.pdf"]; !bytes.Equal(pdf, timesheet) {
		t.Errorf("attachments %v", files)
	}
	subject, _ := h.Subject()
	if !strings.Contains(subject, iv.Mails[1].Code.Text) || !strings.Contains(text, "risponda a questa mail con la parola: confermo") {
		t.Errorf("%s\n%s", subject, text)
	}
	s.answer(1, "Confermo, grazie.\r\nMaria Rossi", true)
	iv = s.until(id, "acknowledgement", sentMails(3))
	r := iv.Confirmation()
	if r == nil || r.Classified.Level != 2 || r.Classified.Mail != iv.Mails[1].ID || !slices.Equal(r.Classified.Binding, []string{"address", "references", "code"}) {
		t.Fatalf("%+v", iv.Replies)
	}
	if r.Classified.Keys.Size == 0 || r.Classified.Text.Text != "Confermo, grazie.\nMaria Rossi" {
		t.Errorf("%+v", r.Classified)
	}
	_, text, files, _ = s.received(2)
	var receipt Receipt
	if err := json.Unmarshal(files["receipt.json"], &receipt); err != nil || !strings.Contains(text, "Conferma") && !strings.Contains(text, "conferma") {
		t.Fatalf("%v\n%s", err, text)
	}
	if receipt.N != r.ClassN || receipt.Verdict != "confirmed" || !strings.Contains(receipt.Line, "reply-classified") {
		t.Errorf("%+v", receipt)
	}
	verifier, err := note.NewVerifier(receipt.Log)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := note.Open([]byte(receipt.Checkpoint), note.VerifierList(verifier)); err != nil {
		t.Errorf("checkpoint of the receipt: %v", err)
	}
	if err := s.j.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAnswersThatDoNotConfirm(t *testing.T) {
	s := newSite(t)
	s.run()
	id := s.schedule()
	s.hold(id)
	s.until(id, "summary", func(iv *evidence.Interview) bool {
		m := iv.LastMail(evidence.Summary)
		return m != nil && m.Sent != nil
	})
	at := len(s.server.Messages(maria)) - 1
	classified := func(n int) func(*evidence.Interview) bool {
		return func(iv *evidence.Interview) bool { return len(iv.Replies) >= n && iv.Replies[n-1].Classified != nil }
	}
	s.answer(at, "Confermo, ma erano 40 minuti", true)
	iv := s.until(id, "dispute", classified(1))
	if c := iv.Replies[0].Classified; c.Verdict != "disputed" || iv.Confirmation() != nil {
		t.Errorf("%+v", c)
	}
	s.answer(at, "Confermo", false) // the right words without cryptography: for the operator
	iv = s.until(id, "held", classified(2))
	if c := iv.Replies[1].Classified; c.Verdict != "confirmed" || c.Level != 1 || !c.Held || iv.Confirmation() != nil {
		t.Errorf("%+v", c)
	}
	for _, m := range iv.Mails {
		if m.Purpose == evidence.Acknowledgement {
			t.Error("what changed nothing was acknowledged")
		}
	}
}

// A mail that came back is a failure of that very mail.
func TestBouncedSummaryIsKnown(t *testing.T) {
	s := newSite(t)
	s.run()
	id := s.schedule()
	iv := s.until(id, "invitation", sentMails(1))
	to := "risposte+bounce-" + iv.Mails[0].Token.Text + "@cpi.example"
	dsn := "From: MAILER-DAEMON@posta.example\r\nTo: " + to + "\r\nSubject: Undelivered\r\nReturn-Path: <>\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nno\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n" +
		"Reporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; " + maria + "\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 unknown\r\n--b--\r\n"
	if err := s.server.Submit("mailer-daemon@posta.example", []string{to}, []byte(dsn), false); err != nil {
		t.Fatal(err)
	}
	iv = s.until(id, "bounce", func(iv *evidence.Interview) bool { return iv.Mails[0].Failed() })
	if f := iv.Mails[0].Failures[0]; f.Code != 550 || !f.Final || iv.State(time.Now()) != evidence.StateInvitationBounced {
		t.Errorf("%+v %s", f, iv.State(time.Now()))
	}
}

// A restart sends nothing twice, reads nothing twice, and loses nothing that came meanwhile.
func TestRestartContinues(t *testing.T) {
	s := newSite(t)
	s.run()
	id := s.schedule()
	s.hold(id)
	s.until(id, "summary", func(iv *evidence.Interview) bool {
		m := iv.LastMail(evidence.Summary)
		return m != nil && m.Sent != nil
	})
	mails := len(s.server.Messages(maria))
	s.close()
	s.answer(mails-1, "Confermo", true)
	s.open()
	s.run()
	iv := s.until(id, "acknowledgement", func(iv *evidence.Interview) bool {
		m := iv.LastMail(evidence.Acknowledgement)
		return m != nil && m.Sent != nil
	})
	if n := len(s.server.Messages(maria)); n != mails+1 {
		t.Errorf("%d mails after the restart, want one acknowledgement more than %d", n, mails)
	}
	first := s.server.Messages(agency)[0].Raw
	if err := s.server.Submit(maria, []string{iv.Replies[0].Mailbox[:len(agency)]}, first, false); err != nil { // a copy with other trace lines
		t.Fatal(err)
	}
	iv = s.until(id, "the copy", func(iv *evidence.Interview) bool { return len(iv.Replies) == 2 && iv.Replies[1].Classified != nil })
	if o := iv.Outcome(); o.Verdict != "confirmed" || o.Reply.N != iv.Replies[0].N || len(iv.Duties()) != 1 { // the duty to seal
		t.Errorf("a copy changed the record: %+v %+v", o, iv.Duties())
	}
}

// A crash between the server's answer and its record sends the same bytes again, and the record holds one sending.
func TestSecondSendingHasTheSameBytes(t *testing.T) {
	s := newSite(t)
	m := s.run()
	s.stop()
	id := s.schedule()
	iv, err := s.j.Interview(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range iv.Duties() {
		for range 2 { // the second finds the mail frozen
			if err := m.send(t.Context(), iv, d); err != nil {
				t.Fatal(err)
			}
		}
	}
	before, err := s.j.Interview(t.Context(), id)
	if err != nil || len(before.Mails) != 1 {
		t.Fatalf("%d mails frozen, %v", len(before.Mails), err)
	}
	for range 2 {
		if err := m.submit(t.Context(), before, before.Mails[0].ID); err != nil {
			t.Fatal(err)
		}
	}
	got := s.server.Messages(maria)
	frozen, err := s.j.File(t.Context(), id, before.Mails[0].N, "file")
	if err != nil || len(got) != 2 || !bytes.HasSuffix(got[0].Raw, frozen) || !bytes.HasSuffix(got[1].Raw, frozen) {
		t.Errorf("%d mails, %v", len(got), err)
	}
	after, err := s.j.Interview(t.Context(), id)
	if err != nil || after.N != before.N+1 || after.Mails[0].Sent == nil {
		t.Errorf("%d entries after %d, %v", after.N, before.N, err)
	}
}

func TestUnknownMailIsKeptOutsideInterviews(t *testing.T) {
	s := newSite(t)
	s.run()
	if err := s.server.Submit(maria, []string{agency}, []byte("From: "+maria+"\r\nSubject: ciao\r\n\r\nConfermo\r\n"), true); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		size := s.j.Size()
		entries, err := s.j.Entries(ctx, "stream:mail")
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) == 2 {
			if c, ok := entries[1].Fact.(*evidence.ReplyClassified); !ok || c.Verdict != "unmatched" {
				t.Errorf("%+v", entries[1].Fact)
			}
			break
		}
		if err := s.j.Wait(ctx, size); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.server.Messages(maria)); n != 0 {
		t.Errorf("unknown mail was answered with %d mails", n)
	}
}

// A server that refuses for good fails the mail; one that refuses the account fails nothing.
func TestRefusalsAreRecorded(t *testing.T) {
	s := newSite(t)
	s.person = "nobody@posta.example"
	s.run()
	iv := s.until(s.schedule(), "refusal", func(iv *evidence.Interview) bool { return len(iv.Mails) == 1 && iv.Mails[0].Failed() })
	if f := iv.Mails[0].Failures[0]; f.Code != 550 || f.Next != "" || iv.State(time.Now()) != evidence.StateInvitationBounced {
		t.Errorf("%+v %s", f, iv.State(time.Now()))
	}
	s.stop()
	s.account.Password, s.person = "wrong", maria
	id := s.schedule()
	s.run()
	for err := range s.alarms {
		var auth *smtp.AuthFailed
		if errors.As(err, &auth) {
			break
		}
	}
	iv, err := s.j.Interview(t.Context(), id)
	if err != nil || len(iv.Mails) != 1 || len(iv.Mails[0].Failures) != 0 {
		t.Errorf("the account's fault was put on the mail: %+v %v", iv.Mails, err)
	}
	for _, c := range []struct {
		err   error
		final bool
	}{
		{&smtp.Refused{Code: 550, Text: "no"}, true}, {&smtp.Refused{Code: 451, Temporary: true}, false}, {smtp.ErrOutcomeUnknown, false},
	} {
		if f := failure("x", 1, time.Now(), c.err); f.Final != c.final || (f.Next == "") != c.final || f.Text == "" {
			t.Errorf("%v: %+v", c.err, f)
		}
	}
	if f := failure("x", 30, time.Now().Add(-GiveUp), smtp.ErrOutcomeUnknown); !f.Final {
		t.Error("a mail is tried for ever")
	}
}

func TestLettersCannotBeForgedByNames(t *testing.T) {
	l := letter{from: netmail.Address{Address: agency}, to: maria, toName: "Maria\r\nBcc: x@y.example", subject: "x", text: "y", lang: "it", id: "1@cpi.example", date: time.Now()}
	if _, err := l.bytes(); err == nil {
		t.Error("a name added a header")
	}
}

func TestSignInCodeIsSent(t *testing.T) {
	s := newSite(t)
	m := s.run()
	if err := m.SendCode(t.Context(), maria, "123456", "it"); err != nil {
		t.Fatal(err)
	}
	if _, text, _, _ := s.received(0); !strings.Contains(text, "123456") {
		t.Errorf("%s", text)
	}
}

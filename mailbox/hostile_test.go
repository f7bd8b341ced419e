package mailbox

import (
	"context"
	"strings"
	"testing"
	"time"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/mailbox/smtp"
)

// A recorded mail whose bytes are gone keeps neither the mailbox from starting nor later mail from being judged.
func TestErasedMailDoesNotBlockTheMailbox(t *testing.T) {
	s := newSite(t)
	// A file without bytes of its own is what is left of an erased one.
	s.append(journal.Draft{Stream: stream, By: "mailbox", Fact: &evidence.ReplyReceived{
		ID: "01GONE", Mailbox: agency + "/INBOX", Validity: 1, UID: 1, File: evidence.File{C: "x", Name: "mail/01GONE.eml"},
	}})
	s.run()
	id := s.schedule()
	s.until(id, "invitation", sentMails(1))
	if err := s.server.Submit(maria, []string{agency}, []byte("From: "+maria+"\r\nSubject: ciao\r\n\r\nciao\r\n"), true); err != nil {
		t.Fatal(err)
	}
	entries := s.untilStream(3)
	if f, ok := entries[len(entries)-1].Fact.(*evidence.ReplyClassified); !ok || f.ID == "01GONE" {
		t.Errorf("%+v", entries)
	}
}

// untilStream waits for n facts about mail that belongs to no interview.
func (s *site) untilStream(n int) []evidence.Entry {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	for {
		size := s.j.Size()
		entries, err := s.j.Entries(ctx, "stream:"+stream)
		if err != nil {
			s.t.Fatal(err)
		}
		if len(entries) >= n {
			return entries
		}
		if err := s.j.Wait(ctx, size); err != nil {
			s.t.Fatal(err)
		}
	}
}

// Words from outside that would make a fact too large are cut: otherwise the bounce could never be recorded.
func TestBounceWithEndlessDiagnosticIsRecorded(t *testing.T) {
	s := newSite(t)
	s.run()
	id := s.schedule()
	iv := s.until(id, "invitation", sentMails(1))
	to := "risposte+bounce-" + iv.Mails[0].Token.Text + "@cpi.example"
	endless := strings.Repeat("550 5.1.1 unknown\r\n ", 100_000)
	dsn := "From: MAILER-DAEMON@posta.example\r\nTo: " + to + "\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n" +
		"Reporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; " + maria + "\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; " + endless + "\r\n--b--\r\n"
	if err := s.server.Submit("mailer-daemon@posta.example", []string{to}, []byte(dsn), false); err != nil {
		t.Fatal(err)
	}
	iv = s.until(id, "bounce", func(iv *evidence.Interview) bool { return iv.Mails[0].Failed() })
	if n := len(iv.Mails[0].Failures[0].Text); n > 2*maxWords {
		t.Errorf("%d bytes of words", n)
	}
}

// An invitation that could not go out before its interview was cancelled goes out no more.
func TestCancelledInvitationIsNotSent(t *testing.T) {
	s := newSite(t)
	m := s.run()
	s.stop()
	id := s.schedule()
	iv, err := s.j.Interview(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.send(t.Context(), iv, iv.Duties()[0]); err != nil { // frozen, while the server is down
		t.Fatal(err)
	}
	s.append(journal.Draft{Interview: id, By: "web", Fact: &evidence.Cancelled{}})
	s.run()
	iv = s.until(id, "the end of the invitation", func(iv *evidence.Interview) bool { return iv.Mails[0].Failed() })
	if n := len(s.server.Messages(maria)); n > 0 || iv.Mails[0].Sent != nil || iv.State(time.Now()) != evidence.StateCancelled {
		t.Errorf("%d mails, %+v, %s", n, iv.Mails[0], iv.State(time.Now()))
	}
}

// When a refused account works again, whoever was told of the alarm is told of that, and what waited goes out.
func TestRefusedAccountComesBack(t *testing.T) {
	s := newSite(t)
	s.account.Password = "wrong"
	m := s.run()
	id := s.schedule()
	if err := <-s.alarms; err == nil {
		t.Fatal("an alarm without an error")
	}
	s.stop()
	m.SMTP.Password = "a"
	iv, err := s.j.Interview(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	mail := iv.Mails[0].ID
	if err := m.submit(t.Context(), iv, mail); err != nil {
		t.Fatal(err)
	}
	if n := len(s.server.Messages(maria)); n != 0 {
		t.Fatalf("%d mails went out in the pause", n)
	}
	m.mu.Lock()
	m.paused = m.paused.Add(-2 * idle)
	m.mu.Unlock()
	if err := m.submit(t.Context(), iv, mail); err != nil {
		t.Fatal(err)
	}
	if err := <-s.alarms; err != nil || len(s.server.Messages(maria)) != 1 {
		t.Errorf("alarm %v, %d mails", err, len(s.server.Messages(maria)))
	}
}

// The waits between attempts, and their end: five days after the mail was written, whatever the number of attempts.
func TestRetriesFollowTheSchedule(t *testing.T) {
	frozen := time.Now()
	for attempt, want := range map[int]time.Duration{1: time.Minute, 2: 5 * time.Minute, 3: 15 * time.Minute, 4: time.Hour, 5: 4 * time.Hour, 20: 4 * time.Hour} {
		began := time.Now()
		f := failure("x", attempt, frozen, smtp.ErrOutcomeUnknown)
		next, err := time.Parse(evidence.TimeFormat, f.Next)
		if err != nil || next.Before(began.Add(want).Truncate(time.Millisecond)) || next.After(time.Now().Add(want)) || f.Final {
			t.Errorf("attempt %d: next %s, %v", attempt, f.Next, err)
		}
	}
}

// A server that is down when the service starts, and comes back, gets the very mail that was frozen meanwhile.
func TestMailServerDownAtTheStart(t *testing.T) {
	s := newSite(t)
	up := s.account
	s.account.Addr = "127.0.0.1:1" // nobody listens
	m := s.run()
	id := s.schedule()
	iv := s.until(id, "failure", func(iv *evidence.Interview) bool { return len(iv.Mails) == 1 && len(iv.Mails[0].Failures) == 1 })
	if f := iv.Mails[0].Failures[0]; f.Final || f.Next == "" {
		t.Fatalf("%+v", f)
	}
	s.stop()
	m.SMTP = up
	if err := m.submit(t.Context(), iv, iv.Mails[0].ID); err != nil {
		t.Fatal(err)
	}
	frozen, err := s.j.File(t.Context(), id, iv.Mails[0].N, "file")
	if err != nil {
		t.Fatal(err)
	}
	iv = s.until(id, "sending", sentMails(1))
	got := s.server.Messages(maria)
	if len(iv.Mails) != 1 || iv.Mails[0].Sent.Attempt != 2 || len(got) != 1 || !strings.HasSuffix(string(got[0].Raw), string(frozen)) {
		t.Errorf("%+v, %d mails", iv.Mails, len(got))
	}
}

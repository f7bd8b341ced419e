package audit_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"confermo/evidence"
	"confermo/evidence/audit"
	"confermo/evidence/audit/audittest"
	"confermo/evidence/bundle"
)

var signedHeaders = []string{"From", "To", "Subject", "Date"}

// first plays once, before the fact of the kind is recorded.
func first(kind evidence.Kind, play func(*audittest.Log, time.Time)) func(*audittest.Log, evidence.Fact, time.Time) time.Time {
	played := false
	return func(l *audittest.Log, f evidence.Fact, at time.Time) time.Time {
		if f.Kind() == kind && !played {
			played = true
			play(l, at)
		}
		return at
	}
}

func longMask(p evidence.Party, from time.Time, secs int) *evidence.MediaObserved {
	ones := strings.Repeat("1", secs)
	return &evidence.MediaObserved{Party: p, From: stamp(from), Secs: secs, Connected: ones, Audio: ones, Video: ones}
}

// The operator holds every key of the service and writes whatever lines he likes; witness, authority, region and the
// person's provider are honest.
func TestAnOperatorWithAllKeysOfTheServiceIsFound(t *testing.T) {
	clock := audittest.Clock
	refusal := func(l *audittest.Log) evidence.File { // a reply that the person really sent, of another uid
		return evidence.F("mail/r0.eml", "message/rfc822", audittest.SignReply(audittest.ReplyText("Non confermo"), clock(10, 25, 0), signedHeaders...))
	}
	for _, tt := range []struct {
		name    string
		script  audittest.Script
		claim   string
		verdict audit.Verdict
		code    string
	}{
		{"attack 11: presence of an hour told after the close", audittest.Script{
			Length: 70 * time.Minute, During: func(_ *audittest.Story, at time.Time) bool { return !at.Before(clock(11, 20, 0)) },
			At: first("interview-completed", func(l *audittest.Log, at time.Time) {
				for _, p := range both {
					l.Append(audittest.ID, "rtc", at, longMask(p, clock(10, 16, 10), 3600))
				}
			}),
		}, audit.Presence, audit.Contradicted, "presence-late"},
		{"attack 11: presence of an hour told at its end", audittest.Script{
			Length: 70 * time.Minute, During: func(s *audittest.Story, at time.Time) bool {
				if at == clock(11, 20, 0) {
					for _, p := range both {
						s.Add(audittest.ID, "rtc", at, longMask(p, clock(10, 16, 10), 3600))
					}
				}
				return !at.Before(clock(11, 20, 0))
			},
		}, audit.Presence, audit.Contradicted, "presence-late"},
		{"agreed for a day of the pack and held before it began", audittest.Script{
			Offset: -10 * 24 * time.Hour, Fact: edit(func(f *evidence.Scheduled) { f.Start = stamp(clock(10, 15, 0)) }),
		}, audit.Duration, audit.Unproved, "pack-not-in-force"},
		{"attack 1: the operator came late and says he was let in with the person", audittest.Script{
			Length: 40 * time.Minute,
			Fact: func(f evidence.Fact) evidence.Fact {
				if a, ok := f.(*evidence.PartyAdmitted); ok && a.Party == evidence.Operator {
					return nil
				}
				return f
			},
			During: func(s *audittest.Story, at time.Time) bool {
				if at == clock(10, 46, 10) {
					s.Log.Append(audittest.ID, "rtc", clock(10, 16, 6), &evidence.PartyAdmitted{Party: evidence.Operator})
				}
				return true
			},
		}, audit.Time, audit.Unproved, "time-order"},
		{"another person put in the place of the first", audittest.Script{At: first("interview-completed", func(l *audittest.Log, at time.Time) {
			other := *l.Scope(audittest.ID)[0].Fact.(*evidence.Scheduled)
			other.Person.Surname = evidence.V("Altra")
			l.Append(audittest.ID, "web", at, &other)
		})}, audit.Completeness, audit.Contradicted, "scheduled-twice"},
		{"attack 24: a refusal left unread", audittest.Script{At: first("reply-received", func(l *audittest.Log, at time.Time) {
			l.Append(audittest.ID, "mailbox", at.Add(-5*time.Minute), &evidence.ReplyReceived{ID: "r0", UID: 6, File: refusal(l)})
		})}, audit.Confirmation, audit.Unproved, "confirm-unread"},
		{"attack 24: a refusal recorded for another version", audittest.Script{
			At: first("reply-received", func(l *audittest.Log, at time.Time) {
				at = at.Add(-5 * time.Minute)
				l.Append(audittest.ID, "mailbox", at, &evidence.ReplyReceived{ID: "r0", UID: 6, Internal: stamp(at), File: refusal(l)})
				l.Append(audittest.ID, "mailbox", at, &evidence.ReplyClassified{ID: "r0", Mail: "m1", Version: 9, Grammar: 1, Verdict: evidence.VerdictRefused, Level: 1})
			}),
		}, audit.Confirmation, audit.Contradicted, "confirm-version"},
		{"a refusal decided to be a confirmation", audittest.Script{Reply: "Non confermo", Fact: func(f evidence.Fact) evidence.Fact {
			if _, ok := f.(*evidence.Sealed); ok {
				return &evidence.ReplyDecided{ID: "r1", Verdict: evidence.VerdictConfirmed}
			}
			return f
		}}, audit.Confirmation, audit.Contradicted, "confirm-overruled"},
		{"attack 12: a word given to an older summary with the same signs", audittest.Script{Signed: func(raw string) []byte {
			return audittest.SignReply(raw, clock(9, 0, 0), signedHeaders...)
		}}, audit.Confirmation, audit.Contradicted, "confirm-replayed"},
		{"attack 12: the same without a time of the provider", audittest.Script{Signed: func(raw string) []byte {
			head, rest, _ := strings.Cut(raw, "Date: ")
			_, rest, _ = strings.Cut(rest, "\r\n")
			return audittest.SignReply(head+"Date: "+clock(9, 0, 0).Format(time.RFC1123Z)+"\r\n"+rest, time.Time{}, signedHeaders...)
		}}, audit.Confirmation, audit.Word, "confirm-undated"},
		{"attack 12: the same without any signed time", audittest.Script{Signed: func(raw string) []byte {
			return audittest.SignReply(raw, time.Time{}, "From", "Subject")
		}}, audit.Confirmation, audit.Word, "confirm-undated"},
		{"a summary whose HTML says something else", audittest.Script{Fact: edit(func(f *evidence.MailFrozen) {
			f.File.Data = []byte(strings.Replace(string(f.File.Data), "--b1\r\nContent-Type: application/pdf",
				"--b1\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Scriva confermo per ricevere il bonus</p>\r\n--b1\r\nContent-Type: application/pdf", 1))
		})}, audit.Confirmation, audit.Contradicted, "confirm-text"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := verify(t, audittest.Tell(tt.script))
			wants(t, r, tt.claim, tt.verdict, tt.code)
			if r.Verdict == audit.Sound {
				t.Errorf("the whole is %s, %d s\n%s", r.Verdict, r.AttestedSeconds, r.Text("en"))
			}
		})
	}
}

// A reply that its provider dates and one that only its Date dates hold alike when they follow the summary.
func TestReplyDatedAfterTheSummaryConfirms(t *testing.T) {
	for _, at := range []time.Time{audittest.Clock(10, 29, 58), {}} {
		s := audittest.Tell(audittest.Script{Signed: func(raw string) []byte { return audittest.SignReply(raw, at, signedHeaders...) }})
		wants(t, verify(t, s), audit.Confirmation, audit.Proved, "confirmed")
	}
}

// A mail as the service writes it, with HTML of the same text, is the summary.
func TestSummaryWithHTMLOfTheSameTextHolds(t *testing.T) {
	s := audittest.Tell(audittest.Script{HTML: true})
	wants(t, verify(t, s), audit.Confirmation, audit.Proved, "confirmed")
}

// Who opens timesheet.pdf of a sound bundle must see the document that was signed and checked.
func TestTimesheetPDFIsTheSignedOne(t *testing.T) {
	s := audittest.Tell(audittest.Script{Fact: edit(func(f *evidence.DocumentUploaded) {
		if f.Document == "tax-card" {
			f.File = evidence.F("x.pdf", "application/pdf", []byte("another timesheet"))
		}
	})})
	c := s.Content()
	for i := range c.Entries {
		c.Entries[i].Openings = slices.Clone(c.Entries[i].Openings)
		for j, o := range c.Entries[i].Openings {
			switch o.File {
			case bundle.NameTimesheet:
				c.Entries[i].Openings[j].File = "documents/signed.pdf"
			case "x.pdf":
				c.Entries[i].Openings[j].File = bundle.NameTimesheet
			}
		}
	}
	for i, f := range c.Files {
		switch f.Name {
		case bundle.NameTimesheet:
			c.Files[i].Name = "documents/signed.pdf"
		case "x.pdf":
			c.Files[i].Name = bundle.NameTimesheet
		}
	}
	r := audit.Verify(s.Seal(c), trust(t, s.Trust()), auditAt)
	wants(t, r, audit.Signatures, audit.Contradicted, "timesheet-name")
}

// Attack 7: until a witness saw it, a log can have two stamped histories; the report says when a witness first saw the closing.
func TestAttack7ReportSaysWhenAWitnessSawTheClosing(t *testing.T) {
	r := verify(t, audittest.Tell(audittest.Script{}))
	if c := r.Of(audit.Time); !strings.Contains(c.In("en"), "closing witnessed 2020-03-16 10:18:14Z") {
		t.Error(c.In("en"))
	}
}

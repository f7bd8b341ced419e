package web

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/evidence/wording"
)

// held records a call of so many seconds that ended just now, as the rooms would, and its close.
func (s *site) held(id string, seconds int) {
	s.t.Helper()
	end := time.Now().UTC().Truncate(time.Second)
	from := end.Add(-time.Duration(seconds) * time.Second)
	stamp := func(t time.Time) string { return t.Format(evidence.TimeFormat) }
	at := func(t time.Time, f evidence.Fact) journal.Draft {
		return journal.Draft{Interview: id, By: "rtc", At: t, Fact: f}
	}
	ones := strings.Repeat("1", seconds)
	voice := strings.Repeat("1101", seconds/4+1)[:seconds]
	drafts := []journal.Draft{
		at(from.Add(-2*time.Second), &evidence.PartyJoined{Party: evidence.Operator, Connection: "a"}),
		at(from.Add(-2*time.Second), &evidence.PartyAdmitted{Party: evidence.Operator}),
		at(from.Add(-time.Second), &evidence.PartyJoined{Party: evidence.Person, Connection: "b"}),
		at(from, &evidence.PartyAdmitted{Party: evidence.Person}),
	}
	gone := seconds / 3
	person := ones[:gone] + strings.Repeat("0", 12) + ones[gone+12:]
	for p, mask := range map[evidence.Party]string{evidence.Operator: ones, evidence.Person: person} {
		drafts = append(drafts, at(end, &evidence.MediaObserved{
			Party: p, From: stamp(from), Secs: seconds, Connected: mask, Audio: mask, Video: mask, Voice: voice, Text: strings.Repeat("0", seconds),
		}))
	}
	drafts = append(drafts, at(end, &evidence.PartyLeft{Party: evidence.Person, Connection: "b", At: stamp(end), Reason: "closed"}),
		at(end, &evidence.Closed{At: stamp(end), Reason: "operator"}))
	s.append(drafts...)
}

// acknowledged is a person's notice, some time before now, so that a call can have been held since.
func (s *site) acknowledged(id string, ago time.Duration) {
	s.t.Helper()
	s.acknowledgedOn(id, "d", ago)
}

// visitor is the browser of such a person.
func (s *site) visitor(id string, ago time.Duration) *browser {
	s.t.Helper()
	const secret = "a device of tests"
	s.acknowledgedOn(id, deviceID(secret), ago)
	b := s.browser()
	u, err := url.Parse(s.url + s.link(id))
	fatal(s.t, err)
	b.client.Jar.SetCookies(u, []*http.Cookie{{Name: deviceCookie, Value: secret, Path: s.link(id)}})
	return b
}

func (s *site) acknowledgedOn(id, device string, ago time.Duration) {
	s.t.Helper()
	iv := s.interview(id)
	doc, _ := wording.Notice(wording.NoticeVersion, "it", wording.ControllerOf(iv.Scheduled))
	at := time.Now().Add(-ago)
	s.append(journal.Draft{Interview: id, By: "web", At: at, Fact: &evidence.LinkOpened{Device: device, How: "first"}},
		journal.Draft{Interview: id, By: "web", At: at, Fact: &evidence.NoticeRead{Version: doc.Version, Language: "it", Digest: doc.Digest(), Channel: "web"}},
		journal.Draft{Interview: id, By: "web", At: at, Fact: &evidence.Consented{What: "still", Given: false}})
}

// mailed records the summary as sent.
func (s *site) mailed(id string) {
	s.t.Helper()
	iv := s.interview(id)
	d, err := wording.Of(iv)
	fatal(s.t, err)
	d.Code = "7K3M-Q9TD"
	subject, body := wording.SummaryMail("it", d)
	raw := "From: Agenzia Ponte Chiaro <info@pontechiaro.example>\r\nTo: nadia@posta.example\r\nReply-To: colloqui+x7@pontechiaro.example\r\nSubject: " +
		subject + "\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + strings.ReplaceAll(body, "\n", "\r\n")
	s.append(journal.Draft{Interview: id, By: "mailbox", Fact: &evidence.MailFrozen{
		ID: "m1", Purpose: evidence.Summary, Version: 1, Language: "it", Wording: 1, To: evidence.V("nadia@posta.example"),
		Code: evidence.V(d.Code), File: evidence.F("mail/m1.eml", "message/rfc822", []byte(raw)),
	}}, journal.Draft{Interview: id, By: "mailbox", Fact: &evidence.MailSent{ID: "m1", Response: "250 ok", Attempt: 1}})
}

// replied records a reply and its classification.
func (s *site) replied(id, reply, verdict string, level int, held bool) {
	s.t.Helper()
	raw := "From: nadia@posta.example\r\nSubject: Re: Riepilogo\r\n\r\n" + reply + "\r\n\r\nIl giorno 24 nov Agenzia ha scritto:\r\n> testo nostro\r\n"
	s.append(journal.Draft{Interview: id, By: "mailbox", Fact: &evidence.ReplyReceived{
		ID: "r1", Mailbox: "INBOX", UID: 1, File: evidence.F("mail/r1.eml", "message/rfc822", []byte(raw)),
	}}, journal.Draft{Interview: id, By: "mailbox", Fact: &evidence.ReplyClassified{
		ID: "r1", Mail: "m1", Version: 1, Grammar: 1, Verdict: verdict, Rule: "it-word", Text: evidence.V(reply), Level: level, Held: held,
		Binding: []string{"address", "code"},
	}})
}

// signed records that the timesheet was signed, as the signer would after the approval.
func (s *site) signed(id string) {
	s.t.Helper()
	s.append(journal.Draft{Interview: id, By: "pdf", Fact: &evidence.TimesheetSigned{
		Version: 1, Level: "B-T", Layout: 1, Engine: 1, Wording: 1, Attested: 42,
		File: evidence.F("timesheet.pdf", "application/pdf", []byte("%PDF-1.7\n%%EOF\n")),
	}})
}

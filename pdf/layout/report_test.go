package layout

import (
	"os"
	"testing"
	"time"

	"confermo/evidence"
)

// answered goes on to the signed timesheet, the summary and the reply.
func answered(t *testing.T) *evidence.Interview {
	t.Helper()
	s := example(t, nil)
	s.add(2*time.Second, &evidence.TimesheetSigned{Version: 1, Level: "B-T"})
	s.add(time.Second, &evidence.MailFrozen{ID: "m2", Purpose: evidence.Summary, Version: 1, Language: "it"})
	s.add(time.Second, &evidence.MailSent{ID: "m2", Response: "250 2.0.0", Attempt: 1})
	s.add(43*time.Minute, &evidence.ReplyReceived{ID: "r1", Mailbox: "INBOX"})
	s.add(time.Second, &evidence.ReplyClassified{ID: "r1", Mail: "m2", Version: 1, Verdict: evidence.VerdictConfirmed, Level: 2})
	return evidence.Fold(interviewID, s.entries)
}

func TestLookReport(t *testing.T) {
	iv := answered(t)
	b, err := Summary(iv, testNames)
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile("/tmp/look/rep.pdf", b, 0o644)
	h, err := ReportHTML(iv, testNames)
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile("/tmp/look/rep.html", h, 0o644)
	os.WriteFile("/tmp/look/README.txt", Readme(iv), 0o644)
}

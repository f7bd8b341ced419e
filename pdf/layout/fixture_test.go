package layout

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"strings"
	"testing"
	"time"

	"confermo/evidence"
)

// story builds the entries of an interview as a journal would, with chained lines and no clock.
type story struct {
	t       *testing.T
	at      time.Time
	entries []evidence.Entry
}

func (s *story) add(after time.Duration, f evidence.Fact) {
	s.t.Helper()
	s.at = s.at.Add(after)
	n := len(s.entries) + 1
	head := evidence.Head{
		V: 1, At: s.at.UTC().Format(evidence.TimeFormat), Node: "n1", Boot: "01KBOOT", Interview: interviewID, N: n, By: "test",
		Kind: f.Kind(), Fact: evidence.Commitment{C: fmt.Sprint("c", n)},
	}
	line, err := json.Marshal(head)
	if err != nil {
		s.t.Fatal(err)
	}
	s.entries = append(s.entries, evidence.Entry{Line: line, Head: head, Fact: f})
}

const interviewID = "01KB4Z9Q6W3T8N5R2M7P0XVEHD"

var testNames = Names{
	Activity: "Consulenza alla ricerca di lavoro",
	Topics: map[string]string{
		"job-search": "Ricerca attiva di lavoro", "databanks": "Iscrizione e registrazione in banche dati on-line",
	},
}

// held is an interview of 2026-11-24 from 11:15:08 to 12:15:41 with an interruption and a bridged pause.
func held(t *testing.T, edit func(*evidence.Scheduled)) *story {
	t.Helper()
	start := time.Date(2026, 11, 24, 10, 15, 8, 0, time.UTC)
	s := &story{t: t, at: start.Add(-50 * time.Hour)}
	sched := &evidence.Scheduled{
		Number: evidence.Number{Agency: "ponte", Year: 2026, N: 412},
		Agency: evidence.Agency{
			ID: "ponte", Name: "Agenzia Ponte Chiaro", Office: "Borgolieto", Address: "via dei Tigli 4, Borgolieto",
			Phone: "399 000 0100", Mail: "colloqui@pontechiaro.example",
		},
		Operator: evidence.Who{Account: "a1", Name: evidence.V("Ilaria Montebruni"), Role: "operator"},
		Programme: evidence.Programme{
			ID: "api", Title: "Assegno per l’Impiego, fase 2", Version: 4,
			Digest: "q83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq80=",
			Terms:  evidence.Terms{Rule: evidence.Rule{Liveness: 10, Minimum: 5, Tolerance: 30}},
		},
		Activity: "B03", Path: "continuation", Mode: "remote", Language: "it",
		Start: "2026-11-24T10:15:00.000Z", Minutes: 60, Zone: "Europe/Rome", Test: true,
		Person: evidence.Subject{
			Name: evidence.V("Nadia"), Surname: evidence.V("Ferrantini"), TaxCode: evidence.V("FRRNDA85H52X999W"),
			Phone: evidence.V("399 000 0142"), Mail: evidence.V("nadia.ferrantini@posta.example"),
		},
	}
	if edit != nil {
		edit(sched)
	}
	s.add(0, sched)
	s.add(time.Second, &evidence.MailFrozen{ID: "m1", Purpose: evidence.Invitation, Language: "it"})
	s.add(time.Second, &evidence.MailSent{ID: "m1", Response: "250 2.0.0", Attempt: 1})
	s.at = start.Add(-17 * time.Minute)
	s.add(0, &evidence.LinkOpened{Device: "d1", How: "first"})
	s.add(23*time.Second, &evidence.NoticeRead{Version: "1.0", Language: "it"})
	s.add(9*time.Second, &evidence.Consented{What: "still", Given: true})
	s.add(40*time.Second, &evidence.DocumentUploaded{Document: "identity-card", Side: "front", From: evidence.Person})
	s.add(20*time.Second, &evidence.DocumentHeld{Document: "tax-card", Pointer: "colloquio 101/2026", Date: "2026-03-02"})
	s.add(30*time.Second, &evidence.DeviceChecked{Microphone: true, Camera: true})
	s.add(time.Minute, &evidence.PartyJoined{Party: evidence.Person, Connection: "p1", Network: "udp"})
	s.at = start.Add(-3 * time.Second)
	s.add(0, &evidence.PartyJoined{Party: evidence.Operator, Connection: "o1", Network: "udp"})
	s.add(time.Second, &evidence.PartyAdmitted{Party: evidence.Operator})
	s.add(2*time.Second, &evidence.PartyAdmitted{Party: evidence.Person})
	return s
}

// observe adds the media of both parties for secs seconds; away lists the person's gaps as [from, to).
func (s *story) observe(start time.Time, secs int, away ...[2]int) {
	random := rand.New(rand.NewSource(7))
	for from := 0; from < secs; from += 10 {
		n := min(10, secs-from)
		for _, p := range []evidence.Party{evidence.Operator, evidence.Person} {
			row := map[string]*strings.Builder{"c": {}, "a": {}, "v": {}, "s": {}}
			talk := random.Intn(10)
			for i := range n {
				gone := false
				for _, g := range away {
					gone = gone || p == evidence.Person && from+i >= g[0] && from+i < g[1]
				}
				for key, on := range map[string]bool{"c": !gone, "a": !gone, "v": !gone, "s": !gone && random.Intn(10) < talk-2} {
					b := byte('0')
					if on {
						b = '1'
					}
					row[key].WriteByte(b)
				}
			}
			s.at = start.Add(time.Duration(from+n) * time.Second)
			s.add(0, &evidence.MediaObserved{
				Party: p, From: start.Add(time.Duration(from) * time.Second).UTC().Format(evidence.TimeFormat), Secs: n,
				Connected: row["c"].String(), Audio: row["a"].String(), Video: row["v"].String(), Voice: row["s"].String(),
				Text: strings.Repeat("0", n),
			})
		}
	}
}

// end closes, completes and approves.
func (s *story) end(topics ...string) {
	at := s.at.UTC().Format(evidence.TimeFormat)
	by := evidence.Who{Account: "a1", Name: evidence.V("Ilaria Montebruni"), Role: "operator"}
	s.add(0, &evidence.IdentityChecked{By: by, Outcome: "match"})
	s.add(0, &evidence.Closed{At: at, Reason: "operator"})
	s.add(80*time.Second, &evidence.Completed{
		By: by, Topics: topics, Other: evidence.V("aggiornamento del profilo"), Place: "Borgolieto, via dei Tigli 4",
	})
	s.add(100*time.Second, &evidence.TimesheetApproved{By: by, Version: 1, Method: "password+code"})
}

func example(t *testing.T, edit func(*evidence.Scheduled)) *story {
	t.Helper()
	s := held(t, edit)
	s.observe(time.Date(2026, 11, 24, 10, 15, 8, 0, time.UTC), 3633, [2]int{1376, 1448}, [2]int{2252, 2273})
	s.end("job-search", "databanks")
	return s
}

func (s *story) timesheet() evidence.Timesheet {
	s.t.Helper()
	ts, err := evidence.Fold(interviewID, s.entries).Timesheet()
	if err != nil {
		s.t.Fatal(err)
	}
	return ts
}

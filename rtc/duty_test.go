package rtc_test

import (
	"context"
	"testing"
	"time"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/rtc/peer"
)

func TestCallCutOffByACrashIsRecordedAsTheServicesGap(t *testing.T) {
	h := newHouse(t)
	operator, _ := h.call()
	began, had := time.Now(), operator.Stats().VideoIn
	h.must(operator.AwaitStats(within(t), func(s peer.Stats) bool { return s.VideoIn > had+30 })) // seen after began
	h.close()                                                                                     // the record of a stopped service is that of a crash: connections stand open
	ended := time.Now()
	h.open()
	iv, err := h.Interview(t.Context(), h.interview)
	h.must(err)
	gaps, left := facts[*evidence.ServiceGap](iv.Entries()), facts[*evidence.PartyLeft](iv.Entries())
	if len(gaps) != 1 || len(left) != 2 || left[0].Reason != "lost" || iv.Parties[evidence.Person].Connected() {
		t.Fatalf("after the restart: %s", kinds(iv.Entries()))
	}
	from, err := time.Parse(evidence.TimeFormat, gaps[0].From)
	h.must(err)
	if from.Before(began) || from.After(ended.Add(time.Second)) { // the running second is recorded whole
		t.Errorf("the gap starts at %s, the service stopped between %s and %s", from, began, ended)
	}
	h.dial(evidence.Operator)
	person := h.dial(evidence.Person)
	if err := person.AwaitStats(within(t), hasVideo); err != nil {
		t.Errorf("admitted parties do not go on after a restart: %v", err)
	}
	h.until("the return", func(iv *evidence.Interview, all []evidence.Entry) bool {
		joined := facts[*evidence.PartyJoined](all)
		return len(joined) == 4 && joined[3].Reconnect
	})
	h.close()
	h.open()
	h.close()
	h.open() // a second restart finds nothing new to record
	iv, err = h.Interview(t.Context(), h.interview)
	h.must(err)
	if n := len(facts[*evidence.ServiceGap](iv.Entries())); n != 2 {
		t.Errorf("%d gaps on record: %s", n, kinds(iv.Entries()))
	}
}

func TestUnattendedInterviewIsClosedAtItsLastCountedSecond(t *testing.T) {
	h := newHouse(t)
	start := time.Now().UTC().Add(-time.Hour).Truncate(time.Second)
	at := func(sec int) time.Time { return start.Add(time.Duration(sec) * time.Second) }
	add := func(when time.Time, f evidence.Fact) {
		_, err := h.Append(t.Context(), journal.Draft{Interview: h.interview, By: "test", At: when, Fact: f})
		h.must(err)
	}
	h.interview = "01TESTGONE"
	add(at(0), &evidence.Scheduled{
		Agency: evidence.Agency{ID: "ponte"}, Zone: "Europe/Rome", Start: start.Format(evidence.TimeFormat),
		Programme: evidence.Programme{Terms: evidence.Terms{Unattended: 600, Rule: evidence.Rule{Liveness: 5, Minimum: 1}}},
	})
	add(at(0), &evidence.NoticeRead{Version: "1"})
	for _, p := range []evidence.Party{evidence.Operator, evidence.Person} {
		add(at(0), &evidence.PartyJoined{Party: p, Connection: "c-" + string(p), Network: "udp"})
		add(at(0), &evidence.PartyAdmitted{Party: p})
		add(at(10), &evidence.MediaObserved{
			Party: p, From: at(0).Format(evidence.TimeFormat), Secs: 10, Connected: "1111111111", Audio: "1111111111",
		})
		add(at(13), &evidence.PartyLeft{Party: p, Connection: "c-" + string(p), At: at(10).Format(evidence.TimeFormat), Reason: "lost"})
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.rooms.Run(ctx) }()
	h.until("the close", func(iv *evidence.Interview, _ []evidence.Entry) bool { return iv.Closed != nil })
	cancel()
	h.must(<-ended)
	iv, err := h.Interview(t.Context(), h.interview)
	h.must(err)
	if want := at(10).Format(evidence.TimeFormat); iv.Closed.At != want || iv.Closed.Reason != "unattended" {
		t.Errorf("closed %+v, want the end of the last counted second, %s", iv.Closed, want)
	}
	h.must(h.rooms.Finish(t.Context(), h.interview, "operator")) // does nothing
	if iv, err = h.Interview(t.Context(), h.interview); err != nil || len(facts[*evidence.Closed](iv.Entries())) != 1 {
		t.Errorf("closed twice: %v", err)
	}
}

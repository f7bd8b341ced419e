package evidence

import (
	"testing"
	"time"
)

var day = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// holds makes, for each state, the facts that alone make its condition true.
func holds(now time.Time) map[State][]Fact {
	terms := Terms{SignWithin: 3600, ReplyWithin: 7200}
	scheduled := &Scheduled{Programme: Programme{Terms: terms}}
	closed := &Closed{At: day.Format(TimeFormat), Reason: "operator"}
	signed := &TimesheetSigned{Version: 1}
	summary, sent := &MailFrozen{ID: "s", Purpose: Summary, Version: 1}, &MailSent{ID: "s"}
	invitation := &MailFrozen{ID: "i", Purpose: Invitation}
	reply := func(verdict string, held bool) []Fact {
		return []Fact{&ReplyReceived{ID: "r"}, &ReplyClassified{ID: "r", Mail: "s", Version: 1, Verdict: verdict, Held: held}}
	}
	card, tax := &DocumentUploaded{Document: "identity-card"}, &DocumentHeld{Document: "tax-card"}
	joined := func(p Party) []Fact {
		return []Fact{&PartyJoined{Party: p, Connection: string(p)}, &PartyAdmitted{Party: p}}
	}
	return map[State][]Fact{
		StateErased:            {&ClassErased{Class: ClassIdentity}},
		StateCancelled:         {&Cancelled{}},
		StateDisputed:          reply(VerdictRefused, false),
		StateReplyUnclear:      reply(VerdictDisputed, false),
		StateSealed:            {&Sealed{}},
		StateConfirmed:         reply(VerdictConfirmed, false),
		StateSummaryBounced:    {summary, &MailFailed{ID: "s", Final: true}},
		StateUnconfirmed:       {scheduled, summary, sent},
		StateSummarySent:       {signed},
		StateNoShow:            {&Closed{At: closed.At, Reason: "no-show"}},
		StateSignOverdue:       {scheduled, closed},
		StateToSign:            {closed},
		StateInterrupted:       {&PartyAdmitted{Party: Operator}, &PartyAdmitted{Party: Person}},
		StateInCall:            append(joined(Operator), joined(Person)...),
		StateWaitingRoom:       {&PartyJoined{Party: Person, Connection: "w"}},
		StateInvitationBounced: {invitation, &MailFailed{ID: "i", Final: true}},
		StateReady:             {&IdentityChecked{Outcome: "match"}},
		StateDocumentsToCheck:  {card, tax},
		StateDocumentsMissing:  {&NoticeRead{}},
		StateInvited:           {invitation, &MailSent{ID: "i"}},
		StateScheduled:         {scheduled},
	}
}

func foldFacts(facts ...Fact) *Interview {
	var entries []Entry
	for i, f := range facts {
		entries = append(entries, Entry{Head: Head{At: day.Format(TimeFormat), N: i + 1, Kind: f.Kind()}, Fact: f})
	}
	return Fold("I", entries)
}

// Every pair of conditions that hold at once shows the state that stands first in the published list; the exceptions are
// pairs of facts that together mean a third thing.
func TestStatePrecedenceOverEveryPair(t *testing.T) {
	now := day.Add(3 * time.Hour)
	facts := holds(now)
	all := States()
	if len(facts) != len(all) {
		t.Fatalf("%d states have facts, %d are published", len(facts), len(all))
	}
	for i, first := range all {
		for _, second := range all[i:] {
			iv := foldFacts(append(append([]Fact{}, facts[first]...), facts[second]...)...)
			if !holdsIn(iv, first, now) || !holdsIn(iv, second, now) {
				continue // the later facts end the earlier condition
			}
			if got := iv.State(now); indexOf(all, got) > i {
				t.Errorf("%s with %s shows %s", first, second, got)
			}
		}
		if got := foldFacts(facts[first]...).State(now); got != first {
			t.Errorf("facts of %s alone show %s", first, got)
		}
	}
}

func holdsIn(iv *Interview, s State, now time.Time) bool {
	for _, p := range precedence {
		if p.State == s {
			return p.Holds(iv, now)
		}
	}
	return false
}

func indexOf(all []State, s State) int {
	for i := range all {
		if all[i] == s {
			return i
		}
	}
	return -1
}

func TestOutcomeOfReplies(t *testing.T) {
	type r struct {
		verdict string
		held    bool
		decided string
	}
	for _, c := range []struct {
		name    string
		replies []r
		verdict string
		waits   bool
		acks    int
	}{
		{"confirmed", []r{{VerdictConfirmed, false, ""}}, VerdictConfirmed, false, 1},
		{"confirmed twice changes once", []r{{VerdictConfirmed, false, ""}, {VerdictConfirmed, false, ""}}, VerdictConfirmed, false, 1},
		{"refused", []r{{VerdictRefused, false, ""}}, VerdictRefused, false, 1},
		{"confirmed, then refused", []r{{VerdictConfirmed, false, ""}, {VerdictRefused, false, ""}}, VerdictDisputed, true, 2},
		{"refused, then confirmed", []r{{VerdictRefused, false, ""}, {VerdictConfirmed, false, ""}}, VerdictDisputed, true, 2},
		{"held stays with the operator", []r{{VerdictConfirmed, true, ""}}, VerdictDisputed, true, 0},
		{"held, then at a sufficient level", []r{{VerdictConfirmed, true, ""}, {VerdictConfirmed, false, ""}}, VerdictConfirmed, false, 1},
		{"confirmed, then held", []r{{VerdictConfirmed, false, ""}, {VerdictConfirmed, true, ""}}, VerdictConfirmed, false, 1},
		{"unclear, then confirmed", []r{{VerdictDisputed, false, ""}, {VerdictConfirmed, false, ""}}, VerdictDisputed, true, 1},
		{"operator decides", []r{{VerdictDisputed, false, VerdictConfirmed}}, VerdictConfirmed, false, 1},
		{"robots say nothing", []r{{VerdictAutomatic, false, ""}, {VerdictBounced, false, ""}}, "", false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			facts := []Fact{&Scheduled{}, &TimesheetSigned{Version: 1}}
			for i, r := range c.replies {
				id := string(rune('a' + i))
				facts = append(facts, &ReplyReceived{ID: id}, &ReplyClassified{ID: id, Version: 1, Verdict: r.verdict, Held: r.held})
				if r.decided != "" {
					facts = append(facts, &ReplyDecided{ID: id, Verdict: r.decided})
				}
			}
			iv := foldFacts(facts...)
			o, acks := iv.Outcome(), 0
			for _, d := range iv.Duties() {
				if d.Kind == DutyAcknowledge {
					acks++
				}
			}
			if o.Verdict != c.verdict || o.Waits != c.waits || acks != c.acks {
				t.Errorf("outcome %q, waits %v, %d acknowledgements; want %q, %v, %d", o.Verdict, o.Waits, acks, c.verdict, c.waits, c.acks)
			}
		})
	}
}

// A reply to the summary of a superseded timesheet confirms nothing.
func TestReplyToAnOldSummaryDoesNotConfirm(t *testing.T) {
	iv := foldFacts(&TimesheetSigned{Version: 2}, &ReplyReceived{ID: "r"}, &ReplyClassified{ID: "r", Version: 1, Verdict: VerdictConfirmed})
	if iv.Confirmation() != nil {
		t.Error("a reply to version 1 confirmed version 2")
	}
}

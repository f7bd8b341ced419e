package audit_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"confermo/evidence"
	"confermo/evidence/audit"
	"confermo/evidence/audit/audittest"
)

func deputy() evidence.Who {
	return evidence.Who{Account: "dario", Name: evidence.V("Dario Sestini"), Role: "orientatore"}
}

// A deputy may sign; the report names who did it and for whom.
func TestDeputySignsNamedAsSuch(t *testing.T) {
	for name, by := range map[string]evidence.Who{
		"Dario Sestini": deputy(),
		"Ilaria Altra":  {Account: "ilaria", Name: evidence.V("Ilaria Altra")}, // the scheduled account under another name
	} {
		r := verify(t, audittest.Tell(audittest.Script{Fact: edit(func(f *evidence.TimesheetApproved) { f.By = by })}))
		wants(t, r, audit.Signatures, audit.Proved, "signatures-hold")
		said := r.Of(audit.Signatures).In("en")
		if !strings.Contains(said, "a deputy approved, "+name+", in place of Ilaria Montebruni") {
			t.Error(said)
		}
	}
	r := verify(t, audittest.Tell(audittest.Script{}))
	if said := r.Of(audit.Signatures).In("en"); strings.Contains(said, "deputy") {
		t.Error(said)
	}
}

func TestSealThatPrintsAnotherApproverIsFound(t *testing.T) {
	for reason, verdict := range map[string]audit.Verdict{
		"Foglio ore n. 412/2020, approvato da Ilaria Montebruni": audit.Proved,
		"Foglio ore n. 412/2020, approvato da Dario Sestini":     audit.Contradicted,
		"Sigilla l'approvazione di Ilaria":                       audit.Contradicted,
		"Concordato":                                             audit.Proved,
	} {
		r := verify(t, audittest.Tell(audittest.Script{Reason: reason}))
		if c := r.Of(audit.Signatures); c.Verdict != verdict {
			t.Errorf("%q: %s (%s)", reason, c.Verdict, c.Detail)
		}
	}
}

func TestSummaryGoesToTheRegisteredAddressAlone(t *testing.T) {
	head := func(old, with string) func(evidence.Fact) evidence.Fact {
		return edit(func(f *evidence.MailFrozen) { f.File.Data = []byte(strings.Replace(string(f.File.Data), old, with, 1)) })
	}
	for what, change := range map[string]func(evidence.Fact) evidence.Fact{
		"envelope":  edit(func(f *evidence.MailFrozen) { f.To = evidence.V("altra@posta.example") }),
		"header":    head("To: "+audittest.PersonMail, "To: altra@posta.example"),
		"two":       head("To: "+audittest.PersonMail, "To: altra@posta.example, "+audittest.PersonMail),
		"copy":      head("Reply-To:", "Cc: altra@posta.example\r\nReply-To:"),
		"second To": head("Reply-To:", "To: "+audittest.PersonMail+"\r\nReply-To:"),
	} {
		r := verify(t, audittest.Tell(audittest.Script{Fact: change}))
		if c := r.Of(audit.Confirmation); c.Verdict != audit.Contradicted {
			t.Errorf("%s: %s (%s)", what, c.Verdict, c.Detail)
		}
	}
}

// What is said after the approval is told and changes nothing of what was approved.
func TestStatementsAfterTheApprovalAreToldAndDoNotCount(t *testing.T) {
	add := func(f evidence.Fact) audittest.Script {
		return audittest.Script{At: first("timesheet-signed", func(l *audittest.Log, at time.Time) { l.Append(audittest.ID, "web", at, f) })}
	}
	r := verify(t, audittest.Tell(add(&evidence.IdentityChecked{By: deputy(), Outcome: "mismatch"})))
	wants(t, r, audit.Identity, audit.Word, "identity-stated")
	if c := r.Of(audit.Identity); !strings.Contains(c.In("en"), "was added after the approval") || r.Verdict != audit.Sound {
		t.Errorf("%s: %s", r.Verdict, c.In("en"))
	}
	r = verify(t, audittest.Tell(add(&evidence.Completed{By: deputy(), Topics: []string{"golf"}, Place: "casa"})))
	wants(t, r, audit.Content, audit.Word, "content-stated")
	if c := r.Of(audit.Content); !strings.Contains(c.Detail, "aggiunta dopo l’approvazione") || r.Verdict != audit.Sound {
		t.Errorf("%s: %s", r.Verdict, c.Detail)
	}
	late := add(&evidence.IdentityChecked{By: deputy(), Outcome: "match"})
	late.Fact = func(f evidence.Fact) evidence.Fact {
		if f.Kind() == "identity-checked" {
			return nil
		}
		return f
	}
	wants(t, verify(t, audittest.Tell(late)), audit.Identity, audit.Unproved, "identity-unchecked")
}

func TestCancelledInterviewThatIsHeldIsContradicted(t *testing.T) {
	for _, before := range []evidence.Kind{"party-joined", "timesheet-signed"} {
		r := verify(t, audittest.Tell(audittest.Script{At: first(before, func(l *audittest.Log, at time.Time) {
			l.Append(audittest.ID, "web", at, &evidence.Cancelled{By: deputy(), Reason: "malattia"})
		})}))
		wants(t, r, audit.Presence, audit.Contradicted, "cancelled-held")
	}
}

// body is a fact whose bytes the test writes.
type body struct {
	kind evidence.Kind
	raw  string
}

func (b *body) Kind() evidence.Kind          { return b.kind }
func (b *body) MarshalJSON() ([]byte, error) { return json.RawMessage(b.raw), nil }

// A body that two readers could take for two things is refused; one of a later version is only not proved.
func TestBodiesAreReadInOneWayOrNotAtAll(t *testing.T) {
	for raw, code := range map[string]string{
		`{"device":"d","agent":"a","how":"code"}`: "record-holds",
		`{"device":"d"}`: "record-holds",
		`{"device":"d","agent":"a","how":"code","how":"first"}`:                        "opening-broken",
		`{"device":"d","agent":"a","how":"code","HOW":"first"}`:                        "opening-broken",
		`{"device":"d","x":` + strings.Repeat("[", 99) + strings.Repeat("]", 99) + `}`: "opening-broken",
		`{"device":"d","agent":"a","How":"code"}`:                                      "opening-broken",
		`{"device":"d","agent":"a","how":"code","until":{"x":[1]}}`:                    "unknown-member",
		`{"device":"d","agent":"a","how":"code","x":{"a":1,"a":2}}`:                    "opening-broken",
		`{"device":"d","agent":"a","how":"code","approved_minutes":6}`:                 "unknown-member",
	} {
		r := verify(t, audittest.Tell(audittest.Script{At: first("interview-completed", func(l *audittest.Log, at time.Time) {
			l.Append(audittest.ID, "web", at, &body{"link-opened", raw})
		})}))
		verdict := map[string]audit.Verdict{"record-holds": audit.Proved, "opening-broken": audit.Contradicted, "unknown-member": audit.Unproved}[code]
		wants(t, r, audit.Integrity, verdict, code)
	}
	r := verify(t, audittest.Tell(audittest.Script{At: first("interview-completed", func(l *audittest.Log, at time.Time) {
		l.Append(audittest.ID, "web", at, &body{"identity-checked", `{"by":{"account":"i","name":{"c":"","c":""},"role":""},"outcome":"match","checks":[],"note":{"c":""}}`})
	})}))
	wants(t, r, audit.Integrity, audit.Contradicted, "opening-broken")
}

// A clock that moved outside the call changes nothing that is claimed: shown, not held against the interview.
func TestClockMovedOutsideTheCallIsShownAsNotProved(t *testing.T) {
	for _, kind := range []evidence.Kind{"identity-checked", "mail-sent"} {
		r := verify(t, audittest.Tell(audittest.Script{At: first(kind, func(l *audittest.Log, _ time.Time) { l.Drift = 5 * time.Second })}))
		wants(t, r, audit.Time, audit.Unproved, "time-drift-outside")
		if r.Verdict != audit.Incomplete || r.AttestedSeconds != 120 {
			t.Errorf("%s, %d s", r.Verdict, r.AttestedSeconds)
		}
	}
	r := verify(t, audittest.Tell(audittest.Script{At: first("media-observed", func(l *audittest.Log, _ time.Time) { l.Drift = 5 * time.Second })}))
	wants(t, r, audit.Time, audit.Contradicted, "time-drift")
}

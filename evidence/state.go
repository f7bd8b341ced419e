package evidence

import "time"

// State is the displayed state of an interview. Several conditions can hold at once; the first match of precedence wins.
type State string

// The states, by their published machine names.
const (
	StateErased            State = "erased"
	StateCancelled         State = "cancelled"
	StateSealed            State = "sealed"
	StateDisputed          State = "disputed"
	StateConfirmed         State = "confirmed"
	StateReplyUnclear      State = "reply-unclear"
	StateSummaryBounced    State = "summary-bounced"
	StateUnconfirmed       State = "unconfirmed"
	StateSummarySent       State = "summary-sent"
	StateNoShow            State = "no-show"
	StateSignOverdue       State = "sign-overdue"
	StateToSign            State = "to-sign"
	StateInterrupted       State = "interrupted"
	StateInCall            State = "in-call"
	StateWaitingRoom       State = "waiting-room"
	StateInvitationBounced State = "invitation-bounced"
	StateReady             State = "ready"
	StateDocumentsToCheck  State = "documents-to-check"
	StateDocumentsMissing  State = "documents-missing"
	StateInvited           State = "invited"
	StateScheduled         State = "scheduled"
)

// precedence is the published list: what ended comes first, then what was answered, sent, held, begun, prepared.
var precedence = []struct {
	State State
	Holds func(*Interview, time.Time) bool
}{
	{StateErased, func(iv *Interview, _ time.Time) bool { return iv.Erased[ClassIdentity] || iv.Erased[ClassRecord] }},
	{StateCancelled, func(iv *Interview, _ time.Time) bool { return iv.Cancelled != nil }},
	{StateDisputed, func(iv *Interview, _ time.Time) bool {
		o := iv.Outcome()
		return !o.Waits && (o.Verdict == VerdictRefused || o.Verdict == VerdictDisputed)
	}},
	{StateReplyUnclear, func(iv *Interview, _ time.Time) bool { return iv.Outcome().Waits }},
	{StateSealed, func(iv *Interview, _ time.Time) bool { return iv.Seal != nil }},
	{StateConfirmed, func(iv *Interview, _ time.Time) bool { return iv.Confirmation() != nil }},
	{StateSummaryBounced, func(iv *Interview, _ time.Time) bool { m := iv.LastMail(Summary); return m != nil && m.Failed() }},
	{StateUnconfirmed, func(iv *Interview, now time.Time) bool {
		m := iv.LastMail(Summary)
		return m != nil && m.Sent != nil && overdue(m.SentAt, iv.terms().ReplyWithin, now)
	}},
	{StateSummarySent, func(iv *Interview, _ time.Time) bool { return iv.Signed != nil }},
	{StateNoShow, func(iv *Interview, _ time.Time) bool { return iv.Closed != nil && iv.Closed.Reason == "no-show" }},
	{StateSignOverdue, func(iv *Interview, now time.Time) bool {
		return iv.Closed != nil && iv.Approved == nil && overdue(iv.ClosedAt, iv.terms().SignWithin, now)
	}},
	{StateToSign, func(iv *Interview, _ time.Time) bool { return iv.Closed != nil }},
	{StateInterrupted, func(iv *Interview, _ time.Time) bool {
		return iv.begun() && !(iv.Parties[Operator].Connected() && iv.Parties[Person].Connected())
	}},
	{StateInCall, func(iv *Interview, _ time.Time) bool { return iv.begun() }},
	{StateWaitingRoom, func(iv *Interview, _ time.Time) bool { return iv.Parties[Person].Connected() }},
	{StateInvitationBounced, func(iv *Interview, _ time.Time) bool {
		m := iv.LastMail(Invitation)
		return m != nil && m.Failed() && !iv.Opened
	}},
	{StateReady, func(iv *Interview, _ time.Time) bool { return iv.Identity != nil && iv.Identity.Outcome == "match" }},
	{StateDocumentsToCheck, func(iv *Interview, _ time.Time) bool { return len(iv.MissingDocuments()) == 0 }},
	{StateDocumentsMissing, func(iv *Interview, _ time.Time) bool { return iv.Notice != nil }},
	{StateInvited, func(iv *Interview, _ time.Time) bool { m := iv.LastMail(Invitation); return m != nil && m.Sent != nil }},
	{StateScheduled, func(*Interview, time.Time) bool { return true }},
}

// State is the displayed state at now. Only terms that run out depend on now.
func (iv *Interview) State(now time.Time) State {
	for _, p := range precedence {
		if p.Holds(iv, now) {
			return p.State
		}
	}
	return StateScheduled
}

// States lists all states in order of precedence.
func States() []State {
	var all []State
	for _, p := range precedence {
		all = append(all, p.State)
	}
	return all
}

// begun tells that both parties were admitted.
func (iv *Interview) begun() bool {
	return iv.Parties[Operator].Admitted && iv.Parties[Person].Admitted
}

// RequiredDocuments are the documents by which identity is checked (T8).
var RequiredDocuments = []string{"identity-card", "tax-card"}

// MissingDocuments lists the required documents that were neither uploaded nor are already held.
func (iv *Interview) MissingDocuments() []string {
	var missing []string
	for _, want := range RequiredDocuments {
		if !iv.hasDocument(want) {
			missing = append(missing, want)
		}
	}
	return missing
}

func (iv *Interview) hasDocument(kind string) bool {
	for _, d := range iv.Documents {
		if d.Document == kind {
			return true
		}
	}
	for _, d := range iv.Held {
		if d.Document == kind {
			return true
		}
	}
	return false
}

func (iv *Interview) terms() Terms {
	if iv.Scheduled == nil {
		return Terms{}
	}
	return iv.Scheduled.Programme.Terms
}

// overdue tells that a term of so many seconds from start has run out; a term of 0 never does.
func overdue(start time.Time, term int, now time.Time) bool {
	return term > 0 && now.After(start.Add(seconds(term)))
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

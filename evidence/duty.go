package evidence

import "time"

// DutyKind names a step that the record says is due. The part that performs it appends an intent before it acts and a
// result after.
type DutyKind string

// The duties and who performs them.
const (
	DutySendInvitation  DutyKind = "send-invitation"  // mailbox
	DutySendSummary     DutyKind = "send-summary"     // mailbox
	DutyAcknowledge     DutyKind = "acknowledge"      // mailbox
	DutyRetryMail       DutyKind = "retry-mail"       // mailbox
	DutyClassify        DutyKind = "classify"         // mailbox
	DutySignTimesheet   DutyKind = "sign-timesheet"   // pdf
	DutyCloseUnattended DutyKind = "close-unattended" // rtc
	DutySeal            DutyKind = "seal"             // anchor
)

// Duty is one due step. Ref names the mail or reply it is about; Version the timesheet. It may be performed from Due on.
type Duty struct {
	Kind    DutyKind
	Version int
	Ref     string
	Due     time.Time
}

// Duties lists what is due or will be, in order of the story. The caller leaves those whose Due lies after now.
func (iv *Interview) Duties() []Duty {
	if iv.Scheduled == nil || iv.Erased[ClassRecord] {
		return nil
	}
	var due []Duty
	if iv.Cancelled == nil && iv.Closed == nil && iv.LastMail(Invitation) == nil && iv.Scheduled.Person.Mail.Text != "" {
		due = append(due, Duty{Kind: DutySendInvitation, Due: iv.LastAt})
	}
	if at, gone := iv.unattended(); gone {
		due = append(due, Duty{Kind: DutyCloseUnattended, Due: at.Add(seconds(iv.terms().Unattended))})
	}
	if iv.Approved != nil && (iv.Signed == nil || iv.Signed.Version < iv.Approved.Version) {
		due = append(due, Duty{Kind: DutySignTimesheet, Version: iv.Approved.Version, Due: iv.Approval})
	}
	if iv.Signed != nil && iv.Scheduled.Person.Mail.Text != "" {
		if m := iv.LastMail(Summary); m == nil || m.Version < iv.Signed.Version {
			due = append(due, Duty{Kind: DutySendSummary, Version: iv.Signed.Version, Due: iv.SignedAt})
		}
	}
	due = append(due, iv.mailDuties()...)
	if iv.Confirmation() != nil && iv.Seal == nil {
		due = append(due, Duty{Kind: DutySeal, Due: iv.LastAt})
	}
	return due
}

func (iv *Interview) mailDuties() []Duty {
	var due []Duty
	for _, m := range iv.Mails {
		if m.Sent != nil || m.Failed() {
			continue
		}
		at := m.At
		if n := len(m.Failures); n > 0 {
			at = parseTime(m.Failures[n-1].Next)
		}
		due = append(due, Duty{Kind: DutyRetryMail, Ref: m.ID, Due: at})
	}
	for _, r := range iv.Replies {
		if r.Classified == nil {
			due = append(due, Duty{Kind: DutyClassify, Ref: r.ID, Due: r.At})
		}
	}
	for _, ref := range iv.changes() {
		if !iv.acknowledged(ref) {
			due = append(due, Duty{Kind: DutyAcknowledge, Ref: ref, Due: iv.LastAt})
		}
	}
	return due
}

// changes are the replies and decisions that changed what the record says, refusals too; a second copy changes nothing.
func (iv *Interview) changes() []string {
	var refs []string
	last := ""
	for _, r := range iv.Replies {
		if r.Classified == nil || !iv.current(&r) {
			continue
		}
		if v := r.Classified.Verdict; !r.Classified.Held && (v == VerdictConfirmed || v == VerdictRefused) && v != last {
			refs, last = append(refs, r.ID), v
		}
		if r.Decided != nil && r.Decided.Verdict != last {
			refs, last = append(refs, r.ID+":decided"), r.Decided.Verdict
		}
	}
	return refs
}

func (iv *Interview) acknowledged(ref string) bool {
	for _, m := range iv.Mails {
		if m.Purpose == Acknowledgement && m.Ref == ref {
			return true
		}
	}
	return false
}

// unattended tells since when neither operator nor person is connected in a call that began and was not closed.
func (iv *Interview) unattended() (since time.Time, gone bool) {
	operator, person := iv.Parties[Operator], iv.Parties[Person]
	if !iv.begun() || iv.Closed != nil || operator.Connected() || person.Connected() {
		return time.Time{}, false
	}
	since = operator.Since
	if person.Since.After(since) {
		since = person.Since
	}
	return since, true
}

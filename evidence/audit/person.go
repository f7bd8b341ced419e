package audit

import (
	"slices"

	"confermo/evidence"
	"confermo/evidence/wording"
)

// checkIdentity looks for the operator's statement that face, document and data agree. It is a statement: no bundle makes
// it more.
func (a *auditor) checkIdentity() {
	t := a.claim(Identity)
	if !a.needs(Identity, "interview-scheduled", "identity-checked") {
		return
	}
	a.restOn(Identity, "document-uploaded", "document-held", "identity-checked")
	a.addedLater(Identity, "identity-checked")
	f := a.shown.Identity
	switch missing := a.shown.MissingDocuments(); {
	case a.iv.Scheduled == nil || f == nil:
		t.unproved("identity-unchecked")
	case f.Outcome != "match":
		t.unproved("identity-mismatch")
	case len(missing) > 0:
		t.unproved("identity-documents", missing[0])
	case a.open(Identity, "tax_code", a.iv.Scheduled.Person.TaxCode) && evidence.CheckTaxCode(a.iv.Scheduled.Person.TaxCode.Text) != nil:
		t.contradict("identity-code")
	default:
		t.say(Word, "identity-stated", clock(a.shown.Checked), len(a.shown.Documents)+len(a.shown.Held))
	}
}

// checkNotice compares the digest that was acknowledged with the wording of that version, and its time with the call's.
func (a *auditor) checkNotice() {
	t := a.claim(Notice)
	if !a.needs(Notice, "interview-scheduled", "notice-read", "party-admitted") {
		return
	}
	a.restOn(Notice, "notice-read")
	read := a.iv.Notice
	if a.iv.Scheduled == nil || read == nil {
		t.unproved("notice-unread")
		return
	}
	text, ok := wording.Notice(read.Version, read.Language, wording.ControllerOf(a.iv.Scheduled))
	if !ok {
		t.unproved("version-unknown", "notice", read.Version)
		return
	}
	if text.Digest() != read.Digest {
		t.contradict("notice-other", read.Version, read.Language)
		return
	}
	acknowledged := int64(-1)
	for _, e := range a.entries {
		switch f := e.Fact.(type) {
		case *evidence.NoticeRead:
			if acknowledged < 0 {
				acknowledged = e.Index
			}
		case *evidence.PartyAdmitted:
			if f.Party == evidence.Person && acknowledged < 0 {
				t.contradict("notice-late", e.Head.N)
				return
			}
		}
	}
	t.say(Proved, "notice-read", read.Version, read.Language, clock(a.iv.NoticeAt))
}

// checkContent looks for the operator's statement of what the interview was about.
func (a *auditor) checkContent() {
	t := a.claim(Content)
	if !a.needs(Content, "interview-scheduled", "interview-completed") {
		return
	}
	a.restOn(Content, "interview-completed")
	a.addedLater(Content, "interview-completed")
	c := a.shown.Completed
	switch {
	case a.iv.Scheduled == nil || c == nil:
		t.unproved("content-missing")
	case len(c.Topics) == 0 && c.Other.Text == "":
		t.unproved("content-empty")
	case len(a.sites()) > 0 && !slices.Contains(a.sites(), c.Place):
		t.unproved("content-place", c.Place)
	case a.rule == nil:
		t.unproved("pack-key-unknown")
	default:
		t.say(Word, "content-stated", a.iv.Scheduled.Activity, len(c.Topics))
	}
}

// sites are the accredited places of the interview's agency, as registered before the interview.
func (a *auditor) sites() []string {
	var out []string
	for _, e := range a.context {
		f, ok := e.Fact.(*evidence.AgencySeeded)
		if ok && f.Agency.ID == a.iv.Scheduled.Agency.ID && e.Index < a.entries[0].Index {
			out = append(slices.Clone(f.Sites), f.Agency.Address)
		}
	}
	return out
}

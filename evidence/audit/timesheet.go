package audit

import (
	"bytes"

	"confermo/evidence"
	"confermo/evidence/bundle"
	"confermo/evidence/rules"
	"confermo/pdf/layout"
	"confermo/pdf/pades"
)

// Names are the words that documents of an interview take from its rule pack, in a language. Whoever draws a document that
// a bundle holds draws it with these, and the auditor draws it again.
func Names(pack rules.Pack, activity, lang string) layout.Names {
	n := layout.Names{Language: lang, Activity: rules.Name(pack.Activities, activity, lang), Topics: map[string]string{}}
	for _, t := range pack.Topics {
		n.Topics[t.Code] = rules.Name(pack.Topics, t.Code, lang)
	}
	return n
}

// checkTimesheet verifies the timesheet's signatures, and that it prints what follows from the record.
func (a *auditor) checkTimesheet() {
	t := a.claim(Signatures)
	if !a.needs(Signatures, "interview-scheduled", "timesheet-approved", "timesheet-signed") {
		return
	}
	a.restOn(Signatures, "timesheet-approved", "timesheet-signed")
	signed := a.iv.Signed
	switch {
	case signed == nil:
		t.unproved("not-signed")
		return
	case signed.File.Data == nil:
		t.unproved("timesheet-withheld")
		a.claim(Duration).unproved("timesheet-withheld")
		return
	}
	if shown, ok := a.b.Files[bundle.NameTimesheet]; !ok || !bytes.Equal(shown, signed.File.Data) {
		t.contradict("timesheet-name", bundle.NameTimesheet)
		return
	}
	a.checkPAdES(t, signed)
	a.checkApprover(t)
	if t.broken() {
		return
	}
	if signed.Layout != layout.Version {
		a.claim(Duration).unproved("version-unknown", name("layout"), signed.Layout)
		return
	}
	if !a.printable(Duration) || !a.printable(Signatures) {
		return
	}
	if err := a.sameTimesheet(signed.File.Data); err != nil {
		t.contradict("timesheet-differs", err)
		a.claim(Duration).contradict("timesheet-differs", err)
	}
}

// checkPAdES verifies the signatures of the timesheet against the auditor's roots.
func (a *auditor) checkPAdES(t *tally, signed *evidence.TimesheetSigned) {
	sigs, err := pades.Verify(signed.File.Data, pades.VerifyOptions{Roots: a.trust.SealRoots, TSARoots: a.trust.TSARoots, At: a.at})
	switch {
	case untrusted(err):
		t.unproved("pdf-untrusted", err)
		return
	case err != nil:
		t.contradict("pdf-broken", err)
		return
	}
	for _, s := range sigs {
		a.checkPrinted(t, s)
		switch {
		case s.Level != signed.Level:
			t.contradict("pdf-level", s.Level, signed.Level)
		case s.Timestamp == nil:
			t.unproved("pdf-unstamped")
		case !a.trust.Policy.accepts(s.Timestamp.Cert):
			t.unproved("policy-stamp", s.Timestamp.Cert.Subject.CommonName)
		case a.iv.Approval.Sub(s.Timestamp.Time) > a.trust.early():
			t.contradict("pdf-early", clock(s.Timestamp.Time), clock(a.iv.Approval))
		}
	}
}

// printable reports whether everything that the timesheet prints is known; otherwise nobody can draw it again.
func (a *auditor) printable(claim string) bool {
	printed := append([]evidence.Kind{"identity-checked", "interview-completed", "timesheet-approved"}, observed...)
	if !a.needs(claim, printed...) {
		return false
	}
	s := a.iv.Scheduled
	if s == nil {
		return false
	}
	values := []evidence.Value{s.Operator.Name, s.Person.Name, s.Person.Surname, s.Person.TaxCode, s.Person.Phone}
	if c := a.shown.Completed; c != nil && c.Other.C != "" {
		values = append(values, c.Other)
	}
	if f := a.iv.Approved; f != nil {
		values = append(values, f.By.Name)
	}
	return a.open(claim, bundle.NameTimesheet, values...)
}

// sameTimesheet draws the timesheet again from the entries up to its approval and compares.
func (a *auditor) sameTimesheet(pdf []byte) error {
	original, err := pades.Original(pdf)
	if err != nil {
		return err
	}
	sheet, err := a.iv.Timesheet()
	if err != nil {
		return err
	}
	drawn, err := layout.Timesheet(sheet, a.names())
	if err != nil {
		return err
	}
	return layout.Same(original, drawn)
}

// names are those of the bundle's pack in the documents' language. Whether the pack is to be believed is another check.
func (a *auditor) names() layout.Names {
	pack, err := rules.Peek(a.b.RulePack)
	if err != nil || a.iv.Scheduled == nil {
		return layout.Names{}
	}
	return Names(pack, a.iv.Scheduled.Activity, DocumentLanguage)
}

// DocumentLanguage is the language of the documents of this version: that of the authority.
const DocumentLanguage = "it"

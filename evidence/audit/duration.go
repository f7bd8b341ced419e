package audit

import (
	"errors"
	"reflect"
	"time"

	"golang.org/x/mod/sumdb/note"

	"confermo/evidence"
	"confermo/evidence/rules"
)

// checkRule opens the signed rule pack and compares it with what the interview's first fact says of it. Only then is the
// duration rule known.
func (a *auditor) checkRule() {
	t := a.claim(Duration)
	s := a.iv.Scheduled
	if s == nil {
		return
	}
	if rules.Digest(a.b.RulePack) != s.Programme.Digest {
		t.contradict("pack-other")
		return
	}
	pack, err := rules.Open(a.b.RulePack, note.VerifierList(a.trust.Rules...))
	if e := (*note.UnverifiedNoteError)(nil); errors.As(err, &e) {
		a.packUnknown()
		return
	}
	if err != nil {
		t.contradict("pack-broken", err)
		return
	}
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		t.unproved("zone-unknown", s.Zone)
		return
	}
	start, _ := time.Parse(evidence.TimeFormat, s.Start)
	day := start.In(zone).Format(time.DateOnly)
	a.inForce = func(at time.Time) bool {
		held := at.In(zone).Format(time.DateOnly)
		return held >= pack.From && (pack.To == "" || held <= pack.To)
	}
	switch {
	case pack.ID != s.Programme.ID || pack.Version != s.Programme.Version || !reflect.DeepEqual(pack.Terms, s.Programme.Terms):
		t.contradict("pack-terms")
	case !a.inForce(start):
		t.contradict("pack-date", pack.From, pack.To, day)
	case !a.adopted(s.Programme.Digest):
		t.unproved("pack-not-adopted")
	default:
		a.rule = &pack.Terms.Rule
		a.checkCodes(pack, s)
	}
}

// packUnknown is a pack that no key of the auditor signed: what follows from its terms is not proved.
func (a *auditor) packUnknown() {
	for _, name := range []string{Duration, Confirmation} {
		a.claim(name).unproved("pack-key-unknown")
	}
}

// adopted reports whether the pack was put in force before the interview was scheduled.
func (a *auditor) adopted(digest string) bool {
	for _, e := range a.context {
		if f, ok := e.Fact.(*evidence.RulePackAdopted); ok && f.Digest == digest && e.Index < a.entries[0].Index {
			return true
		}
	}
	return false
}

// checkCodes requires that activity and topics are those of the programme.
func (a *auditor) checkCodes(pack rules.Pack, s *evidence.Scheduled) {
	t := a.claim(Content)
	has := func(list []rules.Named, code string) bool {
		for _, n := range list {
			if n.Code == code {
				return true
			}
		}
		return false
	}
	if !has(pack.Activities, s.Activity) {
		t.contradict("content-code", s.Activity)
	}
	if a.shown.Completed == nil {
		return
	}
	for _, code := range a.shown.Completed.Topics {
		if !has(pack.Topics, code) {
			t.contradict("content-code", code)
		}
	}
}

// observed are the kinds the duration rule reads.
var observed = []evidence.Kind{
	"interview-scheduled", "notice-read", "party-admitted", "party-left", "media-observed", "break-taken", "service-gap", "interview-closed",
}

// checkDuration recomputes the attested seconds and compares them with what was approved and signed. The printed figure
// is compared with the rest of the timesheet by checkTimesheet.
func (a *auditor) checkDuration() {
	t := a.claim(Duration)
	if !a.needs(Duration, append([]evidence.Kind{"timesheet-approved", "timesheet-signed"}, observed...)...) || a.rule == nil {
		return
	}
	a.restOn(Duration, append([]evidence.Kind{"timesheet-signed"}, observed...)...)
	sheet, err := a.iv.Timesheet()
	if err != nil {
		t.unproved("not-closed")
		return
	}
	a.attested = sheet.Attested.Seconds
	approved, signed := a.iv.Approved, a.iv.Signed
	switch {
	case approved == nil || signed == nil:
		t.unproved("not-signed")
	case signed.Engine != evidence.DurationEngine:
		t.unproved("version-unknown", "engine", signed.Engine)
	case signed.Attested != a.attested || approved.Attested != a.attested || signed.Version != approved.Version:
		t.contradict("duration-differs", evidence.FormatSeconds(signed.Attested), evidence.FormatSeconds(a.attested))
	case a.attested > 0 && !a.inForce(sheet.Attested.Start): // agreed for a day of the pack and held on another
		t.unproved("pack-not-in-force", sheet.Attested.Start.Format(time.DateOnly))
	default:
		t.say(Proved, "duration-follows", evidence.FormatSeconds(a.attested), evidence.FormatSeconds(sheet.Attested.Gross), a.runner())
	}
}

// runner names who runs the service: that it measured honestly is its word.
func (a *auditor) runner() string {
	if a.operator == "" {
		return "?"
	}
	return a.operator
}

// checkPresence requires that both parties were admitted and seen with media, and that what was seen was told neither before
// it happened nor long after.
func (a *auditor) checkPresence() {
	t := a.claim(Presence)
	if !a.needs(Presence, "party-joined", "party-left", "party-admitted", "media-observed", "interview-closed", "interview-cancelled") {
		return
	}
	a.restOn(Presence, "party-joined", "party-left", "party-admitted", "media-observed")
	a.checkCancelled()
	seen := map[evidence.Party]int{}
	for _, e := range a.entries {
		f, ok := e.Fact.(*evidence.MediaObserved)
		if !ok {
			continue
		}
		from, err := time.Parse(evidence.TimeFormat, f.From)
		if err != nil || f.Secs < 0 || f.Secs > 3600 || len(f.Connected) > f.Secs || len(f.Audio) > f.Secs || len(f.Video) > f.Secs {
			t.contradict("presence-mask", e.Head.N)
			return
		}
		until := from.Add(time.Duration(f.Secs) * time.Second)
		if until.Sub(e.Head.Time()) > a.trust.early() {
			t.contradict("presence-future", e.Head.N, clock(until), clock(e.Head.Time()))
			return
		}
		if late := e.Head.Time().Sub(until); late > a.trust.late() {
			t.contradict("presence-late", e.Head.N, clock(until), clock(e.Head.Time()))
			return
		}
		for i := range f.Secs {
			if at(f.Connected, i) && (at(f.Audio, i) || at(f.Video, i) || at(f.Text, i)) {
				seen[f.Party]++
			}
		}
	}
	for _, p := range []evidence.Party{evidence.Operator, evidence.Person} {
		if !a.iv.Parties[p].Admitted || seen[p] == 0 {
			t.unproved("presence-absent", name(string(p)))
		}
	}
	t.say(Proved, "presence-seen", evidence.FormatSeconds(seen[evidence.Operator]), evidence.FormatSeconds(seen[evidence.Person]), a.runner())
}

func at(mask string, i int) bool { return i < len(mask) && mask[i] == '1' }

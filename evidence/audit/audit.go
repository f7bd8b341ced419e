package audit

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"confermo/evidence"
	"confermo/evidence/bundle"
	"confermo/evidence/tree"
)

// MaxBundle bounds a bundle in bytes.
const MaxBundle = bundle.MaxBytes

// auditor is one audit under way.
type auditor struct {
	trust  Trust
	at     time.Time
	b      *bundle.Bundle
	claims map[string]*tally
	order  []string // of the claims in the report

	checkpoint tree.Checkpoint
	stamps     []stamp // by trusted authorities, over trusted checkpoints
	seen       []stamp // by trusted witnesses
	entries    []evidence.Entry
	context    []evidence.Entry
	iv         *evidence.Interview
	shown      *evidence.Interview  // as it stood when the operator approved; iv while nobody did
	approval   int                  // number of that entry, 0 while nobody did
	rule       *evidence.Rule       // of the signed pack, nil while no trusted key signed it
	inForce    func(time.Time) bool // whether the signed pack holds on the day of a time
	operator   string               // who runs the service
	sealedAt   time.Time            // of the container's signature, by a trusted authority
	attested   int
}

// Verify audits a bundle. at is the time at which certificates must be valid where no trusted time stamp says when; no time
// stamp may lie after it.
func Verify(data []byte, trust Trust, at time.Time) Report {
	return verify(data, trust, at, func(*auditor) {})
}

// newAuditor is about to examine the claims.
func newAuditor(trust Trust, at time.Time, claims ...string) *auditor {
	a := &auditor{trust: trust, at: at, claims: map[string]*tally{}, order: claims}
	for _, name := range claims {
		a.claims[name] = &tally{claim: name}
	}
	return a
}

// verify audits a bundle, then does more for further claims.
func verify(data []byte, trust Trust, at time.Time, more func(*auditor), further ...string) Report {
	a := newAuditor(trust, at, append(Claims(), further...)...)
	r := Report{uncovered: notCovered}
	b, err := bundle.Read(bytes.NewReader(data), int64(len(data)))
	switch {
	case errors.Is(err, bundle.ErrNotZip):
		a.claim(Integrity).contradict("not-a-bundle")
	case err != nil:
		a.claim(Integrity).contradict("container-broken", err)
	default:
		a.b = b
		a.examine()
		more(a)
	}
	if a.iv != nil {
		r.Interview = a.iv.ID
	}
	a.conclude(&r)
	return r
}

func (a *auditor) claim(name string) *tally { return a.claims[name] }

// examine runs every check. Each may rely on those before it; what a broken record says is not looked at.
func (a *auditor) examine() {
	a.checkContainer()
	if !a.claim(Integrity).broken() {
		a.openRecord()
	}
	if a.claim(Integrity).broken() {
		return
	}
	a.fold()
	a.checkComplete()
	a.checkTime()
	a.checkRule()
	a.checkIdentity()
	a.checkPresence()
	a.checkNotice()
	a.checkDuration()
	a.checkContent()
	a.checkTimesheet()
	a.checkConfirmation()
	a.checkViews()
}

// fold makes the interview as it stands and as the operator approved it.
func (a *auditor) fold() {
	a.iv = evidence.Fold(a.entries[0].Head.Interview, a.entries)
	a.shown = a.iv
	for i, e := range a.entries {
		if e.Head.Kind == (*evidence.TimesheetApproved)(nil).Kind() {
			a.shown, a.approval = evidence.Fold(a.iv.ID, a.entries[:i+1]), e.Head.N
		}
	}
}

// conclude turns the tallies into the report. A claim that follows from the record is proved only as far as the record is.
func (a *auditor) conclude(r *Report) {
	record := a.claim(Integrity)
	if record.verdict == "" {
		record.say(Unproved, "not-examined")
	}
	for _, name := range a.order {
		t := a.claim(name)
		if name != Integrity && name != Signatures && t.verdict != "" && record.verdict != Proved {
			t.unproved("rests-on-integrity")
		}
	}
	a.list(r)
	if r.Of(Duration).Verdict == Proved {
		r.AttestedSeconds = a.attested
	}
}

// list fills the report with the claims and what they come to together.
func (a *auditor) list(r *Report) {
	r.Verdict, r.NotCovered = Sound, []string{}
	for _, name := range a.order {
		c := a.claim(name).finish()
		r.Claims = append(r.Claims, c)
		switch {
		case c.Verdict == Contradicted:
			r.Verdict = string(Contradicted)
		case c.Verdict != c.Ceiling && r.Verdict == Sound:
			r.Verdict = Incomplete
		}
	}
	for _, code := range r.uncovered {
		r.NotCovered = append(r.NotCovered, sentence("it", code))
	}
}

// needs reports whether every fact of the kinds is known, and otherwise makes the claim unproved with the reason: the
// opening was withheld or erased, or the kind is of a later version.
func (a *auditor) needs(claim string, kinds ...evidence.Kind) bool {
	ok := true
	for _, e := range a.entries {
		if e.Fact != nil {
			continue
		}
		if evidence.New(e.Head.Kind) == nil {
			a.claim(claim).unproved("unknown-kind", e.Head.N, e.Head.Kind)
			ok = false
		}
		for _, k := range kinds {
			if e.Head.Kind == k {
				a.claim(claim).unproved("withheld", e.Head.N, k)
				ok = false
			}
		}
	}
	return ok
}

// restOn notes the entries of the kinds under the claim.
func (a *auditor) restOn(claim string, kinds ...evidence.Kind) {
	for _, e := range a.entries {
		for _, k := range kinds {
			if e.Head.Kind == k {
				a.claim(claim).rest(e.Head.N)
			}
		}
	}
}

// open reports whether the values are known, and otherwise makes the claim unproved.
func (a *auditor) open(claim, what string, values ...evidence.Value) bool {
	for _, v := range values {
		if !v.Open {
			a.claim(claim).unproved("value-withheld", what)
			return false
		}
	}
	return true
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

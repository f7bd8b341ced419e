package audit

import (
	"crypto/sha256"
	"fmt"
	"time"

	"confermo/evidence"
	"confermo/evidence/seal"
)

// stamp says that an authority the auditor trusts saw the tree of a size at a time.
type stamp struct {
	size int64
	at   time.Time
	by   string // witness or authority
}

// maxDrift is how far wall and monotonic clock of one boot may part.
const maxDrift = time.Second

// checkAnchors verifies each anchor's note, its consistency with the checkpoint, and its token over the note's text.
func (a *auditor) checkAnchors() {
	t, used := a.claim(Integrity), map[int64]bool{}
	for _, anchor := range a.b.Anchors {
		quiet := &tally{} // an anchor by an unknown key is no anchor; that alone says nothing against the bundle
		cp, err := a.openNote(quiet, anchor.Note, false)
		if err == nil && cp.Size != anchor.Size {
			err = fmt.Errorf("the note is of size %d", cp.Size)
		}
		if err == nil {
			err = a.b.Proofs.CheckOlder(cp, a.checkpoint)
		}
		if err != nil {
			t.contradict("anchor-broken", anchor.Size, err)
			return
		}
		used[cp.Size] = true
		if anchor.Token == nil {
			continue
		}
		sum := sha256.Sum256([]byte(cp.Text()))
		info, err := seal.VerifyToken(anchor.Token, sum[:], a.trust.TSARoots, a.at)
		if err != nil && !untrusted(err) {
			t.contradict("anchor-broken", anchor.Size, err)
			return
		}
		if err == nil && quiet.verdict == "" && a.trust.Policy.accepts(info.Cert) {
			a.stamps = append(a.stamps, stamp{cp.Size, info.Time, info.Cert.Subject.CommonName})
		}
	}
	for _, c := range a.b.Proofs.Consistency {
		if !used[c.From] {
			t.contradict("anchor-broken", c.From, "a proof belongs to no anchor")
		}
	}
}

// moment is an entry that an outside authority must bound in time.
type moment struct {
	what  string // code of its name
	entry evidence.Entry
}

// moments are opening, closing and confirmation, as far as the record has them.
func (a *auditor) moments() []moment {
	var out []moment
	confirmed := a.iv.Confirmation()
	open, closed := false, false
	for _, e := range a.entries {
		switch f := e.Fact.(type) {
		case *evidence.PartyAdmitted:
			if f.Party == evidence.Person && !open {
				out, open = append(out, moment{"opening", e}), true
			}
		case *evidence.Closed:
			if !closed {
				out, closed = append(out, moment{"closing", e}), true
			}
		case *evidence.ReplyClassified:
			if confirmed != nil && confirmed.Decided == nil && f.ID == confirmed.ID && e.Head.N == confirmed.ClassN {
				out = append(out, moment{"confirming", e})
			}
		case *evidence.ReplyDecided: // a reply that waited confirms from here on
			if confirmed != nil && f == confirmed.Decided {
				out = append(out, moment{"confirming", e})
			}
		}
	}
	return out
}

func (a *auditor) checkTime() {
	t := a.claim(Time)
	a.checkClocks()
	a.checkOrder()
	a.needs(Time, "party-admitted", "interview-closed", "reply-classified", "node-started")
	moments := a.moments()
	if len(moments) < 2 {
		t.unproved("time-nothing")
		return
	}
	for _, m := range moments {
		t.rest(m.entry.Head.N)
		if at, ok := earliest(a.stamps, m.entry.Index); !ok {
			t.unproved("time-unstamped", name(m.what))
		} else if late := at.Sub(m.entry.Head.Time()); late > a.trust.anchorAge() {
			t.unproved("time-late", name(m.what), seconds(late))
		}
		a.checkWitnessed(m)
	}
	if t.verdict != "" {
		return
	}
	first, _ := earliest(a.stamps, moments[0].entry.Index)
	second, _ := earliest(a.stamps, moments[1].entry.Index)
	// Stamps alone do not keep a log from having had two histories until a witness saw one of them: so it is said when.
	seen, ok := a.witnessed(moments[1].entry.Index)
	witnessed := "–"
	if ok {
		witnessed = clock(seen)
	}
	t.say(Proved, "time-bounded", clock(first), clock(second), len(a.stamps), witnessed)
}

// earliest is the first time of a tree that holds the entry.
func earliest(stamps []stamp, index int64) (at time.Time, ok bool) {
	for _, s := range stamps {
		if s.size > index && (!ok || s.at.Before(at)) {
			at, ok = s.at, true
		}
	}
	return at, ok
}

// checkOrder compares every entry with every time stamp: one it covers cannot be older than the entry, and one whose
// token stands before the entry in the tree cannot be much younger.
func (a *auditor) checkOrder() {
	t := a.claim(Time)
	received := map[int64]int64{} // size of an anchor: index of the entry that holds its token
	for _, e := range a.context {
		if f, ok := e.Fact.(*evidence.AnchorReceived); ok && f.Type == "tsa" {
			received[f.Size] = e.Index
		}
	}
	for _, e := range a.entries {
		at := e.Head.Time()
		for _, s := range a.stamps {
			index, known := received[s.size]
			switch {
			case e.Index < s.size && at.Sub(s.at) > a.trust.early():
				t.contradict("time-after-stamp", e.Head.N, clock(at), clock(s.at))
			case known && e.Index > index && s.at.Sub(at) > a.trust.late():
				t.contradict("time-before-stamp", e.Head.N, clock(at), clock(s.at))
			}
		}
		if !a.sealedAt.IsZero() && at.Sub(a.sealedAt) > a.trust.early() {
			t.contradict("time-after-stamp", e.Head.N, clock(at), clock(a.sealedAt))
		}
	}
}

// checkClocks compares wall and monotonic clock within each boot: a clock that was moved shows, and so does an entry that says
// an earlier time than those before it. Every boot must be
// announced by its node-started.
func (a *auditor) checkClocks() {
	t := a.claim(Time)
	starts := map[string]bool{}
	for _, e := range a.context {
		if f, ok := e.Fact.(*evidence.NodeStarted); ok {
			if f.Boot != e.Head.Boot {
				t.contradict("time-boot", f.Boot)
			}
			starts[f.Boot] = true
			a.operator = f.Name
		}
	}
	first, newest := map[string]evidence.Entry{}, time.Time{}
	for _, e := range a.entries {
		if at := e.Head.Time(); newest.Sub(at) > a.trust.late() {
			t.unproved("time-order", e.Head.N, clock(at), clock(newest))
		} else if at.After(newest) {
			newest = at
		}
		if !starts[e.Head.Boot] {
			t.unproved("time-no-boot", e.Head.Boot)
		}
		if start, ok := first[e.Head.Boot]; !ok {
			first[e.Head.Boot] = e
		} else if d := drift(start, e); d > maxDrift {
			t.unproved("time-drift-outside", e.Head.N, seconds(d))
		}
	}
	a.checkCall()
}

// checkCall looks for a clock that moved while the interview was held: from the first admission of a party to the closing, times
// and duration follow from it. A move before or after changes nothing that is claimed, as the outside stamps bound it.
func (a *auditor) checkCall() {
	held, first := false, map[string]evidence.Entry{}
	for _, e := range a.entries {
		switch e.Fact.(type) {
		case *evidence.PartyAdmitted:
			held = true
		}
		if !held {
			continue
		}
		if start, ok := first[e.Head.Boot]; !ok {
			first[e.Head.Boot] = e
		} else if d := drift(start, e); d > maxDrift {
			a.claim(Time).contradict("time-drift", e.Head.N, seconds(d))
		}
		if e.Head.Kind == (*evidence.Closed)(nil).Kind() {
			return
		}
	}
}

// drift is how far wall and monotonic clock of one boot parted between two entries.
func drift(from, to evidence.Entry) time.Duration {
	wall := to.Head.Time().Sub(from.Head.Time())
	mono := time.Duration(to.Head.Mono-from.Head.Mono) * time.Millisecond
	return (wall - mono).Abs()
}

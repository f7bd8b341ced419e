package audit_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"confermo/evidence"
	"confermo/evidence/audit"
	"confermo/evidence/audit/audittest"
	"confermo/evidence/wording"
)

// auditAt is long after the story and before its certificates end.
var auditAt = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func trust(t testing.TB, fsys fstest.MapFS) audit.Trust {
	t.Helper()
	trusted, err := audit.LoadTrust(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return trusted
}

// verify audits a story's bundle with everything its auditor should bring.
func verify(t testing.TB, s *audittest.Story) audit.Report {
	t.Helper()
	return audit.Verify(s.Seal(s.Content()), trust(t, s.Trust()), auditAt)
}

// wants checks one claim's verdict and reason.
func wants(t *testing.T, r audit.Report, claim string, verdict audit.Verdict, code string) {
	t.Helper()
	if c := r.Of(claim); c.Verdict != verdict || c.Code != code {
		t.Errorf("%s is %s (%s: %s), want %s (%s)", claim, c.Verdict, c.Code, c.Detail, verdict, code)
	}
}

func TestGoodBundleHasEveryClaimAtItsCeiling(t *testing.T) {
	r := verify(t, audittest.Tell(audittest.Script{}))
	for _, c := range r.Claims {
		if c.Verdict != c.Ceiling {
			t.Errorf("%s is %s (%s: %s), want %s", c.Claim, c.Verdict, c.Code, c.Detail, c.Ceiling)
		}
	}
	if r.Verdict != audit.Sound || r.AttestedSeconds != 120 || r.Interview != audittest.ID {
		t.Errorf("verdict %s, %d s attested, interview %s", r.Verdict, r.AttestedSeconds, r.Interview)
	}
	if t.Failed() {
		t.Log("\n" + r.Text("it"))
	}
}

// T8: however good the bundle, identity and content stay the operator's word.
func TestIdentityIsNeverProved(t *testing.T) {
	for what, s := range map[string]audittest.Script{
		"good":      {},
		"no reply":  {Reply: "-"},
		"unchecked": {Fact: drop("identity-checked")},
		"no topics": {Fact: drop("interview-completed")},
	} {
		r := verify(t, audittest.Tell(s))
		for _, claim := range []string{audit.Identity, audit.Content} {
			if c := r.Of(claim); c.Verdict == audit.Proved || c.Ceiling != audit.Word {
				t.Errorf("%s: %s is %s under the ceiling %s", what, claim, c.Verdict, c.Ceiling)
			}
		}
	}
}

// drop leaves out the facts of a kind.
func drop(kind evidence.Kind) func(evidence.Fact) evidence.Fact {
	return func(f evidence.Fact) evidence.Fact {
		if f.Kind() == kind {
			return nil
		}
		return f
	}
}

// edit changes the facts of one type.
func edit[T evidence.Fact](change func(T)) func(evidence.Fact) evidence.Fact {
	return func(f evidence.Fact) evidence.Fact {
		if x, ok := f.(T); ok {
			change(x)
		}
		return f
	}
}

// Each row is a story that goes wrong or an operator who lies with the right keys in hand.
func TestStoriesAndTheirVerdicts(t *testing.T) {
	lie := func(c *evidence.ReplyClassified) {
		c.Verdict, c.Level, c.Held, c.Mail = evidence.VerdictConfirmed, 2, false, "m1"
	}
	for _, tt := range []struct {
		name    string
		script  audittest.Script
		claim   string
		verdict audit.Verdict
		code    string
	}{
		{"attack 10: timesheet prints more", audittest.Script{PDF: func(s evidence.Timesheet) evidence.Timesheet {
			s.Attested.Seconds += 3600
			return s
		}}, audit.Duration, audit.Contradicted, "duration-differs"},
		{"printed more, recorded right", audittest.Script{
			PDF:  func(s evidence.Timesheet) evidence.Timesheet { s.Attested.Seconds += 60; return s },
			Fact: edit(func(f *evidence.TimesheetSigned) { f.Attested = 120 }),
		}, audit.Duration, audit.Contradicted, "timesheet-differs"},
		{"printed another name", audittest.Script{PDF: func(s evidence.Timesheet) evidence.Timesheet {
			s.Person.Surname = evidence.V("Altra")
			return s
		}}, audit.Signatures, audit.Contradicted, "timesheet-differs"},
		{"engine of a later version", audittest.Script{Fact: edit(func(f *evidence.TimesheetSigned) { f.Engine = 99 })}, audit.Duration, audit.Unproved, "version-unknown"},
		{"layout of a later version", audittest.Script{Fact: edit(func(f *evidence.TimesheetSigned) { f.Layout = 99 })}, audit.Duration, audit.Unproved, "version-unknown"},
		{"level overstated", audittest.Script{Fact: edit(func(f *evidence.TimesheetSigned) { f.Level = "B-B" })}, audit.Signatures, audit.Contradicted, "pdf-level"},
		{"pack of another authority", audittest.Script{PackKey: "operator.example"}, audit.Duration, audit.Unproved, "pack-key-unknown"},
		{"pack of another authority, confirmation", audittest.Script{PackKey: "operator.example"}, audit.Confirmation, audit.Unproved, "pack-key-unknown"},
		{"kinder rule than the pack's", audittest.Script{Fact: edit(func(f *evidence.Scheduled) { f.Programme.Terms.Rule.Tolerance = 600 })}, audit.Duration, audit.Contradicted, "pack-terms"},
		{"lower level than the pack's", audittest.Script{Fact: edit(func(f *evidence.Scheduled) { f.Programme.Terms.MinLevel = 0 })}, audit.Duration, audit.Contradicted, "pack-terms"},
		{"pack not in force", audittest.Script{Fact: drop("rule-pack-adopted")}, audit.Duration, audit.Unproved, "pack-not-adopted"},
		{"before the pack's first day", audittest.Script{Fact: edit(func(f *evidence.Scheduled) { f.Start = "2019-01-01T10:00:00.000Z" })}, audit.Duration, audit.Contradicted, "pack-date"},
		{"topic outside the pack", audittest.Script{Fact: edit(func(f *evidence.Completed) { f.Topics = []string{"golf"} })}, audit.Content, audit.Contradicted, "content-code"},
		{"place not accredited", audittest.Script{Fact: edit(func(f *evidence.Completed) { f.Place = "casa" })}, audit.Content, audit.Unproved, "content-place"},
		{"identity does not match", audittest.Script{Fact: edit(func(f *evidence.IdentityChecked) { f.Outcome = "mismatch" })}, audit.Identity, audit.Unproved, "identity-mismatch"},
		{"no documents", audittest.Script{Fact: drop("document-uploaded")}, audit.Identity, audit.Unproved, "identity-documents"},
		{"T13 notice not read", audittest.Script{Fact: drop("notice-read")}, audit.Notice, audit.Unproved, "notice-unread"},
		{"T13 another text", audittest.Script{Fact: edit(func(f *evidence.NoticeRead) { f.Digest = "x" })}, audit.Notice, audit.Contradicted, "notice-other"},
		{"T13 text of a later version", audittest.Script{Fact: edit(func(f *evidence.NoticeRead) { f.Version = "9" })}, audit.Notice, audit.Unproved, "version-unknown"},
		{"person never seen", audittest.Script{Fact: func(f evidence.Fact) evidence.Fact {
			if m, ok := f.(*evidence.MediaObserved); ok && m.Party == evidence.Person {
				return nil
			}
			return f
		}}, audit.Presence, audit.Unproved, "presence-absent"},
		{"seen before it happened", audittest.Script{Fact: edit(func(f *evidence.MediaObserved) { f.Secs = 60 })}, audit.Presence, audit.Contradicted, "presence-future"},
		{"T21 no reply", audittest.Script{Reply: "-"}, audit.Confirmation, audit.Unproved, "confirm-none"},
		{"T21 refused", audittest.Script{Reply: "Non confermo"}, audit.Confirmation, audit.Contradicted, "confirm-refused"},
		{"T21 disputed", audittest.Script{Reply: "Confermo, ma erano 40 minuti"}, audit.Confirmation, audit.Unproved, "confirm-disputed"},
		{"refusal recorded as confirmation", audittest.Script{Reply: "Non confermo", Recorded: lie}, audit.Confirmation, audit.Contradicted, "confirm-differs"},
		{"attack 13: reply altered after it was signed", audittest.Script{
			Reply: "Non confermo", Recorded: lie, Altered: func(b []byte) []byte { return []byte(strings.Replace(string(b), "Non confermo", "Confermo", 1)) },
		}, audit.Confirmation, audit.Contradicted, "confirm-level"},
		{"unsigned reply graded too high", audittest.Script{Unsigned: true, Recorded: lie}, audit.Confirmation, audit.Contradicted, "confirm-level"},
		{"unsigned reply waits", audittest.Script{Unsigned: true}, audit.Confirmation, audit.Unproved, "confirm-disputed"},
		{"classifier of a later version", audittest.Script{Recorded: func(c *evidence.ReplyClassified) { c.Grammar = 99 }}, audit.Confirmation, audit.Unproved, "version-unknown"},
		{"late but confirmed", audittest.Script{Late: true}, audit.Confirmation, audit.Proved, "confirm-late"},
		{"summary never sent", audittest.Script{Fact: drop("mail-sent")}, audit.Confirmation, audit.Unproved, "confirm-unsent"},
		{"T18 summary without the timesheet", audittest.Script{Fact: edit(func(f *evidence.MailFrozen) {
			head, _, _ := strings.Cut(string(f.File.Data), "--b1\r\nContent-Type: application/pdf")
			f.File.Data = []byte(head + "--b1--\r\n")
		})}, audit.Confirmation, audit.Contradicted, "confirm-summary"},
		{"T18 summary says another duration", audittest.Script{Summary: func(d *wording.MailData) { d.Attested += 3600 }}, audit.Confirmation, audit.Contradicted, "confirm-text"},
		{"no stamp at all", audittest.Script{Stamp: func(int64, time.Time) (time.Time, bool) { return time.Time{}, false }}, audit.Time, audit.Unproved, "time-unstamped"},
		{"confirmation stamped late", audittest.Script{Stamp: func(_ int64, at time.Time) (time.Time, bool) {
			if at.Before(audittest.Clock(10, 30, 0)) {
				return at, true
			}
			return at.Add(150 * time.Second), true
		}}, audit.Time, audit.Unproved, "time-late"},
		{"attack 2: stamps before the entries", audittest.Script{Stamp: func(_ int64, at time.Time) (time.Time, bool) { return at.Add(-time.Hour), true }}, audit.Time, audit.Contradicted, "time-after-stamp"},
		{"attack 1: entries dated back", audittest.Script{At: func(_ *audittest.Log, f evidence.Fact, at time.Time) time.Time {
			if f.Kind() == "interview-completed" {
				return at.Add(-time.Hour)
			}
			return at
		}}, audit.Time, audit.Contradicted, "time-before-stamp"},
		{"attack 2: clock moved", audittest.Script{At: func(l *audittest.Log, f evidence.Fact, at time.Time) time.Time {
			if f.Kind() == "interview-closed" {
				l.Drift = 3 * time.Second
			}
			return at
		}}, audit.Time, audit.Contradicted, "time-drift"},
		{"boot not announced", audittest.Script{Fact: drop("node-started")}, audit.Time, audit.Unproved, "time-no-boot"},
		{"attack 22: ends without its end", audittest.Script{Fact: drop("bundle-issued")}, audit.Completeness, audit.Contradicted, "no-end"},
		{"attack 22: end names another entry", audittest.Script{Fact: edit(func(f *evidence.BundleIssued) { f.Before-- })}, audit.Completeness, audit.Contradicted, "end-mismatch"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := verify(t, audittest.Tell(tt.script))
			wants(t, r, tt.claim, tt.verdict, tt.code)
			if r.Verdict == audit.Sound && tt.verdict != audit.Proved || (tt.verdict == audit.Contradicted) != (r.Verdict == string(audit.Contradicted)) {
				t.Errorf("the whole is %s\n%s", r.Verdict, r.Text("it"))
			}
		})
	}
}

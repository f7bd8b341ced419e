package audit_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/mod/sumdb/note"

	"confermo/evidence"
	"confermo/evidence/audit"
	"confermo/evidence/audit/audittest"
)

// three is a story whose log has three witnesses, of whom so many cosign, and the folder that knows all three.
func three(script audittest.Script, cosign int) (*audittest.Story, fstest.MapFS) {
	s := audittest.Tell(script)
	fsys := s.Trust()
	for i, name := range []string{"two", "three"} {
		key := s.Log.AddWitness("witness.example/" + name)
		fsys["witness-"+name+".vkey"] = &fstest.MapFile{Data: []byte(key)}
		if i+2 > cosign {
			s.Log.More = s.Log.More[:len(s.Log.More)-1]
		}
	}
	return s, fsys
}

func policy(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

// Attack 7: with two of three, one witness that colludes is not enough.
func TestAttack7_TwoOfThreeWitnesses(t *testing.T) {
	for _, tt := range []struct {
		cosigned int
		policy   string
		verdict  audit.Verdict
		code     string
	}{
		{3, `{"witnesses":2}`, audit.Proved, "record-holds"},
		{2, `{"witnesses":2}`, audit.Proved, "record-holds"},
		{1, `{"witnesses":2}`, audit.Unproved, "few-witnesses"},
		{2, `{"witnesses":3}`, audit.Unproved, "few-witnesses"},
		{1, `{}`, audit.Proved, "record-holds"},
	} {
		s, fsys := three(audittest.Script{}, tt.cosigned)
		fsys["policy.json"] = policy(tt.policy)
		r := audit.Verify(s.Seal(s.Content()), trust(t, fsys), auditAt)
		wants(t, r, audit.Integrity, tt.verdict, tt.code)
		if (r.Verdict == audit.Sound) != (tt.verdict == audit.Proved) {
			t.Errorf("%d of 3 under %s: %s", tt.cosigned, tt.policy, r.Verdict)
		}
	}
}

// One witness that signs twice is one.
func TestOneWitnessCountsOnce(t *testing.T) {
	s, fsys := three(audittest.Script{}, 1)
	s.Log.More = append([]note.Signer{}, s.Log.Witness)
	fsys["policy.json"] = policy(`{"witnesses":2}`)
	r := audit.Verify(s.Seal(s.Content()), trust(t, fsys), auditAt)
	if c := r.Of(audit.Integrity); c.Verdict == audit.Proved || c.Verdict == audit.Word {
		t.Errorf("%s (%s)", c.Verdict, c.Detail)
	}
}

func TestPolicyAsksForMoreAndNeverPassesWhatIsNotThere(t *testing.T) {
	late := func(d time.Duration) audittest.Script {
		return audittest.Script{Stamp: func(_ int64, at time.Time) (time.Time, bool) {
			if at.After(audittest.Clock(10, 18, 0)) {
				at = at.Add(d)
			}
			return at, true
		}}
	}
	views := func(r string) audittest.Script { return audittest.Script{Reason: r} }
	for _, tt := range []struct {
		name, policy string
		script       audittest.Script
		claim, code  string
		verdict      audit.Verdict
	}{
		{"authority by name", `{"stamps":["Marca di prova"]}`, audittest.Script{}, audit.Time, "time-bounded", audit.Proved},
		{"another authority", `{"stamps":["Marca altrui"]}`, audittest.Script{}, audit.Time, "time-unstamped", audit.Unproved},
		{"another authority, seal", `{"stamps":["00ff"]}`, audittest.Script{}, audit.Signatures, "policy-stamp", audit.Unproved},
		{"age kept", `{"max_anchor_age_seconds":30}`, late(20 * time.Second), audit.Time, "time-bounded", audit.Proved},
		{"age not kept", `{"max_anchor_age_seconds":10}`, late(20 * time.Second), audit.Time, "time-late", audit.Unproved},
		{"longer than the usual", `{"max_anchor_age_seconds":600}`, late(150 * time.Second), audit.Time, "time-bounded", audit.Proved},
		{"witnessed", `{"require":["witnessed"]}`, audittest.Script{}, audit.Time, "time-bounded", audit.Proved},
		{"witnessed by two", `{"witnesses":2,"require":["witnessed"]}`, audittest.Script{}, audit.Time, "policy-unwitnessed", audit.Unproved},
		{"not a test", `{"require":["not-test"]}`, audittest.Script{}, audit.Integrity, "policy-test", audit.Unproved},
		{"no deputy", `{"require":["operator-approved"]}`, audittest.Script{Fact: edit(func(f *evidence.TimesheetApproved) { f.By = deputy() })}, audit.Signatures, "policy-deputy", audit.Unproved},
		{"operator herself", `{"require":["operator-approved","views"]}`, views(""), audit.Signatures, "signatures-hold", audit.Proved},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, fsys := three(tt.script, 1)
			fsys["policy.json"] = policy(tt.policy)
			r := audit.Verify(s.Seal(s.Content()), trust(t, fsys), auditAt)
			wants(t, r, tt.claim, tt.verdict, tt.code)
			if tt.verdict == audit.Unproved && r.Verdict != audit.Incomplete {
				t.Errorf("the whole is %s", r.Verdict)
			}
		})
	}
	s, fsys := three(audittest.Script{}, 1)
	fsys["policy.json"] = policy(`{"require":["views"]}`)
	c := s.Content()
	c.Files = c.Files[:len(c.Files)-3]
	wants(t, audit.Verify(s.Seal(c), trust(t, fsys), auditAt), audit.Integrity, audit.Unproved, "policy-views")
}

func TestPolicyTellsSlips(t *testing.T) {
	for text, says := range map[string]string{
		`{"witness":2}`: "unknown field", `{"witnesses":4}`: "the folder names 3", `{"witnesses":-1}`: "negative", `{"require":["all"]}`: "cannot be required",
		`{} {}`: "bytes follow", `{"stamps":[""]}`: "no name", `{"max_anchor_age_seconds":99999999999}`: "too large", ``: "read policy",
	} {
		_, fsys := three(audittest.Script{Reply: "-"}, 1)
		fsys["policy.json"] = policy(text)
		if _, err := audit.LoadTrust(fsys); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

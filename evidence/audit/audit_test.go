package audit_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"confermo/evidence"
	"confermo/evidence/audit"
	"confermo/evidence/audit/audittest"
	"confermo/evidence/bundle"
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

var _ = slices.Contains[[]int]
var _ = strings.Contains
var _ bundle.Content
var _ evidence.Fact

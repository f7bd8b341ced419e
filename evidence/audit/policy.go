package audit

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"confermo/evidence"
)

// Policy is what an auditor demands beyond the keys: policy.json of a trust folder. The zero Policy is that of a folder without
// one: one witness, any trusted authority, a stamp within 120 s. But for the age, which the auditor may set longer, a policy only
// asks for more; what it asks for and the bundle does not show is unproved.
//
//	{"witnesses":2,"stamps":["TSA Uno","3f9a…"],"max_anchor_age_seconds":60,"require":["witnessed","not-test"]}
type Policy struct {
	Witnesses int      `json:"witnesses"`              // so many of the folder's witnesses must have cosigned; 0 = 1
	Stamps    []string `json:"stamps"`                 // authorities that count, by common name or key id; empty = every trusted one
	MaxAge    int      `json:"max_anchor_age_seconds"` // of an anchor against closing and confirmation; 0 = 120, of stamps only
	Require   []string `json:"require"`
}

// What a policy may require beyond the ceilings.
const (
	RequireWitnessed = "witnessed"         // the witnesses saw opening, closing and confirmation in time, not only the end
	RequireNotTest   = "not-test"          // no installation for tests
	RequireOperator  = "operator-approved" // the scheduled operator approved, no deputy
	RequireViews     = "views"             // README.txt, report.html and summary.pdf are there
)

var requirements = []string{RequireWitnessed, RequireNotTest, RequireOperator, RequireViews}

func parsePolicy(data []byte) (Policy, error) {
	var p Policy
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return p, fmt.Errorf("read policy: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return p, errors.New("read policy: bytes follow the object")
	}
	if p.Witnesses < 0 || p.MaxAge < 0 || p.MaxAge > 366*86400 {
		return p, errors.New("read policy: a number is negative or too large")
	}
	for _, r := range p.Require {
		if !slices.Contains(requirements, r) {
			return p, fmt.Errorf("read policy: %q cannot be required, only %s", r, strings.Join(requirements, ", "))
		}
	}
	if slices.Contains(p.Stamps, "") {
		return p, errors.New("read policy: an authority has no name")
	}
	return p, nil
}

func (p Policy) requires(what string) bool { return slices.Contains(p.Require, what) }

// witnesses is how many must have cosigned.
func (p Policy) witnesses() int { return max(1, p.Witnesses) }

// accepts reports whether a time-stamping authority counts. A key id is the hex of the subject key identifier or of the SHA-256
// of the public key as in the certificate.
func (p Policy) accepts(c *x509.Certificate) bool {
	if len(p.Stamps) == 0 {
		return true
	}
	if c == nil {
		return false
	}
	key := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	for _, s := range p.Stamps {
		id := strings.ToLower(strings.ReplaceAll(s, ":", ""))
		if s == c.Subject.CommonName || id == hex.EncodeToString(key[:]) || len(c.SubjectKeyId) > 0 && id == hex.EncodeToString(c.SubjectKeyId) {
			return true
		}
	}
	return false
}

// anchorAge is how much later than a moment its anchors may be.
func (t Trust) anchorAge() time.Duration {
	if t.Policy.MaxAge > 0 {
		return time.Duration(t.Policy.MaxAge) * time.Second
	}
	return t.late()
}

// witnessed is when the k-th of the trusted witnesses saw a tree that holds the entry.
func (a *auditor) witnessed(index int64) (at time.Time, ok bool) {
	first := map[string]time.Time{}
	for _, s := range a.seen {
		if old, ok := first[s.by]; s.size > index && (!ok || s.at.Before(old)) {
			first[s.by] = s.at
		}
	}
	var times []time.Time
	for _, at := range first {
		times = append(times, at)
	}
	slices.SortFunc(times, time.Time.Compare)
	k := a.trust.Policy.witnesses()
	if len(times) < k {
		return time.Time{}, false
	}
	return times[k-1], true
}

// checkWitnessed requires, where the policy does, that the witnesses saw a moment in time.
func (a *auditor) checkWitnessed(m moment) {
	if !a.trust.Policy.requires(RequireWitnessed) {
		return
	}
	t := a.claim(Time)
	if at, ok := a.witnessed(m.entry.Index); !ok {
		t.unproved("policy-unwitnessed", name(m.what), a.trust.Policy.witnesses())
	} else if late := at.Sub(m.entry.Head.Time()); late > a.trust.anchorAge() {
		t.unproved("policy-witnessed-late", name(m.what), seconds(late))
	}
}

// checkPolicy looks at what a policy asks of the record as a whole.
func (a *auditor) checkPolicy() {
	p := a.trust.Policy
	if p.requires(RequireNotTest) {
		test := a.iv.Scheduled != nil && a.iv.Scheduled.Test
		for _, e := range a.context {
			f, ok := e.Fact.(*evidence.NodeStarted)
			test = test || ok && f.Test
		}
		if test {
			a.claim(Integrity).unproved("policy-test")
		}
	}
	if p.requires(RequireViews) {
		for _, name := range viewNames {
			if a.b.Files[name] == nil {
				a.claim(Integrity).unproved("policy-views", name)
			}
		}
	}
}

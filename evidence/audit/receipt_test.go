package audit_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"confermo/evidence"
	"confermo/evidence/audit"
	"confermo/evidence/audit/audittest"
	"confermo/evidence/bundle"
)

func TestReceiptAlone(t *testing.T) {
	s := audittest.Tell(audittest.Script{})
	trusted := trust(t, s.Trust())
	for _, tt := range []struct {
		name    string
		version int
		change  func(*audit.Receipt)
		claim   string
		verdict audit.Verdict
		code    string
	}{
		{"version 1 proves its line", 1, nil, audit.ReceiptLine, audit.Proved, "receipt-holds"},
		{"version 1 only states its facts", 1, nil, audit.ReceiptFacts, audit.Word, "receipt-stated"},
		{"version 1, other facts stated", 1, func(r *audit.Receipt) { r.Attested = 9999 }, audit.ReceiptFacts, audit.Word, "receipt-stated"},
		{"version 2 binds its facts", 2, nil, audit.ReceiptFacts, audit.Proved, "receipt-bound"},
		{"version 2 was seen by the witness", 2, nil, audit.ReceiptWitness, audit.Proved, "receipt-witnessed"},
		{"more seconds than recorded", 2, func(r *audit.Receipt) { r.Attested += 3600 }, audit.ReceiptFacts, audit.Contradicted, "receipt-differs"},
		{"another number", 2, func(r *audit.Receipt) { r.Number = "413/2020" }, audit.ReceiptFacts, audit.Contradicted, "receipt-differs"},
		{"another verdict", 2, func(r *audit.Receipt) { r.Verdict = evidence.VerdictRefused }, audit.ReceiptFacts, audit.Contradicted, "receipt-differs"},
		{"another version", 2, func(r *audit.Receipt) { r.Timesheet = 2 }, audit.ReceiptFacts, audit.Contradicted, "receipt-differs"},
		{"an opening left out", 2, func(r *audit.Receipt) { r.Entries[1].Salt, r.Entries[1].Body = nil, nil }, audit.ReceiptFacts, audit.Word, "receipt-stated"},
		{"a body altered", 2, func(r *audit.Receipt) {
			r.Entries[1].Body = bytes.Replace(r.Entries[1].Body, []byte(`"attested":120`), []byte(`"attested":999`), 1)
		}, audit.ReceiptLine, audit.Contradicted, "receipt-line-broken"},
		{"a line altered", 1, func(r *audit.Receipt) { r.Line = strings.Replace(r.Line, "2020", "2019", 1) }, audit.ReceiptLine, audit.Contradicted, "receipt-line-broken"},
		{"another place", 2, func(r *audit.Receipt) { r.Entries[2].Index++ }, audit.ReceiptLine, audit.Contradicted, "receipt-line-broken"},
		{"another interview", 2, func(r *audit.Receipt) { r.Interview = "01X" }, audit.ReceiptLine, audit.Contradicted, "receipt-line-broken"},
		{"out of order", 2, func(r *audit.Receipt) { slices.Reverse(r.Entries) }, audit.ReceiptLine, audit.Contradicted, "receipt-line-broken"},
		{"a checkpoint altered", 2, func(r *audit.Receipt) {
			r.Checkpoint = strings.Replace(r.Checkpoint, "example\n54", "example\n55", 1)
		}, audit.ReceiptLine, audit.Contradicted, "checkpoint-broken"},
		{"not cosigned", 2, func(r *audit.Receipt) {
			at := strings.Index(r.Checkpoint, "— witness")
			r.Checkpoint = r.Checkpoint[:at]
		}, audit.ReceiptWitness, audit.Unproved, "no-witness"},
		{"a later version", 2, func(r *audit.Receipt) { r.V = 3 }, audit.ReceiptLine, audit.Contradicted, "receipt-broken"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := audit.VerifyReceipt(s.Receipt(tt.version, tt.change), trusted)
			wants(t, r, tt.claim, tt.verdict, tt.code)
			if (r.Verdict == audit.Sound) != (tt.version == 2 && tt.verdict == audit.Proved) || (r.AttestedSeconds == 120) != (r.Verdict == audit.Sound) && tt.code != "no-witness" {
				t.Errorf("the whole is %s, %d s\n%s", r.Verdict, r.AttestedSeconds, r.Text("en"))
			}
		})
	}
	fsys := s.Trust()
	delete(fsys, "log.vkey")
	r := audit.VerifyReceipt(s.Receipt(2, nil), trust(t, fsys))
	wants(t, r, audit.ReceiptLine, audit.Unproved, "log-key-unknown")
	wants(t, r, audit.ReceiptFacts, audit.Unproved, "rests-on-line")
}

// A reply that waits is no confirmation, whatever the receipt calls it; the operator's decision is.
func TestReceiptOfAHeldReply(t *testing.T) {
	s := audittest.Tell(audittest.Script{Unsigned: true})
	r := audit.VerifyReceipt(s.Receipt(2, nil), trust(t, s.Trust()))
	wants(t, r, audit.ReceiptFacts, audit.Contradicted, "receipt-differs")
}

// Attack 6 and 8: the record is rewritten, or goes on from an old copy, after the receipt was sent; log, seal and even the witness
// sign the new one.
func TestAttack6_8_ReceiptContradictsARewrittenRecord(t *testing.T) {
	told := audittest.Script{Reply: "Non confermo"}
	first, again := audittest.Tell(told), audittest.Tell(audittest.Script{})
	for _, version := range []int{1, 2} {
		receipt := first.Receipt(version, nil)
		r := audit.VerifyWithReceipt(again.Seal(again.Content()), receipt, trust(t, again.Trust()), auditAt)
		wants(t, r, audit.Matches, audit.Contradicted, "receipt-rewritten")
		if r.Verdict != string(audit.Contradicted) {
			t.Error(r.Text("en"))
		}
	}
	// The same lines in other places: something was taken out or put before them.
	moved := audittest.Tell(audittest.Script{At: func() func(*audittest.Log, evidence.Fact, time.Time) time.Time {
		done := false
		return func(l *audittest.Log, f evidence.Fact, at time.Time) time.Time {
			if f.Kind() == "interview-scheduled" && !done {
				done = true
				l.Append("stream:access", "web", at, &evidence.AccountSignedIn{Account: "x"})
			}
			return at
		}
	}()})
	r := audit.VerifyWithReceipt(moved.Seal(moved.Content()), again.Receipt(2, nil), trust(t, again.Trust()), auditAt)
	wants(t, r, audit.Matches, audit.Contradicted, "receipt-rewritten")
}

// Attack 7: two trees of one size under one key prove the fraud even where the interview's own lines are alike.
func TestAttack7_ReceiptOfAnotherBranchIsProofOfAFork(t *testing.T) {
	s := audittest.Tell(audittest.Script{})
	other := audittest.Tell(audittest.Script{})
	c := s.Content()
	receipt := other.Receipt(2, func(r *audit.Receipt) {
		// Another leaf follows the reply's on this branch; the lines up to it are the same.
		l := audittest.NewLog(s.Log.Signer.Name(), audittest.Clock(8, 0, 0))
		last := r.Entries[len(r.Entries)-1]
		for _, e := range other.Log.Entries[:last.Index+1] {
			l.AppendLine(e)
		}
		l.Append("stream:access", "web", audittest.Clock(10, 30, 4), &evidence.AccountSignedIn{Account: "x"})
		r.Checkpoint = string(l.Note(l.Size(), audittest.Clock(10, 30, 5)))
		p := l.Prove(l.Size(), []evidence.Entry{other.Log.Entries[r.Entries[0].Index], other.Log.Entries[r.Entries[1].Index], other.Log.Entries[last.Index]})
		for i := range r.Entries {
			r.Entries[i].Path = p.Leaves[i].Path
		}
	})
	// The bundle's record holds an anchor of the same size.
	n := int64(0)
	for _, e := range s.Log.Scope(audittest.ID) {
		if e.Head.Kind == "reply-classified" {
			n = e.Index + 2
		}
	}
	c.Anchors = append(slices.Clone(c.Anchors), bundle.Anchor{Size: n, Note: s.Log.Note(n, audittest.Clock(10, 30, 5))})
	slices.SortFunc(c.Anchors, func(x, y bundle.Anchor) int { return int(x.Size - y.Size) })
	var sizes []int64
	for _, a := range c.Anchors {
		sizes = append(sizes, a.Size)
	}
	c.Proofs = s.Log.Prove(s.Log.Size(), slices.Concat(c.Entries, c.Context), sizes...)
	r := audit.VerifyWithReceipt(s.Seal(c), receipt, trust(t, s.Trust()), auditAt)
	wants(t, r, audit.Matches, audit.Contradicted, "receipt-fork")
}

func TestReceiptBesideItsBundle(t *testing.T) {
	s := audittest.Tell(audittest.Script{})
	data, trusted := s.Seal(s.Content()), trust(t, s.Trust())
	for _, version := range []int{1, 2} {
		r := audit.VerifyWithReceipt(data, s.Receipt(version, nil), trusted, auditAt)
		wants(t, r, audit.Matches, audit.Proved, "receipt-agrees")
		if r.Verdict != audit.Sound || len(r.Claims) != 11 {
			t.Error(r.Text("en"))
		}
	}
	for code, receipt := range map[string][]byte{
		"receipt-broken":      []byte("{}"),
		"receipt-line-broken": s.Receipt(2, func(r *audit.Receipt) { r.Entries[2].Index++ }),
		"receipt-says-other":  s.Receipt(1, func(r *audit.Receipt) { r.Attested = 1 }),
		"log-key-unknown": s.Receipt(2, func(r *audit.Receipt) {
			r.Checkpoint = strings.Replace(r.Checkpoint, "— log.pontechiaro", "— log.pontescuro", 1)
		}),
	} {
		r := audit.VerifyWithReceipt(data, receipt, trusted, auditAt)
		wants(t, r, audit.Matches, audit.Unproved, code) // a receipt that does not hold is nothing against a bundle
	}
}

func FuzzReceipt(f *testing.F) {
	s := audittest.Tell(audittest.Script{})
	trusted := trust(f, s.Trust())
	f.Add(s.Receipt(1, nil))
	f.Add(s.Receipt(2, nil))
	f.Add([]byte(`{"v":2,"entries":[{}],"checkpoint":"x\n1\n\n\n"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := audit.VerifyReceipt(data, trusted)
		if r.Verdict == audit.Sound && r.AttestedSeconds != 120 {
			t.Errorf("a receipt for %d s is sound", r.AttestedSeconds)
		}
	})
}

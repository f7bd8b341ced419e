package audit

import (
	"strings"

	"confermo/evidence"
	"confermo/pdf/pades"
)

// checkApprover says by name who signed where that was not the scheduled operator: a deputy may, named as such.
func (a *auditor) checkApprover(t *tally) {
	approved, s := a.iv.Approved, a.iv.Scheduled
	if approved == nil || s == nil || s.Operator.Account == approved.By.Account && sameValue(s.Operator.Name, approved.By.Name) {
		return
	}
	t.note("signed-by-deputy", approved.By.Name.String(), s.Operator.Name.String())
	if a.trust.Policy.requires(RequireOperator) {
		t.unproved("policy-deputy")
	}
}

// sameValue reports whether two values read the same; one that is withheld is not held against the other.
func sameValue(x, y evidence.Value) bool { return !x.Open || !y.Open || x.Text == y.Text }

// approverMarks are the words after which the service's seal prints who approved.
var approverMarks = []string{"approvato da ", "Sigilla l'approvazione di "}

// maxPrinted is where the service cuts a text of a signature field, less the longest rune.
const maxPrinted = 160 - 4

// checkPrinted requires that a seal which prints an approver prints the one of the record.
func (a *auditor) checkPrinted(t *tally, s pades.Signature) {
	if a.iv.Approved == nil || !a.iv.Approved.By.Name.Open {
		return
	}
	name := a.iv.Approved.By.Name.Text
	for _, text := range append([]string{s.Reason}, s.Lines...) {
		for _, mark := range approverMarks {
			_, printed, ok := strings.Cut(text, mark)
			if ok && printed != name && (len(text) < maxPrinted || !strings.HasPrefix(name, printed)) {
				t.contradict("seal-name", printed, name)
			}
		}
	}
}

// addedLater notes facts of the kind that follow the approval: they are stated and change nothing of what was approved.
func (a *auditor) addedLater(claim string, kind evidence.Kind) {
	for _, e := range a.entries {
		if e.Head.Kind == kind && a.approval > 0 && e.Head.N > a.approval {
			a.claim(claim).note("added-later", e.Head.N, a.approval)
		}
	}
}

// checkCancelled requires that an interview said not to be held was not held.
func (a *auditor) checkCancelled() {
	cancelled, admitted := 0, 0
	for _, e := range a.entries {
		switch f := e.Fact.(type) {
		case *evidence.Cancelled:
			cancelled = e.Head.N
		case *evidence.PartyAdmitted:
			if f.Party == evidence.Person {
				admitted = e.Head.N
			}
		}
	}
	if cancelled > 0 && admitted > 0 {
		a.claim(Presence).rest(cancelled, admitted)
		a.claim(Presence).contradict("cancelled-held", cancelled, admitted)
	}
}

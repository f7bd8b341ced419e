package evidence

// Verdicts of a reply, as the classifier and the operator state them.
const (
	VerdictConfirmed = "confirmed"
	VerdictRefused   = "refused"
	VerdictDisputed  = "disputed"
	VerdictAutomatic = "automatic"
	VerdictBounced   = "bounced"
	VerdictUnmatched = "unmatched"
)

// Effective is the verdict of the reply after the operator's decision, if any, and whether it waits for one.
func (r Reply) Effective() (verdict string, waits bool) {
	switch {
	case r.Decided != nil:
		return r.Decided.Verdict, false
	case r.Classified == nil:
		return "", false
	case r.Classified.Verdict == VerdictConfirmed && r.Classified.Held:
		return VerdictDisputed, true
	case r.Classified.Verdict == VerdictDisputed:
		return VerdictDisputed, true
	}
	return r.Classified.Verdict, false
}

// Outcome is what the replies to the current timesheet's summary say together. Verdict is "", confirmed, refused or
// disputed; a confirmation and a refusal in either order make it disputed. Waits tells that an operator must read.
type Outcome struct {
	Verdict string
	Waits   bool
	Reply   *Reply // the one that decided
}

// Outcome folds the replies in order of arrival.
func (iv *Interview) Outcome() Outcome {
	var out Outcome
	for i := range iv.Replies {
		r := &iv.Replies[i]
		if r.Classified == nil || !iv.current(r) {
			continue
		}
		verdict, waits := r.Effective()
		switch {
		case verdict == VerdictDisputed && waits:
			if out.Verdict == VerdictConfirmed && r.Classified.Verdict == VerdictConfirmed {
				continue // a later copy at a lower level changes nothing
			}
			out = Outcome{VerdictDisputed, true, r}
		case verdict == VerdictConfirmed || verdict == VerdictRefused || verdict == VerdictDisputed:
			switch {
			case out.Verdict == "" || r.Decided != nil || out.Waits && verdict == VerdictRefused:
				out = Outcome{verdict, false, r}
			case out.Waits && verdict == VerdictConfirmed && iv.onlyHeld(i):
				out = Outcome{verdict, false, r}
			case out.Verdict != verdict:
				out = Outcome{VerdictDisputed, true, r}
			}
		}
	}
	return out
}

// onlyHeld tells that every reply before i that waits said "confirmed" at too low a level: a stronger one settles it.
func (iv *Interview) onlyHeld(i int) bool {
	for _, r := range iv.Replies[:i] {
		if _, waits := r.Effective(); waits && r.Classified.Verdict != VerdictConfirmed {
			return false
		}
	}
	return true
}

func (iv *Interview) current(r *Reply) bool {
	return iv.Signed == nil || r.Classified.Version == iv.Signed.Version
}

// Confirmation is the reply that confirms the current timesheet, or nil.
func (iv *Interview) Confirmation() *Reply {
	if o := iv.Outcome(); o.Verdict == VerdictConfirmed {
		return o.Reply
	}
	return nil
}

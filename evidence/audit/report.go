package audit

import (
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// Verdict is what an audit says of one claim.
type Verdict string

// The verdicts of a claim, from best to worst.
const (
	Proved       Verdict = "proved"
	Word         Verdict = "word"
	Unproved     Verdict = "unproved"
	Contradicted Verdict = "contradicted"
)

var ranks = []Verdict{Proved, Word, Unproved, Contradicted}

func rank(v Verdict) int { return slices.Index(ranks, v) }

// The verdicts of a whole report: every claim at its ceiling, something contradicted, or neither.
const (
	Sound      = "sound"
	Incomplete = "incomplete"
)

// The claims, in the order of a report.
const (
	Integrity    = "integrity"
	Completeness = "completeness"
	Time         = "time"
	Identity     = "identity"
	Presence     = "presence"
	Duration     = "duration"
	Content      = "content"
	Notice       = "notice"
	Confirmation = "confirmation"
	Signatures   = "signatures"
)

// The claims of a receipt alone, and of a bundle beside one.
const (
	ReceiptLine    = "receipt-line"    // what it shows stands in a log
	ReceiptWitness = "receipt-witness" // that outside witnesses saw
	ReceiptFacts   = "receipt-facts"   // and says what the receipt says
	Matches        = "receipt"         // the bundle's record is the one the receipt saw
)

// Claims lists the claims in the order of a report.
func Claims() []string {
	return []string{Integrity, Completeness, Time, Identity, Presence, Duration, Content, Notice, Confirmation, Signatures}
}

// Ceiling is the best verdict a claim can reach: identity and content rest on the operator's word, however good the bundle.
func Ceiling(claim string) Verdict {
	if claim == Identity || claim == Content {
		return Word
	}
	return Proved
}

// Report is the outcome of an audit.
type Report struct {
	Bundle          string   `json:"bundle"`           // as the caller names it
	Interview       string   `json:"interview"`        // "" when the bundle could not be opened
	Verdict         string   `json:"verdict"`          // "sound", "contradicted", "incomplete"
	Claims          []Claim  `json:"claims"`           // in the order of Claims
	AttestedSeconds int      `json:"attested_seconds"` // as recomputed; 0 unless the claim duration is proved
	NotCovered      []string `json:"not_covered"`      // what no claim says, in Italian

	uncovered []string // its codes
}

// Claim is the verdict on one claim. Code names the reason for programs and is stable; Detail says it in Italian.
type Claim struct {
	Claim   string  `json:"claim"`
	Verdict Verdict `json:"verdict"`
	Ceiling Verdict `json:"ceiling"`
	Code    string  `json:"code"`
	Detail  string  `json:"detail"`
	Entries []int   `json:"entries"` // of the interview

	args  []any
	notes []remark
}

// remark is a sentence that is said beside a claim's reason and does not change its verdict.
type remark struct {
	code string
	args []any
}

// In is the detail in a language: it, de, fr or en.
func (c Claim) In(lang string) string {
	all := []string{sentence(lang, c.Code, c.args...)}
	for _, n := range c.notes {
		all = append(all, sentence(lang, n.code, n.args...))
	}
	return strings.Join(all, "; ")
}

// Of finds a claim by its name.
func (r Report) Of(claim string) Claim {
	for _, c := range r.Claims {
		if c.Claim == claim {
			return c
		}
	}
	return Claim{}
}

// alone tells a receipt's report from a bundle's.
func (r Report) alone() bool { return r.Of(ReceiptLine).Claim != "" }

// Text is the report for people: one line a claim, aligned, and what no claim covers.
func (r Report) Text(lang string) string {
	var b strings.Builder
	name, verdict := 0, 0
	for _, c := range r.Claims {
		name = max(name, utf8.RuneCountInString(word(lang, c.Claim)))
		verdict = max(verdict, utf8.RuneCountInString(word(lang, string(c.Verdict))))
	}
	pad := func(s string, n int) string { return s + strings.Repeat(" ", n-utf8.RuneCountInString(s)+2) }
	for _, c := range r.Claims {
		b.WriteString(pad(word(lang, c.Claim), name) + pad(word(lang, string(c.Verdict)), verdict) + c.In(lang) + "\n")
	}
	what := "outcome-"
	if r.alone() {
		what = "outcome-receipt-"
	}
	b.WriteString("\n" + word(lang, what+r.Verdict) + "\n")
	for _, code := range r.uncovered {
		b.WriteString("– " + sentence(lang, code) + "\n")
	}
	return b.String()
}

// notCovered names what no claim says.
var notCovered = []string{"not-covered-measure", "not-covered-person", "not-covered-others"}

// tally gathers what speaks for and against one claim. The worst finding decides; among equals the first.
type tally struct {
	claim   string
	verdict Verdict
	code    string
	args    []any
	entries []int
	notes   []remark
}

// note says something beside the verdict, once.
func (t *tally) note(code string, args ...any) {
	n := remark{code, args}
	if !slices.ContainsFunc(t.notes, func(x remark) bool { return reflect.DeepEqual(x, n) }) {
		t.notes = append(t.notes, n)
	}
}

func (t *tally) say(v Verdict, code string, args ...any) {
	if t.verdict == "" || rank(v) > rank(t.verdict) {
		t.verdict, t.code, t.args = v, code, args
	}
}

func (t *tally) contradict(code string, args ...any) { t.say(Contradicted, code, args...) }
func (t *tally) unproved(code string, args ...any)   { t.say(Unproved, code, args...) }

// rest notes the entries the claim rests on.
func (t *tally) rest(n ...int) {
	for _, i := range n {
		if i > 0 && !slices.Contains(t.entries, i) {
			t.entries = append(t.entries, i)
		}
	}
}

// broken tells that something already speaks against the claim.
func (t *tally) broken() bool { return t.verdict == Contradicted }

func (t *tally) finish() Claim {
	ceiling := Ceiling(t.claim)
	if t.verdict == "" {
		t.say(Unproved, "not-examined")
	}
	if rank(t.verdict) < rank(ceiling) {
		t.verdict = ceiling
	}
	slices.Sort(t.entries)
	if t.entries == nil {
		t.entries = []int{}
	}
	c := Claim{Claim: t.claim, Verdict: t.verdict, Ceiling: ceiling, Code: t.code, args: t.args, notes: t.notes, Entries: t.entries}
	c.Detail = c.In("it")
	return c
}

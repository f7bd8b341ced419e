package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"confermo/evidence"
	"confermo/evidence/tree"
)

// MaxReceipt bounds a receipt in bytes.
const MaxReceipt = 256 << 10

// Receipt is what the person keeps of an interview. Version 1 has one line, that of the reply's verdict, and states the facts
// beside it; version 2 opens the entries that bind them:
//
//	{"v":2,"interview":"01E3…","number":"412/2020","timesheet":1,"attested_seconds":3561,"verdict":"confirmed",
//	 "entries":[{"n":1,"index":9,"line":"{…}","path":["<b64>"],"salt":"<b64>","body":"<b64>"},…],
//	 "checkpoint":"<note, cosigned>","log":"<verifier key, as a hint>"}
//
// Entries are interview-scheduled (the number), timesheet-signed (version and seconds), reply-classified and, where an operator
// decided, reply-decided (the verdict), in order of n. The bodies hold no personal value: those are commitments within them.
type Receipt struct {
	V          int            `json:"v"`
	Interview  string         `json:"interview"`
	Number     string         `json:"number"`
	Timesheet  int            `json:"timesheet"`
	Attested   int            `json:"attested_seconds"`
	Verdict    string         `json:"verdict"`
	Entries    []ReceiptEntry `json:"entries,omitempty"` // version 2
	Line       string         `json:"line,omitempty"`    // version 1, with the next three
	N          int            `json:"n,omitempty"`
	Index      int64          `json:"index,omitempty"`
	Path       []string       `json:"path,omitempty"`
	Checkpoint string         `json:"checkpoint"`
	Log        string         `json:"log"`
}

// ReceiptEntry is a line, its inclusion proof (RFC 6962, base64) under the receipt's checkpoint, and its opening.
type ReceiptEntry struct {
	N     int      `json:"n"`
	Index int64    `json:"index"`
	Line  string   `json:"line"`
	Path  []string `json:"path"`
	Salt  []byte   `json:"salt,omitempty"`
	Body  []byte   `json:"body,omitempty"`
}

// ParseReceipt reads a receipt strictly: one object of a known version, no member unknown, doubled or in another case.
func ParseReceipt(data []byte) (Receipt, error) {
	var r Receipt
	if len(data) > MaxReceipt {
		return r, fmt.Errorf("read receipt: %d bytes, at most %d are allowed", len(data), MaxReceipt)
	}
	if err := checkMembers(data, &r); err != nil {
		return r, fmt.Errorf("read receipt: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&r); err != nil {
		return r, fmt.Errorf("read receipt: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return r, errors.New("read receipt: bytes follow the object")
	}
	switch {
	case r.V == 1 && len(r.Entries) == 0 && r.Line != "":
		r.Entries = []ReceiptEntry{{N: r.N, Index: r.Index, Line: r.Line, Path: r.Path}}
	case r.V == 2 && len(r.Entries) > 0 && r.Line == "":
	case r.V == 1 || r.V == 2:
		return r, fmt.Errorf("read receipt: it has not the members of version %d", r.V)
	default:
		return r, fmt.Errorf("read receipt: version %d is unknown", r.V)
	}
	return r, nil
}

// LooksLikeReceipt tells a receipt from a bundle by its first byte.
func LooksLikeReceipt(data []byte) bool {
	data = bytes.TrimLeft(data, " \t\r\n")
	return len(data) > 0 && data[0] == '{'
}

// VerifyReceipt checks a receipt alone: its lines are in a checkpoint that a trusted log signed, trusted witnesses cosigned it, and
// the facts it states are those the lines commit to. What it cannot bind is stated and not proved.
func VerifyReceipt(data []byte, trust Trust) Report {
	a := newAuditor(trust, time.Time{}, ReceiptLine, ReceiptWitness, ReceiptFacts)
	r := Report{uncovered: []string{"not-covered-receipt", "not-covered-measure", "not-covered-person"}}
	receipt, err := ParseReceipt(data)
	if err != nil {
		a.claim(ReceiptLine).contradict("receipt-broken", err)
	} else {
		r.Interview = receipt.Interview
		a.examineReceipt(receipt)
	}
	line := a.claim(ReceiptLine)
	for _, name := range []string{ReceiptWitness, ReceiptFacts} {
		if t := a.claim(name); t.verdict != "" && line.verdict != Proved {
			t.unproved("rests-on-line")
		}
	}
	a.list(&r)
	if r.Of(ReceiptFacts).Verdict == Proved {
		r.AttestedSeconds = receipt.Attested
	}
	return r
}

// examineReceipt checks proofs, signatures and facts of a receipt.
func (a *auditor) examineReceipt(r Receipt) {
	line, witness := a.claim(ReceiptLine), a.claim(ReceiptWitness)
	signed := &tally{} // what openNote says of the log and of its witnesses are two claims here
	cp, err := a.openNote(signed, []byte(r.Checkpoint), true)
	if err != nil {
		line.contradict("checkpoint-broken", err)
		return
	}
	a.checkpoint = cp
	switch signed.code {
	case "log-key-unknown":
		line.unproved(signed.code, signed.args...)
		witness.unproved("no-witness")
	case "":
		at, _ := a.witnessed(cp.Size - 1)
		witness.say(Proved, "receipt-witnessed", cp.Size, clock(at))
	default:
		witness.unproved(signed.code, signed.args...)
	}
	entries, err := receiptEntries(r, cp)
	if err != nil {
		line.contradict("receipt-line-broken", err)
		return
	}
	a.entries = entries
	for _, e := range entries {
		line.rest(e.Head.N)
	}
	last := entries[len(entries)-1]
	line.say(Proved, "receipt-holds", last.Head.N, last.Head.Kind, clock(last.Head.Time()), r.Interview, last.Index, cp.Size, cp.Origin)
	a.checkReceiptFacts(r)
}

// receiptEntries verifies each line: form, place, proof and opening.
func receiptEntries(r Receipt, cp tree.Checkpoint) ([]evidence.Entry, error) {
	p := tree.Proofs{Size: cp.Size, Root: cp.Root.String()}
	var out []evidence.Entry
	for _, x := range r.Entries {
		h, err := evidence.ParseLine([]byte(x.Line))
		if err != nil {
			return nil, err
		}
		if h.Interview != r.Interview || h.N != x.N {
			return nil, fmt.Errorf("entry %d of %s is not entry %d of %s", h.N, h.Scope(), x.N, r.Interview)
		}
		if n := len(out); n > 0 && (out[n-1].Head.N >= h.N || out[n-1].Index >= x.Index) {
			return nil, fmt.Errorf("entry %d stands out of order", h.N)
		}
		p.Leaves = append(p.Leaves, tree.Leaf{N: h.N, Index: x.Index, Hash: tree.LeafHash([]byte(x.Line)).String(), Path: x.Path})
		e := evidence.Entry{Line: []byte(x.Line), Head: h, Index: x.Index}
		if x.Body != nil {
			if err := tree.CheckOpening(h.Fact.C, x.Salt, x.Body); err != nil {
				return nil, fmt.Errorf("entry %d: %w", h.N, err)
			}
			e.Body = x.Body
			if err := e.Decode(); err != nil {
				return nil, fmt.Errorf("entry %d: %w", h.N, err)
			}
			if e.Fact != nil {
				if err := checkBody(e.Body, e.Fact); err != nil {
					return nil, fmt.Errorf("entry %d: %w", h.N, err)
				}
			}
		}
		out = append(out, e)
	}
	return out, p.Check(cp)
}

// checkReceiptFacts compares what the receipt states with what its lines commit to.
func (a *auditor) checkReceiptFacts(r Receipt) {
	t := a.claim(ReceiptFacts)
	iv := evidence.Fold(r.Interview, a.entries)
	bound := 0
	differs := func(what string, stated, recorded any) { t.contradict("receipt-differs", name(what), stated, recorded) }
	if s := iv.Scheduled; s != nil {
		bound++
		if s.Number.String() != r.Number {
			differs("receipt-number", r.Number, s.Number)
		}
	}
	if s := iv.Signed; s != nil {
		bound++
		if s.Version != r.Timesheet || s.Attested != r.Attested {
			differs("receipt-timesheet", fmt.Sprintf("%d, %s", r.Timesheet, evidence.FormatSeconds(r.Attested)), fmt.Sprintf("%d, %s", s.Version, evidence.FormatSeconds(s.Attested)))
		}
	}
	if verdict, version, ok := receiptVerdict(a.entries); ok {
		bound++
		if verdict != r.Verdict || version != 0 && version != r.Timesheet {
			differs("confirmation", r.Verdict, verdict)
		}
	}
	if bound == 3 {
		t.say(Proved, "receipt-bound", r.Number, r.Verdict, r.Timesheet, evidence.FormatSeconds(r.Attested))
		return
	}
	t.say(Word, "receipt-stated", r.Number, r.Verdict, r.Timesheet, evidence.FormatSeconds(r.Attested))
}

// receiptVerdict is what the newest reply of the lines comes to, and for which timesheet, 0 where only the decision is there.
func receiptVerdict(entries []evidence.Entry) (verdict string, version int, ok bool) {
	id := ""
	for _, e := range entries {
		switch f := e.Fact.(type) {
		case *evidence.ReplyClassified:
			verdict, version, ok, id = f.Verdict, f.Version, true, f.ID
			if f.Held && f.Verdict == evidence.VerdictConfirmed {
				verdict = evidence.VerdictDisputed
			}
		case *evidence.ReplyDecided:
			if id != f.ID {
				version = 0
			}
			verdict, ok = f.Verdict, true
		}
	}
	return verdict, version, ok
}

// VerifyWithReceipt audits a bundle and whether its record is the one that the person's receipt saw: the same lines in the same
// places of the log. A record that was rewritten or forked since is contradicted.
func VerifyWithReceipt(data, receipt []byte, trust Trust, at time.Time) Report {
	return verify(data, trust, at, func(a *auditor) { a.checkReceipt(receipt) }, Matches)
}

func (a *auditor) checkReceipt(data []byte) {
	t := a.claim(Matches)
	r, err := ParseReceipt(data)
	if err != nil {
		t.unproved("receipt-broken", err)
		return
	}
	alone := newAuditor(a.trust, a.at, ReceiptLine, ReceiptWitness, ReceiptFacts)
	alone.examineReceipt(r)
	for _, name := range []string{ReceiptLine, ReceiptFacts} { // whoever presents a receipt that does not hold proves nothing with it
		if x := alone.claim(name); x.verdict != Proved && x.verdict != Word {
			t.unproved(x.code, x.args...)
			return
		}
	}
	if a.iv == nil {
		return // the claim integrity says why
	}
	if r.Interview != a.iv.ID {
		t.unproved("receipt-other", r.Interview)
		return
	}
	for _, known := range a.heads() {
		if known.Origin == alone.checkpoint.Origin && known.Size == alone.checkpoint.Size && known.Root != alone.checkpoint.Root {
			t.contradict("receipt-fork", known.Size)
		}
	}
	last := a.entries[len(a.entries)-1]
	for _, e := range alone.entries {
		t.rest(e.Head.N)
		i := slices.IndexFunc(a.entries, func(x evidence.Entry) bool { return x.Head.N == e.Head.N })
		taken := slices.ContainsFunc(slices.Concat(a.entries, a.context), func(x evidence.Entry) bool {
			return x.Index == e.Index && !bytes.Equal(x.Line, e.Line)
		})
		switch {
		case taken || i >= 0 && (!bytes.Equal(a.entries[i].Line, e.Line) || a.entries[i].Index != e.Index) || i < 0 && e.Index < last.Index:
			t.contradict("receipt-rewritten", e.Head.N, e.Index)
		case i < 0:
			t.unproved("receipt-later", e.Head.N, last.Head.N)
		}
	}
	if v, _, ok := receiptVerdict(a.entries); ok && alone.claim(ReceiptFacts).verdict == Word && a.says(r, v) {
		t.unproved("receipt-says-other")
	}
	t.say(Proved, "receipt-agrees", len(alone.entries), r.Number)
}

// says reports whether the receipt states other facts than the record, which has since gone no further.
func (a *auditor) says(r Receipt, verdict string) bool {
	s, signed := a.iv.Scheduled, a.iv.Signed
	if len(a.iv.Replies) == 1 && verdict != r.Verdict {
		return true
	}
	return s != nil && s.Number.String() != r.Number || signed != nil && signed.Version == r.Timesheet && signed.Attested != r.Attested
}

// heads are the checkpoints of the bundle.
func (a *auditor) heads() []tree.Checkpoint {
	out := []tree.Checkpoint{a.checkpoint}
	for _, x := range a.b.Anchors {
		if text, err := tree.NoteText(x.Note); err == nil {
			if cp, err := tree.ParseCheckpoint(text); err == nil {
				out = append(out, cp)
			}
		}
	}
	return out
}

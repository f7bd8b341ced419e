package audit

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"confermo/evidence"
	"confermo/evidence/bundle"
	"confermo/evidence/seal"
	"confermo/evidence/tree"
)

// untrusted tells that nothing is wrong with a signature but that the auditor brought no root for it.
func untrusted(err error) bool {
	var r *seal.RuleError
	return errors.As(err, &r) && r.Rule == seal.RuleTrust
}

// checkContainer verifies the CAdES signature over the first manifest and the token over the second (EN 319 162-1).
func (a *auditor) checkContainer() {
	t := a.claim(Signatures)
	r, err := seal.VerifyCMS(a.b.Signature, a.b.Manifest, seal.Options{
		Profile: seal.CAdES, Roots: a.trust.SealRoots, TSARoots: a.trust.TSARoots, At: a.at,
	})
	switch {
	case untrusted(err):
		t.unproved("container-untrusted", err)
	case err != nil:
		t.contradict("container-signature", err)
		a.claim(Integrity).contradict("container-signature", err)
		return
	case r.Timestamp == nil:
		t.unproved("container-unstamped")
	case !a.trust.Policy.accepts(r.Timestamp.Cert):
		t.unproved("policy-stamp", r.Timestamp.Cert.Subject.CommonName)
	default:
		a.sealedAt = r.Timestamp.Time
	}
	if a.b.Stamp == nil {
		t.unproved("container-unstamped")
		return
	}
	sum := sha256.Sum256(a.b.StampManifest)
	info, err := seal.VerifyToken(a.b.Stamp, sum[:], a.trust.TSARoots, a.at)
	switch {
	case untrusted(err):
		t.unproved("container-untrusted", err)
	case err != nil:
		t.contradict("container-token", err)
		a.claim(Integrity).contradict("container-token", err)
	case r.Timestamp != nil && info.Time.Before(r.Timestamp.Time):
		t.contradict("container-order", clock(info.Time), clock(r.Timestamp.Time))
	case !a.trust.Policy.accepts(info.Cert):
		t.unproved("policy-stamp", info.Cert.Subject.CommonName)
	case r.Signer != nil:
		t.say(Proved, "signatures-hold", r.Signer.Subject.CommonName, clock(info.Time))
	}
}

// openRecord verifies that every line is in the log's tree and that every opening and file is what a line commits to.
func (a *auditor) openRecord() {
	t := a.claim(Integrity)
	cp, err := a.openNote(t, a.b.Checkpoint, true)
	if err != nil {
		t.contradict("checkpoint-broken", err)
		return
	}
	a.checkpoint = cp
	if err := a.b.Proofs.Check(cp); err != nil {
		t.contradict("proof-broken", err)
		return
	}
	if n := len(a.b.Entries) + len(a.b.Context); n != len(a.b.Proofs.Leaves) {
		t.contradict("proof-broken", fmt.Errorf("%d lines, %d proofs", n, len(a.b.Proofs.Leaves)))
		return
	}
	if a.entries, err = a.lines(a.b.Entries, false); err == nil {
		a.context, err = a.lines(a.b.Context, true)
	}
	if err == nil && len(a.entries) == 0 {
		err = errors.New("the record has no entry")
	}
	if err != nil {
		t.contradict("line-broken", err)
		return
	}
	if err := a.openAll(); err != nil {
		t.contradict("opening-broken", err)
		return
	}
	a.checkAnchors()
	t.say(Proved, "record-holds", len(a.entries), len(a.context), a.checkpoint.Size)
}

// openNote verifies a checkpoint: signed by a trusted log, and where cosigned is set by a trusted witness too. A key
// the auditor does not know makes the claim unproved; an error is a note that does not hold.
func (a *auditor) openNote(t *tally, msg []byte, cosigned bool) (tree.Checkpoint, error) {
	text, err := tree.NoteText(msg)
	if err != nil {
		return tree.Checkpoint{}, err
	}
	cp, err := tree.ParseCheckpoint(text)
	if err != nil {
		return cp, err
	}
	all := append(append([]note.Verifier{}, a.trust.Log...), a.trust.Witnesses...)
	opened, err := note.Open(msg, note.VerifierList(all...))
	if e := (*note.UnverifiedNoteError)(nil); errors.As(err, &e) {
		t.unproved("log-key-unknown", cp.Origin)
		return cp, nil
	}
	if err != nil {
		return cp, err
	}
	logs, witnesses := 0, map[string]bool{}
	for _, s := range opened.Sigs {
		if known(a.trust.Log, s.Name, s.Hash) {
			if s.Name != cp.Origin {
				return cp, fmt.Errorf("the checkpoint of %q is signed by the log %q", cp.Origin, s.Name)
			}
			logs++
		}
		if known(a.trust.Witnesses, s.Name, s.Hash) {
			at, err := cosignature.CoSigV1Timestamp(s)
			if err != nil {
				return cp, fmt.Errorf("witness %q: %w", s.Name, err)
			}
			witnesses[s.Name] = true
			a.seen = append(a.seen, stamp{cp.Size, at, s.Name})
		}
	}
	if logs == 0 {
		t.unproved("log-key-unknown", cp.Origin)
	}
	switch k := a.trust.Policy.witnesses(); {
	case !cosigned:
	case len(witnesses) == 0:
		t.unproved("no-witness")
	case len(witnesses) < k:
		t.unproved("few-witnesses", len(witnesses), k)
	}
	return cp, nil
}

// lines parses lines strictly and finds each in the tree, in ascending order. Those of a record belong to one interview,
// those of a context to streams.
func (a *auditor) lines(raw [][]byte, context bool) ([]evidence.Entry, error) {
	var out []evidence.Entry
	leaves := a.b.Proofs.Finder()
	for i, line := range raw {
		h, err := evidence.ParseLine(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		if context != (h.Stream != "") || !context && i > 0 && h.Interview != out[0].Head.Interview {
			return nil, fmt.Errorf("line %d belongs to %q", i+1, h.Scope())
		}
		index, err := leaves.Line(h.Stream, h.N, line)
		if err != nil {
			return nil, err
		}
		if i > 0 && index <= out[i-1].Index {
			return nil, fmt.Errorf("line %d stands before line %d in the tree", i+1, i)
		}
		out = append(out, evidence.Entry{Line: line, Head: h, Index: index})
	}
	return out, nil
}

type place struct {
	stream string
	n      int
}

// openAll opens every entry and requires that every opening and every file belongs to one.
func (a *auditor) openAll() error {
	byPlace := map[place][]evidence.Opening{}
	for _, o := range a.b.Openings {
		p := place{o.Stream, o.N}
		byPlace[p] = append(byPlace[p], o)
	}
	files := map[string]bool{bundle.NameSummary: true, bundle.NameReport: true, bundle.NameReadme: true}
	for _, list := range [][]evidence.Entry{a.entries, a.context} {
		for i := range list {
			p := place{list[i].Head.Stream, list[i].Head.N}
			if err := a.openEntry(&list[i], byPlace[p], files); err != nil {
				return fmt.Errorf("entry %d (%s): %w", p.n, list[i].Head.Kind, err)
			}
			delete(byPlace, p)
		}
	}
	for p := range byPlace {
		return fmt.Errorf("entry %d %s, which is not there, has an opening", p.n, p.stream)
	}
	for name := range a.b.Files {
		if !files[name] && !strings.HasPrefix(name, "record/") {
			return fmt.Errorf("file %q is named by no entry", name)
		}
	}
	return nil
}

// openEntry compares the openings with the line's commitments and decodes the fact. files gathers the named files.
func (a *auditor) openEntry(e *evidence.Entry, openings []evidence.Opening, files map[string]bool) error {
	if len(openings) == 0 {
		return nil // withheld
	}
	whole := openings[0] // "" sorts first
	if whole.Path != "" {
		return fmt.Errorf("%q is opened and the body is not", whole.Path)
	}
	if err := tree.CheckOpening(e.Head.Fact.C, whole.Salt, whole.Body); err != nil {
		return err
	}
	e.Body, e.Openings = whole.Body, openings
	if err := e.Decode(); err != nil {
		return err
	}
	if e.Fact == nil {
		return nil // a kind of a later version: its parts cannot be found
	}
	if err := checkBody(e.Body, e.Fact); errors.As(err, new(*unknownMember)) {
		a.claim(Integrity).unproved("unknown-member", e.Head.N, e.Head.Kind, err)
	} else if err != nil {
		return err
	}
	parts := map[string]evidence.Part{}
	for _, p := range evidence.Parts(e.Fact) {
		parts[p.Path] = p
	}
	for _, o := range openings[1:] {
		p, ok := parts[o.Path]
		switch {
		case !ok || (p.File != nil) != (o.File != ""):
			return fmt.Errorf("opening %q is for nothing in the body", o.Path)
		case p.Value != nil:
			if err := tree.CheckOpening(p.Value.C, o.Salt, o.Body); err != nil {
				return fmt.Errorf("%s: %w", o.Path, err)
			}
		default:
			data, ok := a.b.Files[o.File]
			if !ok {
				return fmt.Errorf("%s: file %q is missing", o.Path, o.File)
			}
			if err := tree.CheckOpening(p.File.C, o.Salt, data); err != nil {
				return fmt.Errorf("file %q: %w", o.File, err)
			}
			p.File.Data = data
			files[o.File] = true
		}
	}
	return nil
}

// checkComplete verifies the chain from the first entry to bundle-issued.
func (a *auditor) checkComplete() {
	t := a.claim(Completeness)
	if err := tree.CheckChain(a.b.Entries); err != nil {
		t.contradict("chain-broken", err)
		return
	}
	last := a.entries[len(a.entries)-1]
	t.rest(1, last.Head.N)
	for _, e := range a.entries[1:] {
		if e.Head.Kind == a.entries[0].Head.Kind {
			t.contradict("scheduled-twice", e.Head.N)
			return
		}
	}
	if a.entries[0].Head.Kind != (*evidence.Scheduled)(nil).Kind() {
		t.contradict("no-beginning", a.entries[0].Head.Kind)
		return
	}
	if last.Head.Kind != (*evidence.BundleIssued)(nil).Kind() {
		t.contradict("no-end", last.Head.Kind)
		return
	}
	issued, ok := last.Fact.(*evidence.BundleIssued)
	if !ok || a.iv.Scheduled == nil {
		a.needs(Completeness, "bundle-issued", "interview-scheduled")
		return
	}
	before := a.entries[len(a.entries)-2]
	if issued.Before != before.Head.N || issued.Hash != tree.LineHash(before.Line) {
		t.contradict("end-mismatch", issued.Before)
		return
	}
	t.say(Proved, "complete", last.Head.N, clock(last.Head.Time()), a.iv.Scheduled.Number)
}

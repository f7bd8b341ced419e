package bundle

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"confermo/evidence"
	"confermo/evidence/tree"
)

// Names of a bundle's fixed files.
const (
	nameMimetype  = "mimetype"
	mimetype      = "application/vnd.etsi.asic-e+zip"
	nameManifest  = "META-INF/ASiCManifest001.xml"
	nameManifest2 = "META-INF/ASiCManifest002.xml"
	nameSignature = "META-INF/signature001.p7s"
	nameToken     = "META-INF/timestamp001.tst"

	NameEntries    = "record/entries.jsonl"
	NameContext    = "record/context.jsonl"
	NameOpenings   = "record/openings.json"
	NameProofs     = "record/proofs.json"
	NameCheckpoint = "record/checkpoint.txt"
	NameRulePack   = "record/rulepack.json"
	dirAnchors     = "record/anchors/"
	NameTimesheet  = "timesheet.pdf"
	NameSummary    = "summary.pdf"
	NameReport     = "report.html"
	NameReadme     = "README.txt"
)

// Content is what goes into a bundle. Who fills it reads the journal; this package gathers nothing by itself.
//
// Entries are all entries of the interview, from n 1 to bundle-issued. Context are the stream entries the verifier
// relies on, in order of their index:
//
//	node       node-started of every boot that stands in Entries or Context: clocks are compared by boot, and its body names
//	           who runs the service
//	rules      rule-pack-adopted of the pack that interview-scheduled names by digest
//	keys       key-made of the log and seal keys in force
//	agencies   agency-seeded of the agency; its sites are where a timesheet may be drawn up
//	accounts   account-opened of the operator (the appointment); withhold mail and password
//	anchors    anchor-received of each anchor; its files are record/anchors/SIZE.note and SIZE.tst
//
// The openings of both come with the entries; leave one out to withhold it. A file's opening names the file in Files by
// Opening.File and has no Body. Proofs hold one leaf for each line of Entries and Context, and one consistency proof from each anchor that is
// smaller than the checkpoint.
type Content struct {
	Interview  string
	Entries    []evidence.Entry
	Context    []evidence.Entry
	Proofs     tree.Proofs
	Checkpoint []byte // signed and cosigned note over a tree that holds every entry
	Anchors    []Anchor
	RulePack   []byte      // the signed pack, as in the journal
	Files      []NamedFile // mail/…, documents/…, timesheet.pdf, and the views summary.pdf, report.html, README.txt
}

// Anchor is an outside statement about the tree of one size: the checkpoint's note with its cosignatures, and a token
// over the note's text. Token is nil where only witnesses were reached.
type Anchor struct {
	Size  int64
	Note  []byte
	Token []byte
}

// NamedFile is a file of the bundle.
type NamedFile struct {
	Name string
	Data []byte
}

// members are all files but mimetype and META-INF, sorted by name.
func (c Content) members() ([]member, error) {
	openings, closed, err := c.openings()
	if err != nil {
		return nil, err
	}
	proofs, err := marshal(c.Proofs)
	if err != nil {
		return nil, fmt.Errorf("write proofs: %w", err)
	}
	out := []member{
		{NameEntries, lines(c.Entries)},
		{NameContext, lines(c.Context)},
		{NameOpenings, openings},
		{NameProofs, proofs},
		{NameCheckpoint, c.Checkpoint},
		{NameRulePack, c.RulePack},
	}
	for _, a := range c.Anchors {
		out = append(out, member{fmt.Sprintf("%s%d.note", dirAnchors, a.Size), a.Note})
		if a.Token != nil {
			out = append(out, member{fmt.Sprintf("%s%d.tst", dirAnchors, a.Size), a.Token})
		}
	}
	for _, f := range c.Files {
		if strings.HasPrefix(f.Name, "record/") || strings.HasPrefix(f.Name, "META-INF/") || f.Name == nameMimetype {
			return nil, fmt.Errorf("file %q has a name that the bundle keeps for itself", f.Name)
		}
		if closed[f.Name] {
			continue
		}
		out = append(out, member{f.Name, f.Data})
	}
	slices.SortFunc(out, func(a, b member) int { return cmp.Compare(a.name, b.name) })
	return out, nil
}

func (c Content) check() error {
	if len(c.Entries) == 0 || len(c.Checkpoint) == 0 || len(c.RulePack) == 0 {
		return errors.New("entries, checkpoint or rule pack are missing")
	}
	for _, e := range c.Entries {
		if e.Head.Interview != c.Interview {
			return fmt.Errorf("entry %d belongs to %q, not to %q", e.Head.N, e.Head.Scope(), c.Interview)
		}
	}
	for _, e := range c.Context {
		if e.Head.Stream == "" {
			return fmt.Errorf("context entry %d of interview %q belongs to no stream", e.Head.N, e.Head.Interview)
		}
	}
	return nil
}

// openings writes the openings. Parts of a body that is withheld or erased cannot be checked: they stay out, and so do
// the files that only they name, which closed lists.
func (c Content) openings() (data []byte, closed map[string]bool, err error) {
	all, closed := []evidence.Opening{}, map[string]bool{}
	for _, e := range slices.Concat(c.Entries, c.Context) {
		body := slices.ContainsFunc(e.Openings, func(o evidence.Opening) bool { return o.Path == "" })
		for _, o := range e.Openings {
			o.Stream, o.N = e.Head.Stream, e.Head.N
			if o.File != "" {
				o.Body = nil
			}
			if !body {
				closed[o.File] = true
				continue
			}
			all = append(all, o)
		}
	}
	for _, o := range all {
		delete(closed, o.File)
	}
	slices.SortFunc(all, compareOpenings)
	data, err = marshal(all)
	if err != nil {
		return nil, nil, fmt.Errorf("write openings: %w", err)
	}
	return data, closed, nil
}

// compareOpenings orders by stream, number and path: the interview's own come first.
func compareOpenings(a, b evidence.Opening) int {
	return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.N, b.N), cmp.Compare(a.Path, b.Path))
}

// marshal writes JSON on one line, without HTML escapes, with a line break at its end.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func lines(entries []evidence.Entry) []byte {
	var b bytes.Buffer
	for _, e := range entries {
		b.Write(e.Line)
		b.WriteByte('\n')
	}
	return b.Bytes()
}

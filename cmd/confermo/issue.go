package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"confermo/evidence"
	"confermo/evidence/anchor"
	"confermo/evidence/audit"
	"confermo/evidence/bundle"
	"confermo/evidence/journal"
	"confermo/evidence/seal"
	"confermo/evidence/tree"
)

// issuer writes bundles: it closes what is said with bundle-issued, has it anchored, and gathers what a stranger needs.
type issuer struct {
	journal *journal.Journal
	anchors *anchor.Service
	seal    seal.Signer
	stamp   func(context.Context, [32]byte) ([]byte, error)

	mu     sync.Mutex // one bundle is written at a time
	last   map[string]issued
	recent []string // keys of last, oldest first
}

// issued is a bundle kept while nothing was added to its interview.
type issued struct {
	n    int
	data []byte
}

const keptBundles = 16

// errMoved says that an entry came between reading the interview and closing it.
var errMoved = errors.New("interview has moved on")

// Issue gives the interview's bundle, complete up to its bundle-issued entry. Asking again while nothing happened gives
// the same bytes and adds no entry.
func (s *issuer) Issue(ctx context.Context, id string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	iv, err := s.journal.Interview(ctx, id)
	if err != nil {
		return nil, err
	}
	if kept, ok := s.last[id]; ok && kept.n == iv.N {
		return kept.data, nil
	}
	if err := s.conclude(ctx, iv); err != nil {
		return nil, fmt.Errorf("conclude record of %s: %w", id, err)
	}
	c, err := s.gather(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("gather bundle of %s: %w", id, err)
	}
	var stamp func([32]byte) ([]byte, error)
	if s.stamp != nil {
		stamp = func(d [32]byte) ([]byte, error) { return s.stamp(ctx, d) }
	}
	var out bytes.Buffer
	if err := bundle.Write(&out, c, s.seal, time.Now(), stamp); err != nil {
		return nil, err
	}
	s.keep(id, issued{c.Entries[len(c.Entries)-1].Head.N, out.Bytes()})
	return out.Bytes(), nil
}

func (s *issuer) keep(id string, b issued) {
	if s.last == nil {
		s.last = map[string]issued{}
	}
	if i := slices.Index(s.recent, id); i >= 0 {
		s.recent = slices.Delete(s.recent, i, i+1)
	}
	if s.recent = append(s.recent, id); len(s.recent) > keptBundles {
		delete(s.last, s.recent[0])
		s.recent = s.recent[1:]
	}
	s.last[id] = b
}

// conclude appends bundle-issued, unless it is the last entry already.
func (s *issuer) conclude(ctx context.Context, iv *evidence.Interview) error {
	for range 10 {
		if e := iv.Entries()[len(iv.Entries())-1]; e.Head.Kind == (*evidence.BundleIssued)(nil).Kind() {
			return nil
		}
		n := iv.N
		_, err := s.journal.Append(ctx, journal.Draft{
			Interview: iv.ID, By: "bundle", Fact: &evidence.BundleIssued{Before: n, Hash: iv.LastHash, For: "audit"},
			If: func(now *evidence.Interview) error {
				if now.N != n {
					return errMoved
				}
				return nil
			},
		})
		if !errors.Is(err, errMoved) {
			return err
		}
		if iv, err = s.journal.Interview(ctx, iv.ID); err != nil {
			return err
		}
	}
	return errMoved
}

func (s *issuer) gather(ctx context.Context, id string) (bundle.Content, error) {
	c := bundle.Content{Interview: id}
	var err error
	if c.Entries, err = s.journal.Entries(ctx, id); err != nil {
		return c, err
	}
	last := slices.IndexFunc(c.Entries, func(e evidence.Entry) bool { return e.Head.N == lastIssued(c.Entries) })
	c.Entries = c.Entries[:last+1]
	anchored, err := s.anchors.Ensure(ctx, c.Entries[last].Index+1)
	if err != nil {
		return c, fmt.Errorf("anchor the record: %w", err)
	}
	c.Checkpoint = anchored.Note
	c.Anchors = []bundle.Anchor{{Size: anchored.Size, Note: anchored.Note, Token: anchored.Token}}
	if err := s.context(ctx, &c, anchored.Size); err != nil {
		return c, err
	}
	if err := s.files(ctx, &c); err != nil {
		return c, err
	}
	if c.Entries[0].Fact != nil { // of an erased record nothing can be drawn
		views, err := audit.Views(c.Entries, c.RulePack)
		if err != nil {
			return c, err
		}
		c.Files = append(c.Files, views...)
	}
	return c, s.prove(ctx, &c, anchored.Size)
}

func lastIssued(entries []evidence.Entry) int {
	n := 0
	for _, e := range entries {
		if e.Head.Kind == (*evidence.BundleIssued)(nil).Kind() {
			n = e.Head.N
		}
	}
	return n
}

// files reads the bytes behind the openings of files, and gives each its own name in the bundle. The newest signed timesheet
// keeps its name; those it superseded take another.
func (s *issuer) files(ctx context.Context, c *bundle.Content) error {
	taken := map[string]bool{}
	newest := evidence.Fold(c.Interview, c.Entries).SignedN
	for _, group := range [][]evidence.Entry{c.Entries, c.Context} {
		for _, e := range group {
			if e.Fact == nil {
				continue // erased or of a later version: its parts cannot be found
			}
			_, sheet := e.Fact.(*evidence.TimesheetSigned)
			for i := range e.Openings {
				o := &e.Openings[i]
				if o.File == "" || strings.HasPrefix(o.File, "record/") {
					continue
				}
				data, err := s.journal.File(ctx, e.Head.Scope(), e.Head.N, o.Path)
				if err != nil {
					return err
				}
				if taken[o.File] || o.File == bundle.NameTimesheet && !(sheet && e.Head.N == newest) {
					ext := path.Ext(o.File)
					o.File = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(o.File, ext), e.Head.N, ext)
				}
				taken[o.File] = true
				c.Files = append(c.Files, bundle.NamedFile{Name: o.File, Data: data})
			}
		}
	}
	return nil
}

func (s *issuer) prove(ctx context.Context, c *bundle.Content, size int64) error {
	_, head, err := s.journal.CheckpointAt(ctx, size)
	if err != nil {
		return err
	}
	c.Proofs = tree.Proofs{Size: size, Root: head.Root.String()}
	for _, e := range slices.Concat(c.Entries, c.Context) {
		steps, err := s.journal.ProveEntry(ctx, size, e.Index)
		if err != nil {
			return err
		}
		c.Proofs.Leaves = append(c.Proofs.Leaves, tree.Leaf{
			Stream: e.Head.Stream, N: e.Head.N, Index: e.Index, Hash: tree.LeafHash(e.Line).String(), Path: tree.FormatPath(steps),
		})
	}
	for _, a := range c.Anchors {
		if a.Size == size {
			continue
		}
		steps, err := s.journal.ProveTree(ctx, size, a.Size)
		if err != nil {
			return err
		}
		c.Proofs.Consistency = append(c.Proofs.Consistency, tree.Consistency{From: a.Size, Path: tree.FormatPath(steps)})
	}
	return nil
}

package tree

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/tlog"
)

// MaxProofs bounds record/proofs.json in bytes.
const MaxProofs = 64 << 20

// Proofs is record/proofs.json: that each line is in the tree of one checkpoint, and that older checkpoints are
// beginnings of it.
//
//	{"size":42,"root":"<b64>","leaves":[{"n":17,"index":40,"hash":"<b64>","path":["<b64>"]},
//	 {"stream":"node","n":1,"index":0,"hash":"<b64>","path":["<b64>"]}],"consistency":[{"from":30,"path":["<b64>"]}]}
type Proofs struct {
	Size        int64         `json:"size"`
	Root        string        `json:"root"`
	Leaves      []Leaf        `json:"leaves"`
	Consistency []Consistency `json:"consistency"`
}

// Leaf proves that entry N, of the bundle's interview or of Stream, is leaf Index of the tree (RFC 6962 section 2.1.1).
type Leaf struct {
	Stream string   `json:"stream,omitempty"`
	N      int      `json:"n"`
	Index  int64    `json:"index"`
	Hash   string   `json:"hash"`
	Path   []string `json:"path"`
}

// Consistency proves that the tree of size From is a beginning of the whole (RFC 6962 section 2.1.2).
type Consistency struct {
	From int64    `json:"from"`
	Path []string `json:"path"`
}

// ParseProofs reads record/proofs.json strictly: one object, no unknown member, no trailing bytes.
func ParseProofs(data []byte) (Proofs, error) {
	var p Proofs
	if len(data) > MaxProofs {
		return p, fmt.Errorf("read proofs: %d bytes, at most %d are allowed", len(data), MaxProofs)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return p, fmt.Errorf("read proofs: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return p, fmt.Errorf("read proofs: bytes follow the object")
	}
	return p, nil
}

// Check verifies every proof against a checkpoint the caller trusts, except consistency, for which the older roots are
// needed: see CheckOlder.
func (p Proofs) Check(c Checkpoint) error {
	if p.Size != c.Size || p.Root != c.Root.String() {
		return fmt.Errorf("check proofs: made for size %d root %s, the checkpoint has size %d root %s", p.Size, p.Root, c.Size, c.Root)
	}
	places, indexes := map[place]bool{}, map[int64]bool{}
	for _, l := range p.Leaves {
		if places[place{l.Stream, l.N}] || indexes[l.Index] {
			return fmt.Errorf("check proofs: %s stands twice", l)
		}
		places[place{l.Stream, l.N}], indexes[l.Index] = true, true
		if err := l.check(c); err != nil {
			return err
		}
	}
	return nil
}

func (l Leaf) check(c Checkpoint) error {
	hash, err := tlog.ParseHash(l.Hash)
	if err != nil {
		return fmt.Errorf("check proofs: %s: hash: %w", l, err)
	}
	path, err := ParsePath(l.Path)
	if err != nil {
		return fmt.Errorf("check proofs: %s: %w", l, err)
	}
	if l.Index < 0 || l.Index >= c.Size {
		return fmt.Errorf("check proofs: %s: index is outside the tree of %d", l, c.Size)
	}
	if err := tlog.CheckRecord(tlog.RecordProof(path), c.Size, c.Root, l.Index, hash); err != nil {
		return fmt.Errorf("check proofs: %s: %w", l, err)
	}
	return nil
}

// String names the leaf for a message.
func (l Leaf) String() string {
	if l.Stream != "" {
		return fmt.Sprintf("entry %d of stream %s (leaf %d)", l.N, l.Stream, l.Index)
	}
	return fmt.Sprintf("entry %d (leaf %d)", l.N, l.Index)
}

// place is where a leaf stands in its chain.
type place struct {
	stream string
	n      int
}

// Finder looks leaves up by their place, at a cost that does not grow with the proofs.
type Finder map[place]Leaf

// Finder indexes the leaves. Call Check first: of two leaves for one place it knows one.
func (p Proofs) Finder() Finder {
	f := make(Finder, len(p.Leaves))
	for _, l := range p.Leaves {
		f[place{l.Stream, l.N}] = l
	}
	return f
}

// Line gives the tree index of a line after comparing its leaf hash with the proved one.
func (f Finder) Line(stream string, n int, line []byte) (int64, error) {
	l, ok := f[place{stream, n}]
	switch {
	case !ok:
		return 0, fmt.Errorf("check proofs: no proof for entry %d %s", n, stream)
	case l.Hash != LeafHash(line).String():
		return 0, fmt.Errorf("check proofs: %s: the line is not the one that was proved", l)
	}
	return l.Index, nil
}

// CheckOlder verifies that an older trusted checkpoint is a beginning of the newer one.
func (p Proofs) CheckOlder(older, newer Checkpoint) error {
	if older.Origin != newer.Origin {
		return fmt.Errorf("check consistency: origins %q and %q differ", older.Origin, newer.Origin)
	}
	if older.Size == newer.Size {
		if older.Root != newer.Root {
			return fmt.Errorf("check consistency: two roots for size %d: the log was forked", older.Size)
		}
		return nil
	}
	for _, c := range p.Consistency {
		if c.From != older.Size {
			continue
		}
		path, err := ParsePath(c.Path)
		if err != nil {
			return fmt.Errorf("check consistency from %d: %w", c.From, err)
		}
		return CheckConsistency(older, newer, path)
	}
	return fmt.Errorf("check consistency: no proof from size %d", older.Size)
}

// CheckConsistency verifies one consistency proof between two checkpoints.
func CheckConsistency(older, newer Checkpoint, path []tlog.Hash) error {
	if older.Size < 1 || older.Size > newer.Size {
		return fmt.Errorf("check consistency: %d is not a beginning of %d", older.Size, newer.Size)
	}
	if older.Size == newer.Size {
		if older.Root != newer.Root || len(path) != 0 {
			return fmt.Errorf("check consistency: two roots for size %d", older.Size)
		}
		return nil
	}
	if err := tlog.CheckTree(tlog.TreeProof(path), newer.Size, newer.Root, older.Size, older.Root); err != nil {
		return fmt.Errorf("check consistency from %d to %d: %w", older.Size, newer.Size, err)
	}
	return nil
}

// ParsePath reads the hashes of a proof. At most 63 belong in one (C2SP tlog-witness); more are refused unread.
func ParsePath(path []string) ([]tlog.Hash, error) {
	if len(path) > 63 {
		return nil, fmt.Errorf("read proof: %d hashes, at most 63 are possible", len(path))
	}
	out := make([]tlog.Hash, len(path))
	for i, s := range path {
		h, err := tlog.ParseHash(s)
		if err != nil {
			return nil, fmt.Errorf("read proof: hash %d: %w", i, err)
		}
		out[i] = h
	}
	return out, nil
}

// FormatPath writes the hashes of a proof in base64. It never gives nil, so that JSON shows an empty list.
func FormatPath(path []tlog.Hash) []string {
	out := make([]string, len(path))
	for i, h := range path {
		out[i] = h.String()
	}
	return out
}

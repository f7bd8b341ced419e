package journal

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"confermo/evidence"
	"confermo/evidence/tree"
)

// lastLines is how many lines at the end are compared with their hashes at every start; Check compares all.
const lastLines = 256

// counts compares the head with what is stored.
func (j *Journal) counts(ctx context.Context, q querier, size int64) error {
	for _, c := range []struct {
		what, query string
		want        int64
	}{
		{"entries", "SELECT count(*) FROM entries", size},
		{"entries up to the last", "SELECT coalesce(max(idx) + 1, 0) FROM entries", size},
		{"hashes", "SELECT count(*) FROM hashes", tlog.StoredHashCount(size)},
	} {
		var have int64
		if err := q.QueryRowContext(ctx, c.query).Scan(&have); err != nil {
			return fmt.Errorf("count %s: %w", c.what, err)
		}
		if have != c.want {
			return fmt.Errorf("the head says %d entries, so %d %s are due, but %d are stored", size, c.want, c.what, have)
		}
	}
	return nil
}

func (j *Journal) leaf(ctx context.Context, q querier, index int64, line []byte) error {
	stored, err := j.hashes(ctx, q).ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
	if err != nil {
		return err
	}
	if want := tree.LeafHash(line); stored[0] != want {
		return fmt.Errorf("entry %d of the tree: the line hashes to %s, stored is %s", index, want, stored[0])
	}
	return nil
}

// Check verifies the whole record anew: every line, chain, hash, the head, every opening's commitment, files included,
// and that no number of a series is missing or doubled. What was erased is left out; its proofs still hold.
func (j *Journal) Check(ctx context.Context) error {
	head, size := struct{ root tlog.Hash }{}, int64(0)
	j.mu.Lock()
	size, head.root = j.size, j.root
	j.mu.Unlock()
	c := checker{chains: map[string]chain{}, numbers: map[numberKey]map[int]bool{}}
	for from := int64(0); from < size; from += 256 {
		entries, err := j.Range(ctx, from, min(from+256, size))
		if err != nil {
			return fmt.Errorf("check journal: %w", err)
		}
		if len(entries) != int(min(from+256, size)-from) {
			return fmt.Errorf("check journal: of entries %d to %d of the tree only %d are stored", from, from+255, len(entries))
		}
		for i, e := range entries {
			if err := j.checkEntry(ctx, &c, from+int64(i), e); err != nil {
				return fmt.Errorf("check journal: entry %d of the tree: %w", from+int64(i), err)
			}
		}
	}
	root, err := tlog.TreeHash(size, c.reader())
	if err != nil {
		return fmt.Errorf("check journal: %w", err)
	}
	if root != head.root {
		return fmt.Errorf("check journal: the lines give the root %s, the head says %s", root, head.root)
	}
	return c.series()
}

// checker carries what was read so far.
type checker struct {
	chains  map[string]chain
	hashes  []tlog.Hash // all stored hashes, recomputed
	numbers map[numberKey]map[int]bool
	opaque  bool // a schedule is erased: its number cannot be seen
}

func (c *checker) reader() tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			out[i] = c.hashes[x]
		}
		return out, nil
	})
}

func (j *Journal) checkEntry(ctx context.Context, c *checker, index int64, e evidence.Entry) error {
	var scope string
	var kind evidence.Kind
	var n int
	const query = "SELECT scope, n, kind FROM entries WHERE idx = ?"
	if err := j.db.SQL().QueryRowContext(ctx, j.db.Q(query), index).Scan(&scope, &n, &kind); err != nil {
		return err
	}
	before := c.chains[e.Head.Scope()]
	switch {
	case e.Index != index:
		return fmt.Errorf("missing; the next stored is %d", e.Index)
	case scope != e.Head.Scope() || n != e.Head.N || kind != e.Head.Kind:
		return fmt.Errorf("stored as %s %d %s, the line says %s %d %s", scope, n, kind, e.Head.Scope(), e.Head.N, e.Head.Kind)
	case e.Head.N != before.n+1 || e.Head.Prev != before.prev:
		return fmt.Errorf("%s %d does not follow %d of its chain", scope, n, before.n)
	}
	c.chains[scope] = chain{n, tree.LineHash(e.Line)}
	fresh, err := tlog.StoredHashes(index, e.Line, c.reader())
	if err != nil {
		return err
	}
	at := int64(len(c.hashes))
	for i, h := range fresh {
		stored, err := j.hashes(ctx, j.db.SQL()).ReadHashes([]int64{at + int64(i)})
		if err != nil {
			return err
		}
		if stored[0] != h {
			return fmt.Errorf("stored hash %d is %s, the lines give %s", at+int64(i), stored[0], h)
		}
	}
	c.hashes = append(c.hashes, fresh...)
	return j.checkParts(ctx, c, e)
}

// checkParts opens the files; body and values were checked when the entry was read.
func (j *Journal) checkParts(ctx context.Context, c *checker, e evidence.Entry) error {
	if e.Fact == nil {
		c.opaque = c.opaque || e.Head.Kind == "interview-scheduled"
		return nil
	}
	open := map[string]bool{}
	for _, o := range e.Openings {
		open[o.Path] = true
	}
	for _, p := range evidence.Parts(e.Fact) {
		if p.File == nil || !open[p.Path] {
			continue
		}
		if _, err := j.file(ctx, j.db.SQL(), e, p); err != nil {
			return fmt.Errorf("file %s: %w", p.Path, err)
		}
	}
	if s, ok := e.Fact.(*evidence.Scheduled); ok {
		key := numberKey{s.Number.Agency, s.Number.Year}
		if c.numbers[key] == nil {
			c.numbers[key] = map[int]bool{}
		}
		if c.numbers[key][s.Number.N] {
			return fmt.Errorf("number %s of %s is given twice", s.Number, s.Number.Agency)
		}
		c.numbers[key][s.Number.N] = true
	}
	return nil
}

func (c *checker) series() error {
	if c.opaque {
		return nil
	}
	for key, drawn := range c.numbers {
		for n := 1; n <= len(drawn); n++ {
			if !drawn[n] {
				return fmt.Errorf("check journal: number %d/%d of %s is missing", n, key.year, key.agency)
			}
		}
	}
	return nil
}

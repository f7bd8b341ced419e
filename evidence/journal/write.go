package journal

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"confermo/evidence"
	"confermo/evidence/tree"
)

// write puts a staged group into the transaction: rows, lines, parts, hashes, head, numbers.
func (j *Journal) write(ctx context.Context, g *group) error {
	if err := j.writeRows(ctx, g); err != nil {
		return fmt.Errorf("write rows: %w", err)
	}
	if err := j.writeEntries(ctx, g); err != nil {
		return fmt.Errorf("write entries: %w", err)
	}
	if err := j.writeHashes(ctx, g); err != nil {
		return fmt.Errorf("write hashes: %w", err)
	}
	size := j.c.size + int64(len(g.staged))
	const head = "UPDATE head SET size = ?, root = ? WHERE id = 1"
	stmt, err := j.in(ctx, g.tx, j.db.Q(head))
	if err == nil {
		_, err = stmt.ExecContext(ctx, size, g.root[:])
	}
	if err != nil {
		return fmt.Errorf("write head: %w", err)
	}
	for key := range g.drawn {
		const number = `INSERT INTO numbers (agency, year, n) VALUES (?, ?, ?)
			ON CONFLICT (agency, year) DO UPDATE SET n = excluded.n`
		if _, err := g.tx.ExecContext(ctx, j.db.Q(number), key.agency, key.year, j.c.numbers[key]); err != nil {
			return fmt.Errorf("write number: %w", err)
		}
	}
	return nil
}

// writeRows comes before the entries: what folds is read from the database and then from what is staged.
func (j *Journal) writeRows(ctx context.Context, g *group) error {
	shown := map[string]bool{}
	for _, s := range g.staged {
		if s.p.draft.Interview != "" && showsInLists(s.entry.Head.Kind) {
			shown[s.p.scope] = true
		}
	}
	for id := range shown {
		iv, err := j.fold(ctx, g, id)
		if err == nil {
			err = j.project(ctx, g.tx, iv)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (j *Journal) writeEntries(ctx context.Context, g *group) error {
	entries, parts := make([]any, 0, 6*len(g.staged)), []any{}
	for _, s := range g.staged {
		e := s.entry
		entries = append(entries, e.Index, s.p.scope, e.Head.N, string(e.Head.Kind), e.Line, s.p.seal)
		for _, q := range s.p.parts {
			parts = append(parts, e.Index, q.path, string(q.class), q.salt, q.sealed)
		}
	}
	if err := j.insert(ctx, g.tx, "entries", "idx, scope, n, kind, line, body", entries); err != nil {
		return err
	}
	return j.insert(ctx, g.tx, "parts", "idx, path, class, salt, sealed", parts)
}

func (j *Journal) writeHashes(ctx context.Context, g *group) error {
	var rows []any
	edge := map[int64]tlog.Hash{}
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			h, ok := g.fresh[x]
			if !ok {
				h, ok = j.c.edge[x]
			}
			if !ok {
				stored, err := j.hashes(ctx, g.tx).ReadHashes([]int64{x})
				if err != nil {
					return nil, err
				}
				h = stored[0]
			}
			out[i], edge[x] = h, h
		}
		return out, nil
	})
	for _, s := range g.staged {
		hashes, err := tlog.StoredHashesForRecordHash(s.entry.Index, tree.LeafHash(s.entry.Line), reader)
		if err != nil {
			return err
		}
		at := tlog.StoredHashIndex(0, s.entry.Index)
		for i, h := range hashes {
			g.fresh[at+int64(i)] = h
			rows = append(rows, at+int64(i), h[:])
		}
	}
	if err := j.insert(ctx, g.tx, "hashes", "idx, hash", rows); err != nil {
		return err
	}
	clear(edge) // what the root is made of is what the next leaf needs
	root, err := tlog.TreeHash(j.c.size+int64(len(g.staged)), reader)
	if err != nil {
		return err
	}
	g.root, j.c.edge = root, edge
	return nil
}

// publish lets readers see a committed group.
func (j *Journal) publish(g *group) {
	j.c.size, j.c.root = j.c.size+int64(len(g.staged)), g.root
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, s := range g.staged {
		id := s.p.draft.Interview
		if id == "" {
			continue
		}
		cell, cached := j.cells[id]
		switch iv := j.c.folds[id]; {
		case iv != nil:
			j.weight += len(iv.Entries()) - len(cell)
			j.cells[id] = iv.Entries()
		case cached:
			j.cells[id] = append(cell, light(s.entry))
			j.weight++
		}
	}
	if len(j.c.heads) > headsMax {
		clear(j.c.heads)
	}
	for id, cell := range j.cells {
		if j.weight <= cachedMax {
			break
		}
		delete(j.cells, id)
		delete(j.c.folds, id)
		j.weight -= len(cell)
	}
	j.grow()
}

// light is what is kept in memory of an entry: what an interview folds from.
func light(e evidence.Entry) evidence.Entry {
	return evidence.Entry{Line: e.Line, Head: e.Head, Index: e.Index, Fact: e.Fact}
}

// erase destroys the keys that committed class-erased entries name, and derives the interview anew without them.
func (j *Journal) erase(ctx context.Context, entries []evidence.Entry) error {
	var failed error
	for _, e := range entries {
		f, ok := e.Fact.(*evidence.ClassErased)
		if !ok {
			continue
		}
		if err := j.keep.Erase(ctx, e.Head.Scope(), f.Class); err != nil {
			failed = errors.Join(failed, fmt.Errorf("recorded, but the key of %s still stands: %w", f.Class, err))
			continue
		}
		if e.Head.Interview != "" {
			failed = errors.Join(failed, j.reproject(ctx, e.Head.Interview))
		}
	}
	return failed
}

package journal

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"confermo/evidence"
	"confermo/evidence/store"
	"confermo/evidence/tree"
)

// Finding is something in the record that should not be so.
type Finding struct {
	Index int64  // of the entry in the tree; -1 where it is about the whole
	Kind  string // "entry", "line", "chain", "hash", "opening", "number", "anchor", "head", "checkpoint" or "clock"
	Text  string
}

func (f Finding) String() string {
	if f.Index < 0 {
		return f.Kind + ": " + f.Text
	}
	return fmt.Sprintf("%s: entry %d of the tree: %s", f.Kind, f.Index, f.Text)
}

// Check verifies the whole record anew: every line, chain, hash, the head, every opening's commitment, files included,
// the recorded anchors, and that no number of a series is missing or doubled. What was erased is left out; its proofs
// still hold. The error is the first finding; a clock that moved is none.
func (j *Journal) Check(ctx context.Context) error {
	j.mu.Lock()
	size, root := j.size, j.root
	j.mu.Unlock()
	var first *Finding
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	err := j.inspect(ctx, size, root, func(f Finding) {
		if first == nil && f.Kind != "clock" {
			first = &f
			cancel()
		}
	})
	if first != nil {
		return fmt.Errorf("check journal: %s", first)
	}
	if err != nil {
		return fmt.Errorf("check journal: %w", err)
	}
	return nil
}

// Inspect verifies the record in db like Check, without opening it: nothing is written, and a service may be running on
// it. Every finding is reported, moved clocks too. It gives the number of entries.
func Inspect(ctx context.Context, db *store.DB, k Keeper, cfg Config, report func(Finding)) (size int64, err error) {
	j := &Journal{db: db, keep: k, cfg: cfg, left: left{file: cfg.Left}}
	if j.signer, err = note.NewSigner(cfg.LogKey); err != nil {
		return 0, fmt.Errorf("inspect journal: log key: %w", err)
	}
	if j.vkey, err = verifierKey(cfg.LogKey); err != nil {
		return 0, fmt.Errorf("inspect journal: log key: %w", err)
	}
	size, root, err := readHead(ctx, db.SQL(), headQuery)
	if err != nil {
		return 0, fmt.Errorf("inspect journal: %w", err)
	}
	if err := j.left.compare(j.vkey, size, j.hashes(ctx, db.SQL())); err != nil {
		report(Finding{-1, "checkpoint", err.Error()})
	}
	if err := j.inspect(ctx, size, root, report); err != nil {
		return size, fmt.Errorf("inspect journal: %w", err)
	}
	return size, nil
}

// inspector carries what was read so far.
type inspector struct {
	j       *Journal
	report  func(Finding)
	chains  map[string]chain
	newest  map[int]levelHash // per level of the tree, its last hash: what the next ones and the root are made of
	numbers map[numberKey]map[int]int64
	opaque  bool // a schedule is erased: its number cannot be seen
	clocks  map[string]clock
}

type levelHash struct {
	index int64
	hash  tlog.Hash
}

// clock is a pair of readings of one boot.
type clock struct {
	wall time.Time
	mono int64
}

const inspectAtOnce = 256

func (j *Journal) inspect(ctx context.Context, size int64, root tlog.Hash, report func(Finding)) error {
	in := &inspector{
		j: j, report: report, chains: map[string]chain{}, newest: map[int]levelHash{},
		numbers: map[numberKey]map[int]int64{}, clocks: map[string]clock{},
	}
	for from := int64(0); from < size; from += inspectAtOnce {
		if err := in.some(ctx, from, min(from+inspectAtOnce, size)); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	have, err := tlog.TreeHash(size, in.reader())
	if err != nil {
		report(Finding{-1, "head", "the root cannot be recomputed: " + err.Error()})
	} else if have != root {
		report(Finding{-1, "head", fmt.Sprintf("the lines give the root %s, the head says %s", have, root)})
	}
	in.series()
	return nil
}

// row is an entry as it is stored.
type row struct {
	index, n    int64
	scope, kind string
	line        []byte
}

// some inspects the entries from up to, not including, to.
func (in *inspector) some(ctx context.Context, from, to int64) error {
	j := in.j
	rows, err := j.db.SQL().QueryContext(ctx, j.db.Q("SELECT idx, n, scope, kind, line FROM entries WHERE idx >= ? AND idx < ? ORDER BY idx"), from, to)
	if err != nil {
		return err
	}
	stored := map[int64]row{}
	err = each(rows, func() error {
		var r row
		err := rows.Scan(&r.index, &r.n, &r.scope, &r.kind, &r.line)
		stored[r.index] = r
		return err
	})
	if err != nil {
		return err
	}
	hashes, err := j.hashRange(ctx, tlog.StoredHashIndex(0, from), tlog.StoredHashCount(to))
	if err != nil {
		return err
	}
	opened := map[int64]evidence.Entry{}
	entries, err := j.Range(ctx, from, to)
	if err == nil {
		for _, e := range entries {
			opened[e.Index] = e
		}
	}
	for index := from; index < to; index++ {
		r, ok := stored[index]
		if !ok {
			in.report(Finding{index, "entry", "it is missing"})
			continue
		}
		in.line(r)
		in.tree(r, hashes)
		e, ok := opened[index]
		if !ok { // one of them does not open: which one, and why
			alone, err := j.Range(ctx, index, index+1)
			if err != nil || len(alone) != 1 {
				in.report(Finding{index, "opening", fmt.Sprint("it does not open: ", err)})
				continue
			}
			e = alone[0]
		}
		in.fact(ctx, e)
	}
	return nil
}

// line checks one line by itself, its place in its chain and its clocks.
func (in *inspector) line(r row) {
	h, err := evidence.ParseLine(r.line)
	if err != nil {
		in.report(Finding{r.index, "line", err.Error()})
		return
	}
	if r.scope != h.Scope() || r.n != int64(h.N) || r.kind != string(h.Kind) {
		in.report(Finding{r.index, "line", fmt.Sprintf("stored as %s %d %s, the line says %s %d %s", r.scope, r.n, r.kind, h.Scope(), h.N, h.Kind)})
	}
	if before := in.chains[h.Scope()]; h.N != before.n+1 || h.Prev != before.prev {
		in.report(Finding{r.index, "chain", fmt.Sprintf("%s %d does not follow %d of its chain", h.Scope(), h.N, before.n)})
	}
	in.chains[h.Scope()] = chain{h.N, tree.LineHash(r.line)}
	now := clock{h.Time(), h.Mono}
	first, known := in.clocks[h.Boot]
	moved := now.wall.Sub(first.wall) - time.Duration(now.mono-first.mono)*time.Millisecond
	if known && moved.Abs() <= time.Second {
		return
	}
	if known {
		in.report(Finding{r.index, "clock", fmt.Sprintf("the clock of node %s moved by %v", h.Node, moved.Round(10*time.Millisecond))})
	}
	in.clocks[h.Boot] = now
}

// tree recomputes the hashes that the line completes and compares them with the stored ones.
func (in *inspector) tree(r row, stored map[int64]tlog.Hash) {
	fresh, err := tlog.StoredHashes(r.index, r.line, in.reader())
	if err != nil { // an entry before it is missing, and was reported
		return
	}
	at := tlog.StoredHashIndex(0, r.index)
	for level, h := range fresh {
		x := at + int64(level)
		if have, ok := stored[x]; !ok || have != h {
			in.report(Finding{r.index, "hash", fmt.Sprintf("stored hash %d is %s, the lines give %s", x, have, h)})
		}
		in.newest[level] = levelHash{x, h}
	}
}

func (in *inspector) reader() tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			level, _ := tlog.SplitStoredHashIndex(x)
			last := in.newest[level]
			if last.index != x || last.hash == (tlog.Hash{}) {
				return nil, fmt.Errorf("hash %d was not computed", x)
			}
			out[i] = last.hash
		}
		return out, nil
	})
}

package journal

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"confermo/evidence"
)

// fact opens the files of an entry and looks at what it says of numbers and anchors. Body and values were checked when
// it was read.
func (in *inspector) fact(ctx context.Context, e evidence.Entry) {
	if e.Fact == nil {
		in.opaque = in.opaque || e.Head.Kind == "interview-scheduled"
		return
	}
	open := map[string]bool{}
	for _, o := range e.Openings {
		open[o.Path] = true
	}
	for _, p := range evidence.Parts(e.Fact) {
		if p.File == nil || !open[p.Path] {
			continue
		}
		if _, err := in.j.file(ctx, in.j.db.SQL(), e, p); err != nil {
			in.report(Finding{e.Index, "opening", fmt.Sprintf("file %s: %v", p.Path, err)})
		}
	}
	switch f := e.Fact.(type) {
	case *evidence.Scheduled:
		key := numberKey{f.Number.Agency, f.Number.Year}
		if in.numbers[key] == nil {
			in.numbers[key] = map[int]int64{}
		}
		if first, twice := in.numbers[key][f.Number.N]; twice {
			in.report(Finding{e.Index, "number", fmt.Sprintf("number %s of %s was given before, by entry %d of the tree", f.Number, f.Number.Agency, first)})
		} else {
			in.numbers[key][f.Number.N] = e.Index
		}
	case *evidence.AnchorReceived:
		in.anchor(ctx, e.Index, f)
	}
}

// anchor compares what an outside service saw with the tree. The hashes below it were compared with the lines already.
func (in *inspector) anchor(ctx context.Context, index int64, f *evidence.AnchorReceived) {
	if f.Size < 1 || f.Size > index {
		in.report(Finding{index, "anchor", fmt.Sprintf("%s anchored %d entries, which were not there yet", f.From, f.Size)})
		return
	}
	root, err := tlog.TreeHash(f.Size, in.j.hashes(ctx, in.j.db.SQL()))
	if err != nil {
		in.report(Finding{index, "anchor", fmt.Sprintf("the root of %d entries cannot be recomputed: %v", f.Size, err)})
	} else if root.String() != f.Root {
		in.report(Finding{index, "anchor", fmt.Sprintf("%s anchored the root %s over %d entries, which have %s", f.From, f.Root, f.Size, root)})
	}
}

// series looks for missing numbers. Where a schedule is erased they cannot be told from its own.
func (in *inspector) series() {
	if in.opaque {
		return
	}
	for key, drawn := range in.numbers {
		last := 0
		for n := range drawn {
			last = max(last, n)
		}
		var missing []int
		for n := 1; n <= last; n++ {
			if _, ok := drawn[n]; !ok {
				missing = append(missing, n)
			}
		}
		if len(missing) > 0 {
			in.report(Finding{-1, "number", fmt.Sprintf("numbers %v of %d of %s are missing", missing, key.year, key.agency)})
		}
	}
}

// hashRange reads the stored hashes from index from up to, not including, to. Those of a wrong length are left out.
func (j *Journal) hashRange(ctx context.Context, from, to int64) (map[int64]tlog.Hash, error) {
	rows, err := j.db.SQL().QueryContext(ctx, j.db.Q("SELECT idx, hash FROM hashes WHERE idx >= ? AND idx < ?"), from, to)
	if err != nil {
		return nil, err
	}
	return scanHashes(rows)
}

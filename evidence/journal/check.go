package journal

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

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

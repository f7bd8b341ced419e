package journal

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"confermo/evidence/tree"
)

// Checkpoint signs the head of the tree as it stands.
func (j *Journal) Checkpoint(ctx context.Context) ([]byte, tree.Checkpoint, error) {
	j.mu.Lock()
	c := tree.Checkpoint{Origin: j.Origin(), Size: j.size, Root: j.root}
	j.mu.Unlock()
	msg, err := tree.SignCheckpoint(c, j.signer)
	return msg, c, err
}

// CheckpointAt signs the head the tree had at an earlier size; the same size always gives the same bytes.
func (j *Journal) CheckpointAt(ctx context.Context, size int64) ([]byte, tree.Checkpoint, error) {
	if size < 1 || size > j.Size() {
		return nil, tree.Checkpoint{}, fmt.Errorf("sign checkpoint: the tree never had size %d", size)
	}
	root, err := tlog.TreeHash(size, j.hashes(ctx, j.db.SQL()))
	if err != nil {
		return nil, tree.Checkpoint{}, fmt.Errorf("sign checkpoint: %w", err)
	}
	c := tree.Checkpoint{Origin: j.Origin(), Size: size, Root: root}
	msg, err := tree.SignCheckpoint(c, j.signer)
	return msg, c, err
}

// ProveEntry proves that the entry at index is in the tree of the size.
func (j *Journal) ProveEntry(ctx context.Context, size, index int64) ([]tlog.Hash, error) {
	if size > j.Size() || index < 0 || index >= size {
		return nil, fmt.Errorf("prove entry %d: not in a tree of %d", index, size)
	}
	proof, err := tlog.ProveRecord(size, index, j.hashes(ctx, j.db.SQL()))
	if err != nil {
		return nil, fmt.Errorf("prove entry %d in %d: %w", index, size, err)
	}
	return proof, nil
}

// ProveTree proves that the tree of size old is a beginning of the tree of the size.
func (j *Journal) ProveTree(ctx context.Context, size, old int64) ([]tlog.Hash, error) {
	if size > j.Size() || old < 1 || old > size {
		return nil, fmt.Errorf("prove tree %d: not a beginning of %d", old, size)
	}
	proof, err := tlog.ProveTree(size, old, j.hashes(ctx, j.db.SQL()))
	if err != nil {
		return nil, fmt.Errorf("prove tree %d in %d: %w", old, size, err)
	}
	return proof, nil
}

// hashes reads stored hashes.
func (j *Journal) hashes(ctx context.Context, q querier) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			var b []byte
			if err := q.QueryRowContext(ctx, j.db.Q("SELECT hash FROM hashes WHERE idx = ?"), x).Scan(&b); err != nil {
				return nil, fmt.Errorf("read stored hash %d: %w", x, err)
			}
			if len(b) != tlog.HashSize {
				return nil, fmt.Errorf("stored hash %d has %d bytes", x, len(b))
			}
			out[i] = tlog.Hash(b)
		}
		return out, nil
	})
}

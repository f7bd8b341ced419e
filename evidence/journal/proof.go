package journal

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"confermo/evidence/tree"
)

// Checkpoint signs the head of the tree as it stands.
func (j *Journal) Checkpoint(ctx context.Context) ([]byte, tree.Checkpoint, error) {
	j.mu.Lock()
	c := tree.Checkpoint{Origin: j.Origin(), Size: j.size, Root: j.root}
	j.mu.Unlock()
	msg, err := j.sign(c)
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
	msg, err := j.sign(c)
	return msg, c, err
}

// sign signs a checkpoint and remembers it before it leaves.
func (j *Journal) sign(c tree.Checkpoint) ([]byte, error) {
	msg, err := tree.SignCheckpoint(c, j.signer)
	if err != nil {
		return nil, err
	}
	return msg, j.left.keep(c, msg)
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

// hashesAtOnce bounds the indexes of one query.
const hashesAtOnce = 512

// hashes reads stored hashes.
func (j *Journal) hashes(ctx context.Context, q querier) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, 0, len(indexes))
		for len(indexes) > 0 {
			some := indexes[:min(len(indexes), hashesAtOnce)]
			indexes = indexes[len(some):]
			found, err := j.someHashes(ctx, q, some)
			if err != nil {
				return nil, fmt.Errorf("read stored hashes: %w", err)
			}
			for _, x := range some {
				h, ok := found[x]
				if !ok {
					return nil, fmt.Errorf("read stored hash %d: it is missing or damaged", x)
				}
				out = append(out, h)
			}
		}
		return out, nil
	})
}

func (j *Journal) someHashes(ctx context.Context, q querier, indexes []int64) (map[int64]tlog.Hash, error) {
	args := make([]any, len(indexes))
	for i, x := range indexes {
		args[i] = x
	}
	query := "SELECT idx, hash FROM hashes WHERE idx IN (?" + strings.Repeat(", ?", len(indexes)-1) + ")"
	rows, err := q.QueryContext(ctx, j.db.Q(query), args...)
	if err != nil {
		return nil, err
	}
	return scanHashes(rows)
}

func scanHashes(rows *sql.Rows) (map[int64]tlog.Hash, error) {
	found := map[int64]tlog.Hash{}
	return found, each(rows, func() error {
		var x int64
		var b []byte
		if err := rows.Scan(&x, &b); err != nil {
			return err
		}
		if len(b) == tlog.HashSize {
			found[x] = tlog.Hash(b)
		}
		return nil
	})
}

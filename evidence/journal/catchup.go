package journal

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"confermo/evidence"
)

// ErrSetBack says that the database no longer holds what this process saw committed: it was replaced by an older copy, or
// changed, while the service ran. It does not heal by itself.
var ErrSetBack = errors.New("the database was set back or changed while the journal was open")

// lookEvery is how late at most a process sees what others appended to the same database.
const lookEvery = 500 * time.Millisecond

// refresh reads the head, locked until the commit, and takes in what other processes appended since.
func (j *Journal) refresh(ctx context.Context, tx *sql.Tx) error {
	stmt, err := j.in(ctx, tx, j.db.Locking(headQuery))
	if err != nil {
		return fmt.Errorf("read tree head: %w", err)
	}
	size, root, err := scanHead(stmt.QueryRowContext(ctx))
	if err != nil {
		return err
	}
	return j.catchUp(ctx, tx, size, root)
}

const headQuery = "SELECT size, root FROM head WHERE id = 1"

func readHead(ctx context.Context, q querier, query string) (size int64, root tlog.Hash, err error) {
	return scanHead(q.QueryRowContext(ctx, query))
}

func scanHead(row *sql.Row) (size int64, root tlog.Hash, err error) {
	var b []byte
	if err := row.Scan(&size, &b); err != nil {
		return 0, root, fmt.Errorf("read tree head: %w", err)
	}
	if len(b) != tlog.HashSize {
		return 0, root, fmt.Errorf("read tree head: the root has %d bytes", len(b))
	}
	return size, tlog.Hash(b), nil
}

// look takes in what other processes appended, so that followers here see it.
func (j *Journal) look() {
	ctx := context.Background()
	_ = j.db.View(ctx, func(tx *sql.Tx) error { // what fails now fails the next commit too, which says so
		size, root, err := readHead(ctx, tx, headQuery)
		if err != nil {
			return err
		}
		return j.catchUp(ctx, tx, size, root)
	})
}

// catchUp makes the head read from the database ours: what is cached of the scopes that others wrote to is dropped, and
// keys they destroyed are forgotten here too. After a failed commit the same happens with what it stored after all.
func (j *Journal) catchUp(ctx context.Context, q querier, size int64, root tlog.Hash) error {
	switch {
	case size == j.c.size && root == j.c.root:
		return nil
	case size <= j.c.size:
		return fmt.Errorf("%w: it has %d entries with the root %s, and had %d with %s", ErrSetBack, size, root, j.c.size, j.c.root)
	}
	rows, err := q.QueryContext(ctx, j.db.Q("SELECT scope, kind FROM entries WHERE idx >= ? AND idx < ?"), j.c.size, size)
	if err != nil {
		return fmt.Errorf("read what others appended: %w", err)
	}
	touched, count, erased := map[string]bool{}, int64(0), false
	err = each(rows, func() error {
		var scope, kind string
		err := rows.Scan(&scope, &kind)
		touched[scope] = true
		erased = erased || kind == "class-erased"
		count++
		return err
	})
	if err == nil && count != size-j.c.size {
		err = fmt.Errorf("%d entries are due and %d are stored", size-j.c.size, count)
	}
	if err == nil && erased {
		err = j.eraseSince(ctx, q, j.c.size)
	}
	if err != nil {
		return fmt.Errorf("read what others appended: %w", err)
	}
	j.c.edge, j.c.numbers = map[int64]tlog.Hash{}, map[numberKey]int{}
	for scope := range touched {
		delete(j.c.heads, scope)
		delete(j.c.folds, scope)
	}
	j.c.size, j.c.root = size, root
	j.mu.Lock()
	defer j.mu.Unlock()
	for scope := range touched {
		j.weight -= len(j.cells[scope])
		delete(j.cells, scope)
	}
	j.grow()
	return nil
}

// grow lets readers see the committer's head and wakes who waits for it. j.mu is held.
func (j *Journal) grow() {
	j.size, j.root = j.c.size, j.c.root
	j.changed++
	close(j.grown)
	j.grown = make(chan struct{})
}

// forget drops every cache but the head that readers were shown: whether a failed commit was stored is seen when the
// head is read again, and not guessed.
func (j *Journal) forget() {
	j.c = committer{
		size: j.c.size, root: j.c.root, edge: map[int64]tlog.Hash{}, heads: map[string]chain{},
		numbers: map[numberKey]int{}, folds: map[string]*evidence.Interview{},
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.cells, j.weight = map[string][]evidence.Entry{}, 0
	j.changed++
}

// eraseSince destroys every key that entries from index from on say was destroyed.
func (j *Journal) eraseSince(ctx context.Context, q querier, from int64) error {
	entries, err := j.read(ctx, q, "WHERE kind = ? AND idx >= ? ORDER BY idx", "class-erased", from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if f, ok := e.Fact.(*evidence.ClassErased); ok {
			if err := j.keep.Erase(ctx, e.Head.Scope(), f.Class); err != nil {
				return err
			}
		}
	}
	return nil
}

// load makes the first head where there is none, and compares the head with the stored hashes and with the last lines.
func (j *Journal) load(ctx context.Context) error {
	empty, err := tlog.TreeHash(0, nil)
	if err != nil {
		return err
	}
	err = j.db.Write(ctx, func(tx *sql.Tx) error {
		const first = "INSERT INTO head (id, size, root) VALUES (1, 0, ?) ON CONFLICT (id) DO NOTHING"
		_, err := tx.ExecContext(ctx, j.db.Q(first), empty[:])
		return err
	})
	if err != nil {
		return fmt.Errorf("write first head: %w", err)
	}
	return j.db.View(ctx, func(tx *sql.Tx) error {
		size, root, err := readHead(ctx, tx, headQuery)
		if err != nil {
			return err
		}
		if err := j.counts(ctx, tx, size); err != nil {
			return err
		}
		have, err := tlog.TreeHash(size, j.hashes(ctx, tx))
		if err != nil {
			return err
		}
		if !bytes.Equal(have[:], root[:]) {
			return fmt.Errorf("the stored hashes give the root %s for %d entries, the head says %s", have, size, root)
		}
		lines, err := j.lines(ctx, tx, max(0, size-lastLines), size)
		if err != nil {
			return err
		}
		for i, line := range lines {
			if err := j.leaf(ctx, tx, size-int64(len(lines)-i), line); err != nil {
				return err
			}
		}
		if err := j.left.compare(j.vkey, size, j.hashes(ctx, tx)); err != nil {
			return err
		}
		j.c.size, j.c.root, j.size, j.root = size, root, size, root
		j.forget()
		return nil
	})
}

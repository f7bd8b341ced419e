package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"confermo/evidence"
)

// Follower reads the tree entry by entry and remembers its place across restarts. It belongs to one goroutine.
type Follower struct {
	j      *Journal
	name   string
	next   int64
	buffer []evidence.Entry
}

// Follow takes up the follower of the name behind the last entry it kept, or at the first.
func (j *Journal) Follow(ctx context.Context, name string) (*Follower, error) {
	f := &Follower{j: j, name: name}
	err := j.db.SQL().QueryRowContext(ctx, j.db.Q("SELECT next FROM followers WHERE name = ?"), name).Scan(&f.next)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("follow as %s: %w", name, err)
	}
	return f, nil
}

// Next waits for the next entry of the tree. It ends with ctx or with ErrClosed.
func (f *Follower) Next(ctx context.Context) (evidence.Entry, error) {
	if len(f.buffer) == 0 {
		if err := f.j.Wait(ctx, f.next); err != nil {
			return evidence.Entry{}, err
		}
		// Not beyond the head: what another process has just appended is not taken in here yet.
		entries, err := f.j.Range(ctx, f.next, min(f.next+64, f.j.Size()))
		if err != nil {
			return evidence.Entry{}, err
		}
		if len(entries) == 0 || entries[0].Index != f.next {
			return evidence.Entry{}, fmt.Errorf("follow as %s: entry %d of the tree is missing", f.name, f.next)
		}
		f.buffer = entries
	}
	e := f.buffer[0]
	f.buffer = f.buffer[1:]
	f.next = e.Index + 1
	return e, nil
}

// Keep remembers that everything up to and including the entry at index is done.
func (f *Follower) Keep(ctx context.Context, index int64) error {
	err := f.j.db.Write(ctx, func(tx *sql.Tx) error {
		const query = `INSERT INTO followers (name, next) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET next = excluded.next`
		_, err := tx.ExecContext(ctx, f.j.db.Q(query), f.name, index+1)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep place of %s: %w", f.name, err)
	}
	return nil
}

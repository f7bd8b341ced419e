package journal

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// ErrUncertain says that a commit's answer was lost and the database could not be asked since: the facts may be recorded.
// Who repeats the Append guards it with Draft.If, which sees what was stored.
var ErrUncertain = errors.New("unknown whether it was recorded")

// resolveFor is how long the database is asked what became of a commit.
const resolveFor = 10 * time.Second

// resolve finds out what became of a commit whose answer was an error: nil where the group is stored. The question is
// asked in a write transaction, which waits until no server works on the lost one any more, so the answer is final.
func (j *Journal) resolve(ctx context.Context, g *group, failed error) error {
	ctx, cancel := context.WithTimeout(ctx, resolveFor)
	defer cancel()
	last := g.staged[len(g.staged)-1].entry
	for pause := 10 * time.Millisecond; ; pause *= 2 {
		var line []byte
		err := j.db.Write(ctx, func(tx *sql.Tx) error {
			const query = "SELECT line FROM entries WHERE idx = ?"
			err := tx.QueryRowContext(ctx, j.db.Q(query), last.Index).Scan(&line)
			if errors.Is(err, sql.ErrNoRows) {
				return nil
			}
			return err
		})
		switch {
		case line != nil && bytes.Equal(line, last.Line): // no two lines are the same: each has its own salt
			return nil
		case err == nil:
			return failed
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("%w: %w; then %w", ErrUncertain, failed, err)
		}
	}
}

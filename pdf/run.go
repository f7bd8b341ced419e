package pdf

import (
	"context"
	"fmt"
	"time"

	"confermo/evidence"
)

// waiting is a duty that failed, to be tried again.
type waiting struct {
	at   time.Time
	wait time.Duration
}

// Run signs what is due, then whatever becomes due, until ctx ends. A duty that fails is logged and tried again; it
// stands in the record and outlives this process. Run fails only when the record cannot be read.
func (s *Signer) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	from := s.cfg.Journal.Size()
	due, err := s.cfg.Journal.Due(ctx)
	if err != nil {
		return fmt.Errorf("find timesheets to sign: %w", err)
	}
	approved, failed := make(chan string), make(chan error, 1)
	go func() { failed <- s.watch(ctx, from, approved) }()
	retry := map[string]waiting{}
	for _, id := range due {
		s.try(ctx, id, retry)
	}
	for {
		var timer <-chan time.Time
		if next, ok := soonest(retry); ok {
			timer = time.After(time.Until(next))
		}
		select {
		case id := <-approved:
			s.try(ctx, id, retry)
		case <-timer:
			for id, w := range retry {
				if !w.at.After(time.Now()) {
					s.try(ctx, id, retry)
				}
			}
		case err := <-failed:
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
}

// watch names the interviews whose timesheet is approved, entry by entry from the tree's place from.
func (s *Signer) watch(ctx context.Context, from int64, approved chan<- string) error {
	kind := (*evidence.TimesheetApproved)(nil).Kind()
	for {
		if err := s.cfg.Journal.Wait(ctx, from); err != nil {
			return fmt.Errorf("follow the record: %w", err)
		}
		lines, err := s.cfg.Journal.Lines(ctx, from, from+256)
		if err != nil {
			return fmt.Errorf("follow the record: %w", err)
		}
		for _, line := range lines {
			head, err := evidence.ParseLine(line)
			if err != nil {
				return fmt.Errorf("follow the record: %w", err)
			}
			if head.Kind != kind {
				continue
			}
			select {
			case approved <- head.Interview:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		from += int64(len(lines))
	}
}

func (s *Signer) try(ctx context.Context, id string, retry map[string]waiting) {
	err := s.perform(ctx, id)
	if err == nil || ctx.Err() != nil {
		delete(retry, id)
		return
	}
	w := retry[id]
	w.wait = min(max(2*w.wait, s.cfg.Retry), 60*s.cfg.Retry)
	w.at = time.Now().Add(w.wait)
	retry[id] = w
	s.log.Error("timesheet not signed, trying again", "interview", id, "again_in", w.wait, "error", err)
}

func soonest(retry map[string]waiting) (at time.Time, ok bool) {
	for _, w := range retry {
		if !ok || w.at.Before(at) {
			at, ok = w.at, true
		}
	}
	return at, ok
}

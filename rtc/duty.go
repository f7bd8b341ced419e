package rtc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"confermo/evidence"
	"confermo/evidence/journal"
)

// dutyEvery is how often the record is asked for calls that nobody attends.
const dutyEvery = 5 * time.Second

// errAttended says that somebody came back before the close.
var errAttended = errors.New("somebody is there again")

// Finish ends an interview: what was observed is recorded first, then the close with its time, then everybody is told.
// Reason is "operator", "unattended" or "no-show". Finishing what is finished does nothing.
func (r *Rooms) Finish(ctx context.Context, interview, reason string) error {
	if err := r.finish(ctx, interview, reason, r.clock.UTC(r.now()), nil); err != nil {
		return fmt.Errorf("finish interview: %w", err)
	}
	return nil
}

func (r *Rooms) finish(ctx context.Context, id, reason string, end time.Time, still func(*evidence.Interview) error) error {
	closed := &evidence.Closed{At: end.Format(evidence.TimeFormat), Reason: reason}
	guard := func(iv *evidence.Interview) error {
		if iv.Closed != nil {
			return errOver
		}
		if still != nil {
			return still(iv)
		}
		return nil
	}
	seen := r.clock.UTC(r.now())
	if m := r.existing(id); m != nil {
		defer r.release(m)
		err := errOver
		m.do(func() { err = m.finish(ctx, closed, seen, guard) })
		if !errors.Is(err, errOver) {
			return err
		}
	}
	_, err := r.journal.Append(ctx, journal.Draft{Interview: id, By: "rtc", At: seen, Fact: closed, If: guard})
	if errors.Is(err, errOver) {
		return nil
	}
	return err
}

// Run performs the duties of rooms until ctx ends: it closes interviews that nobody attends any more.
func (r *Rooms) Run(ctx context.Context) error {
	tick := time.NewTicker(dutyEvery)
	defer tick.Stop()
	for {
		if err := r.closeUnattended(ctx, time.Now()); err != nil && ctx.Err() == nil {
			r.log.Error("close unattended interviews", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (r *Rooms) closeUnattended(ctx context.Context, now time.Time) error {
	ids, err := r.journal.Due(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range ids {
		iv, err := r.journal.Interview(ctx, id)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if !unattended(iv, now) {
			continue
		}
		err = r.finish(ctx, id, "unattended", lastCounted(iv), func(iv *evidence.Interview) error {
			if !unattended(iv, now) {
				return errAttended
			}
			return nil
		})
		if err != nil && !errors.Is(err, errAttended) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func unattended(iv *evidence.Interview, now time.Time) bool {
	for _, d := range iv.Duties() {
		if d.Kind == evidence.DutyCloseUnattended {
			return !d.Due.After(now)
		}
	}
	return false
}

// lastCounted is the end of the last counted second; where none counted, the last time a party was there.
func lastCounted(iv *evidence.Interview) time.Time {
	if a := evidence.Duration(iv.Entries(), iv.Scheduled.Programme.Terms.Rule); !a.End.IsZero() {
		return a.End.UTC()
	}
	var last time.Time
	for _, p := range iv.Parties {
		if p.Since.After(last) {
			last = p.Since
		}
	}
	return last.UTC()
}

// recover finds calls that the end of the last process cut off: it dates the end of each connection to the last second
// on record, and records the outage up to now.
func (r *Rooms) recover(ctx context.Context) error {
	ids, err := r.journal.Due(ctx)
	if err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	for _, id := range ids {
		iv, err := r.journal.Interview(ctx, id)
		if err != nil {
			return fmt.Errorf("recover: %w", err)
		}
		if drafts := outage(iv, time.Now().UTC()); len(drafts) > 0 {
			if _, err := r.journal.Append(ctx, drafts...); err != nil {
				return fmt.Errorf("recover %s: %w", id, err)
			}
		}
	}
	return nil
}

func outage(iv *evidence.Interview, now time.Time) []journal.Draft {
	if iv.Closed != nil {
		return nil
	}
	last := map[evidence.Party]time.Time{}
	for _, e := range iv.Entries() {
		switch f := e.Fact.(type) {
		case *evidence.MediaObserved:
			if from, err := time.Parse(evidence.TimeFormat, f.From); err == nil {
				last[f.Party] = from.Add(time.Duration(f.Secs) * time.Second)
			}
		case *evidence.PartyJoined:
			if at := e.Head.Time(); at.After(last[f.Party]) {
				last[f.Party] = at
			}
		}
	}
	var drafts []journal.Draft
	var from time.Time
	draft := func(f evidence.Fact) {
		drafts = append(drafts, journal.Draft{Interview: iv.ID, By: "rtc", Fact: f})
	}
	for _, p := range parties {
		for connection := range iv.Parties[p].Connections {
			end := last[p]
			if end.After(now) {
				end = now // the running second was recorded whole
			}
			if end.After(from) {
				from = end
			}
			draft(&evidence.PartyLeft{Party: p, Connection: connection, At: end.Format(evidence.TimeFormat), Reason: "lost"})
		}
	}
	if len(drafts) > 0 {
		draft(&evidence.ServiceGap{From: from.Format(evidence.TimeFormat), To: now.Format(evidence.TimeFormat)})
	}
	return drafts
}

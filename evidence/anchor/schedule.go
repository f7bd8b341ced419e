package anchor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"confermo/evidence"
	"confermo/evidence/journal"
)

type path = []tlog.Hash

// watch is what the schedule knows of the record. It is made of the entries behind the follower's place, so the place
// is kept only up to where nothing is open or waits for a token.
type watch struct {
	seen  int64            // entries read
	dirty int64            // last entry that is not an anchor's own, +1
	open  map[string]*room // interviews that go on
	stamp map[int64]bool   // entries that ask for a time stamp
	seal  map[string]int64 // interviews whose newest verdict may confirm: index of it
}

// room is an interview that goes on: somebody is connected, or the person was let in and it is not closed.
type room struct {
	first       int64 // index of the first join
	connections map[string]bool
	begun       bool
}

func newWatch() watch {
	return watch{open: map[string]*room{}, stamp: map[int64]bool{}, seal: map[string]int64{}}
}

// observe takes in the next entry.
func (w *watch) observe(e evidence.Entry) {
	w.seen = e.Index + 1
	if e.Head.Stream != "anchors" {
		w.dirty = e.Index + 1
	}
	id := e.Head.Interview
	switch f := e.Fact.(type) {
	case *evidence.PartyJoined:
		if w.open[id] == nil {
			w.open[id] = &room{first: e.Index, connections: map[string]bool{}}
		}
		w.open[id].connections[f.Connection] = true
	case *evidence.PartyLeft:
		if r := w.open[id]; r != nil {
			if delete(r.connections, f.Connection); len(r.connections) == 0 && !r.begun {
				delete(w.open, id)
			}
		}
	case *evidence.PartyAdmitted:
		// This is the opening that the audit wants stamped: from here on seconds may count.
		// Somebody whose connection fell just before is let in all the same.
		if f.Party != evidence.Person {
			break
		}
		if w.open[id] == nil {
			w.open[id] = &room{first: e.Index, connections: map[string]bool{}}
		}
		if r := w.open[id]; !r.begun {
			r.begun, w.stamp[e.Index] = true, true
		}
	case *evidence.Cancelled:
		delete(w.open, id)
	case *evidence.Closed:
		delete(w.open, id)
		w.stamp[e.Index] = true
	case *evidence.ReplyClassified:
		if f.Verdict == evidence.VerdictConfirmed && !f.Held {
			w.stamp[e.Index], w.seal[id] = true, e.Index
		}
	case *evidence.ReplyDecided:
		w.stamp[e.Index], w.seal[id] = true, e.Index
	case *evidence.Sealed:
		delete(w.seal, id)
	}
}

// done is the last index whose entry need not be read again after a restart. What waits to be sealed is found anew by
// its duty.
func (w *watch) done() int64 {
	first := w.seen
	for _, r := range w.open {
		first = min(first, r.first)
	}
	for i := range w.stamp {
		first = min(first, i)
	}
	return first - 1
}

// Run keeps the goals until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	if err := s.load(ctx); err != nil {
		return err
	}
	if err := s.findUnsealed(ctx); err != nil {
		return err
	}
	f, err := s.j.Follow(ctx, "anchor")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { s.loop(ctx, s.cosignWake, s.cfg.IdleEvery, s.planCosign, s.cosignOnce) })
	wg.Go(func() { s.loop(ctx, s.stampWake, longestStampPause, s.planStamp, s.stampOnce) })
	kept := int64(-1)
	for {
		e, err := f.Next(ctx)
		switch {
		case ctx.Err() != nil:
			cancel()
			return nil
		case err != nil:
			cancel()
			return fmt.Errorf("follow the record: %w", err)
		}
		s.mu.Lock()
		s.watch.observe(e)
		s.settle()
		done, behind := s.watch.done(), s.watch.seen < s.j.Size()
		s.mu.Unlock()
		if !behind {
			s.rouse()
		}
		// Kept rarely: what is read twice after a crash does no harm.
		if done > kept && (done >= kept+256 || !behind && e.Head.Stream == "anchors") {
			if err := f.Keep(ctx, done); err != nil && ctx.Err() == nil {
				return err
			}
			kept = done
		}
	}
}

// findUnsealed takes up the interviews whose seal is due.
func (s *Service) findUnsealed(ctx context.Context) error {
	ids, err := s.j.Due(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		iv, err := s.j.Interview(ctx, id)
		if err != nil {
			return err
		}
		for _, d := range iv.Duties() {
			if d.Kind == evidence.DutySeal {
				s.mu.Lock()
				s.watch.seal[id] = verdictIndex(iv)
				s.mu.Unlock()
			}
		}
	}
	return nil
}

// settle forgets what is covered, and everything where no authority is configured. s.mu is held.
func (s *Service) settle() {
	for i := range s.watch.stamp {
		if i < s.stamped.Size || len(s.cfg.TSAs) == 0 {
			delete(s.watch.stamp, i)
		}
	}
}

// rouse makes both loops plan anew.
func (s *Service) rouse() {
	for _, wake := range []chan struct{}{s.cosignWake, s.stampWake} {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
}

// longestStampPause lies between two tries while the authority fails: an outage of a minute must not make the next token too late
// for an auditor, who allows two.
const longestStampPause = 30 * time.Second

// plan says whether something is wanted, and from when.
type plan func() (at time.Time, wanted bool)

// loop acts whenever it is time, and after a failure again with pauses that grow to longest.
func (s *Service) loop(ctx context.Context, wake chan struct{}, longest time.Duration, next plan, act func(context.Context) error) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var pause time.Duration
	var notBefore time.Time
	for {
		at, wanted := next()
		if at.Before(notBefore) {
			at = notBefore
		}
		wait := time.Until(at)
		if wanted && wait <= 0 {
			if err := act(ctx); err != nil {
				pause = min(max(2*pause, s.cfg.CosignEvery/2), longest)
				notBefore = time.Now().Add(pause)
			} else {
				pause, notBefore = 0, time.Time{}
			}
			if ctx.Err() != nil {
				return
			}
			continue
		}
		if !wanted {
			wait = time.Hour
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-wake:
		case <-ctx.Done():
			return
		}
	}
}

// planCosign: while an interview is open, before the newest cosignature is CosignEvery old; else when something new
// stands in the record and it is IdleEvery old. A fifth of the time is left for the asking. Its age is measured here,
// since receipt: a witness whose clock is off must not upset the schedule.
func (s *Service) planCosign() (at time.Time, wanted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	every := s.cfg.IdleEvery
	switch {
	case len(s.cfg.Witnesses) == 0:
		return at, false
	case len(s.watch.open) > 0:
		every = s.cfg.CosignEvery
	case s.watch.dirty <= s.cosig.Size:
		return at, false
	}
	return s.cosignedAt.Add(every - every/5), true
}

func (s *Service) cosignOnce(ctx context.Context) error {
	_, err := s.cosign(ctx)
	return err
}

// wants tells what is not covered yet: a token is wanted for an opening, a closing or a confirmation; token and
// cosignature together to seal; ready are interviews that can be sealed now.
func (s *Service) wants() (token, both bool, ready []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	for id, i := range s.watch.seal {
		if i < s.full.Size {
			ready = append(ready, id)
		} else {
			both = len(s.cfg.TSAs) > 0 && len(s.cfg.Witnesses) > 0
		}
	}
	return len(s.watch.stamp) > 0, both, ready
}

// planStamp: at once what can be sealed; else what is wanted, when the newest token is StampEvery old.
func (s *Service) planStamp() (at time.Time, wanted bool) {
	token, both, ready := s.wants()
	if len(ready) > 0 {
		return at, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stampedAt.Add(s.cfg.StampEvery), token || both
}

// stampOnce seals what is covered. If something is not, it has a checkpoint cosigned, stamped, and seals again. A token
// costs money: it is not asked for when only the cosignature was missing and is still not to be had.
func (s *Service) stampOnce(ctx context.Context) error {
	if err := s.seal(ctx); err != nil {
		return err
	}
	token, both, _ := s.wants()
	s.mu.Lock()
	early := time.Since(s.stampedAt) < s.cfg.StampEvery
	s.mu.Unlock()
	if !token && !both || early {
		return nil
	}
	a, err := s.cosign(ctx)
	if err != nil && (!token || a.Size == 0) {
		return err
	}
	_, failed := s.stamp(ctx, a)
	return errors.Join(err, failed, s.seal(ctx))
}

// seal appends interview-sealed to every interview whose confirmation is covered by a token and a cosignature.
func (s *Service) seal(ctx context.Context) error {
	_, _, ready := s.wants()
	s.mu.Lock()
	size := s.full.Size
	s.mu.Unlock()
	var failed error
	for _, id := range ready {
		failed = errors.Join(failed, s.sealOne(ctx, id, size))
	}
	return failed
}

var errNothingToSeal = errors.New("nothing to seal")

func (s *Service) sealOne(ctx context.Context, id string, size int64) error {
	_, err := s.j.Append(ctx, journal.Draft{
		Interview: id, By: "anchor", Fact: &evidence.Sealed{Size: size},
		If: func(iv *evidence.Interview) error {
			if iv.Seal != nil || iv.Confirmation() == nil || verdictIndex(iv) >= size {
				return errNothingToSeal
			}
			return nil
		},
	})
	if err != nil && !errors.Is(err, errNothingToSeal) {
		return fmt.Errorf("seal %s: %w", id, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watch.seal[id] < size {
		delete(s.watch.seal, id)
	}
	return nil
}

// verdictIndex is the tree index of the newest entry that had a say in the confirmation.
func verdictIndex(iv *evidence.Interview) int64 {
	last := int64(0)
	for _, e := range iv.Entries() {
		switch e.Head.Kind {
		case "reply-classified", "reply-decided":
			last = e.Index
		}
	}
	return last
}

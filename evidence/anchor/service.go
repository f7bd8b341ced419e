package anchor

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/evidence/tree"
)

// Config names the outside services and the goals. A zero duration takes the value in brackets.
type Config struct {
	TSAs      []*TSA     // asked in order until one answers
	Witnesses []*Witness // all asked
	// CosignEvery is how old the newest cosignature may be while an interview is open (10 s), IdleEvery else (60 s).
	CosignEvery, IdleEvery time.Duration
	// StampEvery is how often a time stamp is asked for at most (60 s).
	StampEvery time.Duration
	Log        *slog.Logger
}

// Service has the journal's checkpoints cosigned and time-stamped, records what comes back, and seals interviews whose
// confirmation is covered. What cannot be had is asked for again for ever; the local clock never stands in.
type Service struct {
	j   *journal.Journal
	cfg Config

	cosigning chan struct{} // token: one cosigning at a time
	stamping  chan struct{} // token: one stamping at a time

	cosignWake, stampWake chan struct{} // tell Run's loops to plan anew

	mu      sync.Mutex
	loaded  bool
	watch   watch
	stamped Anchored // newest with a token
	full    Anchored // newest with a token and a cosignature over the same size
	cosig   Anchored // newest with a cosignature
	// When they came, on the local clock, for the schedule only. Zero after a start.
	stampedAt, cosignedAt time.Time
	trouble               map[string]fault // by type and service
}

// Anchored is a checkpoint and what outside services said of it.
type Anchored struct {
	Size  int64
	Note  []byte    // signed by the log, with the cosignatures that were had
	Token []byte    // over SHA-256 of the note's text; nil without
	Time  time.Time // in the token, else in the newest cosignature
}

type fault struct {
	text string
	at   time.Time
}

// New makes the service of a journal.
func New(j *journal.Journal, cfg Config) *Service {
	set := func(d *time.Duration, preset time.Duration) {
		if *d <= 0 {
			*d = preset
		}
	}
	set(&cfg.CosignEvery, 10*time.Second)
	set(&cfg.IdleEvery, time.Minute)
	set(&cfg.StampEvery, time.Minute)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{
		j: j, cfg: cfg, cosigning: make(chan struct{}, 1), stamping: make(chan struct{}, 1),
		cosignWake: make(chan struct{}, 1), stampWake: make(chan struct{}, 1),
		watch: newWatch(), trouble: map[string]fault{},
	}
	s.cosigning <- struct{}{}
	s.stamping <- struct{}{}
	return s
}

// Ensure anchors a checkpoint of at least the size now, unless one is anchored already. A service that is not
// configured leaves its part of Anchored empty. The error says what is configured and could not be had; Anchored holds
// the rest.
func (s *Service) Ensure(ctx context.Context, size int64) (Anchored, error) {
	if size > s.j.Size() {
		return Anchored{}, fmt.Errorf("anchor: the tree has %d entries, not %d", s.j.Size(), size)
	}
	if err := s.load(ctx); err != nil {
		return Anchored{}, err
	}
	s.mu.Lock()
	have := s.full
	switch {
	case len(s.cfg.Witnesses) == 0:
		have = s.stamped
	case len(s.cfg.TSAs) == 0:
		have = s.cosig
	}
	s.mu.Unlock()
	if have.Size >= size {
		return have, nil
	}
	a, err := s.cosign(ctx)
	if len(s.cfg.TSAs) > 0 && a.Size > 0 {
		stamped, failed := s.stamp(ctx, a)
		a, err = stamped, errors.Join(err, failed)
	}
	if err != nil {
		return a, fmt.Errorf("anchor: %w", err)
	}
	return a, nil
}

// Status tells what stands and what fails, for the page of the service's state.
type Status struct {
	Cosigned, Stamped time.Time // newest, zero while there is none
	Failing           []string  // "tsa https://…: …", in no order
}

// Status reports how the outside services do.
func (s *Service) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Status{Cosigned: s.cosig.Time, Stamped: s.stamped.Time}
	for who, f := range s.trouble {
		st.Failing = append(st.Failing, who+": "+f.text)
	}
	return st
}

// cosign has the newest checkpoint cosigned by every witness and records the answers. It fails when witnesses are
// configured and none answered; the checkpoint comes back in any case.
func (s *Service) cosign(ctx context.Context) (Anchored, error) {
	select {
	case <-s.cosigning:
		defer func() { s.cosigning <- struct{}{} }()
	case <-ctx.Done():
		return Anchored{}, ctx.Err()
	}
	msg, c, err := s.j.Checkpoint(ctx)
	if err != nil {
		return Anchored{}, err
	}
	type answer struct {
		line []byte
		at   time.Time
		err  error
	}
	answers := make([]answer, len(s.cfg.Witnesses))
	var wg sync.WaitGroup
	for i, w := range s.cfg.Witnesses {
		wg.Go(func() {
			prove := func(old int64) (path, error) { return s.j.ProveTree(ctx, c.Size, old) }
			a := &answers[i]
			a.line, a.at, a.err = w.Cosign(ctx, msg, c.Size, prove)
		})
	}
	wg.Wait()
	a := Anchored{Size: c.Size, Note: msg}
	var drafts []journal.Draft
	var failed error
	for i, w := range s.cfg.Witnesses {
		if answers[i].err != nil {
			failed = errors.Join(failed, fmt.Errorf("witness %s: %w", w.Name(), answers[i].err))
			s.failed(ctx, "witness", w.Name(), c.Size, answers[i].err)
			continue
		}
		s.worked("witness", w.Name())
		a.Note = append(a.Note[:len(a.Note):len(a.Note)], answers[i].line...)
		if answers[i].at.After(a.Time) {
			a.Time = answers[i].at
		}
		own := append(msg[:len(msg):len(msg)], answers[i].line...)
		drafts = append(drafts, received("witness", w.Name(), c, answers[i].at, own, nil))
	}
	if len(drafts) == 0 {
		return a, failed
	}
	if _, err := s.j.Append(ctx, drafts...); err != nil {
		return a, fmt.Errorf("record cosignature: %w", err)
	}
	s.mu.Lock()
	s.cosig, s.cosignedAt = a, time.Now()
	s.mu.Unlock()
	return a, nil
}

// stamp has a checkpoint's text stamped by the first authority that answers and records the token.
func (s *Service) stamp(ctx context.Context, a Anchored) (Anchored, error) {
	select {
	case <-s.stamping:
		defer func() { s.stamping <- struct{}{} }()
	case <-ctx.Done():
		return a, ctx.Err()
	}
	text, err := tree.NoteText(a.Note)
	if err != nil {
		return a, err
	}
	c, err := tree.ParseCheckpoint(text)
	if err != nil {
		return a, err
	}
	cosigned := !a.Time.IsZero()
	var failed error
	for _, t := range s.cfg.TSAs {
		token, info, err := t.Stamp(ctx, sha256.Sum256([]byte(text)))
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("time stamp from %s: %w", t.URL, err))
			s.failed(ctx, "tsa", t.URL, a.Size, err)
			continue
		}
		s.worked("tsa", t.URL)
		a.Token, a.Time = token, info.Time
		if _, err := s.j.Append(ctx, received("tsa", t.URL, c, info.Time, a.Note, token)); err != nil {
			return a, fmt.Errorf("record time stamp: %w", err)
		}
		s.mu.Lock()
		s.stamped, s.stampedAt = a, time.Now()
		if cosigned {
			s.full = a
		}
		s.mu.Unlock()
		s.rouse()
		return a, nil
	}
	return a, failed
}

func received(kind, from string, c tree.Checkpoint, at time.Time, msg, token []byte) journal.Draft {
	f := &evidence.AnchorReceived{
		Type: kind, From: from, Size: c.Size, Root: c.Root.String(), Time: at.UTC().Format(evidence.TimeFormat),
		Note: evidence.F(fmt.Sprintf("record/anchors/%d.note", c.Size), "text/plain", msg),
	}
	if token != nil {
		f.File = evidence.F(fmt.Sprintf("record/anchors/%d.tst", c.Size), "application/vnd.etsi.timestamp-token", token)
	}
	return journal.Draft{Stream: "anchors", By: "anchor", Fact: f}
}

// failed records a failure once, and again each hour while it lasts: an outage of days must not fill the record.
func (s *Service) failed(ctx context.Context, kind, from string, size int64, err error) {
	if ctx.Err() != nil {
		return // the service is being ended
	}
	key := kind + " " + from
	s.mu.Lock()
	known, lasting := s.trouble[key]
	record := !lasting || time.Since(known.at) > time.Hour
	if record {
		known.at = time.Now()
	}
	known.text = err.Error()
	s.trouble[key] = known
	s.mu.Unlock()
	if !record {
		return
	}
	s.cfg.Log.Warn("anchor failed", "type", kind, "from", from, "error", err)
	text := err.Error()
	fact := &evidence.AnchorFailed{Type: kind, From: from, Size: size, Text: text[:min(len(text), 500)]}
	if _, err := s.j.Append(ctx, journal.Draft{Stream: "anchors", By: "anchor", Fact: fact}); err != nil {
		s.cfg.Log.Error("record failed anchor", "error", err)
	}
}

func (s *Service) worked(kind, from string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.trouble, kind+" "+from)
}

// load reads the newest anchors from the record.
func (s *Service) load(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loaded {
		return nil
	}
	entries, err := s.j.Last(ctx, "stream:anchors", 500)
	if err != nil {
		return fmt.Errorf("read anchors: %w", err)
	}
	for _, e := range entries {
		f, ok := e.Fact.(*evidence.AnchorReceived)
		if !ok {
			continue
		}
		at, _ := time.Parse(evidence.TimeFormat, f.Time)
		a := Anchored{Size: f.Size, Time: at}
		if a.Note, err = s.j.File(ctx, "stream:anchors", e.Head.N, "note"); err != nil {
			return fmt.Errorf("read anchors: %w", err)
		}
		if f.Type == "witness" {
			s.cosig = a
			continue
		}
		if a.Token, err = s.j.File(ctx, "stream:anchors", e.Head.N, "file"); err != nil {
			return fmt.Errorf("read anchors: %w", err)
		}
		s.stamped = a
		if s.cosig.Size == a.Size { // its entry stands before the token's
			s.full = a
		}
	}
	s.loaded = true
	return nil
}

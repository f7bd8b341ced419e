package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"confermo/evidence"
	"confermo/evidence/tree"
)

const (
	groupMax  = 1024    // requests of one commit
	headsMax  = 100_000 // chains whose last line is remembered
	cachedMax = 200_000 // entries of folded interviews in memory
)

// committer is what the commit goroutine knows. All of it can be read again from the database, and is after a failure.
type committer struct {
	size    int64
	root    tlog.Hash
	edge    map[int64]tlog.Hash // stored hashes that the next leaf and the root are made of
	heads   map[string]chain
	numbers map[numberKey]int
	folds   map[string]*evidence.Interview // as they stand after the last staged entry
}

type chain struct {
	n    int
	prev string
}

type numberKey struct {
	agency string
	year   int
}

// group is one commit in the making.
type group struct {
	tx     *sql.Tx
	staged []staged
	drawn  map[numberKey]bool
	fresh  map[int64]tlog.Hash
	root   tlog.Hash
	// complete tells that nothing was left to do but the commit: if that failed, the group may be stored.
	complete bool
}

type staged struct {
	p     *prepared
	entry evidence.Entry
}

// run is the commit goroutine.
func (j *Journal) run() {
	defer close(j.done)
	var others <-chan time.Time // ticks where other processes may append
	if j.db.Shared() {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		others = tick.C
	}
	for {
		select {
		case r := <-j.requests:
			j.commit(j.gather(r))
		case <-others:
			j.look()
		case <-j.stop:
			for {
				select {
				case r := <-j.requests:
					j.commit(j.gather(r))
				default:
					return
				}
			}
		}
	}
}

func (j *Journal) gather(first *request) []*request {
	requests := []*request{first}
	for len(requests) < groupMax {
		select {
		case r := <-j.requests:
			requests = append(requests, r)
		default:
			return requests
		}
	}
	return requests
}

// commit carries out a group in one transaction. A request that fails by itself leaves the others alone; a failure of
// the database fails them all, unless only the answer to the commit was lost and the group is found stored: then it
// is acknowledged like any other, and nobody repeats it.
func (j *Journal) commit(requests []*request) {
	ctx := context.Background()
	g, err := j.attempt(ctx, requests)
	if err != nil && g.complete {
		err = j.resolve(ctx, g, err)
	}
	if err != nil {
		j.forget()
		for _, r := range requests {
			if r.err == nil {
				r.err = err
			}
			close(r.done)
		}
		return
	}
	if len(g.staged) > 0 {
		j.publish(g)
	}
	for _, r := range requests {
		if r.err == nil {
			r.err = j.erase(ctx, r.entries)
		}
		close(r.done)
	}
}

func (j *Journal) attempt(ctx context.Context, requests []*request) (*group, error) {
	g := &group{drawn: map[numberKey]bool{}, fresh: map[int64]tlog.Hash{}}
	return g, j.db.Write(ctx, func(tx *sql.Tx) error {
		g.tx = tx
		if err := j.refresh(ctx, tx); err != nil {
			return err
		}
		for _, r := range requests {
			if err := j.stage(ctx, g, r); err != nil {
				return err
			}
		}
		if len(g.staged) == 0 {
			return nil
		}
		if err := j.write(ctx, g); err != nil {
			return err
		}
		g.complete = true
		return nil
	})
}

// refused is an error of one request, not of the group.
type refused struct{ error }

// stage places the drafts of a request behind those staged before. What it returns is an error of the database.
func (j *Journal) stage(ctx context.Context, g *group, r *request) error {
	before := len(g.staged)
	heads, numbers := map[string]chain{}, map[numberKey]int{}
	for _, p := range r.drafts {
		head, err := j.head(ctx, g, p.scope)
		if err == nil {
			if _, saved := heads[p.scope]; !saved {
				heads[p.scope] = head
			}
			err = j.place(ctx, g, p, head, numbers)
		}
		var no refused
		if err == nil {
			continue
		} else if !errors.As(err, &no) {
			return err
		}
		r.err = no.error
		for _, s := range g.staged[before:] {
			delete(j.c.folds, s.p.scope)
		}
		g.staged = g.staged[:before]
		for scope, head := range heads {
			j.c.heads[scope] = head
		}
		for key, n := range numbers {
			j.c.numbers[key] = n
		}
		return nil
	}
	for _, s := range g.staged[before:] {
		r.entries = append(r.entries, s.entry)
	}
	return nil
}

// place gives one draft its number, its line and its place.
func (j *Journal) place(ctx context.Context, g *group, p *prepared, head chain, numbers map[numberKey]int) error {
	_, opens := p.fact.(*evidence.Scheduled)
	switch {
	case p.draft.Interview != "" && head.n == 0 && !opens:
		return refused{fmt.Errorf("interview %s: %w", p.scope, ErrNoInterview)}
	case p.draft.Interview != "" && head.n > 0 && opens:
		return refused{fmt.Errorf("interview %s is already scheduled", p.scope)}
	}
	if p.draft.If != nil {
		iv, err := j.fold(ctx, g, p.scope)
		if err != nil {
			return err
		}
		if err := guard(p.draft.If, iv); err != nil {
			return refused{err}
		}
	}
	if s, drawn := p.fact.(series); drawn {
		if err := j.draw(ctx, g, s, numbers); err != nil {
			return err
		}
		if err := j.encode(ctx, p); err != nil {
			return refused{err}
		}
	}
	e := p.entry
	e.Index = j.c.size + int64(len(g.staged))
	e.Head.N, e.Head.Prev = head.n+1, head.prev
	e.Line = p.place(e.Head.N, e.Head.Prev)
	for i := range e.Openings {
		e.Openings[i].N = e.Head.N
	}
	// Folded before it is staged: fold replays what is staged.
	if p.draft.Interview != "" && (showsInLists(e.Head.Kind) || j.c.folds[p.scope] != nil) {
		iv, err := j.fold(ctx, g, p.scope)
		if err != nil {
			return err
		}
		iv.Apply(e)
	}
	g.staged = append(g.staged, staged{p, e})
	j.c.heads[p.scope] = chain{e.Head.N, tree.LineHash(e.Line)}
	return nil
}

// guard keeps a panic of the caller's code out of the commit goroutine, which serves everybody.
func guard(f func(*evidence.Interview) error, iv *evidence.Interview) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("guard panicked: %v", p)
		}
	}()
	return f(iv)
}

// draw takes the next number of the fact's series. numbers keeps what stood before, for a request that fails.
func (j *Journal) draw(ctx context.Context, g *group, s series, numbers map[numberKey]int) error {
	agency, zone, at := s.Series()
	location, err := time.LoadLocation(zone)
	if err != nil || agency == "" || text(agency) != agency || at.IsZero() {
		return refused{fmt.Errorf("draw number: agency %q, zone %q and start %v do not name a series", agency, zone, at)}
	}
	key := numberKey{agency, at.In(location).Year()}
	n, known := j.c.numbers[key]
	if !known {
		const query = "SELECT n FROM numbers WHERE agency = ? AND year = ?"
		err := g.tx.QueryRowContext(ctx, j.db.Q(query), key.agency, key.year).Scan(&n)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("read number series: %w", err)
		}
	}
	if _, saved := numbers[key]; !saved {
		numbers[key] = n
	}
	s.SetNumber(key.year, n+1)
	j.c.numbers[key], g.drawn[key] = n+1, true
	return nil
}

// head is the last line of a scope, staged ones included.
func (j *Journal) head(ctx context.Context, g *group, scope string) (chain, error) {
	if h, ok := j.c.heads[scope]; ok {
		return h, nil
	}
	var n int
	var line []byte
	const query = "SELECT n, line FROM entries WHERE scope = ? ORDER BY n DESC LIMIT 1"
	err := g.tx.QueryRowContext(ctx, j.db.Q(query), scope).Scan(&n, &line)
	if errors.Is(err, sql.ErrNoRows) {
		return chain{}, nil
	}
	if err != nil {
		return chain{}, fmt.Errorf("read last line of %s: %w", scope, err)
	}
	return chain{n, tree.LineHash(line)}, nil
}

// fold is the interview as it stands after the last staged entry.
func (j *Journal) fold(ctx context.Context, g *group, id string) (*evidence.Interview, error) {
	if iv := j.c.folds[id]; iv != nil {
		return iv, nil
	}
	j.mu.Lock()
	entries, cached := j.cells[id]
	j.mu.Unlock()
	if !cached {
		var err error
		if entries, err = j.read(ctx, g.tx, "WHERE scope = ? ORDER BY n", id); err != nil {
			return nil, err
		}
	}
	iv := evidence.Fold(id, entries)
	for _, s := range g.staged {
		if s.p.scope == id {
			iv.Apply(s.entry)
		}
	}
	j.c.folds[id] = iv
	return iv, nil
}

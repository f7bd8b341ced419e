package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"confermo/evidence"
	"confermo/evidence/tree"
)

// querier is a pool or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Entries reads the entries of a scope (an interview's id or "stream:NAME") in order, opened and decoded. What was
// erased is absent: Body nil, or a value without its text. A scope nobody wrote to has none.
func (j *Journal) Entries(ctx context.Context, scope string) ([]evidence.Entry, error) {
	return j.read(ctx, j.db.SQL(), "WHERE scope = ? ORDER BY n", scope)
}

// Last reads the newest entries of a scope, at most count of them, in order.
func (j *Journal) Last(ctx context.Context, scope string, count int) ([]evidence.Entry, error) {
	const newest = "WHERE scope = ? AND n > (SELECT max(n) FROM entries WHERE scope = ?) - ? ORDER BY n"
	return j.read(ctx, j.db.SQL(), newest, scope, scope, count)
}

// Range reads the entries of the tree from index from up to, not including, to.
func (j *Journal) Range(ctx context.Context, from, to int64) ([]evidence.Entry, error) {
	return j.read(ctx, j.db.SQL(), "WHERE idx >= ? AND idx < ? ORDER BY idx", from, to)
}

// Within reads the entries of a scope that stand in the tree from index from up to, not including, to.
func (j *Journal) Within(ctx context.Context, scope string, from, to int64) ([]evidence.Entry, error) {
	return j.read(ctx, j.db.SQL(), "WHERE scope = ? AND idx >= ? AND idx < ? ORDER BY idx", scope, from, to)
}

// Lines reads the bare lines of the same entries, as hashed.
func (j *Journal) Lines(ctx context.Context, from, to int64) ([][]byte, error) {
	return j.lines(ctx, j.db.SQL(), from, to)
}

func (j *Journal) lines(ctx context.Context, q querier, from, to int64) ([][]byte, error) {
	rows, err := q.QueryContext(ctx, j.db.Q("SELECT line FROM entries WHERE idx >= ? AND idx < ? ORDER BY idx"), from, to)
	if err != nil {
		return nil, fmt.Errorf("read lines: %w", err)
	}
	defer rows.Close()
	var lines [][]byte
	for rows.Next() {
		var line []byte
		if err := rows.Scan(&line); err != nil {
			return nil, fmt.Errorf("read lines: %w", err)
		}
		lines = append(lines, line)
	}
	return lines, rows.Err()
}

// Interview folds an interview as it stands. The facts it points to are shared: read them, never write them.
func (j *Journal) Interview(ctx context.Context, id string) (*evidence.Interview, error) {
	j.mu.Lock()
	entries, cached := j.cells[id]
	changed := j.changed
	j.mu.Unlock()
	if cached {
		return evidence.Fold(id, entries), nil
	}
	if !plain(id) {
		return nil, fmt.Errorf("read interview: %w", ErrNoInterview)
	}
	entries, err := j.Entries(ctx, id)
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("read interview %s: %w", id, ErrNoInterview)
	}
	iv := evidence.Fold(id, entries)
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, cached := j.cells[id]; !cached && j.changed == changed {
		j.cells[id] = iv.Entries()
		j.weight += len(entries)
		// A second fold for the caller: the commit goroutine may extend the first one's entries.
		return evidence.Fold(id, iv.Entries()), nil
	}
	return iv, nil
}

// File reads the bytes of a file in entry n of a scope and checks them against the commitment in the entry's body.
// Path is that of the part, for example "file". Errors: Config.Erased; no such file.
func (j *Journal) File(ctx context.Context, scope string, n int, path string) ([]byte, error) {
	entries, err := j.read(ctx, j.db.SQL(), "WHERE scope = ? AND n = ?", scope, n)
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 || entries[0].Fact == nil {
		return nil, fmt.Errorf("read file %s of entry %d of %s: the entry is missing or erased", path, n, scope)
	}
	for _, p := range evidence.Parts(entries[0].Fact) {
		if p.Path == path && p.File != nil {
			data, err := j.file(ctx, j.db.SQL(), entries[0], p)
			if err != nil {
				return nil, fmt.Errorf("read file %s of entry %d of %s: %w", path, n, scope, err)
			}
			return data, nil
		}
	}
	return nil, fmt.Errorf("read file %s of entry %d of %s: %s has no such file", path, n, scope, entries[0].Head.Kind)
}

func (j *Journal) file(ctx context.Context, q querier, e evidence.Entry, p evidence.Part) ([]byte, error) {
	var salt, sealed []byte
	const query = "SELECT salt, sealed FROM parts WHERE idx = ? AND path = ?"
	if err := q.QueryRowContext(ctx, j.db.Q(query), e.Index, p.Path).Scan(&salt, &sealed); err != nil {
		return nil, err
	}
	if sealed == nil {
		return nil, j.cfg.Erased
	}
	scope := e.Head.Scope()
	salt, err := j.keep.Unseal(ctx, scope, p.Class, salt)
	if err != nil {
		return nil, err
	}
	data, err := j.keep.Unseal(ctx, scope, p.Class, sealed)
	if err != nil {
		return nil, err
	}
	return data, tree.CheckOpening(p.File.C, salt, data)
}

type storedPart struct {
	idx          int64
	path         string
	class        evidence.Class
	salt, sealed []byte
}

// read selects entries by a WHERE clause and opens them.
func (j *Journal) read(ctx context.Context, q querier, where string, args ...any) ([]evidence.Entry, error) {
	rows, err := q.QueryContext(ctx, j.db.Q("SELECT idx, line, body FROM entries "+where), args...)
	if err != nil {
		return nil, fmt.Errorf("read entries: %w", err)
	}
	var entries []evidence.Entry
	err = each(rows, func() error {
		var e evidence.Entry
		if err := rows.Scan(&e.Index, &e.Line, &e.Body); err != nil {
			return err
		}
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read entries: %w", err)
	}
	parts := map[int64][]storedPart{}
	rows, err = q.QueryContext(ctx, j.db.Q(`SELECT idx, path, class, salt, CASE WHEN salt IS NULL THEN sealed END FROM parts
		WHERE idx IN (SELECT idx FROM entries `+where+`) ORDER BY idx, path`), args...)
	if err != nil {
		return nil, fmt.Errorf("read parts: %w", err)
	}
	err = each(rows, func() error {
		var p storedPart
		if err := rows.Scan(&p.idx, &p.path, &p.class, &p.salt, &p.sealed); err != nil {
			return err
		}
		parts[p.idx] = append(parts[p.idx], p)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read parts: %w", err)
	}
	for i := range entries {
		if err := j.open(ctx, &entries[i], parts[entries[i].Index]); err != nil {
			return nil, fmt.Errorf("open entry %d of the tree: %w", entries[i].Index, err)
		}
	}
	return entries, nil
}

func each(rows *sql.Rows, f func() error) error {
	for rows.Next() {
		if err := f(); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

// open unseals what is not erased, checks it against the commitments and decodes the fact.
func (j *Journal) open(ctx context.Context, e *evidence.Entry, parts []storedPart) (err error) {
	if e.Head, err = evidence.ParseLine(e.Line); err != nil {
		return err
	}
	sealed := e.Body
	e.Body = nil
	salt, body, ok, err := j.unseal(ctx, e.Head.Scope(), evidence.ClassRecord, sealed)
	if err != nil {
		return err
	}
	if ok {
		if err := tree.CheckOpening(e.Head.Fact.C, salt, body); err != nil {
			return err
		}
		e.Body = body
		e.Openings = append(e.Openings, evidence.Opening{Stream: e.Head.Stream, N: e.Head.N, Salt: salt, Body: body})
	}
	for _, p := range parts {
		o := evidence.Opening{Stream: e.Head.Stream, N: e.Head.N, Path: p.path}
		sealed := p.sealed
		if p.salt != nil {
			sealed = p.salt
		}
		var ok bool
		if o.Salt, o.Body, ok, err = j.unseal(ctx, e.Head.Scope(), p.class, sealed); err != nil {
			return err
		}
		if ok {
			e.Openings = append(e.Openings, o)
		}
	}
	if err := e.Decode(); err != nil || e.Fact == nil {
		return err
	}
	return settle(e)
}

// settle checks the values of a decoded fact against their openings and names the files of the others.
func settle(e *evidence.Entry) error {
	for _, p := range evidence.Parts(e.Fact) {
		for i := range e.Openings {
			o := &e.Openings[i]
			switch {
			case o.Path != p.Path || o.Path == "":
			case p.File != nil:
				o.File, o.Body = p.File.Name, nil
			default:
				if err := tree.CheckOpening(p.Value.C, o.Salt, o.Body); err != nil {
					return fmt.Errorf("%s: %w", p.Path, err)
				}
			}
		}
	}
	return nil
}

// unseal splits salt and bytes. ok is false for what was erased.
func (j *Journal) unseal(ctx context.Context, scope string, class evidence.Class, sealed []byte) (salt, data []byte, ok bool, err error) {
	if sealed == nil {
		return nil, nil, false, nil
	}
	plain, err := j.keep.Unseal(ctx, scope, class, sealed)
	if err != nil {
		if j.cfg.Erased != nil && errors.Is(err, j.cfg.Erased) {
			return nil, nil, false, nil
		}
		return nil, nil, false, err
	}
	if len(plain) < tree.SaltSize {
		return nil, nil, false, fmt.Errorf("the sealed bytes are shorter than a salt")
	}
	return plain[:tree.SaltSize], plain[tree.SaltSize:], true, nil
}

package journal_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"

	"confermo/evidence"
	"confermo/evidence/journal"
)

var errBroken = errors.New("the disk or the line broke")

// faults breaks the call of a number, among those that reach the database, in one of two ways.
type faults struct {
	mu   sync.Mutex
	left int  // calls until the one that breaks; 0 = none breaks
	done bool // it takes place and is reported lost; else it is lost
	hit  string
}

func (f *faults) arm(call int, done bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left, f.done, f.hit = call, done, ""
}

// disarm tells which call was broken, "" for none.
func (f *faults) disarm() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left = 0
	return f.hit
}

// pass does the call, or breaks it. instead is what happens in place of a lost call.
func (f *faults) pass(what string, do, instead func() error) error {
	f.mu.Lock()
	broken := f.left == 1
	if f.left > 0 {
		f.left--
	}
	if broken {
		f.hit = what
	}
	done := f.done
	f.mu.Unlock()
	switch {
	case !broken:
		return do()
	case done:
		return errors.Join(errBroken, do())
	default:
		if instead != nil {
			_ = instead()
		}
		return errBroken
	}
}

func (f *faults) through(c driver.Connector) driver.Connector { return faultyConnector{c, f} }

type faultyConnector struct {
	driver.Connector
	f *faults
}

func (c faultyConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &faultyConn{conn, c.f}, nil
}

type faultyConn struct {
	driver.Conn
	f *faults
}

func (c *faultyConn) BeginTx(ctx context.Context, o driver.TxOptions) (tx driver.Tx, err error) {
	err = c.f.pass("begin", func() (err error) {
		tx, err = c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
		return err
	}, nil)
	if err != nil && tx != nil { // begun and reported lost: the line is gone, and the server gives up the transaction
		_ = tx.Rollback()
	}
	return &faultyTx{tx, c.f}, err
}

func (c *faultyConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (r driver.Result, err error) {
	err = c.f.pass(query, func() (err error) {
		r, err = c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
		return err
	}, nil)
	return r, err
}

func (c *faultyConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (r driver.Rows, err error) {
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

func (c *faultyConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	stmt, err := c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
	return &faultyStmt{stmt, query, c.f}, err
}

func (c *faultyConn) ResetSession(ctx context.Context) error {
	if r, ok := c.Conn.(driver.SessionResetter); ok {
		return r.ResetSession(ctx)
	}
	return nil
}

type faultyStmt struct {
	driver.Stmt
	query string
	f     *faults
}

func (s *faultyStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (r driver.Result, err error) {
	err = s.f.pass(s.query, func() (err error) {
		r, err = s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
		return err
	}, nil)
	return r, err
}

func (s *faultyStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
}

type faultyTx struct {
	driver.Tx
	f *faults
}

// Commit, lost, leaves a transaction that the server rolls back.
func (t *faultyTx) Commit() error { return t.f.pass("commit", t.Tx.Commit, t.Tx.Rollback) }

func TestEveryBrokenWriteOfACommitLeavesAWholeRecord(t *testing.T) {
	for _, mode := range []struct {
		name string
		done bool
	}{{"lost", false}, {"done but reported lost", true}} {
		t.Run(mode.name, func(t *testing.T) {
			onEach(t, func(t *testing.T, s *site) { breakEveryWrite(t, s, mode.done) })
		})
	}
}

func breakEveryWrite(t *testing.T, s *site, done bool) {
	f := &faults{}
	s.close()
	s.through = f.through
	s.open(t)
	s.schedule(t, id(0), "a")
	acknowledged := map[string][]evidence.Entry{}
	numbers := 1
	broken := map[string]bool{}
	// How many calls a commit takes depends on the hashes it completes: only several in a row without a hit end it.
	for call, missed := 1, 0; missed < 5; call++ {
		interview := id(call)
		drafts := []journal.Draft{
			{Interview: interview, By: "web", Fact: scheduled("a")},
			{Interview: interview, By: "web", Fact: &evidence.DocumentUploaded{File: evidence.F("x", "y", []byte("image"))}},
			{Interview: id(0), By: "rtc", Fact: media(call)},
			{Stream: "access", By: "web", Fact: &evidence.AccountSignedIn{Account: interview}},
		}
		f.arm(call, done)
		entries, err := s.Append(t.Context(), drafts...)
		hit := f.disarm()
		broken[hit] = true
		what := fmt.Sprintf("call %d, %.40q", call, hit)
		if err == nil {
			acknowledged[interview] = entries[:2]
			numbers++
		} else if !errors.Is(err, errBroken) {
			t.Fatalf("%s: %v", what, err)
		}
		if hit == "commit" && done && err != nil {
			t.Errorf("%s: it is stored and was reported lost: %v", what, err)
		}
		s.append(t, journal.Draft{Interview: id(0), By: "rtc", Fact: media(call)})
		if call%2 == 0 || hit == "" || hit == "commit" {
			s.restart(t)
		}
		if err := s.Check(t.Context()); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		for n := 0; n <= call; n++ {
			want, have := acknowledged[id(n)], entriesOf(t, s, id(n))
			if n > 0 && len(have) != len(want) || len(want) > 0 && !reflect.DeepEqual(have, want) {
				t.Fatalf("%s: %s has %d entries, acknowledged were %d", what, id(n), len(have), len(want))
			}
		}
		if hit == "" {
			missed++
		}
	}
	rows, err := s.List(t.Context(), journal.Filter{Agency: "a", Limit: 1000})
	if err != nil || len(rows) != numbers {
		t.Errorf("%d interviews in the list, %v; want %d", len(rows), err, numbers)
	}
	for _, r := range rows {
		if r.Number.N > numbers {
			t.Errorf("number %s was given to the %d interviews", r.Number, numbers)
		}
	}
	t.Logf("broke %d kinds of calls", len(broken)-1)
	if !broken["commit"] || !broken["begin"] || len(broken) < 8 {
		t.Errorf("broke only %v", broken)
	}
}

func entriesOf(t *testing.T, s *site, scope string) []evidence.Entry {
	t.Helper()
	entries, err := s.Entries(t.Context(), scope)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

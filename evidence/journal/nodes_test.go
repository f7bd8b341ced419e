package journal_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/evidence/tree"
)

const (
	togetherWriters = 8
	togetherEach    = 15
)

// appendTogether is one of several processes that append to the same chains, series and streams, and prints what was
// acknowledged.
func appendTogether(folder, key, _ string) error {
	s := &site{folder: folder, key: key, dsn: os.Getenv("CONFERMO_KILL_DSN")}
	ctx := context.Background()
	if err := s.tryOpen(ctx); err != nil {
		return err
	}
	defer s.close()
	var printing sync.Mutex
	failed := make(chan error, togetherWriters)
	for w := range togetherWriters {
		go func() {
			failed <- func() error {
				for i := range togetherEach {
					d := journal.Draft{Interview: id(1), By: "rtc", Fact: media(i)}
					switch i % 5 {
					case 1:
						d = journal.Draft{Stream: "access", By: "web", Fact: &evidence.AccountSignedIn{Account: "x"}}
					case 2:
						d = journal.Draft{Interview: fmt.Sprintf("P%d-%d-%d", os.Getpid(), w, i), By: "web", Fact: scheduled("a")}
					}
					entries, err := s.Append(ctx, d)
					if err != nil {
						return err
					}
					printing.Lock()
					fmt.Printf("%s %d %s\n", entries[0].Head.Scope(), entries[0].Head.N, tree.LineHash(entries[0].Line))
					printing.Unlock()
				}
				return nil
			}()
		}()
	}
	var err error
	for range togetherWriters {
		err = errors.Join(err, <-failed)
	}
	return err
}

func TestSeveralProcessesAppendingToOneDatabaseStayLinear(t *testing.T) {
	s := newPostgresSite(t)
	s.schedule(t, id(1), "a")
	s.append(t, journal.Draft{Stream: "access", By: "web", Fact: &evidence.AccountSignedIn{Account: "x"}})
	const processes = 4
	var wg sync.WaitGroup
	var mu sync.Mutex
	acknowledged := map[string]string{}
	for p := range processes {
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), "CONFERMO_KILL_FOLDER="+s.folder, "CONFERMO_KILL_KEY="+s.key, "CONFERMO_KILL_DSN="+s.dsn, "CONFERMO_KILL_ROUND=together")
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			lines, count := bufio.NewScanner(out), 0
			for lines.Scan() {
				var scope, hash string
				var n int
				if _, err := fmt.Sscan(lines.Text(), &scope, &n, &hash); err != nil {
					t.Errorf("process %d says %q", p, lines.Text())
				}
				mu.Lock()
				if other, twice := acknowledged[fmt.Sprint(scope, " ", n)]; twice {
					t.Errorf("%s %d was given to %s and to %s", scope, n, other, hash)
				}
				acknowledged[fmt.Sprint(scope, " ", n)] = hash
				mu.Unlock()
				if count++; p == 0 && count == 20 { // one of them dies while it works
					_ = cmd.Process.Kill()
				}
			}
			if err := cmd.Wait(); (err != nil) != (p == 0) {
				t.Errorf("process %d: %v", p, err)
			}
		})
	}
	for i := range 40 { // this process appends as well
		s.append(t, journal.Draft{Interview: id(1), By: "rtc", Fact: media(i)})
	}
	wg.Wait()
	s.append(t, journal.Draft{Interview: id(1), By: "rtc", Fact: media(99)})
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	stored := map[string]string{}
	lines, err := s.Lines(t.Context(), 0, s.Size())
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		h, err := evidence.ParseLine(line)
		if err != nil {
			t.Fatal(err)
		}
		stored[fmt.Sprint(h.Scope(), " ", h.N)] = tree.LineHash(line)
	}
	for entry, hash := range acknowledged {
		if stored[entry] != hash {
			t.Errorf("%s was acknowledged as %s and is %q", entry, hash, stored[entry])
		}
	}
	iv, err := s.Interview(t.Context(), id(1))
	shared, err2 := s.Entries(t.Context(), id(1))
	if err := errors.Join(err, err2); err != nil || iv.N != len(shared) || iv.LastHash != tree.LineHash(shared[len(shared)-1].Line) {
		t.Errorf("the interview stands at %d of %d entries, %v", iv.N, len(shared), err)
	}
	t.Logf("%d entries of %d acknowledged by %d processes", len(stored), len(acknowledged), processes)
}

// Two journals in one process stand for two nodes: what one appends reaches the followers, folds and keys of the other.
func TestANodeSeesWhatAnotherAppends(t *testing.T) {
	a := newPostgresSite(t)
	b := &site{folder: a.folder, dsn: a.dsn, key: a.key}
	b.open(t)
	t.Cleanup(b.close)
	a.schedule(t, id(1), "a")
	f, err := b.Follow(t.Context(), "pdf")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	until := func(kind evidence.Kind) {
		t.Helper()
		for {
			if e, err := f.Next(ctx); err != nil {
				t.Fatal(err)
			} else if e.Head.Kind == kind {
				return
			}
		}
	}
	until("interview-scheduled")
	iv, err := b.Interview(ctx, id(1))
	if err != nil || !iv.Scheduled.Person.Name.Open {
		t.Fatalf("%+v %v", iv, err)
	}
	a.append(t, journal.Draft{Interview: id(1), By: "web", Fact: &evidence.NoticeRead{Version: "1"}})
	again := errors.New("read before")
	_, err = b.Append(ctx, journal.Draft{
		Interview: id(1), By: "web", Fact: &evidence.NoticeRead{Version: "1"},
		If: func(iv *evidence.Interview) error {
			if iv.Notice != nil {
				return again
			}
			return nil
		},
	})
	if !errors.Is(err, again) {
		t.Errorf("a guard did not see what the other node appended: %v", err)
	}
	a.append(t, journal.Draft{Interview: id(1), By: "web", Fact: &evidence.ClassErased{Class: evidence.ClassIdentity}})
	until("class-erased")
	if iv, err = b.Interview(ctx, id(1)); err != nil || iv.Scheduled.Person.Name.Open || iv.N != 3 {
		t.Errorf("the other node still shows what was erased: %+v %v", iv.Scheduled.Person, err)
	}
	b.append(t, journal.Draft{Interview: id(1), By: "rtc", Fact: media(1)})
	a.append(t, journal.Draft{Interview: id(1), By: "rtc", Fact: media(2)})
	for _, s := range []*site{a, b} {
		if err := s.Check(ctx); err != nil {
			t.Error(err)
		}
	}
}

func TestADatabaseSetBackUnderARunningJournalIsRefused(t *testing.T) {
	onEach(t, func(t *testing.T, s *site) {
		s.schedule(t, id(1), "a")
		size := s.Size()
		if _, err := s.db.SQL().Exec(fmt.Sprintf("UPDATE head SET size = %d", size-1)); err != nil {
			t.Fatal(err)
		}
		_, err := s.Append(t.Context(), journal.Draft{Interview: id(1), By: "rtc", Fact: media(1)})
		if !errors.Is(err, journal.ErrSetBack) || s.Size() != size {
			t.Fatalf("%v, size %d", err, s.Size())
		}
	})
}

package journal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/evidence/tree"
)

func TestAppendedFactsAreReadBackAfterRestart(t *testing.T) {
	onEach(t, appendedFactsAreReadBackAfterRestart)
}

func appendedFactsAreReadBackAfterRestart(t *testing.T, s *site) {
	image := bytes.Repeat([]byte("jpeg"), 20_000)
	s.schedule(t, id(1), "a")
	got := s.append(
		t,
		journal.Draft{Interview: id(1), By: "web", Fact: &evidence.NoticeRead{Version: "1", Language: "it"}},
		journal.Draft{Interview: id(1), By: "web", Fact: &evidence.DocumentUploaded{
			Document: "identity-card", File: evidence.F("documents/identity-card.jpg", "image/jpeg", image),
		}},
	)
	before, err := s.Entries(t.Context(), id(1))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(before[1:], got) {
		t.Errorf("Append returned\n%+v\nand Entries\n%+v", got, before[1:])
	}
	s.restart(t)
	after, err := s.Entries(t.Context(), id(1))
	if err != nil || !reflect.DeepEqual(before, after) {
		t.Fatalf("before restart\n%+v\nafter\n%+v %v", before, after, err)
	}
	iv, err := s.Interview(t.Context(), id(1))
	if err != nil || iv.N != 3 || iv.Scheduled.Person.FullName() != "Mario Rossi" || iv.Scheduled.Number.String() != "1/2026" {
		t.Fatalf("%+v %v", iv, err)
	}
	file, err := s.File(t.Context(), id(1), 3, "file")
	if err != nil || !bytes.Equal(file, image) {
		t.Fatalf("%d bytes, %v", len(file), err)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Interview(t.Context(), "01NONE"); !errors.Is(err, journal.ErrNoInterview) {
		t.Errorf("unknown interview: %v", err)
	}
	var lines [][]byte
	for _, e := range after {
		lines = append(lines, e.Line)
		if bytes.Contains(e.Line, []byte("Mario")) || bytes.Contains(e.Body, []byte("Mario")) {
			t.Errorf("a name stands in clear: %s %s", e.Line, e.Body)
		}
		for _, o := range e.Openings {
			if len(o.Salt) != tree.SaltSize {
				t.Errorf("entry %d %s: salt of %d bytes", o.N, o.Path, len(o.Salt))
			}
		}
	}
	if err := tree.CheckChain(lines); err != nil {
		t.Error(err)
	}
}

func TestManyWritersShareCommits(t *testing.T) { onEach(t, manyWritersShareCommits) }

func manyWritersShareCommits(t *testing.T, s *site) {
	const writers, each = 64, 20
	for i := range writers {
		s.schedule(t, id(i), "a")
	}
	start := s.Size()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				e, err := s.Append(context.Background(), journal.Draft{Interview: id(w), By: "rtc", Fact: media(i)})
				if err != nil || e[0].Head.N != i+2 {
					t.Errorf("writer %d fact %d: %v %v", w, i, e, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if got := s.Size() - start; got != writers*each {
		t.Errorf("%d entries, want %d", got, writers*each)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAppendIsAllOrNothing(t *testing.T) { onEach(t, appendIsAllOrNothing) }

func appendIsAllOrNothing(t *testing.T, s *site) {
	s.schedule(t, id(1), "a")
	size := s.Size()
	full := errors.New("taken")
	_, err := s.Append(
		t.Context(),
		journal.Draft{Interview: id(1), By: "rtc", Fact: media(1)},
		journal.Draft{Interview: id(2), By: "web", Fact: scheduled("a")},
		journal.Draft{Interview: id(1), By: "web", Fact: media(2), If: func(*evidence.Interview) error { return full }},
	)
	if !errors.Is(err, full) || s.Size() != size {
		t.Fatalf("%v, tree grew from %d to %d", err, size, s.Size())
	}
	for _, d := range []journal.Draft{
		{Interview: id(2), By: "rtc", Fact: media(1)},                                 // never scheduled
		{Interview: id(1), By: "web", Fact: scheduled("a")},                           // twice
		{Interview: id(1), Stream: "node", By: "web", Fact: media(1)},                 // two scopes
		{By: "web", Fact: media(1)},                                                   // none
		{Interview: "../x", By: "web", Fact: scheduled("a")},                          // leaves the vault's folder
		{Interview: id(1), By: "web"},                                                 // no fact
		{Interview: id(1), By: strings.Repeat("x", evidence.MaxLine), Fact: media(1)}, // line too long
		{Interview: id(1), By: "web", Fact: &evidence.NoticeRead{Version: strings.Repeat("x", evidence.MaxBody)}},
		{Interview: id(3), By: "web", Fact: &evidence.Scheduled{}}, // names no series
		{Interview: id(1), By: "web", Fact: media(1), If: func(*evidence.Interview) error { panic("oh") }},
	} {
		if _, err := s.Append(t.Context(), d); err == nil {
			t.Errorf("accepted %+v", d)
		}
	}
	if s.Size() != size {
		t.Errorf("refused drafts left %d entries", s.Size()-size)
	}
	s.append(t, journal.Draft{Interview: id(1), By: "rtc", Fact: media(1)})
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestOnceOnlyFactsStandOnce(t *testing.T) { onEach(t, onceOnlyFactsStandOnce) }

func onceOnlyFactsStandOnce(t *testing.T, s *site) {
	s.schedule(t, id(1), "a")
	again := errors.New("already read")
	once := func(iv *evidence.Interview) error {
		if iv.Notice != nil {
			return again
		}
		return nil
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for range 32 {
		wg.Go(func() {
			fact := &evidence.NoticeRead{Version: "1"}
			_, err := s.Append(context.Background(), journal.Draft{Interview: id(1), By: "web", Fact: fact, If: once})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if !errors.Is(err, again) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	entries, err := s.Entries(t.Context(), id(1))
	if won != 1 || len(entries) != 2 || err != nil {
		t.Fatalf("%d won, %d entries, %v", won, len(entries), err)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestNumbersAreGapFreePerAgencyAndYearInItsZone(t *testing.T) {
	onEach(t, numbersAreGapFreePerAgencyAndYearInItsZone)
}

func numbersAreGapFreePerAgencyAndYearInItsZone(t *testing.T, s *site) {
	refuse := func(*evidence.Interview) error { return errors.New("no") }
	newYear := scheduled("a")
	newYear.Start = "2026-12-31T23:30:00.000Z" // already 2027 in Rome
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			agency := []string{"a", "b"}[i%2]
			d := journal.Draft{Interview: id(i), By: "web", Fact: scheduled(agency)}
			if i%5 == 0 {
				d.If = refuse
			}
			_, err := s.Append(context.Background(), d)
			if (err != nil) != (i%5 == 0) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s.append(t, journal.Draft{Interview: id(99), By: "web", Fact: newYear})
	s.restart(t)
	s.schedule(t, id(100), "b")
	got := map[string]map[int]bool{}
	rows, err := s.List(t.Context(), journal.Filter{All: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		series := fmt.Sprintf("%s %d", r.Agency, r.Number.Year)
		if got[series] == nil {
			got[series] = map[int]bool{}
		}
		got[series][r.Number.N] = true
	}
	for series, want := range map[string]int{"a 2026": 24, "b 2026": 25, "a 2027": 1} {
		if len(got[series]) != want || !got[series][1] || !got[series][want] {
			t.Errorf("series %s: %v, want 1 to %d", series, got[series], want)
		}
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestProofsHoldForEveryEntryAndEverySize(t *testing.T) {
	onEach(t, proofsHoldForEveryEntryAndEverySize)
}

func proofsHoldForEveryEntryAndEverySize(t *testing.T, s *site) {
	s.schedule(t, id(1), "a")
	for i := range 12 {
		s.append(t, journal.Draft{Interview: id(1), By: "rtc", Fact: media(i)})
	}
	verifier, err := note.NewVerifier(s.VKey())
	if err != nil {
		t.Fatal(err)
	}
	msg, head, err := s.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c, _, err := tree.OpenCheckpoint(msg, note.VerifierList(verifier)); err != nil || c != head {
		t.Fatalf("%+v %v", c, err)
	}
	lines, err := s.Lines(t.Context(), 0, head.Size)
	if err != nil {
		t.Fatal(err)
	}
	for index, line := range lines {
		proof, err := s.ProveEntry(t.Context(), head.Size, int64(index))
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckRecord(proof, head.Size, head.Root, int64(index), tree.LeafHash(line)); err != nil {
			t.Error(err)
		}
	}
	for old := int64(1); old <= head.Size; old++ {
		_, older, err := s.CheckpointAt(t.Context(), old)
		if err != nil {
			t.Fatal(err)
		}
		proof, err := s.ProveTree(t.Context(), head.Size, old)
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.CheckConsistency(older, head, proof); err != nil {
			t.Error(err)
		}
	}
	if _, err := s.ProveEntry(t.Context(), head.Size+1, 0); err == nil {
		t.Error("proved in a tree that does not exist")
	}
}

func TestFollowersKeepTheirPlace(t *testing.T) { onEach(t, followersKeepTheirPlace) }

func followersKeepTheirPlace(t *testing.T, s *site) {
	s.schedule(t, id(1), "a")
	f, err := s.Follow(t.Context(), "pdf")
	if err != nil {
		t.Fatal(err)
	}
	var last evidence.Entry
	for i := range int64(2) {
		if last, err = f.Next(t.Context()); err != nil || last.Index != i {
			t.Fatalf("%+v %v", last, err)
		}
	}
	if err := f.Keep(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	s.restart(t)
	if f, err = s.Follow(t.Context(), "pdf"); err != nil {
		t.Fatal(err)
	}
	for i := int64(1); i < s.Size(); i++ {
		e, err := f.Next(t.Context())
		if err != nil || e.Index != i {
			t.Fatalf("%+v %v", e, err)
		}
	}
	next := make(chan evidence.Entry)
	go func() {
		e, _ := f.Next(context.Background())
		next <- e
	}()
	want := s.append(t, journal.Draft{Interview: id(1), By: "rtc", Fact: media(1)})
	if e := <-next; !bytes.Equal(e.Line, want[0].Line) {
		t.Errorf("woke up for %s", e.Line)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestI17EachAgencyListsOnlyItsOwnNames(t *testing.T) { onEach(t, eachAgencyListsOnlyItsOwnNames) }

func eachAgencyListsOnlyItsOwnNames(t *testing.T, s *site) {
	for i := range 6 {
		s.schedule(t, id(i), []string{"a", "b"}[i%2])
	}
	for _, f := range []journal.Filter{{Agency: "a"}, {Agency: "a", Query: "rossi mario"}, {Agency: "a", Query: "RSSMRA"}, {Agency: "a", Operator: "op-a"}} {
		rows, err := s.List(t.Context(), f)
		if err != nil || len(rows) != 3 {
			t.Fatalf("%+v: %d rows, %v", f, len(rows), err)
		}
		for _, r := range rows {
			if r.Agency != "a" {
				t.Errorf("%+v lists an interview of %s", f, r.Agency)
			}
		}
	}
	for _, f := range []journal.Filter{{Agency: "a", Operator: "op-b"}, {Agency: "a", Query: "%"}, {Agency: "a", Query: "verdi"}, {Agency: "' OR 1=1 --"}} {
		if rows, err := s.List(t.Context(), f); err != nil || len(rows) != 0 {
			t.Errorf("%+v: %d rows, %v", f, len(rows), err)
		}
	}
	if _, err := s.List(t.Context(), journal.Filter{}); err == nil {
		t.Error("an empty filter listed everybody's names")
	}
}

func TestListsAndDutiesFollowFromTheRecord(t *testing.T) {
	onEach(t, listsAndDutiesFollowFromTheRecord)
}

func listsAndDutiesFollowFromTheRecord(t *testing.T, s *site) {
	for i := range 4 {
		s.schedule(t, id(i), "a")
	}
	s.append(t, journal.Draft{Interview: id(1), By: "web", Fact: &evidence.NoticeRead{Version: "1"}})
	s.append(t, journal.Draft{Interview: id(2), By: "web", Fact: &evidence.Cancelled{Reason: "x"}})
	s.append(t, journal.Draft{
		Interview: id(3), By: "rtc", Fact: &evidence.Closed{At: "2026-11-22T10:30:00.000Z", Reason: "operator"},
		At: time.Now().Add(-2 * time.Hour),
	})
	states := func() (map[string]evidence.State, []string, []journal.Row) {
		rows, err := s.List(t.Context(), journal.Filter{Agency: "a"})
		if err != nil {
			t.Fatal(err)
		}
		due, err := s.Due(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]evidence.State{}
		for _, r := range rows {
			got[r.ID] = r.State
			iv, err := s.Interview(t.Context(), r.ID)
			if err != nil || iv.State(time.Now()) != r.State || (len(iv.Duties()) > 0) != r.Due {
				t.Errorf("%s: the list says %s due %v, the record %s %v", r.ID, r.State, r.Due, iv.State(time.Now()), err)
			}
		}
		return got, due, rows
	}
	got, due, rows := states()
	want := map[string]evidence.State{
		id(0): evidence.StateScheduled, id(1): evidence.StateDocumentsMissing, id(2): evidence.StateCancelled,
		id(3): evidence.StateSignOverdue, // the term ran out without any entry
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
	if _, err := s.db.SQL().Exec("DELETE FROM interviews"); err != nil {
		t.Fatal(err)
	}
	s.restart(t)
	if err := s.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, due2, rows2 := states()
	if !reflect.DeepEqual(rows, rows2) || !reflect.DeepEqual(due, due2) {
		t.Errorf("before\n%+v\n%v\nafter\n%+v\n%v", rows, due, rows2, due2)
	}
}

func TestClosedJournalRefuses(t *testing.T) { onEach(t, closedJournalRefuses) }

func closedJournalRefuses(t *testing.T, s *site) {
	s.Close()
	if _, err := s.Append(t.Context(), journal.Draft{Interview: id(1), By: "web", Fact: scheduled("a")}); !errors.Is(err, journal.ErrClosed) {
		t.Fatal(err)
	}
	if err := s.Wait(t.Context(), 1000); !errors.Is(err, journal.ErrClosed) {
		t.Fatal(err)
	}
}

func TestClockReadingsOfOneBootAgree(t *testing.T) { onEach(t, clockReadingsOfOneBootAgree) }

func clockReadingsOfOneBootAgree(t *testing.T, s *site) {
	s.schedule(t, id(1), "a")
	s.append(t, journal.Draft{Interview: id(1), By: "rtc", Fact: media(1), At: time.Now().Add(-3 * time.Second)})
	s.append(t, journal.Draft{Interview: id(1), By: "rtc", Fact: media(2), At: time.Now().Add(-5 * time.Second).UTC().Round(0)})
	lines, err := s.Lines(t.Context(), 0, s.Size())
	if err != nil {
		t.Fatal(err)
	}
	var first evidence.Head
	for i, line := range lines {
		var h evidence.Head
		if err := json.Unmarshal(line, &h); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = h
		}
		if d := h.Time().Sub(first.Time()) - time.Duration(h.Mono-first.Mono)*time.Millisecond; d.Abs() > time.Second {
			t.Errorf("entry %d: wall and monotonic distance differ by %v", i, d)
		}
	}
}

func FuzzParseLine(f *testing.F) {
	f.Add([]byte(`{"v":1,"at":"2026-11-22T10:15:03.123Z","node":"n1","boot":"01K","mono":5123,"interview":"01J","n":17,"prev":"x","by":"rtc","kind":"media-observed","fact":{"c":"x"}}`))
	f.Add([]byte(`{"v":1,"at":"2026-11-22T10:15:03.123Z","stream":"node","n":1,"prev":"","by":"journal","kind":"k","fact":{"c":"x"}} {}`))
	f.Add([]byte(`{"v":1,"v":2}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		h, err := evidence.ParseLine(line)
		if err != nil {
			return
		}
		again, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		if h2, err := evidence.ParseLine(again); err != nil && len(again) <= evidence.MaxLine || err == nil && h2 != h {
			t.Fatalf("%s\nread as %+v\nwritten as %s: %v", line, h, again, err)
		}
	})
}

package journal_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/evidence/store/postgrestest"
	"confermo/evidence/tree"
)

// TestMain becomes the process to be killed where the environment says so.
func TestMain(m *testing.M) {
	if folder := os.Getenv("CONFERMO_KILL_FOLDER"); folder != "" {
		run := appendForEver
		if os.Getenv("CONFERMO_KILL_ROUND") == "together" {
			run = appendTogether
		}
		if err := run(folder, os.Getenv("CONFERMO_KILL_KEY"), os.Getenv("CONFERMO_KILL_ROUND")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(postgrestest.Run(m))
}

// appendForEver writes from eight goroutines and prints each acknowledged entry.
func appendForEver(folder, key, round string) error {
	s := &site{folder: folder, key: key, dsn: os.Getenv("CONFERMO_KILL_DSN")}
	ctx := context.Background()
	if err := s.tryOpen(ctx); err != nil {
		return err
	}
	var printing sync.Mutex
	failed := make(chan error)
	for w := range 8 {
		go func() {
			for i := 0; ; i++ {
				interview := fmt.Sprintf("R%s-%d-%d", round, w, i/10)
				d := journal.Draft{Interview: interview, By: "rtc", Fact: media(i)}
				switch i % 10 {
				case 0:
					d.Fact = scheduled("a")
				case 3: // a file that does not fit into the row
					d.Fact = &evidence.DocumentUploaded{File: evidence.F("x", "y", bytes.Repeat([]byte{byte(i)}, 20_000))}
				case 5:
					d = journal.Draft{Stream: "access", By: "web", Fact: &evidence.AccountSignedIn{Account: interview}}
				}
				entries, err := s.Append(ctx, d)
				if err != nil {
					failed <- err
					return
				}
				printing.Lock()
				fmt.Printf("%s %d %s\n", entries[0].Head.Scope(), entries[0].Head.N, tree.LineHash(entries[0].Line))
				printing.Unlock()
			}
		}()
	}
	return <-failed
}

func TestKillNineLosesNoAcknowledgedEntry(t *testing.T) {
	rounds := 20
	if os.Getenv("CONFERMO_SOAK") == "1" {
		rounds = 200
	}
	seed := uint64(time.Now().UnixNano())
	if s, err := strconv.ParseUint(os.Getenv("CONFERMO_SEED"), 10, 64); err == nil {
		seed = s
	}
	t.Logf("CONFERMO_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var s *site
	var acknowledged map[string]string // scope and number to hash
	total := 0
	for round := range rounds {
		if round%10 == 0 { // a fresh record now and then: Check reads all of it
			if s = newSite(t); s != nil {
				s.close()
			}
			acknowledged = map[string]string{}
		}
		before := len(acknowledged)
		killAt(t, s, round, time.Duration(random.Int64N(int64(150*time.Millisecond))), acknowledged)
		total += len(acknowledged) - before
		s.open(t)
		if err := s.Check(t.Context()); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		lines, err := s.Lines(t.Context(), 0, s.Size())
		if err != nil {
			t.Fatal(err)
		}
		stored := map[string]string{}
		for _, line := range lines {
			h, err := evidence.ParseLine(line)
			if err != nil {
				t.Fatal(err)
			}
			stored[fmt.Sprint(h.Scope(), " ", h.N)] = tree.LineHash(line)
		}
		for entry, hash := range acknowledged {
			if stored[entry] != hash {
				t.Fatalf("round %d: %s was acknowledged as %s and is %q", round, entry, hash, stored[entry])
			}
		}
		s.close()
	}
	t.Logf("%d rounds, %d acknowledged entries, all there", rounds, total)
	if total < rounds {
		t.Errorf("only %d entries were acknowledged in %d rounds: the test proves nothing", total, rounds)
	}
}

// killAt runs the appending process and kills it after the delay.
func killAt(t *testing.T, s *site, round int, after time.Duration, acknowledged map[string]string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "CONFERMO_KILL_FOLDER="+s.folder, "CONFERMO_KILL_KEY="+s.key, "CONFERMO_KILL_DSN="+s.dsn, "CONFERMO_KILL_ROUND="+fmt.Sprint(round))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	if round%2 == 1 && timer.Stop() { // every other one dies only after it has acknowledged something
		timer.Reset(time.Minute)
	}
	reader, heard := bufio.NewReader(out), false
	for {
		line, err := reader.ReadString('\n')
		if err != nil { // a line cut off by the kill was not read by anybody
			break
		}
		var scope, hash string
		var n int
		if _, err := fmt.Sscan(line, &scope, &n, &hash); err != nil {
			t.Fatalf("child says %q: %v", line, err)
		}
		acknowledged[fmt.Sprint(scope, " ", n)] = hash
		if !heard && round%2 == 1 {
			timer.Reset(after)
		}
		heard = true
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("the child ended by itself: %v", err)
	}
}

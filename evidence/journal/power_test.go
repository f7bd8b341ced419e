package journal_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"confermo/evidence"
	"confermo/evidence/tree"
)

// Killing a process tests no sync: what it wrote stays in the kernel's memory. Here a run's writes and syncs are traced,
// the power goes at random moments of it, and what had been synced by then must hold every acknowledged entry.
func TestPowerLossLosesNoAcknowledgedEntry(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatal("the test needs the Debian package strace")
	}
	s := newSite(t)
	s.close()
	if err := os.RemoveAll(s.folder); err != nil { // the run makes it anew, so that all of it is in the trace
		t.Fatal(err)
	}
	if err := os.Mkdir(s.folder, 0o700); err != nil {
		t.Fatal(err)
	}
	file := traceRun(t, strace, s, 400)
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	steps, err := readTrace(f)
	if err != nil {
		t.Fatal(err)
	}
	last := steps[len(steps)-1].end
	rounds := 8
	if os.Getenv("CONFERMO_SOAK") == "1" {
		rounds = 200
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("%d calls, seed %d", len(steps), seed)
	random := rand.New(rand.NewPCG(seed, 0))
	checked := 0
	for round := range rounds {
		until := last - random.IntN(last*9/10)
		pick := random
		if round%2 == 0 {
			pick = nil // nothing but what was synced
		}
		d := newDisk(s.folder)
		d.replay(steps, until)
		left := &site{folder: filepath.Join(t.TempDir(), "left"), key: s.key}
		left.dsn = "sqlite:" + filepath.Join(left.folder, "confermo.db")
		if err := d.restore(s.folder, left.folder, pick); err != nil {
			t.Fatal(err)
		}
		checked += verifyAcknowledged(t, left, d.said, fmt.Sprintf("power lost at line %d of %d, round %d", until, last, round))
	}
	t.Logf("%d acknowledged entries looked up after %d losses of power", checked, rounds)
	if checked < 20*rounds {
		t.Errorf("only %d entries were acknowledged before the power went: the test proves little", checked)
	}
}

// traceRun traces the appending process until it has acknowledged count entries.
func traceRun(t *testing.T, strace string, s *site, count int) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "trace")
	const calls = "trace=open,openat,mkdir,mkdirat,rename,write,pwrite64,ftruncate,fsync,fdatasync,renameat,renameat2,unlink,unlinkat"
	cmd := exec.Command(strace, "-f", "-y", "-xx", "-s", "1000000", "-o", file, "-e", calls, os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "CONFERMO_KILL_FOLDER="+s.folder, "CONFERMO_KILL_KEY="+s.key, "CONFERMO_KILL_DSN="+s.dsn, "CONFERMO_KILL_ROUND=0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for range count {
		if !lines.Scan() {
			t.Fatal("the traced process ended by itself")
		}
	}
	_ = out.Close() // its next word ends it
	_ = cmd.Wait()
	return file
}

// verifyAcknowledged opens what is left and looks up what the process had said.
func verifyAcknowledged(t *testing.T, left *site, said []string, when string) int {
	t.Helper()
	if err := left.tryOpen(t.Context()); err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	defer left.close()
	if err := left.Check(t.Context()); err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	lines, err := left.Lines(t.Context(), 0, left.Size())
	if err != nil {
		t.Fatal(err)
	}
	stored := map[string]bool{}
	for _, line := range lines {
		h, err := evidence.ParseLine(line)
		if err != nil {
			t.Fatal(err)
		}
		stored[fmt.Sprintln(h.Scope(), h.N, tree.LineHash(line))] = true
	}
	checked := 0
	for _, line := range said {
		if len(strings.Fields(line)) != 3 {
			continue
		}
		if !stored[line] {
			t.Fatalf("%s: acknowledged and gone: %s", when, line)
		}
		checked++
	}
	return checked
}

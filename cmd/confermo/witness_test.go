package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"confermo/evidence/anchor"
	"confermo/evidence/tree"
)

// TestWitnessProcess is the witness where the environment names its folder, and nothing else.
func TestWitnessProcess(t *testing.T) {
	folder := os.Getenv("CONFERMO_WITNESS_FOLDER")
	if folder == "" {
		return
	}
	args := []string{"-listen", "127.0.0.1:0", "-name", "witness.example", "-data", filepath.Join(folder, "state"), "-log", filepath.Join(folder, "log.vkey")}
	if err := witnessCommand(context.Background(), args, os.Stdout); err != nil {
		t.Fatal(err)
	}
}

// growing is a log whose two histories part at entry fork.
type growing struct {
	signer note.Signer
	hashes []tlog.Hash
}

func (l *growing) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for _, i := range indexes {
		out = append(out, l.hashes[i])
	}
	return out, nil
}

func grow(t *testing.T, signer note.Signer, size, fork int64) *growing {
	t.Helper()
	l := &growing{signer: signer}
	for i := range size {
		hashes, err := tlog.StoredHashes(i, fmt.Append(nil, i, i >= fork), l)
		if err != nil {
			t.Fatal(err)
		}
		l.hashes = append(l.hashes, hashes...)
	}
	return l
}

func (l *growing) checkpoint(t *testing.T, size int64) (tree.Checkpoint, []byte) {
	t.Helper()
	root, err := tlog.TreeHash(size, l)
	if err != nil {
		t.Fatal(err)
	}
	c := tree.Checkpoint{Origin: l.signer.Name(), Size: size, Root: root}
	msg, err := tree.SignCheckpoint(c, l.signer)
	if err != nil {
		t.Fatal(err)
	}
	return c, msg
}

// add posts a checkpoint as C2SP tlog-witness says, from the size old.
func (l *growing) add(t *testing.T, url string, old, size int64) (int, string) {
	t.Helper()
	_, msg := l.checkpoint(t, size)
	body := fmt.Sprintf("old %d\n", old)
	if old > 0 && old < size {
		proof, err := tlog.ProveTree(size, old, l)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range proof {
			body += h.String() + "\n"
		}
	}
	res, err := http.Post(url+"/add-checkpoint", "text/plain", strings.NewReader(body+"\n"+string(msg)))
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	answer, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(answer)
}

// startWitness runs the witness as a process of its own and gives its key and address.
func startWitness(t *testing.T, folder string) (cmd *exec.Cmd, vkey, url string) {
	t.Helper()
	cmd = exec.Command(os.Args[0], "-test.run=^TestWitnessProcess$")
	cmd.Env = append(os.Environ(), "CONFERMO_WITNESS_FOLDER="+folder)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if k, ok := strings.CutPrefix(lines.Text(), "witness "); ok {
			vkey = k
		}
		if u, ok := strings.CutPrefix(lines.Text(), "listens on "); ok {
			return cmd, vkey, u
		}
	}
	t.Fatal("the witness does not start")
	return nil, "", ""
}

func TestWitnessKilledAtRandomMomentsNeverCosignsTwoHistories(t *testing.T) {
	skey, vkey, err := note.GenerateKey(rand.Reader, "prova.example/log")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "log.vkey"), []byte("# the log\n"+vkey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const fork = 1
	good, forged := grow(t, signer, 40_000, 40_000), grow(t, signer, 40_000, fork)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := mathrand.New(mathrand.NewPCG(seed, 0))
	name := ""
	cosigned := int64(0) // the largest size that came back with a good cosignature
	total := 0
	for round := range 12 {
		cmd, key, url := startWitness(t, folder)
		if name != "" && key != name {
			t.Fatalf("the witness came back as %s, it was %s", key, name)
		}
		name = key
		if cosigned > 0 {
			refusesForks(t, forged, good, url, cosigned)
		}
		w, err := anchor.NewWitness(url, key)
		if err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(random.Int64N(int64(80*time.Millisecond))), func() { _ = cmd.Process.Kill() })
		for size := cosigned + 1; ; size++ {
			_, msg := good.checkpoint(t, size)
			line, _, err := w.Cosign(t.Context(), msg, size, func(old int64) ([]tlog.Hash, error) { return tlog.ProveTree(size, old, good) })
			if errors.Is(err, anchor.ErrSetBack) && size <= cosigned+2 {
				continue // the one before was kept, and the answer was lost with the process
			}
			if errors.Is(err, anchor.ErrSetBack) {
				t.Fatalf("round %d: the witness refuses a continuation of %d: %v", round, cosigned, err)
			}
			if err != nil {
				break // killed
			}
			if len(line) == 0 {
				t.Fatal("no cosignature")
			}
			cosigned = size
			total++
		}
		timer.Stop()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	t.Logf("%d cosignatures up to size %d", total, cosigned)
	if total < 12 {
		t.Errorf("only %d cosignatures: the test proves nothing", total)
	}
}

// refusesForks offers what is not a continuation of what was cosigned.
func refusesForks(t *testing.T, forged, good *growing, url string, cosigned int64) {
	t.Helper()
	for _, offer := range []struct {
		what      string
		log       *growing
		old, size int64
	}{
		{"a first checkpoint of another history", forged, 0, cosigned + 5},
		{"a continuation of another history", forged, cosigned, cosigned + 5},
		{"one entry more of another history", forged, cosigned + 1, cosigned + 5},
		{"another tree of the same size", forged, cosigned, cosigned},
		{"an older tree", good, 0, max(cosigned-1, 1)},
	} {
		if offer.what == "an older tree" && cosigned == 1 {
			continue
		}
		if status, answer := offer.log.add(t, url, offer.old, offer.size); status != http.StatusConflict && status != http.StatusUnprocessableEntity {
			t.Fatalf("%s: %d %s", offer.what, status, answer)
		}
	}
}

func TestWitnessSaysWhatIsWrongWithItsSettings(t *testing.T) {
	folder := t.TempDir()
	bad := filepath.Join(folder, "bad.vkey")
	if err := os.WriteFile(bad, []byte("nonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{}, {"-log", filepath.Join(folder, "none")}, {"-log", bad}, {"-log", os.DevNull}} {
		if err := witnessCommand(t.Context(), append(args, "-data", filepath.Join(folder, "w"), "-listen", "127.0.0.1:0"), io.Discard); err == nil {
			t.Errorf("%v was accepted", args)
		}
	}
}

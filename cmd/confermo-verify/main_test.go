package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"confermo/evidence/audit"
	"confermo/evidence/audit/audittest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"confermo-verify": main})
}

var story = sync.OnceValue(func() *audittest.Story { return audittest.Tell(audittest.Script{}) })

// lay writes good.asice, altered.asice, refused.asice and the folder trust.
func lay(dir string) error {
	s := story()
	good := s.Seal(s.Content())
	altered := slices.Clone(good)
	altered[len(altered)/2] ^= 1
	no := audittest.Tell(audittest.Script{Reply: "Non confermo"})
	files := map[string][]byte{
		"good.asice": good, "altered.asice": altered, "refused.asice": no.Seal(no.Content()),
		"receipt.json": s.Receipt(2, nil), "old-receipt.json": s.Receipt(1, nil), "refused-receipt.json": no.Receipt(2, nil),
		"forged-receipt.json": s.Receipt(2, func(r *audit.Receipt) { r.Attested = 3600 }),
	}
	for name, f := range s.Trust() {
		files["trust/"+name] = f.Data
	}
	for name, data := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   "testdata",
		Setup: func(e *testscript.Env) error { return lay(e.WorkDir) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// exits CODE PROGRAM ARGS… requires the very exit code.
			"exits": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) < 2 {
					ts.Fatalf("usage: exits CODE PROGRAM ARGS…")
				}
				code := 0
				if err := ts.Exec(args[1], args[2:]...); err != nil {
					exit := (*exec.ExitError)(nil)
					if !errors.As(err, &exit) {
						ts.Fatalf("run: %v", err)
					}
					code = exit.ExitCode()
				}
				if strconv.Itoa(code) != args[0] {
					ts.Fatalf("exit code %d, want %s", code, args[0])
				}
			},
		},
	})
}

// build makes the static program as it is released.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "confermo-verify")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "confermo-verify")
	cmd := exec.Command("go", "build", "-trimpath", "-o", bin, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.New(string(out))
	}
	return bin, nil
})

func binary(t *testing.T) string {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(bin) })
	return bin
}

func TestAttack21_StaticAndWithoutNetworkCode(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range strings.Fields(string(out)) {
		if slices.Contains([]string{"net/http", "os/exec", "database/sql", "plugin"}, p) {
			t.Errorf("the verifier reaches %s", p)
		}
	}
}

// The auditor's program opens no socket: strace sees every system call.
func TestAttack21_NeverOpensASocket(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatal("strace is missing: install the package strace")
	}
	bin, dir := binary(t), t.TempDir()
	if err := lay(dir); err != nil {
		t.Fatal(err)
	}
	trace := filepath.Join(dir, "trace")
	cmd := exec.Command(strace, "-f", "-o", trace, bin, "-trust", filepath.Join(dir, "trust"), filepath.Join(dir, "good.asice"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	calls, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(calls), "openat(") {
		t.Fatal("strace saw nothing")
	}
	for line := range strings.Lines(string(calls)) {
		for _, call := range []string{" socket(", " connect(", " bind(", " execve("} {
			if strings.Contains(line, call) && !strings.Contains(line, bin) {
				t.Errorf("system call: %s", line)
			}
		}
	}
	if info, err := exec.Command("file", bin).Output(); err == nil && !strings.Contains(string(info), "statically linked") {
		t.Errorf("the program is not static: %s", info)
	}
}

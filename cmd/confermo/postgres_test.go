package main

import (
	"context"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startPostgres starts a private PostgreSQL server on a loopback port and gives its DSN.
func startPostgres(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(found) == 0 {
		t.Fatal("PostgreSQL is missing: install the Debian package postgresql")
	}
	bin := found[len(found)-1]
	owner, err := user.Lookup("postgres")
	check(t, err)
	uid, _ := strconv.ParseUint(owner.Uid, 10, 32)
	gid, _ := strconv.ParseUint(owner.Gid, 10, 32)
	dir, err := os.MkdirTemp("", "pg")
	check(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	check(t, os.Chown(dir, int(uid), int(gid)))
	as := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	if os.Getuid() != 0 {
		as = nil // we are somebody already, and the server runs as us
	}
	data := filepath.Join(dir, "data")
	init := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust")
	init.SysProcAttr, init.Dir = as, dir
	if out, err := init.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	port := freePort(t)
	server := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-h", "127.0.0.1", "-p", port, "-k", dir)
	server.SysProcAttr, server.Dir = as, dir
	check(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGINT)
		_ = server.Wait()
	})
	waitPort(t, port)
	return "postgres://postgres@127.0.0.1:" + port + "/postgres?sslmode=disable"
}

// The whole story on PostgreSQL, the program none the wiser, and the journal checked from outside afterwards.
func TestDemoOnPostgreSQL(t *testing.T) {
	t.Parallel()
	confermo, verify := programs(t)
	data, out := t.TempDir(), t.TempDir()
	dsn := startPostgres(t)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	run := func(args ...string) string {
		cmd := exec.CommandContext(ctx, confermo, args...)
		cmd.Env = append(os.Environ(), "CONFERMO_DB="+dsn)
		said, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("confermo %s: %v\n%s", strings.Join(args, " "), err, said)
		}
		return string(said)
	}
	run("demo", "-data", data, "-out", out, "-exit")
	verifiesAtItsCeiling(t, verify, filepath.Join(out, "trust"), filepath.Join(out, "bundle.asice"))
	if said := run("journal", "check", "-data", data); !strings.Contains(said, "agree") {
		t.Errorf("journal check says %s", said)
	}
}
